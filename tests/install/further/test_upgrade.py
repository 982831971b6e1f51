"""From one release to the next and back on an installed host, with sealed recordings and while an exam goes on.

The later releases are this checkout with another number, another two revisions of the schema, and one of them broken.
"""

import json
import re
import shutil
import ssl
import subprocess
import time

import httpx
import pytest

from appliance import schema
from appliance.deploy import wheels
from appliance.deploy.inventory import Answers, make
from tests.e2e.people import CandidatePerson
from tests.install import machine as machines
from tests.install.conftest import HOST_NAME
from tests.install.machine import Machine
from tests.install.test_sat_exam import ORIGIN, InstalledAppliance, browsing, sits_exam
from tests.running import ROOT, wait_for

NEXT, BROKEN = "9.1.0", "9.2.0"
EXPANDING = """
"Something more."
import sqlalchemy as sa
from alembic import op
revision, down_revision, phase = "9001", "{former}", "expand"


def upgrade():
    op.add_column("sitting", sa.Column("upgraded", sa.Text(), nullable=False, server_default="yes"))
"""
CONTRACTING = """
"Something less."
from alembic import op
revision, down_revision, phase = "9002", "9001", "contract"


def upgrade():
    op.drop_column("sitting", "upgraded")
"""
RECORDING = "SELECT count(*) FROM part WHERE ended_at IS NULL"
SEALED = "SELECT count(*) FROM part WHERE vault_object_id IS NOT NULL"


def later_release(former, folder, version, broken=""):
    """A bundle beside ``former`` of this checkout as it will be some day; ``broken``: put into the web's start."""
    subprocess.run(["cp", "--archive", "--link", str(former), str(folder)], check=True)
    for path in folder.glob("wheels/kustos-*.whl"):
        path.unlink()
    source = folder.with_name(f"{folder.name}-source")
    heavy = (".git", ".venv", ".data", "node_modules", "build", "tests", "__pycache__", "*.egg-info", ".mypy*")
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*heavy))
    setup = source / "setup.cfg"
    setup.write_text(re.sub(r"(?m)^version = .*", f"version = {version}", setup.read_text()))
    versions = source / "migrations/versions"
    (versions / "9001_more.py").write_text(EXPANDING.format(former=schema.head()))
    (versions / "9002_less.py").write_text(CONTRACTING)
    app = source / "web/app.py"
    app.write_text(app.read_text() + broken)
    wheels.own(source, folder / "wheels")
    shutil.rmtree(source)
    return folder


@pytest.fixture(scope="module")
def host(unpacked, tmp_path_factory):
    """An installed host with three releases at hand: /bundle/first, /bundle/next, /bundle/broken."""
    machines.demand()
    top = tmp_path_factory.mktemp("releases")
    subprocess.run(["cp", "--archive", "--link", str(unpacked), str(top / "first")], check=True)
    later_release(unpacked, top / "next", NEXT)
    later_release(unpacked, top / "broken", BROKEN, broken='\nraise RuntimeError("broken on purpose")\n')
    host = Machine(tmp_path_factory.mktemp("upgraded") / "root", top)
    try:
        host.boot()
        (host.root / "root/inventory.yml").write_text(make(Answers(HOST_NAME, "local")))
        run(host, "first", "install", "--skip-preflight")
        yield host
    finally:
        host.remove()
        shutil.rmtree(top)


def call(host, release, command, *options):
    words = ["--unverified", command, "-i", "/root/inventory.yml", *options]
    return host.call(f"/bundle/{release}/install.sh", *words, seconds=2400)


