"""Copies of the log to a collector: in order, each at least once, however long the collector was away.

A cursor in the database says how far the collector has it; nothing is held in memory, so nothing piles up.
"""

import contextlib
import fcntl
import socket
import ssl
import struct
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from appliance.audit.syslog import FORMATS, journal
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import SettingInvalid
from appliance.models import AuditEntry, AuditForwarding
from appliance.settings import Settings

BATCH: Final = 500
TIMEOUT: Final = 5.0
"""Seconds that a collector has to take a batch."""

PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}
JOURNAL: Final = "/run/systemd/journal/socket"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Where copies go, and how they are worded."""

    url: str
    transport: str
    place: tuple[str, int] | str
    """Host and port, or the path of a local socket."""
    word: Callable[[AuditEntry, str], bytes]
    ca_file: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return what the settings name; None: no copies. Raises ``SettingInvalid``."""
        if not settings.siem_url:
            return None
        word = FORMATS.get(settings.siem_format)
        if word is None:
            raise SettingInvalid(f"siem_format: '{settings.siem_format}' is none of {', '.join(FORMATS)}.")
        parts = urlsplit(settings.siem_url)
        if parts.scheme == "journald":
            return cls(settings.siem_url, "unix", parts.path or JOURNAL, journal)
        if parts.scheme == "unix" and parts.path:
            return cls(settings.siem_url, "unix", parts.path, word)
        try:
            if parts.scheme not in PORTS or not parts.hostname:
                raise ValueError
            place = (parts.hostname, parts.port or PORTS[parts.scheme])
        except ValueError as error:
            raise SettingInvalid(
                f"siem_url: '{settings.siem_url}' is none of udp://, tcp://, tls://host:port, unix:///path, journald://."
            ) from error
        return cls(settings.siem_url, parts.scheme, place, word, settings.siem_ca_file)


def forward(factory: SessionFactory, target: Target, seconds: float = 8.0) -> int:
    """Send what the collector does not have yet, for at most about ``seconds``; return how many entries it took.

    One process sends at a time; another returns at once. A collector that is away is no error: the cursor stays and
    says since when.
    """
    end, sent = time.monotonic() + seconds, 0
    _begin(factory, target)
    while True:
        count = _batch(factory, target)
        sent += count
        if count < BATCH or time.monotonic() > end:
            return sent


def _begin(factory: SessionFactory, target: Target) -> None:
    with unit_of_work(factory) as session:
        new = upsert(AuditForwarding).values(target=target.url, last_id=0, problem="")
        session.execute(new.on_conflict_do_nothing())


def _batch(factory: SessionFactory, target: Target) -> int:
    with unit_of_work(factory) as session:
        cursor = session.scalars(
            select(AuditForwarding).where(AuditForwarding.target == target.url).with_for_update(skip_locked=True)
        ).first()
        if cursor is None:
            return 0
        query = select(AuditEntry).where(AuditEntry.id > cursor.last_id).order_by(AuditEntry.id).limit(BATCH)
        entries = session.scalars(query).all()
        if not entries:
            return 0
        host = socket.gethostname()
        try:
            deliver(target, [target.word(entry, host) for entry in entries])
        except OSError as error:
            if cursor.failing_since is None:
                log.warning("audit.forwarding_fails", target=target.transport, problem=str(error))
            cursor.failing_since, cursor.problem = cursor.failing_since or utcnow(), str(error)[:500]
            return 0
        cursor.last_id, cursor.sent_at = entries[-1].id, utcnow()
        cursor.failing_since, cursor.problem = None, ""
        return len(entries)


def deliver(target: Target, messages: list[bytes]) -> None:
    """Give a collector the messages in their order; raise ``OSError`` when it may not have all of them.

    UDP knows no answer (RFC 5426): what is lost on the way is lost. On a stream (RFC 6587, octet counting; RFC 5425)
    our end is closed and the collector's awaited: it closes when it has read everything.
    """
    if isinstance(target.place, str):
        _datagrams(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), target.place, messages)
    elif target.transport == "udp":
        family, kind, _, _, address = socket.getaddrinfo(*target.place, type=socket.SOCK_DGRAM)[0]
        _datagrams(socket.socket(family, kind), address, messages)
    else:
        with socket.create_connection(target.place, timeout=TIMEOUT) as plain:
            if target.transport == "tls":
                with _context(target).wrap_socket(plain, server_hostname=target.place[0]) as sealed:
                    _stream(sealed, messages)
            else:
                _stream(plain, messages)


def _datagrams(sender: socket.socket, place: str | tuple[object, ...], messages: list[bytes]) -> None:
    with sender:
        sender.settimeout(TIMEOUT)
        sender.connect(place)
        for message in messages:
            sender.send(message)


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _stream(stream: socket.socket, messages: list[bytes]) -> None:
    stream.sendall(b"".join(b"%d %s" % (len(message), message) for message in messages))
    if isinstance(stream, ssl.SSLSocket):
        with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):  # closed without saying good-bye
            stream.unwrap()
        return
    stream.shutdown(socket.SHUT_WR)
    try:
        while stream.recv(4096):
            pass
    except TimeoutError:
        if _unacknowledged(stream):
            raise


def _unacknowledged(stream: socket.socket) -> int:
    """Return how many bytes the collector's machine has not taken (SIOCOUTQ): some keep their end open."""
    answer = fcntl.ioctl(stream.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
