"""The store as one sitting's pipeline has it: every unit of work holds only while the sitting is this gateway's."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from appliance.errors import DatabaseUnavailable, TooMany
from media.pipelines import leases
from media.pipelines.leases import LeaseLost
from media.pipelines.store import Store

P = ParamSpec("P")
T = TypeVar("T")


class LeasedStore(Store):
    """Raises ``LeaseLost``, and tells it once, where the sitting is another gateway's by now."""

    def __init__(
        self, store: Store, sitting_id: int, gateway_id: str, is_sure: Callable[[], bool], on_lost: Callable[[], None]
    ) -> None:
        """``is_sure()``: the heart beat so short ago that nobody can have taken the lease."""
        self._store, self._sitting_id, self._gateway_id = store, sitting_id, gateway_id
        self._is_sure, self._on_lost = is_sure, on_lost
        self._shut = False
        self.session_factory = store.session_factory

    async def run(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``work(session, …)`` returns, committed while the lease is held."""
        if self._shut:
            raise LeaseLost(sitting_id=self._sitting_id)
        try:
            return await self._store.run(self._fenced, work, args, kwargs)
        except LeaseLost:
            self.shut()
            self._on_lost()
            raise

    def run_here(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``work(session, …)`` returns, in the thread that calls."""
        return self._store.run_here(self._fenced, work, args, kwargs)

    async def fence(self) -> None:
        """Before objects in a node are touched: raise ``LeaseLost`` when they are another gateway's."""
        if self._shut:
            raise LeaseLost(sitting_id=self._sitting_id)
        if self._is_sure():
            return
        try:
            await self.run(_nothing)
        except (DatabaseUnavailable, TooMany):
            return  # without the database nobody can have taken it over

    def shut(self) -> None:
        """Refuse everything from now on."""
        self._shut = True

    def close(self) -> None:
        """Do nothing: the threads are the gateway's."""

    def _fenced(self, session: Session, work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        leases.check(session, self._sitting_id, self._gateway_id)
        return work(session, *args, **kwargs)


class Turn(asyncio.Lock):
    """A lock whose every holder has first passed the fence."""

    def __init__(self, fence: Callable[[], Awaitable[None]]) -> None:
        """``fence`` raises what keeps one out."""
        super().__init__()
        self._fence = fence

    async def __aenter__(self) -> None:
        """Wait for the turn; raise ``LeaseLost`` when there is none any more."""
        await self.acquire()
        try:
            await self._fence()
        except BaseException:
            self.release()
            raise


def _nothing(session: Session) -> None:
    """Do nothing but pass the fence."""
