"""Copies for a SIEM, taken by real receivers: over UDP, TCP, TLS, local sockets, and by rsyslogd itself."""

import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime

import pytest

from appliance import audit
from appliance.audit import Actor, forwarding
from appliance.audit.forwarding import Target, forward
from appliance.audit.syslog import cef, journal, rfc5424
from appliance.errors import SettingInvalid
from appliance.models import AuditEntry, AuditForwarding
from appliance.settings import load_settings
from tests.appliance.audit_log import fill

ENTRY = AuditEntry(
    id=7, at=datetime(2026, 1, 2, 3, 4, 5, 678, UTC), actor_kind="user", actor_id="1", actor_name='Анна "A|=]\\',
    address="192.0.2.7", action="recording.view", result="refused", subject_kind="part", subject_id="9", company_id=3,
    details={"text": "line\nbreak"}, previous_hash="0" * 64, hash="f" * 64,
)  # fmt: skip


def copied():
    return AuditEntry(**{column.name: getattr(ENTRY, column.name) for column in AuditEntry.__table__.columns})


def target_of(url, **more):
    return Target.of(load_settings({}, siem_url=url, **more))


class Collector:
    """A receiver of octet-counted messages that reads to the end, as RFC 6587 has it."""

    def __init__(self, context=None, deaf=False):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context, self.deaf, self.received = context, deaf, []
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while True:
            try:
                stream, _ = self.listener.accept()
                if self.deaf:  # takes the connection and dies: nothing arrived
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    stream.close()
                    continue
                if self.context:
                    stream = self.context.wrap_socket(stream, server_side=True)
                with stream, stream.makefile("rb") as file:
                    while head := self.length(file):
                        self.received.append(file.read(head))
                    if self.context:
                        stream.unwrap()
            except ssl.SSLError:
                continue
            except OSError:
                return

    @staticmethod
    def length(file):
        digits = b""
        while (letter := file.read(1)).isdigit():
            digits += letter
        return int(digits) if digits else 0

    def ids(self):
        return [int(re.search(rb' id="(\d+)"', message)[1]) for message in self.received]

    def close(self):
        self.listener.close()


