"""Whether a sitting's candidate is here: told to the room, and in the end to the sitting itself."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import bus
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import ApplianceError
from appliance.models import Sitting
from appliance.services import payloads, sittings
from appliance.sitting_machine import LIVE
from appliance.vocabulary import GapCause, SittingState
from media.pipelines.store import Store

OFFLINE_SECONDS = 10.0
"""A reload or a change of network takes less; a proctor need not hear of those."""
INTERRUPT_SECONDS = 60.0
"""After this the sitting itself says that its candidate is away."""
TOUCH_SECONDS = 5.0
"""Pings more often than this need not be written down."""
ALMOST = timedelta(seconds=1)
"""What the last sign of life at this gateway may be late by."""
GATEWAY = Actor.appliance("gateway")

log = structlog.get_logger(__name__)


class Presence:
    """Timers of candidates who are away; all else of presence is in the database."""

    def __init__(self, store: Store) -> None:
        """Nobody is expected yet."""
        self._store = store
        self._timers: dict[int, list[asyncio.TimerHandle]] = {}
        self._online: set[int] = set()
        self._page_closed: set[int] = set()
        self._touched: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """After a restart: whoever was here has the usual time to come back."""
        for sitting_id, online in await self._store.insist(_present):
            if online:
                self._online.add(sitting_id)
            self.departed(sitting_id, page_closed=False)

    async def arrived(self, sitting_id: int) -> None:
        """The candidate's socket said hello."""
        self._cancel(sitting_id)
        self._page_closed.discard(sitting_id)
        news = sitting_id not in self._online
        self._online.add(sitting_id)
        self._touched[sitting_id] = asyncio.get_running_loop().time()
        await self._store.run(_arrive, sitting_id, news)

    async def heard(self, sitting_id: int, clock_offset_ms: int | None) -> None:
        """The candidate's socket gave a sign of life."""
        now = asyncio.get_running_loop().time()
        if now - self._touched.get(sitting_id, 0.0) >= TOUCH_SECONDS:
            self._touched[sitting_id] = now
            await self._store.run(_touch, sitting_id, clock_offset_ms)

    def departed(self, sitting_id: int, page_closed: bool) -> None:
        """The candidate's only socket is gone; the timers run from here."""
        self._cancel(sitting_id)
        if page_closed:
            self._page_closed.add(sitting_id)
        loop = asyncio.get_running_loop()
        self._timers[sitting_id] = [
            loop.call_later(OFFLINE_SECONDS, self._offline, sitting_id),
            loop.call_later(INTERRUPT_SECONDS, self._away, sitting_id),
        ]

    def elsewhere(self, sitting_id: int) -> None:
        """The candidate's newest socket is at another gateway, which tells of it from now on."""
        self.forget(sitting_id)

    def absence_cause(self, sitting_id: int) -> GapCause:
        """Return why a candidate's media may have stopped."""
        return GapCause.PAGE_CLOSED if sitting_id in self._page_closed else GapCause.CONNECTION_LOST

    def forget(self, sitting_id: int) -> None:
        """The sitting is over."""
        self._cancel(sitting_id)
        self._online.discard(sitting_id)
        self._page_closed.discard(sitting_id)
        self._touched.pop(sitting_id, None)

    async def close(self) -> None:
        """End all timers, telling nobody: the next gateway starts them anew."""
        for sitting_id in list(self._timers):
            self._cancel(sitting_id)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _cancel(self, sitting_id: int) -> None:
        for timer in self._timers.pop(sitting_id, ()):
            timer.cancel()

    def _offline(self, sitting_id: int) -> None:
        if sitting_id in self._online:
            self._online.discard(sitting_id)
            self._spawn(self._store.insist(_tell_offline, sitting_id))

    def _away(self, sitting_id: int) -> None:
        self._timers.pop(sitting_id, None)
        self._spawn(self._store.insist(_interrupt, sitting_id))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except ApplianceError as error:
        log.info("presence", error=error.message)


def _present(session: Session) -> list[tuple[int, bool]]:
    states, now = LIVE - {SittingState.INTERRUPTED}, utcnow()
    query = select(Sitting).where(Sitting.state.in_(states), Sitting.last_seen_at.is_not(None))
    return [(row.id, payloads.is_online(row, now)) for row in session.scalars(query)]


def _arrive(session: Session, sitting_id: int, news: bool) -> None:
    sitting = sittings.get(session, sitting_id)
    sittings.touch(session, sitting)
    if sitting.state is SittingState.INTERRUPTED:
        sittings.return_(session, GATEWAY, sitting)
    sitting.last_seen_at = utcnow()  # however short ago it was: other gateways see by this that somebody is here
    if news:
        bus.publish_sitting(session, sitting, "presence.changed", {"online": True})


def _touch(session: Session, sitting_id: int, clock_offset_ms: int | None) -> None:
    sittings.touch(session, sittings.get(session, sitting_id), clock_offset_ms)


def _tell_offline(session: Session, sitting_id: int) -> None:
    sitting = sittings.get(session, sitting_id)
    if sitting.state in LIVE and not _seen_elsewhere(sitting, OFFLINE_SECONDS):
        bus.publish_sitting(session, sitting, "presence.changed", {"online": False})


def _interrupt(session: Session, sitting_id: int) -> None:
    sitting = sittings.get(session, sitting_id)
    if _seen_elsewhere(sitting, INTERRUPT_SECONDS):
        return
    if sitting.state in LIVE and sitting.state is not SittingState.INTERRUPTED:
        sittings.interrupt(session, GATEWAY, sitting)


def _seen_elsewhere(sitting: Sitting, seconds: float) -> bool:
    """Whether the candidate was seen after leaving ``seconds`` ago: then it was at another gateway."""
    left = utcnow() - timedelta(seconds=seconds)
    return sitting.last_seen_at is not None and sitting.last_seen_at > left + ALMOST
