"""Sockets in conversations: who may speak and who may listen, and what ends with a socket."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from appliance.errors import ApplianceError, ImpossibleStep, NotAllowed, TooMany
from appliance.models import Seat
from appliance.security.identity import Identity
from appliance.services import conversations
from appliance.vocabulary import SeatState
from media.kurento import IceCandidate
from media.pipelines.conversations import Conversations
from media.pipelines.store import Store
from web.realtime.connection import Connection
from web.realtime.messages import Answer, Listen, Speak, ViewEnded

if TYPE_CHECKING:
    from web.realtime.gateway import Gateway

LINES = 16
"""Of one socket: a conference of eight is one that sends and seven that listen, and those being replaced."""
AWAY_SECONDS = 45.0
"""How long somebody may be away, as with a reload, before they count as having left."""


class Conversing:
    """The lines (connections in conversations) of this gateway's sockets."""

    def __init__(
        self, store: Store, media: Conversations, spawn: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        """``spawn`` runs something beside."""
        self._store, self.media, self._spawn = store, media, spawn
        self._away: dict[int, asyncio.TimerHandle] = {}

    async def speak(self, connection: Connection, message: Speak) -> None:
        """Take what a person sends; raise ``NotAllowed`` for who only listens."""
        identity = _identity(connection)
        seat = await self._store.run(joined, identity, message.conversation_id)
        if not seat.may_send:
            raise NotAllowed("In this conversation only its host speaks.")
        self._back(seat.id)
        await self._open(connection, message, seat.id, self.media.speak)

    async def listen(self, connection: Connection, message: Listen) -> None:
        """Give what another person sends."""
        identity = _identity(connection)
        seat = await self._store.run(joined, identity, message.conversation_id)
        if message.seat_id == seat.id:
            raise ImpossibleStep("Nobody listens to themselves.")
        if message.seat_id not in seat.audible:
            raise NotAllowed("In this conversation you hear its host only.")
        self._back(seat.id)
        await self._open(connection, message, message.seat_id, self.media.listen)

    async def _open(self, connection: Connection, message: Speak | Listen, seat_id: int, act: Any) -> None:
        name = message.connection
        if len(connection.lines) >= LINES and name not in connection.lines:
            raise TooMany("Too many connections at once; close some.")
        connection.lines.add(name)  # candidates may come before the answer

        def on_ended(cause: str) -> None:
            connection.lines.discard(name)
            connection.post(ViewEnded(name, cause))

        def on_candidate(found: IceCandidate) -> None:
            connection.post_candidate(name, found)

        try:
            answer = await act(
                connection.key_of(name), message.conversation_id, seat_id, message.sdp, on_candidate, on_ended
            )
        except BaseException:
            connection.lines.discard(name)
            raise
        connection.post(Answer(name, answer))

    async def add_candidate(self, connection: Connection, name: str, candidate: IceCandidate) -> bool:
        """Take a candidate; False when the connection is none of a conversation."""
        if name not in connection.lines:
            return False
        await self.media.add_candidate(connection.key_of(name), candidate)
        return True

    async def stop(self, connection: Connection, name: str) -> bool:
        """End a line; False when it is none."""
        if name not in connection.lines:
            return False
        connection.lines.discard(name)
        await self.media.stop(connection.key_of(name))
        return True

    async def socket_gone(self, connection: Connection) -> None:
        """End the socket's lines; who does not come back soon has left."""
        lines, connection.lines = connection.lines, set()
        for name in lines:
            with contextlib.suppress(ApplianceError):
                await self.media.stop(connection.key_of(name))
        if connection.identity is not None:
            with contextlib.suppress(ApplianceError):
                for seat_id in await self._store.run(seats_in, connection.identity):
                    self._gone(connection.identity, seat_id)

    def changed(self, payload: dict[str, Any]) -> None:
        """The bus told of a conversation: end here what is over or left."""
        told = payload.get("conversation") or {}
        number = int(told.get("id", 0))
        if told.get("ended_ms") is not None:
            self._spawn(self.media.over(number))
            return
        for seat in told.get("seats", ()):
            if seat["state"] in (SeatState.LEFT, SeatState.DECLINED):
                self._back(int(seat["id"]))
                self._spawn(self.media.leave(number, int(seat["id"])))

    def close(self) -> None:
        """Wait for nobody any more."""
        for timer in self._away.values():
            timer.cancel()

    def _gone(self, identity: Identity, seat_id: int) -> None:
        self._back(seat_id)
        loop = asyncio.get_running_loop()
        self._away[seat_id] = loop.call_later(AWAY_SECONDS, self._leave, identity, seat_id)

    def _back(self, seat_id: int) -> None:
        timer = self._away.pop(seat_id, None)
        if timer is not None:
            timer.cancel()

    def _leave(self, identity: Identity, seat_id: int) -> None:
        self._away.pop(seat_id, None)
        self._spawn(self._store.insist(leave, identity, seat_id))


class JoinedSeat:
    """What the gateway has to know of a person's seat."""

    __slots__ = ("audible", "id", "may_send")

    def __init__(self, seat: Seat) -> None:
        """Read it while the session is open."""
        row = seat.conversation
        self.id = seat.id
        self.may_send = conversations.may_send(row, seat)
        self.audible = frozenset(other.id for other in row.seats if conversations.may_send(row, other))


def joined(session: Session, identity: Identity, conversation_id: int) -> JoinedSeat:
    """Return the person's seat; raise ``NotFound`` if they were not asked in, ``ImpossibleStep`` if not joined."""
    row = conversations.get(session, conversation_id, identity.company_id)
    seat = conversations.seat_of(row, **_who(identity))
    if row.ended_at is not None:
        raise ImpossibleStep("This conversation is over.", conversation_id=conversation_id)
    if seat.state is not SeatState.JOINED:
        raise ImpossibleStep("Join the conversation first.", conversation_id=conversation_id)
    return JoinedSeat(seat)


def seats_in(session: Session, identity: Identity) -> list[int]:
    """Return the seats that a person has taken in open conversations."""
    who = _who(identity)
    seats = [conversations.seat_of(row, **who) for row in conversations.open_ones(session, **who)]
    return [seat.id for seat in seats if seat.state is SeatState.JOINED]


def leave(session: Session, identity: Identity, seat_id: int) -> None:
    """Who was away too long has left; what is over already is fine."""
    seat = session.get(Seat, seat_id)
    if seat is not None and seat.conversation.ended_at is None and seat.state is SeatState.JOINED:
        conversations.leave(session, identity.actor, seat, "away")


def _who(identity: Identity) -> dict[str, int]:
    return {"user_id": identity.id} if identity.sitting_id is None else {"sitting_id": identity.sitting_id}


def _identity(connection: Connection) -> Identity:
    if connection.identity is None:
        raise NotAllowed
    return connection.identity


async def speak(gateway: "Gateway", connection: Connection, message: Speak) -> None:
    """Handle ``speak``."""
    await gateway.conversing.speak(connection, message)


async def listen(gateway: "Gateway", connection: Connection, message: Listen) -> None:
    """Handle ``listen``."""
    await gateway.conversing.listen(connection, message)
