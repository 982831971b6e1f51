"""Real processes and real WebRTC for tests: media node, gateway, and a browser that is a socket and a publisher."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from appliance.security import live_tokens
from appliance.settings import Settings
from appliance.vocabulary import Role
from media.node.synthetic import Clip, SyntheticPublisher
from web.realtime.tiles import HEADER, VERSION

ROOT = Path(__file__).resolve().parent.parent
_names = itertools.count(1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def until(look: Callable[[], Any], seconds: float = 10.0, what: str = "it") -> Any:
    """Return the first true thing that ``look`` gives; fail, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        await asyncio.sleep(0.05)
    return seen


class Process:
    """A Python module of the house as a child process, its output in a file."""

    def __init__(self, log: Path, *command: str, **environment: str) -> None:
        self.log, self._command, self._environment = log, command, environment
        self._process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._command],
                cwd=ROOT,
                env={**os.environ, **self._environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def signal(self, number: int, seconds: float = 10) -> int:
        """Send a signal, wait for the end, return the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(seconds)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def ends(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class NodeProcess(Process):
    """The embedded media node."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}/kurento"
        super().__init__(folder / "node.log", "media.node", "--listen", f"127.0.0.1:{self.port}")

    async def start(self) -> None:
        self.spawn()
        await until(lambda: listens(self.port), 15, "media node")


class GatewayProcess(Process):
    """The gateway, on the settings of the test."""

    def __init__(self, folder: Path, settings: Settings, node_urls: list[str]) -> None:
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}/live"
        super().__init__(
            folder / "gateway.log",
            "web.realtime",
            KUSTOS_DATA_DIR=str(settings.data_dir),
            KUSTOS_DATABASE_URL=settings.database_url,
            KUSTOS_SECRET_KEY=settings.secret_key,
            KUSTOS_GATEWAY_LISTEN=f"127.0.0.1:{self.port}",
            KUSTOS_KURENTO_URLS=",".join(node_urls),
        )

    async def start(self) -> None:
        self.spawn()
        await until(lambda: listens(self.port), 20, "gateway")


class WorkerProcess(Process):
    """A worker, on the settings of the test; it beats and takes over fast."""

    def __init__(self, folder: Path, settings: Settings, name: str = "worker") -> None:
        super().__init__(
            folder / f"{name}.log",
            "appliance.cli",
            "worker",
            KUSTOS_DATA_DIR=str(settings.data_dir),
            KUSTOS_DATABASE_URL=settings.database_url,
            KUSTOS_SECRET_KEY=settings.secret_key,
            KUSTOS_HEARTBEAT_SECONDS="0.5",
            KUSTOS_TAKEOVER_SECONDS="2",
        )

    async def start(self) -> None:
        self.spawn()


@dataclass
class Publication:
    """A track that is being published."""

    track: str
    connection: str
    publisher: SyntheticPublisher
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    early: list[dict[str, Any]] = field(default_factory=list)


