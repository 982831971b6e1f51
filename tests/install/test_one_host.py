"""One bare Debian, one command, no internet: what stands afterwards, and that nothing more comes in than should."""

import re
import ssl

import httpx
import pytest

from tests.install.conftest import HOST_NAME
from tests.install.seen import seen
from tests.running import wait_for

UNITS = (
    *("kustos-web", "kustos-gateway", "kustos-media-node", "kustos-worker", "kustos-background"),
    *("kustos-analysis@1", "kustos-analysis@2", "nginx", "postgresql", "coturn", "nftables"),
)
FOLDERS = {
    "/etc/kustos": ("root", "kustos", 0o750),
    "/etc/kustos/tls": ("root", "root", 0o700),
    "/opt/kustos/current/venv": ("root", "root", 0o755),
    "/var/lib/kustos": ("kustos", "kustos", 0o750),
    "/var/lib/kustos/keys": ("kustos", "kustos", 0o700),
    "/var/lib/kustos/vault": ("kustos", "kustos", 0o700),
    "/var/lib/kustos/recordings": ("kustos", "kustos-node", 0o2770),
}
PRIVATE_FILES = {
    "/etc/kustos/kustos.toml": ("root", "kustos", 0o640),
    "/etc/kustos/tls/kustos.key": ("root", "root", 0o600),
    "/etc/kustos/tls/authority.key": ("root", "root", 0o600),
    "/etc/turnserver.conf": ("root", "turnserver", 0o640),
    "/var/lib/kustos/keys/secret.key": ("kustos", "kustos", 0o600),
}
INNER_PORTS = (5432, 6543, 6544, 8888)


@pytest.fixture(scope="module")
def host(installed):
    return seen(installed)


def test_it_had_no_way_out(installed):
    assert "default" not in installed.run("ip", "route")


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_and_comes_back_with_the_host(installed, host, name):
    assert host.service(name).is_running
    assert installed.run("systemctl", "is-enabled", name).strip() == "enabled"  # a static one would not come back


@pytest.mark.parametrize(("path", "wanted"), (FOLDERS | PRIVATE_FILES).items(), ids=lambda item: str(item)[:40])
def test_only_those_may_read_who_must(host, path, wanted):
    file = host.file(path)
    assert (file.user, file.group, file.mode) == wanted


def test_the_processes_are_nobody_in_particular(host):
    for name, groups in (("kustos", ["kustos", "kustos-node"]), ("kustos-node", ["kustos-node"])):
        user = host.user(name)
        assert user.shell == "/usr/sbin/nologin"
        assert sorted(user.groups) == groups
    running = {process.user for process in host.process.filter(comm="kustos")}
    assert running == {"kustos", "kustos-node"}


def test_a_media_node_writes_recordings_and_reads_nothing_else(installed, host):
    """As it, in the folders that it sees: what a stranger would have who takes it over by a picture."""
    node = host.service("kustos-media-node").systemd_properties["MainPID"]
    as_it = ["nsenter", f"--target={node}", "--mount", "setpriv", "--reuid=kustos-node", "--regid=kustos-node"]
    as_it += ["--clear-groups", "sh", "-c"]
    assert installed.run(*as_it, "ls -A /var/lib/kustos").split() == ["recordings"]
    for path in ("/etc/kustos/kustos.toml", "/var/lib/kustos/keys/secret.key"):
        assert host.file(path).exists
        assert installed.call(*as_it, f"cat {path}").returncode != 0
    for path in ("/etc/kustos/x", "/var/lib/kustos/x", "/var/lib/kustos/vault/x", "/opt/kustos/x"):
        assert installed.call(*as_it, f"touch {path}").returncode != 0
    folder = "/var/lib/kustos/recordings/of-a-test"
    installed.run("sudo", "-u", "kustos", "sh", "-c", f"umask 007; mkdir {folder}")  # as the gateway does
    installed.run(*as_it, f"umask 007; echo pictures > {folder}/camera-1.webm")
    worker = ["sudo", "-u", "kustos", "sh", "-c"]
    assert installed.run(*worker, f"cat {folder}/camera-1.webm && rm -r {folder}") == "pictures\n"


