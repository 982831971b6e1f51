"""How a process logs: lines on its output, tracebacks without the values of variables, which may be secrets."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

FORMAT = "%(asctime)s [%(levelname)s] %(name)s: %(message)s"

_SECRET: Final = re.compile(
    r"passw|passphrase|secret|token|csrf|cookie|authorization|credential|recovery|(^|_)(otp|totp|pin|jwt|key)$", re.I
)


def configure() -> None:
    """Set up logging of this process; libraries are heard from warnings on.

    Structlog by itself shows the local variables of each frame where a formatter that can is installed.
    """
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
