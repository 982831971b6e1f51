"""The gateway: sockets on one side, bus, services and media on the other."""

import asyncio
import contextlib
import socket
from typing import Any

import msgspec
import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from appliance import bus
from appliance.audit import refusals
from appliance.collaborators import Collaborators
from appliance.errors import ApplianceError, BadInput, NotAllowed, TokenInvalid, TooMany
from appliance.security import identity as identities
from appliance.security import live_tokens
from appliance.security.permission_map import Permission
from appliance.security.predicates import may
from appliance.services import assignments, conversations, nodes, pipeline_checks
from appliance.settings import Settings
from appliance.sitting_machine import OVER
from appliance.vocabulary import GapCause, SittingState, Track
from media.pipelines.disk_watch import DiskWatch
from media.pipelines.evidence import GATEWAY, Facts
from media.pipelines.membership import Membership
from media.pipelines.registry import SittingPipelines
from media.pipelines.store import Store
from web.realtime import acts, departures, visibility
from web.realtime.checks import Checks
from web.realtime.connection import Connection
from web.realtime.conversing import Conversing
from web.realtime.deadlines import Deadlines, now_ms
from web.realtime.desks import Desks, sitting_of
from web.realtime.feed import Subscription
from web.realtime.handlers import HANDLERS, Handler
from web.realtime.handovers import Handovers
from web.realtime.messages import (
    DECODER,
    AnyClientMessage,
    CloseCode,
    Hello,
    OfferWanted,
    Overtaken,
    Reset,
    Welcome,
)
from web.realtime.presence import Presence
from web.realtime.rooms import Rooms
from web.realtime.tiles import TileFeed

HELLO_SECONDS = 10.0
SILENT_SECONDS = 30.0
APART = 16
"""Media requests of one socket that may be under way; the next one is read when one of them is done."""
GOING_AWAY = 1001
"""What a browser closes with when its page is left or reloaded (RFC 6455)."""

log = structlog.get_logger(__name__)


