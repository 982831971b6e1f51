"""Records as journald gets them, read from a real socket of its protocol."""

import logging
import socket
import struct
import subprocess
import sys

import pytest
from logging_journald import JournaldTransport

from appliance import journal

WRITE = """
import logging, sys, warnings
import logging_journald, structlog
logging_journald.JournaldTransport.SOCKET_PATH = sys.argv[1]
from appliance import journal, logs
journal.is_there = lambda: True
logs.configure()
log = structlog.get_logger("media.trial")
log.info("part sealed", part=7, bytes=12, folder="a b", password="correct horse", nested={"token": "abc", "n": 1})
try:
    raise ValueError("broken")
except ValueError:
    log.exception("not done")
logging.getLogger("library").warning("strange %s", "thing")
logging.getLogger("library").info("not heard")
"""


@pytest.fixture
def listening(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taken:
        taken.bind(str(tmp_path / "journal"))
        taken.settimeout(10)
        yield taken


def read(data):
    """Return the fields of a datagram (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    found = {}
    while data:
        line, _, rest = data.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
            data = rest
        else:
            name, (length,) = line, struct.unpack("<Q", rest[:8])
            value, data = rest[8 : 8 + length], rest[9 + length :]
        found[name.decode()] = value.decode()
    return found


def test_every_value_is_a_field_and_secrets_are_none(listening):
    done = subprocess.run(
        [sys.executable, "-c", WRITE, listening.getsockname()], capture_output=True, text=True, check=True
    )
    assert done.stdout + done.stderr == ""
    first, second, third = (read(listening.recv(65536)) for _ in range(3))
    assert first["KUSTOS_EVENT"] == "part sealed"
    assert first["MESSAGE"].startswith('part sealed part=7 bytes=12 folder="a b"')
    assert (first["KUSTOS_PART"], first["KUSTOS_BYTES"], first["KUSTOS_FOLDER"]) == ("7", "12", "a b")
    assert (first["PRIORITY"], first["SYSLOG_IDENTIFIER"]) == ("6", "kustos")
    assert first["KUSTOS_LOGGER"] == "media.trial"
    assert first["KUSTOS_PASSWORD"] == "[redacted]"
    assert "correct horse" not in str(first)
    assert "abc" not in first["KUSTOS_NESTED"]
    assert second["PRIORITY"] == "3"
    assert "ValueError: broken" in second["MESSAGE"]
    assert (third["MESSAGE"], third["KUSTOS_LOGGER"], third["PRIORITY"]) == ("strange thing", "library", "4")
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(1)


def test_a_key_cannot_forge_a_field_of_journalds_own(listening):
    there = journal.Journal(JournaldTransport(listening.getsockname(), connected=False))
    there.send({"event": "x\nPRIORITY=0\n_PID=1", "PRIORITY=0\n_UID": "1", "priority": "0"})
    found = read(listening.recv(65536))
    assert (found["PRIORITY"], found["KUSTOS_PRIORITY"]) == ("6", "0")
    assert found["KUSTOS_PRIORITY_0__UID"] == "1"
    assert "_PID" not in found


def test_without_journald_the_line_is_printed(tmp_path, capsys):
    there = journal.Journal(JournaldTransport(tmp_path / "nobody", connected=False))
    handler = journal.JournalHandler(there)
    handler.emit(logging.LogRecord("x", logging.WARNING, "f.py", 1, "still said", (), None))
    assert capsys.readouterr().err == "still said\n"


def test_a_pipe_or_a_file_between_is_no_journal(monkeypatch):
    for wrong in ("", "1:2", "nonsense"):
        monkeypatch.setenv("JOURNAL_STREAM", wrong)
        assert not journal.is_there()
