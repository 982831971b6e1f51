"""How a process logs: lines on its output, tracebacks without the values of variables, which may be secrets."""

import logging
import sys

import structlog

FORMAT = "%(asctime)s [%(levelname)s] %(name)s: %(message)s"


def configure() -> None:
    """Set up logging of this process; libraries are heard from warnings on.

    Structlog by itself shows the local variables of each frame where a formatter that can is installed.
    """
    logging.basicConfig(level=logging.WARNING, format=FORMAT)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )


def words(error: BaseException) -> str:
    """Return an exception's kind and its first line: what follows may be a statement, or a row with people's data."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