def run(host, release, command, *options):
    """A command of a release's bundle, which must succeed."""
    done = call(host, release, command, *options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def version(host):
    return json.loads(host.run("kustos", "release", "status", "--json"))["version"]


@pytest.fixture(scope="module")
def first_version(host):
    return version(host)


@pytest.fixture(scope="module")
def appliance(host):
    return InstalledAppliance(host)


@pytest.fixture(scope="module")
def browser(host, tmp_path_factory):
    with browsing(host.address, tmp_path_factory.mktemp("webcam")) as launched:
        yield launched


def test_nothing_is_touched_without_a_backup(host, first_version, appliance, browser):
    candidate = CandidatePerson(browser, appliance, "before-upgrade", origin=ORIGIN)
    sits_exam(candidate, appliance, "before-upgrade")
    candidate.context.close()

    done = call(host, "next", "upgrade")
    assert done.returncode == 1
    assert "Nothing was touched. the last backup is missing" in done.stderr
    assert version(host) == first_version

    done = call(host, "next", "install", "--skip-preflight")
    assert done.returncode == 1
    assert f"runs Kustos {first_version}, and this is {NEXT}: run `kustos upgrade`" in done.stderr
    assert " changed " not in done.stdout, "refused before any host is touched"


def test_an_exam_goes_on_and_is_waited_for_moved_nowhere_or_interrupted_for_a_moment(host, appliance, browser):
    for folder in ("/mnt/backup", "/mnt/keys"):
        host.run("install", "-d", "-o", "kustos", "-g", "kustos", "-m", "700", folder)
    host.run("kustos", "backup", "create", "/mnt/backup/kustos", "--keys", "/mnt/keys/kustos")
    candidate = CandidatePerson(browser, appliance, "during-upgrade", origin=ORIGIN)
    # Longer than three upgrades take on a busy machine.
    candidate.page.goto(appliance.start_address(minutes=55, number=8))
    candidate.consent()
    candidate.check_system()
    candidate.photograph("face-photo")
    candidate.sees_exam(60)
    wait_for(lambda: appliance.ask(RECORDING) == "2", 30, "camera and screen being recorded")

    done = call(host, "next", "upgrade", "--wait-minutes", "0.05")
    assert done.returncode == 5, done.stderr
    assert "1 sittings still go on there" in done.stderr
    assert "--sittings interrupt" in done.stderr
    assert appliance.ask("SELECT state FROM node") == "active"  # and new sittings are taken again

    done = call(host, "next", "upgrade", "--sittings", "move")
    assert done.returncode == 1
    assert "no other active node" in done.stderr

    begun = time.monotonic()
    run(host, "next", "upgrade", "--sittings", "interrupt")
    assert version(host) == NEXT
    took = time.monotonic() - begun
    wait_for(lambda: appliance.ask(RECORDING) == "2", 60, "camera and screen being recorded again")
    lost = appliance.ask("SELECT max(extract(epoch FROM ended_at - started_at)) FROM gap WHERE ended_at IS NOT NULL")
    assert 0 < float(lost) < min(30, took), lost
    candidate.click("Finish")
    candidate.page.get_by_role("button", name="Finish now").click()
    parts = int(appliance.ask("SELECT count(*) FROM part"))
    assert parts > 4
    wait_for(lambda: int(appliance.ask(SEALED)) == parts, 120, "all recordings sealed")
    candidate.context.close()


def test_what_was_entrusted_before_is_whole(host, appliance):
    assert re.search(r"\d+ entries", host.run("kustos", "audit", "verify"))
    host.run("kustos", "vault", "verify")
    assert appliance.ask("SELECT string_agg(DISTINCT upgraded, ',') FROM sitting") == "yes"
    assert "9002 would take away" in host.run("kustos", "schema", "status")


def test_it_goes_back_and_forth_with_its_data_until_something_was_taken_away(host, first_version, appliance):
    sealed = appliance.ask(SEALED)
    run(host, "next", "rollback")
    assert version(host) == first_version
    assert appliance.ask(SEALED) == sealed
    host.run("kustos", "vault", "verify")
    assert "newer release brought it there" in host.run("kustos", "schema", "status")

    run(host, "next", "upgrade")
    host.run("kustos", "schema", "upgrade", "--contract")
    done = call(host, "next", "rollback")
    assert done.returncode == 1
    assert "took away what this one needs (revision 9002)" in done.stderr
    assert version(host) == NEXT


def test_a_release_that_does_not_start_is_led_back_by_itself(host, appliance):
    done = call(host, "broken", "upgrade")
    assert done.returncode == 1
    assert f"The former release runs again on {HOST_NAME}, and answers" in done.stderr, done.stderr
    assert version(host) == NEXT
    for unit in ("kustos-web", "kustos-gateway", "kustos-media-node", "kustos-worker"):
        assert host.run("systemctl", "is-active", unit).strip() == "active"
    there = ssl.create_default_context(cafile=host.root / "etc/kustos/tls/authority.crt")
    there.check_hostname = False
    assert httpx.get(f"https://{host.address}/healthz", verify=there, trust_env=False).json()["status"] == "ok"
    assert appliance.ask("SELECT state FROM node") == "active"
    assert BROKEN not in host.run("ls", "/opt/kustos/releases")
