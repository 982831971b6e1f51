"""`kustos check` on an installed host: all is well; what is broken is named, and nothing else."""

import json
import re
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.running import wait_for

NOT_OF_THE_APPLIANCE = {"clock", "backup"}
"""The machine of the test has no time server, and its inventory names no place for backups."""


def looked(machine, *options):
    """What a check finds that is not well, and the whole report."""
    done = machine.call("kustos", "check", "--json", *options, seconds=300)
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    bad = {
        (step["key"], step["scope"], step["cause"])
        for step in report["steps"]
        if step["state"] in {"failed", "warning"}
    }
    return {one for one in bad if one[0] not in NOT_OF_THE_APPLIANCE or one[2] == "backup_late"}, report


def until_well(machine):
    wait_for(lambda: not looked(machine, "--quick")[0], 90, "all to be well again")


def test_all_is_well_and_a_synthetic_candidate_comes_from_publish_to_seal(installed):
    until_well(installed)
    bad, report = looked(installed)
    assert bad == set()
    states = {step["key"]: step["state"] for step in report["steps"]}
    for key in ("units", "ports", "database", "connections", "certificate", "turn", "figures", "node", "try_seal"):
        assert states[key] == "passed", (key, report)


@contextmanager
def stopped(machine, unit):
    machine.run("systemctl", "stop", unit)
    yield
    machine.run("systemctl", "start", unit, seconds=120)


@contextmanager
def disabled(machine, unit):
    machine.run("systemctl", "disable", "--quiet", unit)
    yield
    machine.run("systemctl", "enable", "--quiet", unit)


@contextmanager
def port_dropped(machine, port):
    machine.run("nft", "insert", "rule", "inet", "kustos", "input", "tcp", "dport", port, "drop")
    yield
    machine.run("systemctl", "reload", "nftables")


@contextmanager
def expired(machine):
    """The origin shows a certificate of last year."""
    tls = machine.root / "etc/kustos/tls"
    good = {name: (tls / name).read_bytes() for name in ("kustos.crt", "kustos.key")}
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "exam.test")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=9), now - timedelta(days=1))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tls / "kustos.key").write_bytes(private)
    (tls / "kustos.crt").write_bytes(made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    machine.run("systemctl", "reload", "nginx")
    wait_for(lambda: looked(machine, "--quick")[0], 30, "nginx to show it")
    yield
    for name, content in good.items():
        (tls / name).write_bytes(content)
    machine.run("systemctl", "reload", "nginx")


@contextmanager
def full_disk(machine):
    """A small disk of its own where hand-ins would go is no use: recordings themselves are put on one."""
    place = "/var/lib/kustos/recordings"
    machine.run("mount", "-t", "tmpfs", "-o", "size=20m,mode=2770,uid=kustos,gid=kustos-node", "tmpfs", place)
    machine.run("dd", "if=/dev/zero", f"of={place}/filled", "bs=1M", "count=10", "status=none")
    yield
    machine.run("umount", place)


@contextmanager
def old_backup(machine):
    stamp = machine.root / "var/lib/kustos/backup.json"
    former = stamp.read_bytes() if stamp.exists() else None
    stamp.write_text(json.dumps({"full_at": int(time.time()) - 3 * 86400}))
    stamp.chmod(0o644)
    yield
    stamp.unlink() if former is None else stamp.write_bytes(former)


FOLLOWS = {("disk", "forecast", "disk_closed")}
"""What a gateway concludes of a full disk when it looks at it meanwhile."""
BROKEN = {
    "a stopped unit": (
        lambda m: stopped(m, "kustos-background"),
        {("units", "kustos-background.service", "unit_down")},
    ),
    "a unit that would not come back": (
        lambda m: disabled(m, "nginx"),
        {("units", "nginx.service", "unit_not_enabled")},
    ),
    "a port that is blocked": (lambda m: port_dropped(m, "80"), {("ports", "http", "port_blocked")}),
    "an expired certificate": (expired, {("certificate", "", "certificate_expired")}),
    "a full disk": (full_disk, {("disk", "recordings", "disk_full")}),
    "a backup of three days ago": (old_backup, {("backup", "full", "backup_late")}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named_and_nothing_else(installed, what):
    breaking, wanted = BROKEN[what]
    with breaking(installed):
        bad, report = looked(installed, "--quick")
    assert bad - FOLLOWS == wanted
    worded = next(step for step in report["steps"] if step["cause"] in {cause for *_, cause in wanted})
    assert worded["cause_text"]
    assert worded["remedy"]
    assert report["ok"] is False
    until_well(installed)


def test_a_turn_server_that_is_stopped_is_named_wherever_it_is_missed(installed):
    with stopped(installed, "coturn"):
        bad, _ = looked(installed, "--quick")
    assert {key for key, *_ in bad} == {"units", "ports", "turn"}
    assert ("units", "coturn.service", "unit_down") in bad
    until_well(installed)


def test_the_audit_log_knows_every_run(installed):
    query = "SELECT details FROM audit_entry WHERE action = 'install.run' ORDER BY id LIMIT 1"
    said = installed.run("sudo", "-u", "postgres", "psql", "-tA", "-d", "kustos", "-c", query)
    told = json.loads(said)["said"]
    assert (told["kind"], told["state"], told["hosts"]) == ("install", "done", "exam.test")
    assert "Bring the schema" in told["changed_tasks"] or int(told["changed"]) > 60
    inventory = (installed.root / "root/inventory.yml").read_text()
    secret = re.search(r"kustos_turn_secret: (\S+)", inventory).group(1)
    runs = sorted((installed.root / "var/log/kustos/runs").glob("*-install"))
    assert runs
    for path in runs[0].iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert secret not in path.read_text()
    assert secret not in said
