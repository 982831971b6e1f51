"""The exam's clock: a running sitting ends when its deadline comes. The worker's periodic sweep is the fall-back."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import ApplianceError
from appliance.models import Sitting
from appliance.services import sittings
from appliance.vocabulary import SittingState
from media.pipelines.store import Store

RETRY_SECONDS = 1.0
"""After the database refused: the exam is over all the same, its end carries the deadline's own time."""
TIMED = frozenset({SittingState.RUNNING, SittingState.INTERRUPTED})

log = structlog.get_logger(__name__)


class Deadlines:
    """The deadlines of running sittings, and the task that waits for the nearest one."""

    def __init__(self, store: Store, interrupted_minutes: int, before: Callable[[int], Awaitable[bool]]) -> None:
        """``before(sitting_id)`` is awaited before a sitting is ended; it may move the deadline.

        It answers whether this gateway is to end it; the one that has the sitting must look first what was lost.
        """
        self._store, self._interrupted_minutes, self._before = store, interrupted_minutes, before
        self._due: dict[int, int] = {}
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Read the deadlines of what runs already."""
        for sitting_id, due_ms in await self._store.insist(_running):
            self.set(sitting_id, SittingState.RUNNING, due_ms)

    def set(self, sitting_id: int, state: str, due_ms: int | None) -> None:
        """The sitting changed."""
        self._due.pop(sitting_id, None)
        if state in TIMED and due_ms is not None:
            self._due[sitting_id] = due_ms
        self._news.set()

    async def run(self) -> None:
        """Wait for the nearest deadline, end what is due, for ever."""
        while True:
            self._news.clear()
            now = to_ms(utcnow())
            due = [sitting_id for sitting_id, due_ms in self._due.items() if due_ms <= now]
            if due:
                await self._end(due)
                continue
            wait = min(self._due.values()) - now if self._due else None
            try:
                await asyncio.wait_for(self._news.wait(), None if wait is None else wait / 1000)
            except TimeoutError:
                continue

    async def _end(self, due: list[int]) -> None:
        try:
            mine = [sitting_id for sitting_id in due if await self._before(sitting_id)]
            if not mine:
                await asyncio.sleep(RETRY_SECONDS)  # it will be told when it is done, or be ours when it is not
                return
            others = [sitting_id for sitting_id in due if sitting_id not in mine]
            ended = await self._store.run(_end_overdue, self._interrupted_minutes, others)
            current = dict(await self._store.run(_running))
        except ApplianceError as error:
            log.warning("deadline waits", error=error.message)
            await asyncio.sleep(RETRY_SECONDS)
            return
        log.info("ended by the clock", sittings=ended)
        for sitting_id in due:  # ended, or its deadline was moved meanwhile
            self.set(sitting_id, SittingState.RUNNING, current.get(sitting_id))
        if not ended and any(
            current.get(sitting_id, now_ms()) <= now_ms() for sitting_id in due if sitting_id in current
        ):
            await asyncio.sleep(RETRY_SECONDS)  # another transaction holds the row


def now_ms() -> int:
    """Return the server's time in milliseconds."""
    return to_ms(utcnow())


def _running(session: Session) -> list[tuple[int, int]]:
    query = select(Sitting.id, Sitting.deadline_at).where(Sitting.state.in_(TIMED), Sitting.deadline_at.is_not(None))
    return [(sitting_id, to_ms(at)) for sitting_id, at in session.execute(query) if at is not None]


def _end_overdue(session: Session, interrupted_minutes: int, others: list[int]) -> list[int]:
    return sittings.end_overdue(session, Actor.appliance("clock"), utcnow(), interrupted_minutes, others)
