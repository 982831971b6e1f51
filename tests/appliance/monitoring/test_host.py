"""What a host tells of itself."""

import json
import socket
import ssl
import threading
import time

import pytest

from appliance.monitoring import host
from appliance.standalone.certificate import ensure_certificate


def values(metrics):
    return {(one.name.removeprefix("kustos_"), *s.labels.values()): s.value for one in metrics for s in one.samples}


def test_disks_tell_what_is_free(tmp_path):
    found = values(host.disks({"vault": tmp_path}))
    assert 0 < found["disk_free_bytes", "vault"] <= found["disk_size_bytes", "vault"]
    with pytest.raises(FileNotFoundError):
        list(host.disks({"vault": tmp_path / "gone"}))


@pytest.fixture
def tls_port(tmp_path):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*ensure_certificate(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            taken, _ = listening.accept()
            with taken, context.wrap_socket(taken, server_side=True) as secured:
                secured.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def test_the_certificate_that_is_shown_tells_its_end(tls_port):
    found = values(host.certificate(f"https://exam.invalid:{tls_port}"))
    assert found["certificate_end_timestamp_seconds",] > time.time() + 86400


def test_nobody_who_shows_one_is_an_error_and_plain_http_has_none():
    assert list(host.certificate("http://localhost:1")) == []
    with pytest.raises(OSError, match="nobody shows"):
        list(host.certificate("https://exam.invalid:1"))


def test_the_newest_backup_is_told_by_its_stamp(tmp_path):
    stamp = tmp_path / host.BACKUP_STAMP
    assert list(host.backup(stamp)) == []
    stamp.write_text(json.dumps({"full_at": 1_700_000_000, "streamed_at": 1_700_000_600}))
    assert values(host.backup(stamp)) == {
        ("backup_timestamp_seconds",): 1_700_000_000,
        ("backup_streamed_timestamp_seconds",): 1_700_000_600,
        ("backup_failing",): 0,
    }


def test_a_time_server_tells_how_far_the_clock_is_off(monkeypatch):
    monkeypatch.setattr(host.clock, "ask", lambda server, seconds: host.clock.Measured(-1500, 3))
    found = values(host.clocks("time.example"))
    assert found["clock_offset_seconds",] == -1.5
    assert found["clock_synchronised",] in {0, 1}
    assert ("clock_offset_seconds",) not in values(host.clocks(""))
