"""Units of work off the event loop: services block, the gateway's loop must not."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy.orm import Session

from appliance.db import SessionFactory, unit_of_work
from appliance.errors import DatabaseUnavailable, TooMany

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8
"""A unit of work takes some milliseconds, most of them PostgreSQL's; within the engine's pool of 10."""
WAITING = 512
"""Units of work that may wait: about a second's worth. More means that the database is too slow to be fed more."""
RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0)
"""Seconds between tries while the database is away; the last repeats."""

log = structlog.get_logger(__name__)


class Store:
    """Runs functions of a session, each in its own unit of work, in a bounded pool of threads."""

    def __init__(self, session_factory: SessionFactory, threads: int = THREADS, waiting: int = WAITING) -> None:
        """``waiting`` bounds what may wait for a thread."""
        self.session_factory = session_factory
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._room = waiting + threads
        self._taken = 0

    async def run(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``work(session, …)`` returns, committed.

        Raises its ``ApplianceError``, ``DatabaseUnavailable``, or ``TooMany`` when too much waits already.
        """
        if self._taken >= self._room:
            raise TooMany("The server is too busy just now; it will be tried again.")
        self._taken += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._unit, work, args, kwargs)
        finally:
            self._taken -= 1

    async def insist(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like ``run``, but wait out a database that is away: for what must be on record, as a part or a gap."""
        attempt = 0
        while True:
            try:
                return await self.run(work, *args, **kwargs)
            except (DatabaseUnavailable, TooMany) as error:
                delay = RETRY_DELAYS[min(attempt, len(RETRY_DELAYS) - 1)]
                attempt += 1
                log.warning("store waits", error=error.message, retry_in=delay)
                await asyncio.sleep(delay)

    def run_here(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``work(session, …)`` returns, committed, in the thread that calls (never the loop's)."""
        return self._unit(work, args, kwargs)

    def close(self) -> None:
        """Let running units of work end; take no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _unit(self, work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
        with unit_of_work(self.session_factory) as session:
            return work(session, *args, **kwargs)
