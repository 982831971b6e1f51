"""The live bus: what happened, told to every gateway after the commit, and kept a while for those who missed it.

An event is a row and a NOTIFY in the caller's transaction. One lock for all topics, taken just before the commit,
makes ids grow in commit order over the whole bus, so that "all after id N" misses nothing whatever the topics.
PostgreSQL lines up the commits of all transactions that notify anyway; the lock adds no waiting of its own.
"""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, Protocol

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from appliance.commit_queue import CommitQueue
from appliance.db import libpq_url, to_ms, utcnow
from appliance.models import LiveEvent

CHANNEL = "kustos_bus"
LOCK = 0x6B75_7374_6275_7300
"""Advisory lock of the bus ("kustbus")."""

log = structlog.get_logger(__name__)


class OfSitting(Protocol):
    """A sitting, as far as the bus needs to know it."""

    @property
    def id(self) -> int:
        """Return the sitting's id."""

    @property
    def company_id(self) -> int:
        """Return the id of the company it belongs to."""


@dataclass(frozen=True, slots=True)
class BusEvent:
    """One event as listeners get it."""

    id: int
    topic: str
    kind: str
    payload: dict[str, Any]
    at_ms: int


class _Publication(NamedTuple):
    topic: str
    kind: str
    payload: str


def sitting_topic(sitting_id: int) -> str:
    """Return the topic of one sitting."""
    return f"sitting:{sitting_id}"


def company_topic(company_id: int) -> str:
    """Return the topic of all sittings of a company: the room listens there."""
    return f"company:{company_id}"


def publish(session: Session, topic: str, kind: str, payload: dict[str, Any]) -> None:
    """Tell ``topic`` when ``session`` commits; raise ``TypeError`` at once for a payload that is not JSON.

    The payload is taken as it is now: flush first where it holds ids that the database gives.
    """
    _queue.put(session, _Publication(topic, kind, json.dumps(payload, allow_nan=False)))


def publish_sitting(session: Session, sitting: OfSitting, kind: str, payload: dict[str, Any]) -> None:
    """Tell the sitting's own topic, and with ``sitting_id`` in the payload that of its company."""
    publish(session, sitting_topic(sitting.id), kind, payload)
    publish(session, company_topic(sitting.company_id), kind, {**copy.copy(payload), "sitting_id": sitting.id})


def since(session: Session, topics: Sequence[str], after_id: int, limit: int = 1000) -> list[LiveEvent]:
    """Return up to ``limit`` events of ``topics`` with an id above ``after_id``, in order."""
    query = select(LiveEvent).where(LiveEvent.topic.in_(topics), LiveEvent.id > after_id)
    return list(session.scalars(query.order_by(LiveEvent.id).limit(limit)))


def latest(session: Session) -> int:
    """Return the id of the newest event, 0 when there is none."""
    return session.scalar(select(func.max(LiveEvent.id))) or 0


def prune(session: Session, keep: timedelta) -> int:
    """Delete events older than ``keep`` and return how many; the newest stays, so that ``latest`` never goes back."""
    newest = select(func.max(LiveEvent.id)).scalar_subquery()
    query = delete(LiveEvent).where(LiveEvent.at < utcnow() - keep, LiveEvent.id < newest)
    return len(session.scalars(query.returning(LiveEvent.id)).all())


_INSERT = text(
    "WITH event AS ("
    " INSERT INTO live_event (topic, kind, payload, at) VALUES (:topic, :kind, CAST(:payload AS jsonb), :at)"
    " RETURNING id, topic) "
    "SELECT pg_notify(:channel, id || ' ' || topic) FROM event"
)


def _write(session: Session, publications: list[_Publication]) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    now = utcnow()
    for publication in publications:
        session.execute(_INSERT, {**publication._asdict(), "at": now, "channel": CHANNEL})


_queue: CommitQueue[_Publication] = CommitQueue("bus", _write)


class Listener:
    """Follows the bus on a connection of its own; survives a database that goes away and catches up by id.

    ``on_connection(False)`` is called when the database is lost and ``on_connection(True)`` when events flow (again).
    """

    page = 500
    """Rows read at a time: a page is what one slow consumer makes this process hold."""

    def __init__(
        self,
        database_url: str,
        after_id: int | None = None,
        on_connection: Callable[[bool], None] | None = None,
        poll_seconds: float = 5.0,
        retry_seconds: float = 0.5,
    ) -> None:
        """Start after ``after_id``, by default after the newest event at the first connection.

        ``poll_seconds``: a dead connection sends no notification; asking now and then finds it out.
        """
        self._url = libpq_url(database_url)
        self._last_id = after_id
        self._on_connection = on_connection
        self._poll_seconds = poll_seconds
        self._retry_seconds = retry_seconds
        self.connected = False

    async def events(self) -> AsyncIterator[BusEvent]:
        """Yield every event after the start, in order, until cancelled."""
        while True:
            try:
                async for event in self._follow():
                    yield event
            except psycopg.Error as error:
                log.warning("bus.lost", error=str(error).strip())
                self._tell(False)
                await asyncio.sleep(self._retry_seconds)

    async def _follow(self) -> AsyncIterator[BusEvent]:
        connection = await AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name="kustos bus"
        )
        try:
            await connection.execute(f"LISTEN {CHANNEL}")
            if self._last_id is None:
                self._last_id = await self._newest(connection)
            self._tell(True)
            while True:
                for event in await self._next_page(connection):
                    self._last_id = event.id
                    yield event
        finally:
            await connection.close()

    async def _next_page(self, connection: AsyncConnection[TupleRow]) -> list[BusEvent]:
        events = await self._read(connection)
        if not events:
            # Drained, so the next notification is news; several that came meanwhile are answered by one page.
            async for _ in connection.notifies(timeout=self._poll_seconds, stop_after=1):
                pass
            events = await self._read(connection)
        return events

    async def _newest(self, connection: AsyncConnection[TupleRow]) -> int:
        cursor = await connection.execute("SELECT coalesce(max(id), 0) FROM live_event")
        row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def _read(self, connection: AsyncConnection[TupleRow]) -> list[BusEvent]:
        cursor = await connection.execute(
            "SELECT id, topic, kind, payload, at FROM live_event WHERE id > %s ORDER BY id LIMIT %s",
            (self._last_id, self.page),
        )
        return [
            BusEvent(row_id, topic, kind, payload, to_ms(at))
            for row_id, topic, kind, payload, at in await cursor.fetchall()
        ]

    def _tell(self, connected: bool) -> None:
        if connected != self.connected:
            self.connected = connected
            if self._on_connection is not None:
                self._on_connection(connected)
