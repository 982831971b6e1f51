"""Candidates that are programs: the real check-in by REST, the real socket, real WebRTC; only the camera is drawn."""

import asyncio
import contextlib
import itertools
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

from appliance.errors import ApplianceError, BadInput
from appliance.vocabulary import SittingState

logger = logging.getLogger(__name__)

PING_SECONDS = 5.0
OVER = frozenset(
    {
        *(SittingState.FINISHED, SittingState.PROCESSING, SittingState.IN_REVIEW, SittingState.CONCLUDED),
        *(SittingState.IDENTITY_REFUSED, SittingState.CANCELLED, SittingState.TIMED_OUT, SittingState.EXPIRED),
    }
)

OnCandidate = Callable[[str, str, int], None]
"""Called with candidate, sdpMid and sdpMLineIndex of the publisher's own candidates, from any thread."""


class Publisher(Protocol):
    """One peer connection that sends one track group; its calls block for some ms."""

    def create_offer(self) -> str:
        """Return the SDP offer; candidates follow by the callback."""

    def set_answer(self, answer: str) -> None:
        """Take the answer; media start to flow."""

    def add_ice_candidate(self, candidate: str, mline: int) -> None:
        """Take a candidate of the other side, after the answer."""

    def close(self) -> None:
        """Stop sending and free everything."""


MakePublisher = Callable[[str, OnCandidate], Publisher]
"""Makes a publisher for a track (``camera`` or ``screen``)."""


