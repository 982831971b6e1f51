"""The media nodes of this gateway: one client each, kept connected, and what becomes of their objects."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import structlog

from media.kurento import Binding, KurentoClient, KurentoError
from media.pipelines.placement import place

GRACE_SECONDS = 1.0
"""A connection that is back with its objects within this time was only a blip. With the client's own 3 s (it asks
every second and waits 2) a dead node is given up after 4 s at the latest, at once when it answers without objects."""
RETRY_SECONDS = 0.5
"""Between tries to reach a node that was not there at the start."""

log = structlog.get_logger(__name__)


class Node:
    """One media node."""

    def __init__(self, url: str, session_id: str | None) -> None:
        """``session_id`` is the session of a former gateway, whose objects are to be adopted."""
        self.url = url
        self.client = KurentoClient(url, session_id=session_id)
        self.kept_session = False
        """Whether subscriptions of the former gateway still stand."""
        self.opened = asyncio.Event()
        self.abandoned: list[str] = []
        """Pipelines given up while the node could not be reached; released if it comes back with them."""

    @property
    def healthy(self) -> bool:
        """Whether it can take a sitting just now."""
        return self.client.connected

    def __repr__(self) -> str:
        """Name it in logs."""
        return f"<Node {self.url}>"


class Nodes:
    """All nodes of the settings. ``on_lost(node)``: its objects are gone; ``on_ready(node)``: it takes sittings."""

    def __init__(
        self,
        urls: Iterable[str],
        sessions: Mapping[str, str],
        on_lost: Callable[[Node], None],
        on_ready: Callable[[Node], None],
    ) -> None:
        """``sessions``: the session to adopt, by node address."""
        self._nodes = {url: Node(url, sessions.get(url)) for url in urls}
        self._on_lost, self._on_ready = on_lost, on_ready
        self._tasks: set[asyncio.Task[None]] = set()
        self._graces: dict[str, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Connect to all in the background, for ever."""
        for node in self._nodes.values():
            self._spawn(self._open(node))

    def place(self) -> Node:
        """Return the node for a new pipeline; raise ``MediaUnavailable`` if there is none."""
        return place(self._nodes.values())

    def get(self, url: str) -> Node | None:
        """Return the node at an address, None if the settings no longer name it."""
        return self._nodes.get(url)

    @property
    def healthy(self) -> int:
        """How many can take a sitting."""
        return sum(node.healthy for node in self._nodes.values())

    async def close(self) -> None:
        """Disconnect; the objects live on for the next gateway."""
        for timer in self._graces.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(node.client.close() for node in self._nodes.values()), return_exceptions=True)

    async def _open(self, node: Node) -> None:
        binding = None
        while binding is None:
            with contextlib.suppress(KurentoError):
                binding = await node.client.open()
            if binding is None:
                await asyncio.sleep(RETRY_SECONDS)
        log.info("media node reached", node=node.url, session=str(binding))
        node.kept_session = binding is Binding.KEPT
        node.opened.set()
        node.client.watch(lambda change: self._changed(node, change))
        self._on_ready(node)

    def _changed(self, node: Node, binding: Binding) -> None:
        timer = self._graces.pop(node.url, None)
        if timer is not None:
            timer.cancel()
        if binding is Binding.DOWN:
            loop = asyncio.get_running_loop()
            self._graces[node.url] = loop.call_later(GRACE_SECONDS, self._lost, node)
            return
        if binding is Binding.LOST:
            node.abandoned.clear()
            self._lost(node)
        elif node.abandoned:
            self._spawn(self._release_abandoned(node))
        self._on_ready(node)

    async def _release_abandoned(self, node: Node) -> None:
        given_up, node.abandoned = node.abandoned, []
        for pipeline_id in given_up:
            with contextlib.suppress(KurentoError):
                await node.client.release(pipeline_id)
        log.warning("abandoned pipelines released", node=node.url, count=len(given_up))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _lost(self, node: Node) -> None:
        self._graces.pop(node.url, None)
        log.error("media node lost", node=node.url)
        self._on_lost(node)
