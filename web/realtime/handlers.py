"""What each message does: one handler a kind, in a table with who may send it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from appliance.db import to_ms, utcnow
from appliance.errors import BadInput, NotFound, TooMany
from appliance.security.permission_map import Permission
from appliance.services import browser_statistics
from appliance.vocabulary import GapCause, Track
from media.kurento import IceCandidate
from web.realtime import acts, conversing
from web.realtime.connection import Connection
from web.realtime.messages import (
    Answer,
    Candidate,
    Chat,
    ClientMessage,
    Hello,
    Listen,
    Observe,
    OfferWanted,
    Ping,
    Pong,
    Publish,
    Resume,
    Resumed,
    Speak,
    Stats,
    Tiles,
    Unpublish,
    Unview,
    View,
    ViewEnded,
)

if TYPE_CHECKING:
    from web.realtime.gateway import Gateway

VIEWS = 80
"""Views of one socket: 30 tiles of two tracks, the rest for those being replaced."""
STATS_SECONDS = 10.0
OPEN_OBSERVATIONS = 64
"""A browser has nine kinds to report, and as many detectors, each open at most once."""

log = structlog.get_logger(__name__)

Handle = Callable[["Gateway", Connection, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Handler:
    """What a message does, and who may send it."""

    handle: Handle
    permission: Permission
    apart: bool = False
    """Runs beside the reading of further messages: media take their time, a ping must not wait for them."""


async def ping(gateway: "Gateway", connection: Connection, message: Ping) -> None:
    """Answer with both clocks; learn the browser's offset; the candidate is present."""
    now = to_ms(utcnow())
    connection.clock.ping(message.at, message.rtt_ms, now)
    connection.post(Pong(message.at, now))
    if connection.identity is not None and connection.identity.sitting_id is not None:
        await gateway.presence.heard(connection.identity.sitting_id, connection.clock.offset_ms)


async def hello(_gateway: "Gateway", _connection: Connection, _message: Hello) -> None:
    """Refuse: it was said already."""
    raise BadInput("hello is the first message and said once.")


async def publish(gateway: "Gateway", connection: Connection, message: Publish) -> None:
    """Answer the browser's offer of a track."""
    sitting_id = own(connection)
    sitting = await gateway.pipelines.get(sitting_id)

    def on_candidate(candidate: IceCandidate) -> None:
        seat = gateway.rooms.candidate(sitting_id)  # the socket may be another one by now
        if seat is not None:
            seat.post_candidate(message.connection, candidate)

    answer = await sitting.publish(message.track, message.connection, message.sdp, on_candidate)
    connection.post(Answer(message.connection, answer))


async def resume(gateway: "Gateway", connection: Connection, message: Resume) -> None:
    """Say whether the browser's connection still serves its track."""
    sitting = await gateway.pipelines.get(own(connection))
    if sitting.knows(message.track, message.connection):
        connection.post(Resumed(message.connection))
    else:
        connection.post(OfferWanted(message.track, GapCause.UNKNOWN))


async def unpublish(gateway: "Gateway", connection: Connection, message: Unpublish) -> None:
    """End a track: the share was stopped, the camera unplugged."""
    cause = GapCause.CAMERA_STOPPED if message.track is Track.CAMERA else GapCause.SHARE_STOPPED
    sitting = await gateway.pipelines.get(own(connection))
    await sitting.unpublish(message.track, cause, message.reason)


async def view(gateway: "Gateway", connection: Connection, message: View) -> None:
    """Let staff watch a track of a sitting of theirs; the first time is audited."""
    identity = connection.identity
    if identity is None or (len(connection.views) >= VIEWS and message.connection not in connection.views):
        raise TooMany("Too many pictures at once; close some.")
    connection.views[message.connection] = message.sitting_id  # candidates may come before the answer
    try:
        news = message.sitting_id not in connection.told_watching
        await gateway.store.run(acts.watch, identity, message.sitting_id, message.track, news)
        connection.told_watching.add(message.sitting_id)

        def on_ended(cause: str) -> None:
            connection.views.pop(message.connection, None)
            connection.post(ViewEnded(message.connection, cause))

        answer = await gateway.pipelines.view(
            message.sitting_id,
            connection.key_of(message.connection),
            message.track,
            message.sdp,
            lambda candidate: connection.post_candidate(message.connection, candidate),
            on_ended,
        )
    except BaseException:
        connection.views.pop(message.connection, None)
        raise
    connection.views.shown(message.connection, message.track.value)
    connection.post(Answer(message.connection, answer))


async def tiles(gateway: "Gateway", connection: Connection, message: Tiles) -> None:
    """Let staff see small pictures of sittings of theirs; the first time of each is audited as watching is."""
    identity = connection.identity
    if identity is None:
        return
    told = frozenset(connection.told_watching)
    connection.tiles = await gateway.store.run(acts.watch_tiles, identity, frozenset(message.sitting_ids), told)
    connection.told_watching |= connection.tiles
    gateway.tiles.greet(connection)