class Gateway:
    """Everything one gateway process holds. It is also the pipelines' outlet (``media.pipelines.sitting.Outlet``)."""

    def __init__(self, collaborators: Collaborators) -> None:
        """Nothing is connected yet."""
        settings = collaborators.settings
        self.settings, self._vault = settings, collaborators.vault
        self.store = Store(collaborators.session_factory)
        self.rooms: Rooms[Connection] = Rooms()
        self.heart = Store(collaborators.session_factory, threads=1)  # what keeps us alive waits behind nothing
        self.membership = Membership(self.heart, address(settings))
        self.pipelines = SittingPipelines(self.store, self.membership, settings.recordings.absolute(), lambda: self)
        self.presence = Presence(self.store)
        self.desks = Desks()
        self.handovers = Handovers(self.store, self.rooms, self.desks, self._unview)
        self.tiles = TileFeed(self.store)
        self.conversing = Conversing(self.store, self.pipelines.conversations, self._spawn)
        self.checks = Checks(self.store)
        self.deadlines = Deadlines(self.store, settings.interrupted_minutes, self._before_end)
        self.disks = DiskWatch(
            self.store,
            self.pipelines.watch,
            lambda: self.pipelines.recorded,
            (settings.recordings.absolute(), settings.vault.absolute()),
            settings.disk_reserve_mb,
            f"{socket.gethostname()} {settings.gateway_listen}",
        )
        self.listener = bus.Listener(settings.database_url)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take over what a former gateway left; what the bus tells from this moment on is heard by ``run``."""
        newest = await self.store.insist(bus.latest)
        self.listener = bus.Listener(self.settings.database_url, after_id=newest)
        await self.store.insist(nodes.enter_settings, self.settings.kurento_urls)
        await self.presence.start()
        await self.deadlines.start()
        await self.pipelines.start()

    async def run(self) -> None:
        """Follow the bus and the clock until cancelled; an end of either ends the process."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(), name="bus")
            group.create_task(self.deadlines.run(), name="deadlines")
            group.create_task(self.tiles.run(self.rooms), name="tiles")
            group.create_task(self.disks.run(), name="disks")
            group.create_task(departures.run(self.store, self.rooms, self.settings), name="departures")

    async def close(self) -> None:
        """Tell the browsers to come back; keep all media objects alive for the next gateway."""
        for connection in self.rooms:
            connection.close(CloseCode.RESTART, "the gateway restarts")
        await asyncio.gather(*(c.socket.wait_closed() for c in self.rooms), return_exceptions=True)
        await self.checks.close()
        await self.presence.close()
        self.conversing.close()
        self.disks.close()
        await self.pipelines.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.store.close)
        await asyncio.to_thread(self.heart.close)

    # ---- sockets

    async def serve(self, socket: ServerConnection, address: str) -> None:
        """Serve one socket until it ends."""
        connection = Connection(socket, address)
        try:
            if await self._greet(connection):
                await self._listen(connection)
        except ConnectionClosed:
            pass
        except ApplianceError as error:
            log.warning("socket ended", socket=connection.id, error=error.message)
            connection.fault(error)
            connection.close(CloseCode.RESTART, "try again")
        finally:
            await self._leave(connection)

    async def _greet(self, connection: Connection) -> bool:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                message = self._decode(connection, await connection.socket.recv())
            if not isinstance(message, Hello):
                raise TokenInvalid("The first message must be hello with a live token.")
            live = live_tokens.read(self.settings, message.token)
        except (TokenInvalid, BadInput) as error:
            connection.fault(error)
            connection.close(CloseCode.TOKEN_REFUSED, "no valid token")
            return False
        except TimeoutError:
            connection.close(CloseCode.TOKEN_REFUSED, f"no hello within {HELLO_SECONDS:.0f} s")
            return False
        identity = identities.of_live(live, connection.address)
        if not may(identity, Permission.LIVE_CONNECT):
            connection.fault(NotAllowed())
            connection.close(CloseCode.NOT_ALLOWED, "this account has no live pages")
            return False
        connection.is_known_as(identity, live.login_id, message.tab)
        await self._enter(connection, identity, message.since)
        return True

    async def _enter(self, connection: Connection, identity: identities.Identity, since: int | None) -> None:
        """Take part: hear first, then read what was missed, so that nothing falls between."""
        summary: dict[str, Any] | None = None
        if identity.sitting_id is not None:
            former = self.rooms.take_seat(identity.sitting_id, connection)
            if former is not None:
                former.post(Overtaken())
                former.close(CloseCode.SUPERSEDED, "the sitting was opened in another tab")
            summary, offset = await self.store.run(acts.arrive, identity.sitting_id, self.membership.id)
            connection.clock.know(offset)
        topic = visibility.topic_of(identity)
        subscription = Subscription(topic, visibility.view_of(identity, self.desks), connection.post)
        connection.subscription = subscription
        self.rooms.enter(topic, connection)
        if not await self.store.run(departures.is_open, connection):
            departures.close(connection)
            return
        missed, newest, too_much = await self.store.run(acts.missed, topic, since)
        await self.handovers.know(event.payload for event in missed)
        subscription.last = newest if since is None or too_much else since
        ways = await self.store.run(acts.ways, self._vault, self.settings, identity)
        connection.post(Welcome(subscription.last, now_ms(), ways["ice_servers"], ways["ice_policy"], summary))
        if too_much:
            connection.post(Reset(newest))
        for event in subscription.past(missed):
            await connection.deliver(event)
        if not subscription.go_live():
            connection.post(Reset(subscription.last))
        if identity.sitting_id is not None:
            await self.presence.arrived(identity.sitting_id)
            self._spawn(self.pipelines.arrived(identity.sitting_id))

    async def _listen(self, connection: Connection) -> None:
        while connection.closed_by is None:
            try:
                async with asyncio.timeout(SILENT_SECONDS):
                    text = await connection.socket.recv()
            except TimeoutError:
                connection.close(CloseCode.SILENT, f"nothing heard for {SILENT_SECONDS:.0f} s")
                return
            if not connection.may_speak():
                connection.fault(TooMany("Too many messages; this socket is closed."))
                connection.close(CloseCode.POLICY, "too many messages")
                return
            try:
                message = self._decode(connection, text)
            except BadInput as error:
                connection.fault(error)
                if connection.is_malformed():
                    connection.close(CloseCode.POLICY, "too many malformed messages")
                continue
            await self._handle(connection, message)

    def _decode(self, connection: Connection, text: str | bytes) -> AnyClientMessage:
        if isinstance(text, bytes):
            raise BadInput("Messages are JSON text, not bytes.")
        try:
            message: AnyClientMessage = DECODER.decode(text)
            return message
        except (msgspec.DecodeError, UnicodeError) as error:
            raise BadInput(f"This message is not understood: {error}") from error

    async def _handle(self, connection: Connection, message: AnyClientMessage) -> None:
        handler = HANDLERS[type(message)]
        if not handler.apart:
            await self._carry_out(connection, handler, message)
            return
        while len(connection.tasks) >= APART:
            await asyncio.wait(connection.tasks, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self._carry_out(connection, handler, message))
        connection.tasks.add(task)
        task.add_done_callback(connection.tasks.discard)

    async def _carry_out(self, connection: Connection, handler: Handler, message: AnyClientMessage) -> None:
        ref = str(getattr(message, "ref", "") or getattr(message, "connection", ""))
        try:
            if connection.identity is None or not may(connection.identity, handler.permission):
                raise NotAllowed(permission=handler.permission.value)
            await handler.handle(self, connection, message)
            await self._tell_watched(connection)
        except ApplianceError as error:
            connection.fault(error, ref)
            await self._note_refusal(connection, type(message).__name__, error)
        except Exception:
            log.exception("message failed", socket=connection.id, kind=type(message).__name__)
            connection.internal_fault(ref)

    async def _leave(self, connection: Connection) -> None:
        identity = connection.identity
        if connection.subscription is not None:
            self.rooms.leave(connection.subscription.topic, connection)
        if identity is not None and identity.sitting_id is not None:
            await self._candidate_left(connection, identity.sitting_id)
        await connection.ended()
        if not self._closing(connection):
            await self.conversing.socket_gone(connection)
        for name, sitting_id in list(connection.views.items()):
            if not self._closing(connection):
                with contextlib.suppress(ApplianceError):
                    await self.pipelines.unview(sitting_id, connection.key_of(name))
        connection.watching.end_all()
        with contextlib.suppress(ApplianceError):
            await self._tell_watched(connection)

    async def _tell_watched(self, connection: Connection) -> None:
        """Write to the audit log what this socket was shown and is shown no more."""
        if connection.identity is None or not (ended := connection.watching.take()):
            return
        try:
            await self.store.run(acts.watched, connection.identity, ended)
        except ApplianceError:
            connection.watching.give_back(ended)
            raise

    async def _note_refusal(self, connection: Connection, message: str, error: ApplianceError) -> None:
        if isinstance(error, NotAllowed) and connection.identity is not None:
            with contextlib.suppress(ApplianceError):
                who, what = connection.identity.actor, f"socket {message}"
                await self.store.run(refusals.note, who, what, error.code.value)

    async def _candidate_left(self, connection: Connection, sitting_id: int) -> None:
        """Start the clock of absence, unless another tab took over or it is the gateway that goes."""
        if self.rooms.give_up_seat(sitting_id, connection) and not self._closing(connection):
            self.presence.departed(sitting_id, connection.socket.close_code == GOING_AWAY)
            await self.store.insist(acts.end_observations, sitting_id)

    def _closing(self, connection: Connection) -> bool:
        """Whether it is the gateway that goes, not the browser: then nothing of the sitting has changed."""
        return connection.closed_by is CloseCode.RESTART

    # ---- bus

    async def _follow(self) -> None:
        async for event in self.listener.events():
            if event.kind == assignments.CHANGED:
                await self.handovers.assignments_changed(event.topic)
            elif event.kind == "sitting.changed" and (sitting_id := sitting_of(event.payload)) is not None:
                await self.handovers.sitting_changed(event.topic, sitting_id, event.payload)
            elif self.rooms.hearers(event.topic):
                await self.handovers.know([event.payload])
            for connection in self.rooms.hearers(event.topic):
                if connection.subscription is not None:
                    connection.subscription.offer(event)
            if event.kind == departures.CLOSED:
                departures.account_closed(self.rooms, event.payload)
            if event.topic == acts.ARRIVALS:
                self._candidate_arrived(event)
            kind, _, number = event.topic.partition(":")
            if kind == "sitting" and event.kind == "sitting.changed":
                self._sitting_changed(int(number), event.payload)
            elif event.kind == pipeline_checks.REQUESTED:
                self.checks.asked(int(event.payload["check_id"]))
            elif kind == "company" and event.kind == conversations.CHANGED:
                self.conversing.changed(event.payload)

    def _unview(self, connection: Connection, sitting_id: int, name: str) -> None:
        self._spawn(self.pipelines.unview(sitting_id, connection.key_of(name)))

    def _sitting_changed(self, sitting_id: int, payload: dict[str, Any]) -> None:
        state = str(payload.get("state"))
        self.deadlines.set(sitting_id, state, payload.get("deadline_ms"))
        if state in OVER:
            self._spawn(self.store.insist(conversations.leave_sitting, GATEWAY, sitting_id))
        is_running, is_here = state == SittingState.RUNNING, self.is_here(sitting_id)
        self._spawn(self.pipelines.sitting_changed(sitting_id, is_running, is_here))

    def _candidate_arrived(self, event: bus.BusEvent) -> None:
        """The candidate came to another gateway: the socket here is an older one, and the sitting goes there."""
        sitting_id = int(event.payload["sitting_id"])
        if event.payload["gateway_id"] == self.membership.id:
            return
        seat = self.rooms.candidate(sitting_id)
        if seat is not None:
            if seat.opened_ms > event.at_ms:  # it came back here meanwhile
                return
            self.rooms.give_up_seat(sitting_id, seat)
            seat.post(Overtaken())
            seat.close(CloseCode.SUPERSEDED, "the sitting was opened in another tab")
        self.presence.elsewhere(sitting_id)
        if self.pipelines.find(sitting_id) is not None:
            self._spawn(self.pipelines.hand_over(sitting_id))

    # ---- what the pipelines tell (Outlet)

    def offer_wanted(self, sitting_id: int, track: Track, cause: str) -> None:
        """Ask the candidate's browser for a new connection."""
        connection = self.rooms.candidate(sitting_id)
        if connection is not None:
            connection.post(OfferWanted(track, cause))

    def all_flowing(self, facts: Facts) -> None:
        """Start what starts by itself."""
        if facts.state is SittingState.WAITING and facts.mode in acts.STARTS_BY_ITSELF:
            self._spawn(self.store.insist(acts.start_by_itself, facts.id))

    def absence_cause(self, sitting_id: int) -> GapCause:
        """Say why a candidate's media may be away."""
        return self.presence.absence_cause(sitting_id)

    def is_here(self, sitting_id: int) -> bool:
        """Say whether the candidate's socket is here."""
        return self.rooms.candidate(sitting_id) is not None

    def over(self, sitting_id: int) -> None:
        """Let go of a sitting that is over."""
        self.presence.forget(sitting_id)
        self.pipelines.forget(sitting_id)

    async def _before_end(self, sitting_id: int) -> bool:
        """Give back what is lost until now; False where that is for another gateway to do."""
        sitting = self.pipelines.find(sitting_id)
        if sitting is None:
            return not await self.pipelines.is_elsewhere(sitting_id)
        await sitting.compensate_so_far()
        return True

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(self._logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _logged(self, work: Any) -> None:
        try:
            await work
        except ApplianceError as error:
            log.warning("not done", error=error.message)
        except Exception:
            log.exception("not done")


def address(settings: Settings) -> str:
    """Return what names this gateway's place: who starts there next is its successor. Empty for a port by chance."""
    host, _, port = settings.gateway_listen.rpartition(":")
    return "" if port == "0" else f"{socket.gethostname()} {host}:{port}"
