"""How a process logs: lines on its output, or records for journald where systemd started it.

Tracebacks come without the values of variables, which may be secrets.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, Final

import structlog

from appliance import journal

FORMAT = "%(asctime)s [%(levelname)s] %(name)s: %(message)s"

_SECRET: Final = re.compile(
    r"passw|passphrase|secret|token|csrf|cookie|authorization|credential|recovery|(^|_)(otp|totp|pin|jwt|key)$", re.I
)


def configure() -> None:
    """Set up logging of this process; libraries are heard from warnings on.

    Structlog by itself shows the local variables of each frame where a formatter that can is installed.
    """
    if journal.is_there():
        _to_journal(journal.Journal())
        return
    logging.basicConfig(level=logging.WARNING, format=FORMAT)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            redact,
            structlog.processors.add_log_level,
            structlog.dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )


def _to_journal(there: journal.Journal) -> None:
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    root.handlers = [journal.JournalHandler(there)]
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            redact,
            structlog.processors.add_log_level,
            structlog.dev.set_exc_info,
            structlog.processors.ExceptionRenderer(_plain_traceback),
        ],
        logger_factory=lambda *names: journal.JournalLogger(there, str(names[0]) if names else ""),
    )


def _plain_traceback(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    return "".join(traceback.format_exception(*exc_info)).rstrip()


def redact(logger: object, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Black out what is kept under the name of a secret, however deep: the last net, none of ours logs one."""
    for key in event:
        event[key] = _blacked(key, event[key])
    return event


def _blacked(key: object, value: Any) -> Any:
    if _SECRET.search(str(key)) and value not in (None, "", True, False):
        return "[redacted]"
    if isinstance(value, Mapping):
        return {inner: _blacked(inner, one) for inner, one in value.items()}
    if isinstance(value, list | tuple):
        return [_blacked("", one) for one in value]
    return value


def words(error: BaseException) -> str:
    """Return an exception's kind and its first line: what follows may be a statement, or a row with people's data."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
