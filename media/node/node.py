"""The node itself: its objects, its threads, its one pulse."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from media.kurento.errors import ObjectNotFound
from media.node.manager import ServerManager
from media.node.objects import MANAGER_ID, MediaObject
from media.node.pulse import Pulse
from media.node.sessions import Session, Sessions
from media.node.turn_tls import Tunnels

log = logging.getLogger(__name__)

T = TypeVar("T")

WORKERS = 8
"""Threads for blocking GStreamer calls: a negotiation takes some 100 ms, most of it waiting."""
COLLECT_EVERY = 0.25
"""Share of the collection time between two looks for silent sessions."""


@dataclass(frozen=True)
class Options:
    """How a node behaves; seconds."""

    collect_after: float = 240.0  # Kurento's garbageCollectorPeriod
    media_silence: float = 2.5  # a still screen is repeated once a second by browsers
    ice_ports: tuple[int, int] | None = None
    """First and last port of ICE, UDP and TCP, and of RtpEndpoints: what a firewall lets through. None: any."""


class Node:
    """All objects of this process. Everything here runs in the event loop except where it says otherwise."""

    def __init__(self, options: Options | None = None) -> None:
        """Needs a running event loop."""
        self.options = options or Options()
        self.id = str(uuid.uuid4())
        self.loop = asyncio.get_running_loop()
        self.threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="media")
        self.pulse = Pulse()
        self.tunnels = Tunnels()
        self.sessions = Sessions(self.options.collect_after)
        self._objects: dict[str, MediaObject] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.manager = ServerManager(self)
        self._objects[MANAGER_ID] = self.manager
        self._tasks: set[asyncio.Task[None]] = set()
        self.spawn(self._collect())

    # ---- objects

    def find(self, object_id: Any) -> MediaObject:
        """An object by its id; ObjectNotFound."""
        found = self._objects.get(object_id) if isinstance(object_id, str) else None
        if found is None:
            raise ObjectNotFound(f"Object '{object_id}' not found")
        return found

    def add(self, item: MediaObject, session: Session) -> None:
        """Make an object known, held by the session that asked for it."""
        self._objects[item.id] = item
        session.objects.add(item.id)
        self.manager.tell("ObjectCreated", with_type=False, object=item.id)

    def roots(self) -> list[MediaObject]:
        """All pipelines."""
        return [item for item in self._objects.values() if item.parent is None and item is not self.manager]

    def all_objects(self) -> list[MediaObject]:
        """Everything but the manager."""
        return [item for item in self._objects.values() if item is not self.manager]

    def lock(self, object_id: Any) -> asyncio.Lock:
        """The lock under which everything that touches a pipeline happens, in the order of the requests."""
        root = str(object_id).split("/", 1)[0]
        return self._locks.setdefault(root, asyncio.Lock())

    async def release(self, item: MediaObject) -> None:
        """Destroy an object, what lives in it first. Under the pipeline's lock."""
        if item is self.manager or item.released:
            return
        item.released = True
        for child in list(item.children):
            await self.release(child)
        try:
            await item.close()
        except Exception:
            log.exception("closing %s failed", item.id)
        if item.parent is not None:
            item.parent.children.remove(item)
        else:
            self._locks.pop(item.id, None)
        self._objects.pop(item.id, None)
        self.sessions.drop_object(item.id)
        self.manager.tell("ObjectDestroyed", with_type=False, objectId=item.id)

    async def unref(self, session: Session, object_id: str) -> None:
        """A session lets go of an object; what nobody holds any more is destroyed. Under the pipeline's lock."""
        session.objects.discard(object_id)
        item = self._objects.get(object_id)
        while item is not None and item is not self.manager:
            parent = item.parent
            if not self.sessions.held(item.id):
                await self.release(item)
            item = parent

    async def end_session(self, session: Session) -> None:
        """Forget a session and what only it held."""
        held = sorted(session.objects, key=len, reverse=True)
        session.subscriptions.clear()
        self.sessions.remove(session)
        for object_id in held:
            async with self.lock(object_id):
                await self.unref(session, object_id)

    async def _collect(self) -> None:
        while True:
            await asyncio.sleep(max(0.05, self.options.collect_after * COLLECT_EVERY))
            for session in self.sessions.silent():
                log.info("session %s is silent: collected with %d objects", session.id, len(session.objects))
                await self.end_session(session)

    # ---- threads

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do blocking GStreamer work in a thread."""
        return await self.loop.run_in_executor(self.threads, work, *arguments)

    def soon(self, work: Callable[..., None], *arguments: Any) -> None:
        """From any thread: do something in the event loop."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(work, *arguments)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside; cancelled when the node closes."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Destroy everything."""
        for task in self._tasks:
            task.cancel()
        for item in self.roots():
            async with self.lock(item.id):
                await self.release(item)
        await self.tunnels.close()
        await self.loop.run_in_executor(None, self.pulse.close)
        self.threads.shutdown(wait=False)
