"""One socket: its bounded queue to the browser, its limits, and what it has going on."""

import asyncio
import contextlib
from itertools import count

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from appliance.db import to_ms, utcnow
from appliance.errors import ApplianceError, ErrorCode
from appliance.security.identity import Identity
from appliance.services.tiles import TileKey
from media.kurento import IceCandidate
from web.realtime.clock import BrowserClock
from web.realtime.feed import Subscription
from web.realtime.limits import RecentCount, TokenBucket
from web.realtime.messages import ENCODER, AnyServerMessage, CloseCode, Fault, RemoteCandidate
from web.realtime.watching import Views, Watching

OUTGOING = 512
"""Messages waiting for a browser. A room of 30 has about 50 events a second at its worst: 10 s of a stalled network.
The browser that is slower loses the socket, not events: it comes back and is told what it missed."""
MALFORMED_A_MINUTE = 20
RATES = {"candidate": (20.0, 120), "user": (60.0, 1500)}
"""Messages a second in the long run, and at once. A candidate's page publishes two tracks with some 20 ICE candidates
each; a room of 30 tiles opens 60 views at once."""
FIRST_RATE = (5.0, 10)
"""Before hello."""
FINISH_SECONDS = 5.0
"""What media requests under way at a socket's end get: they take some 50 ms, unless their node hangs."""
DRAIN_SECONDS = 2.0
"""What is queued when a socket is closed politely gets this long."""

Pictures = dict[TileKey, bytes]

log = structlog.get_logger(__name__)
_numbers = count(1)


class Connection:
    """A browser's socket. ``post`` never blocks; a browser that does not keep up is closed with ``TOO_SLOW``."""

    def __init__(self, socket: ServerConnection, address: str) -> None:
        """``address`` is the browser's, for the audit log."""
        self.id = next(_numbers)
        self.socket, self.address = socket, address
        self.opened_ms = to_ms(utcnow())
        self.identity: Identity | None = None
        self.login_id: int | None = None
        """Of staff: the log-in that asked for the socket's token."""
        self.tab = ""
        self.subscription: Subscription | None = None
        self.clock = BrowserClock()
        self.observed: dict[str, int] = {}
        """Open observations of this browser: its ref -> observation's id."""
        self.watching = Watching()
        self.views = Views(self.watching)
        self.lines: set[str] = set()
        """Connections that speak or listen in a conversation."""
        self._tiles: frozenset[int] = frozenset()
        self.told_watching: set[int] = set()
        """Sittings whose watching is in the audit log already."""
        self.stats_at = 0.0
        """When its own report was last written down (monotonic)."""
        self.closed_by: CloseCode | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self._bucket = TokenBucket(*FIRST_RATE)
        self._malformed = RecentCount(MALFORMED_A_MINUTE, 60.0)
        self._outgoing: asyncio.Queue[AnyServerMessage | Pictures | None] = asyncio.Queue(OUTGOING)
        self._pictures: Pictures = {}  # the newest of each track: a slow browser gets fewer, not older ones
        self._sender = asyncio.create_task(self._send(), name=f"send {self.id}")
        self._closer: asyncio.Task[None] | None = None

    @property
    def tiles(self) -> frozenset[int]:
        """Return the sittings whose small pictures it wants."""
        return self._tiles

    @tiles.setter
    def tiles(self, sitting_ids: frozenset[int]) -> None:
        self._tiles = sitting_ids
        self.watching.show_tiles(sitting_ids)

    def is_known_as(self, identity: Identity, login_id: int | None = None, tab: str = "") -> None:
        """The token was right: from now on this is who speaks, at the rate that befits them."""
        self.identity, self.login_id, self.tab = identity, login_id, tab
        self._bucket = TokenBucket(*RATES[identity.kind])

    def may_speak(self) -> bool:
        """Take one of the messages the browser may send; False when it floods."""
        return self._bucket.take()

    def is_malformed(self) -> bool:
        """Count a message nobody understands; True when there were too many."""
        return self._malformed.add()

    def post(self, message: AnyServerMessage) -> None:
        """Queue a message; nothing happens on a socket that is being closed."""
        if self.closed_by is not None:
            return
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            log.warning("socket too slow", socket=self.id)
            self.close(CloseCode.TOO_SLOW, "too much waits to be read")

    def post_candidate(self, name: str, found: IceCandidate) -> None:
        """Tell the browser's connection ``name`` of a candidate of the node's."""
        self.post(RemoteCandidate(name, found.candidate, found.sdp_mid, found.sdp_mline_index))

    def post_picture(self, key: TileKey, frame: bytes) -> None:
        """Queue a small picture; one of the same key that still waits gives way. Never closes the socket."""
        if self.closed_by is not None:
            return
        if not self._pictures:
            try:
                self._outgoing.put_nowait(self._pictures)
            except asyncio.QueueFull:
                return
        self._pictures[key] = frame

    def key_of(self, name: str) -> str:
        """Return a name of a view or a line that no other socket has."""
        return f"{self.id}/{name}"

    async def deliver(self, message: AnyServerMessage) -> None:
        """Queue a message, waiting for room: for a replay, which is longer than the queue.

        Nothing is queued, nor waited for, once the browser is gone: nobody makes room any more.
        """
        if self.closed_by is not None or self._sender.done():
            return
        putting = asyncio.create_task(self._outgoing.put(message))
        try:
            await asyncio.wait({putting, self._sender}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            putting.cancel()

    def fault(self, error: ApplianceError, ref: str = "") -> None:
        """Say why a message was not carried out."""
        self.post(Fault(error.code, error.message, ref))

    def internal_fault(self, ref: str = "") -> None:
        """Say that something broke, without saying what: the log has it."""
        self.post(Fault(ErrorCode.INTERNAL, "Something went wrong inside the appliance.", ref))

    def close(self, code: CloseCode, reason: str) -> None:
        """Close after what is queued was sent (at once for ``TOO_SLOW``)."""
        if self.closed_by is None:
            self.closed_by = code
            self._closer = asyncio.create_task(self._close(code, reason), name=f"close {self.id}")

    async def ended(self) -> None:
        """Nothing more is heard: close as was said, let what is under way come to its end.

        A publication that was begun is finished: cut off half way it would leave a row of an endpoint that is gone,
        and the browser, when it is back, resumes it.
        """
        if self._closer is not None:
            await asyncio.gather(self._closer, return_exceptions=True)
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        if self.tasks:
            _, slow = await asyncio.wait(self.tasks, timeout=FINISH_SECONDS)
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while (message := await self._outgoing.get()) is not None:
                if isinstance(message, dict):
                    await self._send_pictures(message)
                else:
                    await self.socket.send(ENCODER.encode(message), text=True)

    async def _send_pictures(self, pictures: Pictures) -> None:
        self._pictures = {}
        for frame in pictures.values():
            await self.socket.send(frame)

    async def _close(self, code: CloseCode, reason: str) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                if code is CloseCode.TOO_SLOW:
                    self._sender.cancel()
                    await asyncio.gather(self._sender, return_exceptions=True)
                else:
                    await self._outgoing.put(None)
                    await asyncio.shield(self._sender)
                await self.socket.close(code, reason)
        except TimeoutError:  # it does not even read the good-bye
            self.socket.transport.abort()