class Browser:
    """A page: its socket, what it heard, and what it publishes. ``republishes``: it answers ``offer_wanted``."""

    def __init__(self, url: str, settings: Settings, republishes: bool = True) -> None:
        self.url, self.settings = url, settings
        self.heard: list[dict[str, Any]] = []
        self.pictures: dict[tuple[int, int], list[tuple[float, bytes]]] = {}
        """(sitting's id, 0 for the camera and 1 for the screen) -> (taken at, JPEG)"""
        self.publications: dict[str, Publication] = {}
        self.republishes = republishes
        self.last_seq: int | None = None
        self.clip: Clip | None = None
        self.token = ""
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def candidate_of(self, sitting: Any) -> "Browser":
        self.make_token = lambda: live_tokens.for_candidate(self.settings, sitting.id, sitting.company_id, "Ada")
        return self

    def staff(self, user: Any) -> "Browser":
        self.make_token = lambda: live_tokens.for_user(
            self.settings, user.id, user.company_id, Role(user.role), user.name
        )
        return self

    async def open(self, since: int | None = None, hello: bool = True) -> dict[str, Any]:
        """Connect and say hello; return the welcome."""
        self._socket = await connect(self.url, max_size=None, compression=None, proxy=None)
        self._reader = asyncio.create_task(self._read(self._socket))
        if not hello:
            return {}
        before = len(self.heard)
        await self.say(type="hello", token=self.make_token(), since=since, tab="t")
        return await self.hears("welcome", after=before)

    async def say(self, **message: Any) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps(message))

    async def say_raw(self, text: str | bytes) -> None:
        assert self._socket is not None
        await self._socket.send(text)

    async def hears(self, type_: str, seconds: float = 10.0, after: int = 0, **fields: Any) -> dict[str, Any]:
        """Return the first message of a type (and with these fields) heard since position ``after``."""

        def look() -> dict[str, Any] | None:
            for message in self.heard[after:]:
                if message["type"] == type_ and all(message.get(k) == v for k, v in fields.items()):
                    return message
            return None

        return await until(look, seconds, f"{type_} {fields} in {[m['type'] for m in self.heard[-20:]]}")

    async def event(self, kind: str, seconds: float = 10.0, after: int = 0, **payload: Any) -> dict[str, Any]:
        """Return the first bus event of a kind whose payload has these values."""

        def look() -> dict[str, Any] | None:
            for message in self.heard[after:]:
                told = message["payload"] if message["type"] == "event" and message["kind"] == kind else None
                if told is not None and all(told.get(key) == value for key, value in payload.items()):
                    return message
            return None

        return await until(look, seconds, f"event {kind} {payload}")

    async def closed(self, seconds: float = 10.0) -> int:
        """Wait for the socket's end; return its close code."""
        assert self._socket is not None
        await asyncio.wait_for(self._socket.wait_closed(), seconds)
        return self._socket.close_code or 0

    async def publish(self, track: str, clip: Clip) -> Publication:
        """Offer a track; the answer and the candidates are taken as they come."""
        self.clip = clip
        kinds = ("video", "audio") if track == "camera" else ("video",)
        return await self._send(track, clip, kinds, {"type": "publish", "track": track})

    async def speak(self, conversation_id: int, clip: Clip) -> Publication:
        """Send a clip's picture and sound into a conversation."""
        message = {"type": "speak", "conversation_id": conversation_id}
        return await self._send("voice", clip, ("video", "audio"), message)

    async def _send(self, track: str, clip: Clip, kinds: tuple[str, ...], message: dict[str, Any]) -> Publication:
        loop = asyncio.get_running_loop()
        connection = f"{track}-{next(_names)}"

        def found(candidate: str, mid: str, index: int) -> None:
            trickled = {
                "type": "candidate",
                "connection": connection,
                "candidate": candidate,
                "sdp_mid": mid,
                "sdp_m_line_index": index,
            }
            loop.call_soon_threadsafe(self._say_soon, trickled)

        publisher = await asyncio.to_thread(SyntheticPublisher, clip, found, None, kinds)
        old = self.publications.get(track)
        publication = self.publications[track] = Publication(track, connection, publisher)
        if old is not None:
            await asyncio.to_thread(old.publisher.close)
        offer = await asyncio.to_thread(publisher.create_offer)
        await self.say(**message, connection=connection, sdp=offer)
        return publication

    async def drop(self) -> None:
        """Lose the socket without a good-bye; what is published goes on."""
        assert self._socket is not None
        self._socket.transport.abort()
        await self._socket.wait_closed()

    async def leave(self) -> None:
        """Close the page."""
        if self._socket is not None:
            await self._socket.close(1001)
        await self.end()

    async def end(self) -> None:
        for publication in self.publications.values():
            await asyncio.to_thread(publication.publisher.close)
        self.publications.clear()
        if self._socket is not None:
            self._socket.transport.abort()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, *self._tasks, return_exceptions=True)

    def _say_soon(self, message: dict[str, Any]) -> None:
        self._spawn(self.say(**message))

    def _spawn(self, work: Any) -> None:
        async def quietly() -> None:
            with contextlib.suppress(ConnectionClosed):
                await work

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                if isinstance(text, bytes):
                    version, track, sitting_id, at_ms = HEADER.unpack_from(text)
                    assert version == VERSION
                    self.pictures.setdefault((int(sitting_id), track), []).append((at_ms, text[HEADER.size :]))
                    continue
                message = json.loads(text)
                self.heard.append(message)
                await self._act_on(message)

    async def _act_on(self, message: dict[str, Any]) -> None:
        if message["type"] in {"event", "welcome", "reset"}:
            self.last_seq = message["seq"]
        for publication in list(self.publications.values()):
            if message.get("connection") != publication.connection:
                continue
            if message["type"] == "answer":
                await asyncio.to_thread(publication.publisher.set_answer, message["sdp"])
                publication.answered.set()
                for early in publication.early:
                    self._take(publication, early)
            elif message["type"] == "candidate":
                if publication.answered.is_set():
                    self._take(publication, message)
                else:
                    publication.early.append(message)
        if message["type"] == "offer_wanted" and self.republishes and self.clip is not None:
            self._spawn(self.publish(message["track"], self.clip))

    def _take(self, publication: Publication, message: dict[str, Any]) -> None:
        publication.publisher.add_ice_candidate(message["candidate"], message["sdp_m_line_index"])
