"""What systemd is told of a process: that it is ready, that it lives, that it ends (sd_notify(3)).

Without systemd (``kustos up``, tests) nothing is told to nobody.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from gunicorn.systemd import sd_notify

if TYPE_CHECKING:
    from gunicorn.glogging import Logger

log = cast("Logger", logging.getLogger(__name__))
"""What gunicorn's function asks of its logger, any has."""


def watchdog_seconds() -> float | None:
    """Return the silence after which systemd restarts this process; None where nobody watches."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdigit() and int(microseconds) else None


@asynccontextmanager
async def announced(status: str) -> AsyncIterator[None]:
    """Say that this process is ready, then, from its event loop, that it lives; at the end that it stops.

    A loop that hangs says nothing any more, and systemd starts the process anew.
    """
    tell(f"READY=1\nSTATUS={status}")
    seconds = watchdog_seconds()
    pulse = asyncio.create_task(_pulse(seconds / 3)) if seconds else None
    try:
        yield
    finally:
        if pulse is not None:
            pulse.cancel()
        tell("STOPPING=1")


def tell(state: str) -> None:
    """Send one notification."""
    sd_notify(state, log)


async def _pulse(seconds: float) -> None:
    while True:
        tell("WATCHDOG=1")
        await asyncio.sleep(seconds)
