"""A host that is taken off: the appliance is gone, its data are there; installed again it finds them."""

import json

import pytest
import yaml

from appliance.deploy.inventory import Answers, make
from tests.install.conftest import HOST_NAME
from tests.install.machine import Machine
from tests.install.seen import seen

GONE = (
    *("/opt/kustos", "/usr/local/bin/kustos", "/etc/nginx/conf.d/kustos.conf", "/etc/nftables.d/kustos.nft"),
    *("/etc/turnserver.conf", "/etc/apt/sources.list.d/kustos.list", "/etc/sysctl.d/60-kustos.conf"),
    *("/etc/systemd/system/kustos.target", "/etc/systemd/system/kustos-web.service"),
)


@pytest.fixture(scope="module")
def host(unpacked, tmp_path_factory):
    """A machine of its own: nothing is left of what others test."""
    machine = Machine(tmp_path_factory.mktemp("uninstalled") / "root", unpacked)
    machine.boot()
    (machine.root / "root" / "inventory.yml").write_text(yaml.safe_dump(yaml.safe_load(make(Answers(HOST_NAME)))))
    install(machine)
    yield machine
    machine.remove()


def install(machine, *words):
    return machine.run("/bundle/install.sh", *words, "-i", "/root/inventory.yml", seconds=1800)


def companies(machine):
    return machine.run(
        "sudo", "-u", "postgres", "psql", "-tA", "-d", "kustos", "-c", "SELECT slug FROM company"
    ).split()


def test_the_appliance_goes_and_what_was_entrusted_stays(host):
    host.run("kustos", "company", "create", "acme", "--name", "Acme Academy")
    key = (host.root / "var/lib/kustos/keys/secret.key").read_bytes()
    said = install(host, "uninstall")
    assert "are left as they were" in said
    for path in GONE:
        assert not (host.root / path[1:]).exists(), path
    assert "kustos" not in host.run("systemctl", "list-units", "--all", "--no-legend", "--plain", "kustos*")
    assert "kustos" not in host.run("nft", "list", "tables")
    for port in (80, 443, 3478):
        assert not host.listens_outside(port), port
    processes = [one.comm for one in seen(host).process.filter(user="kustos")]
    assert processes == []
    assert (host.root / "var/lib/kustos/keys/secret.key").read_bytes() == key
    assert (host.root / "etc/kustos/kustos.toml").exists()
    assert "acme" in companies(host)


def test_installed_again_it_finds_its_data(host):
    said = install(host)
    assert "all is well" in said or "of them not well" in said
    assert "acme" in host.run("kustos", "company", "list")
    query = "SELECT details->'said'->>'kind' FROM audit_entry WHERE action = 'install.run' ORDER BY id"
    told = host.run("sudo", "-u", "postgres", "psql", "-tA", "-d", "kustos", "-c", query).split()
    assert told[0] == "install"
    assert told.count("uninstall") == 2  # that it was begun, and, told by the installation after it, what came of it
    assert "whole" in host.run("kustos", "audit", "verify")


def test_deleted_data_are_gone_and_that_is_kept(host):
    said = install(host, "uninstall", "--delete-data", "--yes")
    for path in ("var/lib/kustos", "etc/kustos", "opt/kustos"):
        assert not (host.root / path).exists(), path
    assert host.call("id", "kustos").returncode != 0
    assert host.run("sudo", "-u", "postgres", "psql", "-tAc", "SELECT datname FROM pg_database").count("kustos") == 0
    assert "Deleted on exam.test: database kustos" in said
    kept = sorted((host.root / "var/log/kustos/runs").glob("*-uninstall*/deletion.json"))[-1]
    told = json.loads(kept.read_text())
    assert any("/var/lib/kustos/keys" in line for line in told["deleted"]["exam.test"])
    assert told["by"].startswith("root@")
    assert kept.stat().st_mode & 0o077 == 0