def test_the_origin_answers_by_tls_with_the_authoritys_certificate(installed):
    authority = installed.root / "etc/kustos/tls/authority.crt"
    context = ssl.create_default_context(cafile=authority)
    with httpx.Client(verify=context, trust_env=False) as client:
        answer = client.get(
            f"https://{installed.address}/healthz",
            headers={"Host": HOST_NAME},
            extensions={"sni_hostname": HOST_NAME},
        )
    assert answer.json()["status"] == "ok"
    assert answer.headers["Strict-Transport-Security"]


def test_http_leads_to_https(installed):
    answer = httpx.get(f"http://{installed.address}/room", trust_env=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{HOST_NAME}/room")


def test_nothing_inner_is_reached_from_outside(installed, host):
    for port in INNER_PORTS:
        assert host.socket(f"tcp://127.0.0.1:{port}").is_listening, port
        assert not installed.listens_outside(port), port
    assert installed.listens_outside(443)


def test_the_firewall_would_stop_what_listens_by_mistake(installed):
    """Kurento's control port, opened on all addresses: the rules are what keeps it in."""
    stray = "import socket,time; s=socket.create_server(('0.0.0.0', 8889)); print('up', flush=True); s.accept()"
    installed.run("systemd-run", "--unit=stray", "python3", "-c", stray)
    wait_for(lambda: ":8889" in installed.run("ss", "-ltn"), 10, "the stray socket")
    assert not installed.listens_outside(8889)
    installed.run("nft", "delete", "table", "inet", "kustos")
    assert installed.listens_outside(8889)  # the probe itself can tell
    installed.run("systemctl", "reload", "nftables")
    installed.call("systemctl", "stop", "stray")
    assert not installed.listens_outside(8888)


def test_a_second_run_changes_nothing(installed):
    said = installed.run("/bundle/install.sh", "-i", "/root/inventory.yml", seconds=600)
    assert re.search(r"Done: \d+ tasks, 0 changed something", said), said


def test_a_check_says_that_nothing_would_change(installed):
    said = installed.run("/bundle/install.sh", "-i", "/root/inventory.yml", "--check", seconds=600)
    assert re.search(r"Done: \d+ tasks, 0 would change something", said), said


def test_a_killed_process_comes_back(installed, host):
    for name in ("kustos-web", "kustos-gateway", "kustos-media-node", "kustos-worker"):
        before = host.service(name).systemd_properties["MainPID"]
        installed.run("systemctl", "kill", "--signal=KILL", name)
        wait_for(
            lambda name=name, before=before: (
                host.service(name).is_running
                and host.service(name).systemd_properties["MainPID"] not in {"0", before}
            ),
            30,
            f"{name} again",
        )


def test_a_process_that_hangs_is_started_anew(installed, host):
    """systemd hears nothing any more from its event loop; the time until then is cut short here."""
    folder = installed.root / "etc/systemd/system/kustos-gateway.service.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test.conf").write_text("[Service]\nWatchdogSec=3\n")
    installed.run("systemctl", "daemon-reload")
    installed.run("systemctl", "restart", "kustos-gateway", seconds=120)
    before = host.service("kustos-gateway").systemd_properties["MainPID"]
    installed.run("systemctl", "kill", "--signal=STOP", "kustos-gateway")
    wait_for(
        lambda: host.service("kustos-gateway").systemd_properties["MainPID"] not in {"0", before},
        40,
        "another process",
    )
    wait_for(lambda: host.service("kustos-gateway").is_running, 40, "it to be ready")
    (folder / "test.conf").unlink()
    installed.run("systemctl", "daemon-reload")
    installed.run("systemctl", "restart", "kustos-gateway", seconds=120)
