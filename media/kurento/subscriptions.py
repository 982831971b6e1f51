"""A subscription to one kind of event of one object."""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from media.kurento.events import Event

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
Callback = Callable[[E], Awaitable[None] | None]

SUBSCRIPTION_QUEUE = 256
"""Events of one subscription that its iterator has not taken yet; a whole negotiation makes about 30."""


class Subscription(Generic[E]):
    """One subscription; without a callback it is iterated: ``async for event in subscription``."""

    def __init__(self, object_id: str, event: type[E], callback: Callback[E] | None) -> None:
        """Made by :meth:`KurentoClient.subscribe`."""
        self.object_id, self.event, self.callback = object_id, event, callback
        self._queue: asyncio.Queue[E | None] = asyncio.Queue(SUBSCRIPTION_QUEUE)

    async def deliver(self, event: E) -> None:
        """Hand an event on; an exception of the callback is logged, never raised."""
        if self.callback is None:
            self._put(event)
            return
        try:
            outcome = self.callback(event)
            if inspect.isawaitable(outcome):
                await outcome
        except Exception:
            log.exception("callback of %s failed", self.event.__name__)

    def end(self) -> None:
        """No more events will come: end the iteration."""
        self._put(None)

    def _put(self, event: E | None) -> None:
        if self._queue.full():
            self._queue.get_nowait()
            log.error("nobody takes the %s events of %s: dropped one", self.event.__name__, self.object_id)
        self._queue.put_nowait(event)

    async def __aiter__(self) -> AsyncIterator[E]:
        """Events as they come, until the subscription or its session ends."""
        while (event := await self._queue.get()) is not None:
            yield event
