"""A certificate by ACME (RFC 8555) from a server of the house, here Pebble: proven by http, taken, renewed."""

import json
import os
import shutil
import socket
import ssl
import subprocess

import pytest
import yaml

from tests.install.conftest import HOST_NAME
from tests.running import wait_for


def free_ports(address, count):
    sockets = [socket.create_server((address, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def server(installed, tmp_path_factory):
    """Pebble beside the host, with a name server for which every name is the host: (directory's URL, its root)."""
    for program in ("pebble", "pebble-challtestsrv", "openssl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: run .ci/packages test")
    folder = tmp_path_factory.mktemp("acme")
    acme, management, names, told = free_ports(installed.here, 4)
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    new += ["-subj", "/CN=ACME of the house", "-addext", f"subjectAltName=IP:{installed.here}"]
    new += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "root.pem")]
    subprocess.run(new, check=True, capture_output=True)
    settings = {
        "listenAddress": f"{installed.here}:{acme}",
        "managementListenAddress": f"{installed.here}:{management}",
        "certificate": str(folder / "root.pem"),
        "privateKey": str(folder / "key.pem"),
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    with (folder / "log").open("wb") as log:
        resolver = ["pebble-challtestsrv", "-dns01", f"{installed.here}:{names}", "-defaultIPv4", installed.address]
        resolver += ["-defaultIPv6", "", "-management", f"{installed.here}:{told}"]
        resolver += ["-http01", "", "-https01", "", "-tlsalpn01", ""]
        pebble = ["pebble", "-config", str(folder / "pebble.json"), "-dnsserver", f"{installed.here}:{names}"]
        calm = os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        running = [subprocess.Popen(command, stdout=log, stderr=log, env=calm) for command in (resolver, pebble)]
    url = f"https://{installed.here}:{acme}/dir"
    answers = ["curl", "--silent", "--fail", "--cacert", str(folder / "root.pem"), url]
    wait_for(lambda: subprocess.run(answers, capture_output=True, check=False).returncode == 0, 20, "Pebble")
    yield url, folder / "root.pem"
    for process in running:
        process.terminate()
        process.wait()


def served(machine, port=443):
    """The certificate that browsers see, as PEM."""
    return ssl.get_server_certificate((machine.address, port))


def issuer(machine, port=443):
    done = ["openssl", "x509", "-noout", "-issuer", "-enddate"]
    return subprocess.run(done, input=served(machine, port), capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def by_acme(installed, server):
    """The host after its inventory named the server; afterwards it is as before."""
    url, root = server
    inventory = installed.root / "root/inventory.yml"
    before = inventory.read_text()
    shutil.copy(root, installed.root / "root/acme-root.pem")
    content = yaml.safe_load(before)
    content["kustos"]["vars"] |= {
        "tls_acme_directory": url,
        "tls_acme_roots": "/root/acme-root.pem",
        "tls_addresses": [],
    }
    inventory.write_text(yaml.safe_dump(content))
    install = ["/bundle/install.sh", "-i", "/root/inventory.yml", "--tags", "tls,nginx,turn"]
    installed.run(*install, seconds=900)
    yield installed
    inventory.write_text(before)
    installed.run(*install, seconds=900)
    assert "Kustos authority" in issuer(installed)


def test_origin_and_turn_serve_what_the_server_gave(by_acme):
    assert "Pebble" in issuer(by_acme)
    assert "Pebble" in issuer(by_acme, 5349)
    shown = by_acme.run("kustos-tls", "show")
    assert "comes from: acme" in shown
    assert f"DNS:{HOST_NAME}" in shown


def test_it_is_renewed_when_its_days_are_counted_and_not_before(by_acme):
    first = served(by_acme)
    by_acme.run("systemctl", "start", "kustos_tls.service")
    assert served(by_acme) == first
    settings = by_acme.root / "etc/kustos/tls/acme/config"
    told = settings.read_text()
    settings.write_text(told.replace("RENEW_DAYS=30", "RENEW_DAYS=3000"))
    by_acme.run("systemctl", "start", "kustos_tls.service", seconds=120)
    settings.write_text(told)
    wait_for(lambda: served(by_acme) != first, 20, "the next certificate")
    assert served(by_acme, 5349) == served(by_acme)
    assert "Pebble" in issuer(by_acme)


def test_a_server_that_is_away_takes_nothing_away(by_acme, server):
    settings = by_acme.root / "etc/kustos/tls/acme/config"
    told, first = settings.read_text(), served(by_acme)
    settings.write_text(told.replace("RENEW_DAYS=30", "RENEW_DAYS=3000").replace(server[0], f"{server[0]}-away"))
    done = by_acme.call("systemctl", "start", "kustos_tls.service", seconds=120)
    settings.write_text(told)
    assert done.returncode != 0
    assert "kustos_tls.service" in by_acme.run("systemctl", "--failed", "--no-pager", "--plain")
    assert served(by_acme) == first
    by_acme.run("systemctl", "reset-failed", "kustos_tls.service")
