import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.cli.bundle import set_up
from appliance.deploy import bundle as bundles
from appliance.deploy import packages, wheels
from appliance.deploy.inventory import Answers, make
from tests.install import machine as machines
from tests.install.machine import Machine
from tests.running import ROOT

HOST_NAME = "exam.test"


def kustos(*arguments, seconds=900):
    """Run a command of this checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Leave what the candidate saw, and the hosts' journal, beside the message of a test that failed."""
    report = yield
    host = item.funcargs.get("installed")
    if report.failed and call.when == "call" and host is not None:
        report.sections.append(("journal", host.call("journalctl", "--no-pager", "--lines=80").stdout))
        for person in item.funcargs.get("people", ()):
            person.shoot(f"failed-{item.name}-{person.name}")
            report.sections.append((f"{person.name}'s page", person.page.inner_text("body")))
    return report


@pytest.fixture(scope="session")
def release_key(tmp_path_factory):
    machines.demand()
    file = tmp_path_factory.mktemp("key") / "release.pem"
    kustos("bundle", "key", file)
    return file


@pytest.fixture(scope="session")
def bundle(release_key, tmp_path_factory):
    """The bundle of this checkout, as a customer gets it."""
    file = tmp_path_factory.mktemp("bundle") / "kustos.tar"
    kustos("bundle", "create", file, "--key", release_key, "--source", ROOT)
    return file


@pytest.fixture(scope="session")
def unpacked(request, release_key, tmp_path_factory):
    """What a customer unpacks. ``KUSTOS_TEST_UNPACKED``: an unpacked bundle whose packages and foreign wheels are
    taken instead of being collected again; everything of this checkout is made anew."""
    former = os.environ.get("KUSTOS_TEST_UNPACKED")
    if former:
        return renewed(Path(former), tmp_path_factory.mktemp("bundle") / "unpacked")
    bundle = request.getfixturevalue("bundle")
    folder = bundle.parent / "unpacked"
    kustos("bundle", "unpack", bundle, folder, "--key", f"{release_key}.pub")
    shutil.copy(f"{release_key}.pub", bundle.parent / "release.pem.pub")  # beside it, where install.sh looks
    return folder


def renewed(former, folder):
    """Link an unpacked bundle, put what this checkout makes itself in the place of what was in it, and sign it."""
    subprocess.run(["cp", "--archive", "--link", str(former), str(folder)], check=True)
    for path in (*folder.glob("*.*"), *folder.glob("SHA256SUMS"), *folder.glob("wheels/kustos-*.whl")):
        path.unlink()
    for name in ("ansible", "systemd", "models"):
        shutil.rmtree(folder / name)
    bundles.own_files(ROOT, folder, set_up())
    wheels.own(ROOT, folder / "wheels")
    (folder / "wheels/constraints.txt").unlink()
    shutil.copy(ROOT / "constraints.txt", folder / "wheels")
    if not has_all(folder / "wheels"):  # something new is needed since the bundle was made
        with tempfile.TemporaryDirectory() as name:
            wheels.own(ROOT, Path(name), needed=True)
            for path in Path(name).glob("*.whl"):
                if not (folder / "wheels" / path.name).exists():
                    shutil.copy(path, folder / "wheels")
    key = Ed25519PrivateKey.generate()
    bundles.seal(folder, key, set_up(), packages.system())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder.parent / "release.pem.pub").write_bytes(public)
    return folder


def has_all(folder):
    """Whether the release could be installed from this folder of wheels alone."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-index"]
    from_there = ["--find-links", str(folder), "-c", str(folder / "constraints.txt"), "kustos[install]"]
    return subprocess.run([*pip, *from_there], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="session")
def bare(unpacked, tmp_path_factory):
    """A host with nothing but Debian."""
    host = Machine(tmp_path_factory.mktemp("machine") / "root", unpacked)
    host.boot()
    inventory = yaml.safe_load(make(Answers(HOST_NAME, "local")))
    inventory["kustos"]["vars"]["kustos_monitoring_scrapers"] = [host.here]
    (host.root / "root" / "inventory.yml").write_text(yaml.safe_dump(inventory))
    yield host
    host.remove()


@pytest.fixture(scope="session")
def installed(bare):
    """The host after the one command; ``installed.seconds``: what it took."""
    begun = time.monotonic()
    try:
        bare.said = bare.run("/bundle/install.sh", "-i", "/root/inventory.yml", seconds=1500)
    except AssertionError as error:
        journal = bare.call("journalctl", "--no-pager", "--unit=kustos-*", "--lines=60").stdout
        raise AssertionError(f"{error}\n{journal}") from error
    bare.seconds = time.monotonic() - begun
    return bare