@pytest.fixture
def collector():
    made = []

    def make(**options):
        made.append(Collector(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_rfc5424():
    assert rfc5424(ENTRY, "box").decode() == (
        "<108>1 2026-01-02T03:04:05.000678Z box kustos - recording.view "
        '[audit@32473 id="7" actor="user:1" name="Анна \\"A|=\\]\\\\" address="192.0.2.7" action="recording.view"'
        f' result="refused" subject="part:9" company="3" hash="{"f" * 64}"] '
        '\ufeffАнна "A|=]\\ recording.view part 9: refused {"text": "line\\nbreak"}'
    )


def test_cef():
    assert cef(ENTRY, "box").decode() == (
        "<108>1 2026-01-02T03:04:05.000678Z box kustos - recording.view - "
        "CEF:0|Kustos|Kustos|1|recording.view|recording.view|6|externalId=7 rt=1767323045001 suid=user:1 "
        'suser=Анна "A|\\=]\\\\ src=192.0.2.7 act=recording.view outcome=refused cs1Label=hash '
        f'cs1={"f" * 64} cs2Label=subject cs2=part:9 cs3Label=company cs3=3 msg={{"text": "line\\\\nbreak"}}'
    )


def test_a_long_entry_fits_a_receiver():
    entry = copied()
    entry.details = {"text": "x" * 10_000}
    assert len(rfc5424(entry, "box")) < 2048
    assert len(cef(entry, "box")) < 2048


def test_in_order_over_tcp_and_each_once(session, session_factory, collector):
    fill(session, 5)
    receiver = collector()
    target = target_of(f"tcp://127.0.0.1:{receiver.port}")
    assert forward(session_factory, target) == 5
    fill(session, 2)
    assert forward(session_factory, target) == 2
    assert forward(session_factory, target) == 0
    assert receiver.ids() == [1, 2, 3, 4, 5, 6, 7]


def test_many_go_in_batches(session, session_factory, collector, monkeypatch):
    monkeypatch.setattr(forwarding, "BATCH", 10)
    for number in range(25):
        audit.record(session, Actor("user", "1", "A"), "photo.view", ("photo", number))
    session.commit()
    receiver = collector()
    assert forward(session_factory, target_of(f"tcp://127.0.0.1:{receiver.port}")) == 25
    assert receiver.ids() == list(range(1, 26))


def test_an_absent_collector_gets_all_when_it_is_back(session, session_factory, collector):
    fill(session, 3)
    deaf = collector(deaf=True)
    target = target_of(f"tcp://127.0.0.1:{deaf.port}")
    assert forward(session_factory, target) == 0
    deaf.close()
    assert forward(session_factory, target) == 0
    session.expire_all()
    row = session.get(AuditForwarding, target.url)
    assert row.failing_since is not None
    assert row.last_id == 0
    back = collector()
    target = Target(target.url, "tcp", ("127.0.0.1", back.port), target.word)
    assert forward(session_factory, target) == 3
    session.expire_all()
    row = session.get(AuditForwarding, target.url)
    assert (row.last_id, row.failing_since, row.problem) == (3, None, "")
    assert back.ids() == [1, 2, 3]


def test_over_tls_to_the_right_collector_only(session, session_factory, collector, tmp_path):
    fill(session, 2)
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver = collector(context=context)
    url = f"tls://localhost:{receiver.port}"
    assert forward(session_factory, target_of(url)) == 0  # nobody vouches for it
    assert forward(session_factory, target_of(url, siem_ca_file=str(certificate))) == 2
    assert receiver.ids() == [1, 2]


def test_over_udp(session, session_factory):
    fill(session, 3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        url = f"udp://127.0.0.1:{receiver.getsockname()[1]}"
        assert forward(session_factory, target_of(url, siem_format="cef")) == 3
        assert [b"externalId=%d " % n in receiver.recv(4096) for n in (1, 2, 3)] == [True] * 3


def test_to_the_journal(session, session_factory, tmp_path):
    fill(session, 1)
    place = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(place))
        receiver.settimeout(5)
        assert forward(session_factory, target_of(f"journald://{place}")) == 1
        fields = receiver.recv(4096)
    assert b"SYSLOG_IDENTIFIER=kustos\n" in fields
    assert b"KUSTOS_ACTION=sitting.start\n" in fields
    broken = copied()
    broken.actor_name = "two\nlines"
    assert b"KUSTOS_NAME\n\x09\0\0\0\0\0\0\0two\nlines\n" in journal(broken, "box")


@pytest.mark.skipif(not shutil.which("rsyslogd", path="/usr/sbin:/usr/bin"), reason="the package rsyslog is missing")
def test_rsyslogd_takes_them(session, session_factory, tmp_path):
    fill(session, 5)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    out, configuration = tmp_path / "out.log", tmp_path / "rsyslog.conf"
    configuration.write_text(
        f'global(workDirectory="{tmp_path}")\nmodule(load="imtcp")\n'
        f'input(type="imtcp" port="{port}" address="127.0.0.1")\n'
        'template(name="sd" type="string" string="%msgid%|%structured-data%|%msg%\\n")\n'
        f'action(type="omfile" file="{out}" template="sd" asyncWriting="off")\n'
    )
    program = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")
    daemon = subprocess.Popen([program, "-n", "-f", configuration, "-i", tmp_path / "pid"])
    try:
        end = time.monotonic() + 30
        target = target_of(f"tcp://127.0.0.1:{port}")
        sent = 0
        while time.monotonic() < end and not (out.exists() and len(out.read_text().splitlines()) == 5):
            sent += forward(session_factory, target)
            time.sleep(0.1)
    finally:
        daemon.terminate()
        daemon.wait(10)
    lines = out.read_text().splitlines()
    assert sent == 5
    assert [line.split("|")[0] for line in lines] == ["sitting.start"] * 5
    assert [re.search(r' id="(\d+)"', line)[1] for line in lines] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    "wrong", [{"siem_url": "http://x"}, {"siem_url": "tcp://"}, {"siem_url": "tcp://x:y"}, {"siem_format": "xml"}]
)
def test_a_wrong_setting_says_so(wrong):
    with pytest.raises(SettingInvalid, match="siem_"):
        Target.of(load_settings({}, **{"siem_url": "tcp://x", **wrong}))
