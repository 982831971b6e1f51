"""TURN on the installed host: by TLS with its certificate, to the media node, and to nobody else of the house."""

import base64
import hashlib
import hmac
import os
import re
import socket
import ssl
import struct
import time

import pytest

from appliance.diagnostics import turn
from tests.install.conftest import HOST_NAME
from tests.running import wait_for

CREATE_PERMISSION, SEND, DATA = 0x0008, 0x0016, 0x0017
PEER, CONTENT = 0x0012, 0x0013


def xor_address(host, port):
    number = struct.unpack("!I", bytes(map(int, host.split("."))))[0] ^ turn.MAGIC
    return struct.pack("!xBHI", 1, port ^ turn.MAGIC >> 16, number)


class Relay:
    """A browser's relay: what it may send to whom."""

    def __init__(self, machine, server):
        settings = (machine.root / "etc/turnserver.conf").read_text()
        secret = re.search(r"^static-auth-secret=(.*)$", settings, re.MULTILINE)[1]
        name = f"{int(time.time()) + 600}:candidate"
        password = base64.b64encode(hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()).decode()
        self._said = turn._Conversation(server, 120.0).__enter__()
        _, told = self._said.ask(turn.ALLOCATE, {turn.TRANSPORT: turn.UDP})
        self._who = turn._Credentials(name, password, told[turn.REALM], told[turn.NONCE])
        kind, attributes = self._said.ask(turn.ALLOCATE, {turn.TRANSPORT: turn.UDP}, self._who)
        assert kind == turn.ALLOCATE | turn.SUCCESS
        self.address = turn._address(attributes[turn.RELAYED])

    def permits(self, host):
        """Whether the server would relay to ``host``."""
        kind, _ = self._said.ask(CREATE_PERMISSION, {PEER: xor_address(host, 0)}, self._who)
        return kind == CREATE_PERMISSION | turn.SUCCESS

    def send(self, host, port, content):
        """Send one datagram through the relay (RFC 8656, 11: an indication, which nobody answers)."""
        attributes = b""
        for kind, value in ((PEER, xor_address(host, port)), (CONTENT, content)):
            attributes += struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
        self._said._socket.sendall(
            struct.pack("!HHI", SEND, len(attributes), turn.MAGIC) + os.urandom(12) + attributes
        )

    def close(self):
        self._said.__exit__(None, None, None)


@pytest.fixture
def server(installed):
    return turn.Server(installed.address, 5349, tcp=True, tls=True)


@pytest.fixture
def relay(installed, server):
    made = Relay(installed, server)
    yield made
    made.close()


def test_it_relays_to_the_node_and_to_nobody_else_of_the_house(installed, relay):
    assert relay.permits(installed.address)
    for other in (installed.here, "10.0.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "8.8.8.8"):
        assert not relay.permits(other), other


def test_what_is_relayed_comes_to_the_ports_of_webrtc_alone(installed, relay):
    """The node's address has other services, too; here two that write down what they were sent."""
    write = "import socket;s=socket.socket(type=2);s.bind(('',{}));print(s.recv(99).decode(),flush=True);s.recv(99)"
    ports = {"inside": 49990, "outside": 39990}
    for name, port in ports.items():
        installed.run("systemd-run", f"--unit=heard-{name}", "python3", "-c", write.format(port))
    try:
        wait_for(lambda: all(f":{port} " in installed.run("ss", "-lnu") for port in ports.values()), 10, "both")
        assert relay.permits(installed.address)

        def heard(name):
            return installed.run("journalctl", "--no-pager", f"--unit=heard-{name}", "--output=cat")

        relay.send(installed.address, ports["inside"], b"through the relay")
        wait_for(lambda: "through the relay" in heard("inside"), 10, "the datagram")
        relay.send(installed.address, ports["outside"], b"through the relay")
        kept = ["nft", "list", "table", "inet", "kustos_turn"]
        wait_for(lambda: re.search(r"packets [1-9]", installed.run(*kept)), 10, "the rule that keeps it")
        assert "through the relay" not in heard("outside")
    finally:
        for name in ports:
            installed.call("systemctl", "stop", f"heard-{name}")
            installed.call("systemctl", "reset-failed", f"heard-{name}")


def test_a_renewed_certificate_is_served_without_a_break(installed, relay):
    """As the day has come: the timer's unit makes a new one; coturn and nginx serve it, and calls go on."""

    context = ssl.create_default_context(cafile=installed.root / "etc/kustos/tls/authority.crt")

    def served(port):
        plain = socket.create_connection((installed.address, port), 5)
        with context.wrap_socket(plain, server_hostname=HOST_NAME) as line:
            return line.getpeercert()["serialNumber"]

    before = {port: served(port) for port in (443, 5349)}
    process = installed.run("systemctl", "show", "--property=MainPID", "coturn")
    settings = installed.root / "etc/kustos/tls/tls.env"
    told = settings.read_text()
    settings.write_text(told.replace("TLS_RENEW_DAYS=30", "TLS_RENEW_DAYS=398"))  # it is good for 397
    installed.run("systemctl", "start", "kustos_tls.service")
    settings.write_text(told)
    wait_for(lambda: all(served(port) != before[port] for port in before), 20, "the new certificate")
    assert served(443) == served(5349)
    assert installed.run("systemctl", "show", "--property=MainPID", "coturn") == process
    assert relay.permits(installed.address)
    installed.run("systemctl", "start", "kustos_tls.service")
    assert "active" in installed.run("systemctl", "is-active", "kustos_tls.timer")
