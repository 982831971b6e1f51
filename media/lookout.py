"""Asks for all sittings that a worker watches at once where they stand, and writes down how far it saw of each.

A unit of work costs as much as a face that is looked for; asked for each sitting by itself, these took a tenth of an
analysis.
"""

import asyncio
import functools
import time

from sqlalchemy.orm import Session

from appliance.errors import NotFound
from media import watch_log
from media.pipelines.store import Store
from media.watch_log import Standing

EVERY_SECONDS = 1.0
"""How soon a new connection of the camera is tapped, and the end noticed."""
SAW_SECONDS = 2.0
"""How often it is written down how far the pictures were looked at: what a take-over may call unwatched too much."""


class Lookout:
    """One for a process; its sittings come and go. Of one event loop, but for ``saw``."""

    def __init__(self, store: Store) -> None:
        """Nothing runs before somebody waits."""
        self._store = store
        self._waiting: dict[int, asyncio.Future[Standing]] = {}
        self._seen: dict[int, int] = {}
        self._saw_at = 0.0
        self._round: asyncio.Task[None] | None = None

    async def now(self, sitting_id: int) -> Standing:
        """Return where a sitting stands; raise ``NotFound``. Waits out a database that is away."""
        found = await self._store.insist(watch_log.look, [sitting_id])
        if sitting_id not in found:
            raise NotFound("There is no such sitting.")
        return found[sitting_id]

    async def next(self, sitting_id: int) -> Standing:
        """Return the same after the next round, which is within EVERY_SECONDS of the last one."""
        loop = asyncio.get_running_loop()
        answer = self._waiting.get(sitting_id) or loop.create_future()
        self._waiting[sitting_id] = answer
        if self._round is None:
            self._round = loop.create_task(self._look())
        return await asyncio.shield(answer)

    def forget(self, sitting_id: int) -> None:
        """Write nothing more of this sitting: it is over, or another worker's."""
        self._seen.pop(sitting_id, None)

    def saw(self, sitting_id: int, until_ms: int) -> None:
        """Note how far pictures were looked at; written with a round that is due. May be called from any thread."""
        self._seen[sitting_id] = until_ms

    async def _look(self) -> None:
        await asyncio.sleep(EVERY_SECONDS)
        waiting, self._waiting, self._round = self._waiting, {}, None
        seen: dict[int, int] = {}
        if time.monotonic() - self._saw_at >= SAW_SECONDS:
            self._saw_at = time.monotonic()
            seen = {sitting_id: self._seen.pop(sitting_id) for sitting_id in tuple(self._seen)}
        try:
            found = await self._store.insist(functools.partial(_round, seen=seen, sitting_ids=list(waiting)))
        except Exception as error:  # whatever it was: who waits must not wait for ever
            for answer in waiting.values():
                _fail(answer, error)
            return
        for sitting_id, answer in waiting.items():
            if sitting_id in found:
                answer.set_result(found[sitting_id])
            else:
                _fail(answer, NotFound("There is no such sitting."))


def _round(session: Session, seen: dict[int, int], sitting_ids: list[int]) -> dict[int, Standing]:
    watch_log.saw(session, seen)
    return watch_log.look(session, sitting_ids)


def _fail(answer: "asyncio.Future[Standing]", error: Exception) -> None:
    answer.set_exception(error)
    answer.exception()  # who waited may be gone, which is nothing to complain about