async def unview(gateway: "Gateway", connection: Connection, message: Unview) -> None:
    """End a view or a line of a conversation; one that has ended already is fine."""
    if await gateway.conversing.stop(connection, message.connection):
        return
    sitting_id = connection.views.pop(message.connection, None)
    if sitting_id is not None:
        await gateway.pipelines.unview(sitting_id, connection.key_of(message.connection))


async def candidate(gateway: "Gateway", connection: Connection, message: Candidate) -> None:
    """Pass an ICE candidate on; the end of candidates needs no telling."""
    if not message.candidate or connection.identity is None:
        return
    ice = IceCandidate(message.candidate, message.sdp_mid or "", message.sdp_m_line_index or 0)
    if await gateway.conversing.add_candidate(connection, message.connection, ice):
        return
    if connection.identity.sitting_id is not None:
        sitting = await gateway.pipelines.get(connection.identity.sitting_id)
        await sitting.add_candidate(message.connection, ice)
        return
    sitting_id = connection.views.get(message.connection)
    if sitting_id is None:
        raise NotFound("This connection watches nothing.")
    await gateway.pipelines.add_view_candidate(sitting_id, connection.key_of(message.connection), ice)


async def observe(gateway: "Gateway", connection: Connection, message: Observe) -> None:
    """Write down what the candidate's browser saw of itself, at the server's time."""
    sitting_id = own(connection)
    at_ms = connection.clock.to_server(message.at, to_ms(utcnow()))
    if message.phase == "end":
        observation_id = connection.observed.pop(message.ref, None)
        if observation_id is not None:  # unknown: closed with the socket that opened it
            await gateway.store.run(acts.end_observation, observation_id, message, at_ms)
        return
    if message.phase == "update":
        if message.detector and message.ref in connection.observed:
            await gateway.store.run(acts.update_observation, connection.observed[message.ref], message)
        return
    if message.phase == "start" and len(connection.observed) >= OPEN_OBSERVATIONS:
        raise TooMany("Too many observations are open; end some first.")
    end_ms = at_ms if message.phase == "instant" else None
    observation_id = await gateway.store.run(acts.begin_observation, sitting_id, message, at_ms, end_ms)
    if message.phase == "start":
        connection.observed[message.ref] = observation_id


async def chat(gateway: "Gateway", connection: Connection, message: Chat) -> None:
    """Store a chat message; all get it back from the bus, the sender too."""
    identity = connection.identity
    if identity is None:
        return
    sitting_id = identity.sitting_id or message.sitting_id
    if sitting_id is None:
        raise BadInput("chat: sitting_id is missing; staff name the sitting they write to.")
    await gateway.store.run(acts.send_chat, identity, sitting_id, message)


async def stats(gateway: "Gateway", connection: Connection, message: Stats) -> None:
    """Keep the browser's last report of itself, for checks of the pipeline; more than one in 10 s is not written."""
    sitting_id, now = own(connection), time.monotonic()
    if now - connection.stats_at < STATS_SECONDS:
        return
    connection.stats_at = now
    said = {"values": message.values, "pairs": message.pairs, "ice_errors": message.ice_errors}
    await gateway.store.run(browser_statistics.keep, sitting_id, msgspec.to_builtins(said))


def own(connection: Connection) -> int:
    """Return the candidate's sitting."""
    if connection.identity is None or connection.identity.sitting_id is None:
        raise BadInput("Only a candidate can send that.")
    return connection.identity.sitting_id


HANDLERS: dict[type[ClientMessage], Handler] = {
    Hello: Handler(hello, Permission.LIVE_CONNECT),
    Ping: Handler(ping, Permission.LIVE_CONNECT),
    Publish: Handler(publish, Permission.MEDIA_PUBLISH, apart=True),
    Resume: Handler(resume, Permission.MEDIA_PUBLISH, apart=True),
    Unpublish: Handler(unpublish, Permission.MEDIA_PUBLISH, apart=True),
    View: Handler(view, Permission.MEDIA_WATCH, apart=True),
    Tiles: Handler(tiles, Permission.MEDIA_WATCH),
    Speak: Handler(conversing.speak, Permission.CONVERSATION_JOIN, apart=True),
    Listen: Handler(conversing.listen, Permission.CONVERSATION_JOIN, apart=True),
    Unview: Handler(unview, Permission.LIVE_CONNECT, apart=True),
    Candidate: Handler(candidate, Permission.LIVE_CONNECT),
    Observe: Handler(observe, Permission.MEDIA_PUBLISH),
    Chat: Handler(chat, Permission.CHAT_WRITE),
    Stats: Handler(stats, Permission.MEDIA_PUBLISH),
}
"""Every message there is; a kind without a handler is a mistake that a test finds."""
