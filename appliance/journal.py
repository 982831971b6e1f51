"""Records for journald, each value of an event as a field (systemd.io/JOURNAL_NATIVE_PROTOCOL).

``journalctl -u kustos-gateway KUSTOS_EVENT="media node lost" -o json`` finds them; without ``-o`` they are lines.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Mapping
from typing import Any, Final

from logging_journald import JournaldTransport, check_journal_stream

PRIORITY: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""Level's name -> syslog's number."""
IDENTIFIER: Final = "kustos"
PREFIX: Final = "KUSTOS_"
LONGEST_NAME: Final = 64
"""Of a field (systemd.journal-fields(7))."""
LONGEST_VALUE: Final = 64 * 1024
"""Characters; a traceback has a tenth."""
INNER: Final = ("event", "level", "exception", "timestamp", "exc_info", "stack_info", "_record", "_from_structlog")
"""Keys that are no values of the event's own."""

_NOT_NAME: Final = re.compile(r"[^A-Z0-9_]")


def is_there() -> bool:
    """Say whether this process's output goes to journald: systemd says so, and no pipe or file is between."""
    try:
        return bool(check_journal_stream())
    except (OSError, ValueError, AttributeError):
        return False


def fields(event: Mapping[str, Any], logger: str = "") -> dict[str, str]:
    """Return a record's fields: MESSAGE for people, KUSTOS_EVENT and KUSTOS_… for programs."""
    values = {key: _text(value) for key, value in event.items() if key not in INNER and value is not None}
    happened = str(event.get("event", ""))
    message = " ".join([happened, *(f"{key}={_quoted(value)}" for key, value in values.items())])
    if event.get("exception"):
        message += f"\n{event['exception']}"
    level = str(event.get("level", "info"))
    found = {
        "MESSAGE": message[:LONGEST_VALUE],
        "PRIORITY": str(PRIORITY.get("error" if level == "exception" else level, 6)),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "KUSTOS_EVENT": happened[:LONGEST_VALUE],
        "KUSTOS_LOGGER": logger,
    }
    return {**{_name(key): value[:LONGEST_VALUE] for key, value in values.items()}, **found}


class Journal:
    """The way to journald; a record that cannot be sent is printed, for the stream of the unit's output."""

    def __init__(self, transport: JournaldTransport | None = None) -> None:
        """Nothing is connected: each record names the socket anew, so that a restarted journald is no matter."""
        self._transport = transport or JournaldTransport(connected=False)
        self._lock = threading.Lock()

    def send(self, event: Mapping[str, Any], logger: str = "") -> None:
        """Send one record."""
        found = fields(event, logger)
        try:
            with self._lock:
                self._transport.send(found.items())
        except OSError:
            sys.stderr.write(found["MESSAGE"] + "\n")
            sys.stderr.flush()


class JournalLogger:
    """What structlog hands its last processor's answer to."""

    def __init__(self, journal: Journal, name: str = "") -> None:
        """``name`` is the module's."""
        self._journal, self._name = journal, name

    def msg(self, **event: Any) -> None:
        """Send one event."""
        self._journal.send(event, self._name)

    log = debug = info = warning = warn = error = critical = fatal = exception = failure = msg


class JournalHandler(logging.Handler):
    """What libraries log, as records of the same form."""

    def __init__(self, journal: Journal) -> None:
        """Take everything that comes."""
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; tracebacks come without the values of variables."""
        try:
            event: dict[str, Any] = {"event": record.getMessage(), "level": record.levelname.lower()}
            if record.exc_info:
                event["exception"] = logging.Formatter().formatException(record.exc_info)
            self._journal.send(event, record.name)
        except Exception:
            self.handleError(record)


def _name(key: str) -> str:
    return (PREFIX + _NOT_NAME.sub("_", key.upper()))[:LONGEST_NAME]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def _quoted(value: str) -> str:
    return value if value and not re.search(r"[\s=\"]", value) else json.dumps(value, ensure_ascii=False)
