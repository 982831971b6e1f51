"""The real process ``kustos web``, asked to stop as systemd does while somebody waits for an answer."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.running import ROOT, wait_for

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def web(settings_file, tmp_path):
    """The process, the port it listens at, and what it says."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "KUSTOS_WEB_LISTEN": f"127.0.0.1:{port}"}
    command = [sys.executable, "-m", "appliance.cli", "web"]
    said = tmp_path / "web.err"
    with said.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=file)
    wait_for(lambda: _listens(port), 60, "web")
    yield process, port, said
    process.kill()
    process.wait()


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_request_under_way_is_answered_before_it_ends(web):
    process, port, said = web
    body = b"email=nobody%40acme.example&password=wrong"
    head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as asked:
        asked.sendall(head + body[:10])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as other:  # so that the first is being read
            other.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in other.recv(4096)
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: "Handling signal: term" in said.read_text(), 10, "that it heard")
        assert process.poll() is None
        asked.sendall(body[10:])
        assert asked.recv(4096).startswith(b"HTTP/1.1 ")
    assert process.wait(15) == 0
