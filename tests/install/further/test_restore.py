"""A host with a sealed recording burns down; another one is installed, and one command brings everything back."""

import re
import shutil
import ssl
import subprocess
import sys
import time

import httpx
import pytest

from appliance.deploy.inventory import Answers, make
from tests.install.conftest import HOST_NAME
from tests.install.machine import Machine
from tests.install.test_sat_exam import ADMIN, InstalledAppliance
from tests.running import wait_for

PLACES = {"kustos_backup_target": "/mnt/backup/kustos", "kustos_backup_keys": "/mnt/safe/kustos-keys"}
SEALS = """
from appliance.collaborators import assemble
from appliance.db import unit_of_work
from appliance.settings import load_settings
own = assemble(load_settings())
with unit_of_work(own.session_factory) as session:
    print(own.vault.seal(session, "sitting:1", "part", b"a face" * 100_000).path)
"""
OPENS = """
import sys
from sqlalchemy import select
from appliance.collaborators import assemble
from appliance.db import unit_of_work
from appliance.models import VaultObject
from appliance.settings import load_settings
own = assemble(load_settings())
with unit_of_work(own.session_factory) as session:
    row = session.scalars(select(VaultObject).where(VaultObject.path == sys.argv[1])).one()
    with own.vault.open(session, row) as reader:
        print(reader.read() == b"a face" * 100_000)
"""


def python(host, code, *arguments):
    settings = "KUSTOS_SETTINGS=/etc/kustos/kustos.toml"
    command = ["sudo", "-u", "kustos", settings, "/opt/kustos/current/venv/bin/python", "-c", code, *arguments]
    return host.run(*command).strip()


def installed(root, unpacked):
    host = Machine(root, unpacked)
    host.boot()
    lines = make(Answers(HOST_NAME, "local")).splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "kustos_host_name" in line)
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at:at] = [f"{indent}{name}: {value}\n" for name, value in PLACES.items()]
    (host.root / "root/inventory.yml").write_text("".join(lines))
    host.run("/bundle/install.sh", "-i", "/root/inventory.yml", seconds=1800)
    return host


def streamed(host):
    """Whether everything committed until now is in the backup."""
    (now,) = host.run("date", "+%s").split()
    wait_for(lambda: reaches(host) > int(now), 240, "the stream to reach this second")


def carry(source, target):
    """Copy with owners as numbers, as a disk carries them."""
    subprocess.run(["cp", "--archive", str(source), str(target)], check=True)


def refuses_to_write_over_them(host):
    """What a new host would back up takes the place of nothing that is to be restored."""
    keys = set((host.root / "mnt/safe/kustos-keys").rglob("*"))
    refused = host.call("kustos", "backup", "create", seconds=300)
    assert refused.returncode == 1
    assert "Permission denied. The user kustos may not: as root, chown" in refused.stderr, refused.stderr
    host.run("chown", "--recursive", "kustos:kustos", "/mnt/backup/kustos", "/mnt/safe/kustos-keys")
    refused = host.call("kustos", "backup", "create", seconds=300)
    assert "another appliance's backup" in refused.stderr, refused.stderr
    host.run("chown", "--recursive", "4711:4711", "/mnt/backup/kustos", "/mnt/safe/kustos-keys")
    assert set((host.root / "mnt/safe/kustos-keys").rglob("*")) >= keys


def reaches(host):
    found = re.search(r'"streamed_at": (\d+)', host.call("cat", "/var/lib/kustos/backup.json").stdout)
    return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def former(unpacked, tmp_path_factory):
    host = installed(tmp_path_factory.mktemp("former") / "root", unpacked)
    yield host
    host.remove()


@pytest.mark.timeout(7200)
def test_a_host_that_burned_down_comes_back_on_another(former, unpacked, tmp_path_factory, capsys):
    appliance = InstalledAppliance(former)
    streamed(former)
    said = former.run("kustos", "backup", "create", seconds=600)
    assert re.search(r"Backup \S+: \d+ acts", said), said
    path = python(former, SEALS)  # after the full backup: the stream alone knows of it
    streamed(former)
    said = former.run("kustos", "backup", "drill", seconds=600)
    assert "Lost would be nothing" in said, said
    acts = appliance.ask("SELECT max(id) FROM audit_entry")
    streamed(former)
    media = tmp_path_factory.mktemp("media")
    carry(former.root / "mnt", media / "mnt")  # the two media, by hand
    secret = former.run("cat", "/var/lib/kustos/keys/secret.key")
    former.halt()

    other = installed(tmp_path_factory.mktemp("other") / "root", unpacked)
    try:
        streamed(other)  # it backs up itself, and goes on while the former host's media take the place of its own
        shutil.rmtree(other.root / "mnt")
        carry(media / "mnt", other.root / "mnt")
        other.run("chown", "--recursive", "4711:4711", "/mnt/backup/kustos", "/mnt/safe/kustos-keys")
        refuses_to_write_over_them(other)
        begun = time.monotonic()
        said = other.run("kustos", "backup", "restore", seconds=900)
        with capsys.disabled():
            sys.stdout.write(f"\nrestored on another host in {time.monotonic() - begun:.0f} s\n{said}\n")
        assert python(other, OPENS, path) == "True"
        there = InstalledAppliance.__new__(InstalledAppliance)
        there._database = other
        assert int(there.ask("SELECT max(id) FROM audit_entry")) >= int(acts)
        assert ADMIN in there.ask('SELECT string_agg(email, chr(32)) FROM "user"')
        assert other.run("cat", "/var/lib/kustos/keys/secret.key") == secret
        assert secret.strip() in other.run("cat", "/etc/kustos/kustos.toml")
        wait_for(lambda: answers(other), 120, "the origin")
        again = other.call("kustos", "backup", "restore", seconds=300)
        assert "in use" in again.stdout + again.stderr
        for unit in ("kustos-web", "kustos-worker", "kustos-backup-stream", "kustos-backup.timer"):
            assert other.call("systemctl", "is-active", unit).stdout.strip() == "active", unit  # nothing was stopped
        streamed(other)  # the backup goes on in the very place
    finally:
        other.remove()


def answers(host):
    """Whether people find the log-in here."""
    context = ssl.create_default_context(cafile=host.root / "etc/kustos/tls/authority.crt")
    with httpx.Client(verify=context, trust_env=False, headers={"Host": HOST_NAME}) as client:
        try:
            page = client.get(f"https://{host.address}/login", extensions={"sni_hostname": HOST_NAME})
        except httpx.HTTPError:
            return False
    return page.status_code == 200
