"""Ubuntu 24.04: a checkout is set up on it, makes its bundle there, and a host of it is installed with no way out."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from appliance.deploy import bundle as bundles
from appliance.deploy.inventory import Answers, make
from tests.install import machine as machines
from tests.install.conftest import HOST_NAME
from tests.install.machine import NOBLE, Machine
from tests.install.test_one_host import (  # noqa: F401 - the same of another distribution
    host,
    test_a_unit_runs_and_comes_back_with_the_host,
    test_it_had_no_way_out,
    test_nothing_inner_is_reached_from_outside,
    test_only_those_may_read_who_must,
    test_the_origin_answers_by_tls_with_the_authoritys_certificate,
    test_the_processes_are_nobody_in_particular,
)
from tests.install.test_sat_exam import (  # noqa: F401 - the same exam on another host
    appliance,
    browser,
    people,
    test_a_candidate_sits_an_exam_and_it_is_sealed,
    test_a_reviewer_sees_what_was_recorded,
    test_nothing_failed_behind_what_people_saw,
    test_the_evidence_and_the_log_are_whole,
)
from tests.running import ROOT

BUILDER = Path("/var/tmp/kustos-test-noble-builder-1")  # noqa: S108 - a later run finds it again
SOURCES = "".join(f"deb {NOBLE.mirror} noble{pocket} main universe\n" for pocket in ("", "-updates", "-security"))
FORMER = os.environ.get("KUSTOS_TEST_UNPACKED_NOBLE", "")
"""An unpacked bundle of such a run, whose packages and foreign wheels are taken instead of being collected again."""
WAYS = ("/etc/pip.conf", "/etc/npmrc", "~/.config/pip/pip.conf", "~/.npmrc", "/etc/ssl/certs/ca-certificates.crt")
"""How this machine reaches the registries; the builder takes the same ways."""


class Builder:
    """An Ubuntu with this machine's network, on which the commands of the README are run."""

    def __init__(self):
        machines.demand()
        if not BUILDER.exists():
            fresh = BUILDER.with_name(f"{BUILDER.name}.{os.getpid()}")
            subprocess.run(["cp", "--archive", "--reflink=auto", str(machines.base(NOBLE)), str(fresh)], check=True)
            (fresh / "etc/apt/sources.list").write_text(SOURCES)
            fresh.rename(BUILDER)
        checkout = BUILDER / "srv/kustos"
        checkout.mkdir(exist_ok=True)
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        tar = ["tar", "--create", "--null", "--files-from=-", "--ignore-failed-read"]
        packed = subprocess.run(tar, cwd=ROOT, input=names, capture_output=True, check=True).stdout
        subprocess.run(["tar", "--extract", f"--directory={checkout}"], input=packed, check=True)

    def run(self, command, seconds=3600):
        """Run a line of shell in its checkout."""
        binds = [f"--bind-ro={path}:{path}" for path in map(os.path.expanduser, WAYS) if Path(path).exists()]
        binds += [f"--bind-ro={FORMER}:/mnt"] if FORMER else []
        passed = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "npm_config_"))}
        passed |= {"DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8", "PIP_FIND_LINKS": ""}
        if "NODE_EXTRA_CA_CERTS" in os.environ:
            passed["NODE_EXTRA_CA_CERTS"] = os.environ["NODE_EXTRA_CA_CERTS"]
        done = subprocess.run(
            [
                *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--pipe", "--chdir=/srv/kustos"),
                *(f"--directory={BUILDER}", f"--machine=kustos-builder-{os.getpid()}", "--resolv-conf=replace-host"),
                *binds,
                *(f"--setenv={name}={value}" for name, value in passed.items()),
                *("/bin/bash", "-c", command),
            ],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="module")
def builder():
    return Builder()


@pytest.fixture(scope="module")
def set_up(builder):
    """The README's set-up on a fresh Ubuntu, of which git and make are given."""
    builder.run("apt-get -qq update && apt-get -qq -y install --no-install-recommends make > /dev/null")
    builder.run("make setup")
    return builder


@pytest.fixture(scope="module")
def unpacked(set_up, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ubuntu")
    made = BUILDER / "root/made"
    shutil.rmtree(made, ignore_errors=True)
    set_up.run(
        "mkdir /root/made && .venv/bin/kustos bundle key /root/made/release.pem"
        " && .venv/bin/kustos bundle create /root/made/kustos.tar --key /root/made/release.pem"
        + (" --inputs /mnt" if FORMER else "")
    )
    shutil.copy(made / "release.pem.pub", folder)
    report = bundles.unpack(
        made / "kustos.tar", folder / "unpacked", bundles.read_release_key(made / "release.pem.pub")
    )
    shutil.rmtree(made)
    assert report.system == "ubuntu-24.04"
    return folder / "unpacked"


@pytest.fixture(scope="module")
def bare(unpacked, tmp_path_factory):
    ubuntu = Machine(tmp_path_factory.mktemp("machine") / "root", unpacked, suite=NOBLE)
    ubuntu.boot()
    (ubuntu.root / "root" / "inventory.yml").write_text(make(Answers(HOST_NAME, "local")))
    yield ubuntu
    ubuntu.remove()


@pytest.fixture(scope="module")
def installed(bare):
    begun = time.monotonic()
    bare.said = bare.run("/bundle/install.sh", "-i", "/root/inventory.yml", seconds=1800)
    bare.seconds = time.monotonic() - begun
    return bare


def test_the_commands_of_the_readme_know_this_python(set_up):
    assert set_up.run(".venv/bin/python --version").startswith("Python 3.12")
    assert "Usage" in set_up.run(".venv/bin/kustos --help")


def test_it_is_an_ubuntu(installed):
    assert "24.04" in installed.run("cat", "/etc/os-release")


def test_a_second_run_changes_nothing(installed):
    said = installed.run("/bundle/install.sh", "-i", "/root/inventory.yml", seconds=1200)
    assert " 0 changed something" in said, said
