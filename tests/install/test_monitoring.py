"""Figures, health and logs of the installed host: for whom the inventory names, and nobody else."""

import json
import shutil
import socket
import ssl
import subprocess
from contextlib import contextmanager

import httpx
import pytest

from tests.install.conftest import HOST_NAME

PORT = 9640
UNITS = (
    *("kustos-web", "kustos-gateway", "kustos-media-node", "kustos-worker", "kustos-background"),
    *("kustos-analysis@1", "kustos-analysis@2"),
)
STRANGER = "198.51.100.77"


@pytest.fixture(scope="module")
def scraper(installed):
    """Who asks from the address that the inventory names, and trusts the appliance's authority."""
    context = ssl.create_default_context(cafile=installed.root / "etc/kustos/tls/authority.crt")
    with httpx.Client(verify=context, trust_env=False, base_url=f"https://{installed.address}:{PORT}") as client:
        client.extensions = {"sni_hostname": HOST_NAME}
        yield lambda path: client.get(path, extensions=client.extensions)


def test_every_process_is_a_target_and_answers(scraper):
    targets = scraper("/targets").json()
    assert [one["labels"]["process"] for one in targets] == list(UNITS)
    for one in targets:
        assert one["targets"] == [f"{HOST_NAME}:{PORT}"]
        told = scraper(one["labels"]["__metrics_path__"])
        assert told.status_code == 200
        assert "kustos_process_cpu_seconds_total" in told.text
    web = scraper("/metrics/kustos-web").text
    assert "kustos_certificate_end_timestamp_seconds" in web
    assert 'kustos_figures_complete{group="house"} 1.0' in web


def test_health_can_be_asked_by_a_load_balancer(scraper):
    for unit in UNITS:
        assert scraper(f"/health/{unit}").json() == {"status": "ready", "problems": {}}
        assert scraper(f"/alive/{unit}").status_code == 200
    assert scraper("/metrics/kustos-nothing").status_code == 404


def test_the_host_asks_its_own_processes(installed):
    said = json.loads(installed.run("kustos", "health", "--json"))
    assert [(one["name"], one["alive"], one["ready"]) for one in said] == [
        (unit, True, True) for unit in sorted(UNITS)
    ]


@contextmanager
def coming_from(installed, address):
    """Have this machine be known to the host by another address as well."""
    interface = f"ve-{installed.name}"
    subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", interface], check=True)
    installed.run("ip", "route", "add", f"{address}/32", "dev", "host0")
    try:
        yield
    finally:
        installed.run("ip", "route", "del", f"{address}/32", "dev", "host0")
        subprocess.run(["ip", "addr", "del", f"{address}/32", "dev", interface], check=True)


def test_a_stranger_is_let_in_neither_by_the_firewall_nor_by_nginx(installed):
    with coming_from(installed, STRANGER):
        socket.create_connection((installed.address, 443), 3, (STRANGER, 0)).close()  # it can come that way
        with pytest.raises(TimeoutError):
            socket.create_connection((installed.address, PORT), 1, (STRANGER, 0))
        installed.run("nft", "insert", "rule", "inet", "kustos", "input", "tcp", "dport", str(PORT), "accept")
        try:
            transport = httpx.HTTPTransport(verify=False, local_address=STRANGER)
            with httpx.Client(transport=transport) as client:
                assert client.get(f"https://{installed.address}:{PORT}/targets").status_code == 403
        finally:
            installed.run("systemctl", "reload", "nftables")


def test_the_rules_are_there_to_be_copied(installed):
    folder = installed.root / "etc/kustos-monitoring"
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: run .ci/packages test")
    done = subprocess.run(
        [promtool, "check", "config", str(folder / "prometheus.yml")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules found" in done.stdout


def test_the_journal_has_each_value_as_a_field(installed):
    lines = installed.run("journalctl", "-o", "json", "-u", "kustos-gateway", "KUSTOS_EVENT=gateway listens")
    record = json.loads(lines.splitlines()[0])
    assert record["MESSAGE"].startswith("gateway listens address=")
    assert record["KUSTOS_ADDRESS"].endswith(":6544")
    assert (record["KUSTOS_LOGGER"], record["PRIORITY"]) == ("web.realtime.server", "6")
    assert record["_SYSTEMD_UNIT"] == "kustos-gateway.service"


def test_gunicorns_words_are_records_too(installed):
    lines = installed.run("journalctl", "-o", "json", "-u", "kustos-web", "KUSTOS_LOGGER=gunicorn.error")
    events = [json.loads(line)["KUSTOS_EVENT"] for line in lines.splitlines()]
    assert any(event.startswith("Booting worker") for event in events)