@dataclass
class SyntheticCandidate:
    """One candidate's way from the start link to the end of the exam."""

    origin: str
    company: str
    token: str
    photo: bytes
    make_publisher: MakePublisher
    started: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the exam runs."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    sitting_id: int = 0
    published_at: dict[str, float] = field(default_factory=dict)
    """``time.time()`` at which each track was answered last."""
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _publishers: dict[str, Publisher] = field(default_factory=dict)
    _connections: dict[str, str] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)
    _early: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    _forwarders: "dict[str, asyncio.Task[None]]" = field(default_factory=dict)
    _seq: int | None = None

    async def sit(self) -> None:
        """Go through the check-in, publish, and stay until the exam is over or this task is cancelled."""
        async with httpx.AsyncClient(base_url=self.origin, trust_env=False, timeout=30) as http:
            await self.check_in(http)
            try:
                while not self.over.is_set():
                    await self._live(http)
            finally:
                for publisher in self._publishers.values():
                    await asyncio.to_thread(publisher.close)

    async def check_in(self, http: httpx.AsyncClient) -> None:
        """Consent, system check, photos, waiting room; raise ``BadInput`` with the server's words if refused."""
        start = await http.post(f"/integration/simple/{self.company}/start/", data={"token": self.token})
        if start.status_code != httpx.codes.SEE_OTHER:
            raise BadInput(
                f"The start link was refused with status {start.status_code}: is this the demo's appliance?"
            )
        state = await _json(http.get("/api/v1/sitting"))
        self.sitting_id = state["sitting"]["id"]
        http.headers["X-CSRF-Token"] = state["csrf"]
        http.headers["Origin"] = self.origin
        consent = {"accepted": True, "version": state["consent"]["version"], "language": state["language"]}
        await _json(http.post("/api/v1/sitting/consent", json=consent))
        passed = {
            name: {"state": "passed"} for name in ("browser", "camera", "microphone", "screen", "round_trip", "ice")
        }
        check = {"results": passed, "client": {"browser": "synthetic candidate", "page_version": "1"}}
        await _json(http.post("/api/v1/sitting/system-check", json=check))
        for kind in _photos_wanted(state["exam"]["identification"]):
            headers = {"Content-Type": "image/jpeg"}
            await _json(http.post(f"/api/v1/sitting/photos/{kind}", content=self.photo, headers=headers))
        await _json(http.post("/api/v1/sitting/waiting-room", json={}))

    def clip_origin(self, track: str) -> float:
        """Return ``time.monotonic()`` at which the present lap of the track's clip began."""
        return float(getattr(self._publishers[self._connections[track]], "clip_origin", 0.0))

    async def _live(self, http: httpx.AsyncClient) -> None:
        """Be on the socket until it closes; a lost one is opened anew by the caller."""
        live = await _json(http.post("/api/v1/sitting/live-token", json={}))
        address = self.origin.replace("http", "ws", 1) + live["url"]
        try:
            async with websockets.connect(address, origin=websockets.Origin(self.origin), max_queue=64) as socket:
                await _say(socket, {"type": "hello", "token": live["token"], "since": self._seq, "tab": "synthetic"})
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._ping(socket))
                    await self._listen(socket)
                    raise _Left
        except* (_Left, OSError, websockets.WebSocketException):
            if not self.over.is_set():
                await asyncio.sleep(1)  # a gateway that restarts is back within a second or two

    async def _ping(self, socket: ClientConnection) -> None:
        while True:
            await _say(socket, {"type": "ping", "at": time.time() * 1000})
            await asyncio.sleep(PING_SECONDS)

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            match message["type"]:
                case "welcome":
                    self._seq = message["seq"]
                    self._note_state((message.get("sitting") or {}).get("state", ""))
                    for track in ("camera", "screen"):
                        await self._publish_or_resume(socket, track)
                case "answer" if message["connection"] in self._publishers:
                    await self._take_answer(message["connection"], message["sdp"])
                case "candidate" if message["connection"] in self._publishers and message["candidate"]:
                    await self._take_candidate(message)
                case "offer_wanted":
                    await self._publish(socket, message["track"])
                case "event":
                    self._seq = message["seq"]
                    if message["kind"] == "sitting.changed":
                        self._note_state(message["payload"].get("state", ""))
                case "superseded":
                    self.over.set()
                case "error":
                    logger.warning("candidate of sitting %s: %s", self.sitting_id, message["message"])
            if self.over.is_set():
                return

    def _note_state(self, state: str) -> None:
        if state == SittingState.RUNNING:
            self.started.set()
        if state in OVER:
            self.over.set()

    async def _publish_or_resume(self, socket: ClientConnection, track: str) -> None:
        connection = self._connections.get(track)
        if connection is None:
            await self._publish(socket, track)
        else:
            await _say(socket, {"type": "resume", "track": track, "connection": connection})

    async def _publish(self, socket: ClientConnection, track: str) -> None:
        old = self._publishers.pop(self._connections.get(track, ""), None)
        if old is not None:
            await asyncio.to_thread(old.close)
        connection = f"{track}-{next(self._numbers)}"
        loop = asyncio.get_running_loop()
        found: asyncio.Queue[dict[str, Any]] = asyncio.Queue(256)  # a host has a few dozen candidates at most

        def on_ice_candidate(candidate: str, mid: str, index: int) -> None:
            message = {"type": "candidate", "connection": connection, "candidate": candidate}
            loop.call_soon_threadsafe(found.put_nowait, {**message, "sdp_mid": mid, "sdp_m_line_index": index})

        publisher = await asyncio.to_thread(self.make_publisher, track, on_ice_candidate)
        self._connections[track], self._publishers[connection] = connection, publisher
        offer = await asyncio.to_thread(publisher.create_offer)
        await _say(socket, {"type": "publish", "track": track, "connection": connection, "sdp": offer})
        self._forwarders[track] = loop.create_task(_forward(socket, found))

    async def _take_answer(self, connection: str, sdp: str) -> None:
        publisher = self._publishers[connection]
        await asyncio.to_thread(publisher.set_answer, sdp)
        self.published_at[connection.split("-", maxsplit=1)[0]] = time.time()
        for candidate, mline in self._early.pop(connection, []):
            await asyncio.to_thread(publisher.add_ice_candidate, candidate, mline)
        self._answered.add(connection)

    async def _take_candidate(self, message: dict[str, Any]) -> None:
        connection, candidate = message["connection"], message["candidate"]
        mline = message["sdp_m_line_index"] or 0
        if connection in self._answered:
            await asyncio.to_thread(self._publishers[connection].add_ice_candidate, candidate, mline)
        else:
            self._early.setdefault(connection, []).append((candidate, mline))


class _Left(Exception):
    """The socket ended in an orderly way."""


async def _forward(socket: ClientConnection, found: "asyncio.Queue[dict[str, Any]]") -> None:
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            await _say(socket, await found.get())


async def _say(socket: ClientConnection, message: dict[str, Any]) -> None:
    await socket.send(json.dumps({name: value for name, value in message.items() if value is not None}))


async def _json(request: Any) -> dict[str, Any]:
    response: httpx.Response = await request
    body = response.json() if "json" in response.headers.get("content-type", "") else {}
    if response.is_error:
        words = body.get("error", {}).get("message", f"status {response.status_code}")
        raise ApplianceError(f"{response.request.method} {response.request.url.path}: {words}")
    return dict(body)


def _photos_wanted(identification: str) -> list[str]:
    return {"skip": [], "face": ["face"], "passport": ["document"]}.get(identification, ["face", "document"])
