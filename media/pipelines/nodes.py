"""The media nodes of this gateway: one client each, kept connected, and what becomes of their objects."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any

import structlog

from appliance.models import Node as NodeRow
from appliance.vocabulary import NodeState
from media.kurento import Binding, KurentoClient, KurentoError, MediaPipeline
from media.pipelines.placement import load, place

PING_SECONDS, ANSWER_SECONDS = 0.5, 1.75
"""How often a node is asked whether it lives, and how long it may think about it."""
GRACE_SECONDS = 0.5
"""A connection that is back with its objects within this time was only a blip: the client tries after 0.1 and 0.35 s.
So a node that hangs is given up after 2.75 s at the latest, a dead one after 0.5 s, an emptied one at once."""
RETRY_SECONDS = 0.5
"""Between tries to reach a node that was not there at the start."""
OWNER_TAG = "kustos.gateway"
"""Of pipelines and viewers: which gateway made or adopted them, so that what a dead one left is known as ours."""
MANAGER = "manager_ServerManager"
"""The object of a node that tells of the node itself."""

log = structlog.get_logger(__name__)


class Node:
    """One media node."""

    def __init__(self, url: str, gateway_id: str, name: str = "") -> None:
        """Not connected yet."""
        self.url, self.gateway_id, self.name = url, gateway_id, name or url
        self.client = KurentoClient(url, ping_interval=PING_SECONDS, ping_timeout=ANSWER_SECONDS)
        self.row: NodeRow | None = None
        """What the table said last."""
        self.sittings = 0
        """With live media, of all gateways, by the last look; those placed since are counted in."""
        self.failure = ""
        """Why it could not be reached, in words."""
        self.opened = asyncio.Event()
        self.abandoned: list[str] = []
        """Pipelines given up while the node could not be reached; released if it comes back with them."""

    @property
    def healthy(self) -> bool:
        """Whether it answers."""
        return self.client.connected

    @property
    def takes(self) -> bool:
        """Whether it can and may take a sitting just now."""
        row = self.row
        if not self.healthy or row is None:
            return self.healthy
        return row.state is NodeState.ACTIVE and (not row.capacity or self.sittings < row.capacity)

    @property
    def is_left(self) -> bool:
        """Whether its sittings are asked to go to other nodes."""
        return self.row is not None and self.row.state is NodeState.DRAINING and self.row.moves

    @property
    def load(self) -> float:
        """How full it is."""
        if self.row is None:
            return load(self.sittings, 0, 0.0, 0)
        return load(self.sittings, self.row.capacity, self.row.cpu or 0.0, self.row.memory_kb or 0)

    async def make_pipeline(self) -> MediaPipeline:
        """Make a pipeline that is known as this gateway's."""
        pipeline = await MediaPipeline.create(self.client)
        self.sittings += 1
        await pipeline.add_tag(OWNER_TAG, self.gateway_id)
        return pipeline

    async def pipelines(self) -> frozenset[str] | None:
        """Return what the node says it has; None when it does not answer."""
        try:
            return frozenset(str(one) for one in await self.client.invoke(MANAGER, "getPipelines") or ())
        except KurentoError:
            return None

    def __repr__(self) -> str:
        """Name it in logs."""
        return f"<Node {self.name} {self.url}>"


class Nodes:
    """All nodes of the table. ``on_lost(node)``: its objects are gone; ``on_ready(node)``: it takes sittings."""

    def __init__(self, gateway_id: str, on_lost: Callable[[Node], None], on_ready: Callable[[Node], None]) -> None:
        """There is none before the first ``sync``."""
        self._nodes: dict[str, Node] = {}
        self._gateway_id = gateway_id
        self._on_lost, self._on_ready = on_lost, on_ready
        self._openings: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._graces: dict[str, asyncio.TimerHandle] = {}

    def sync(self, rows: Iterable[NodeRow], sittings: Mapping[str, int]) -> None:
        """Have a client for each node of the table, connecting in the background; drop those that are gone.

        A retired node is kept as long as something lives in it.
        """
        wanted = {row.url: row for row in rows if row.state is not NodeState.RETIRED or sittings.get(row.url)}
        for url, row in wanted.items():
            node = self._nodes.get(url)
            if node is None:
                node = self._nodes[url] = Node(url, self._gateway_id, row.name)
                self._openings[url] = self._spawn(self._open(node))
            node.row, node.name, node.sittings = row, row.name, sittings.get(url, 0)
        for url in self._nodes.keys() - wanted.keys():
            self._spawn(self._drop(self._nodes.pop(url)))

    def place(self, besides: Node | None = None) -> Node:
        """Return the node for a new pipeline; raise ``MediaUnavailable`` if there is none."""
        return place(self._nodes.values(), besides)

    def get(self, url: str) -> Node | None:
        """Return the node at an address, None if it is not (any more) in the table."""
        return self._nodes.get(url)

    def __iter__(self) -> Iterator[Node]:
        """Yield them as they are now."""
        return iter(tuple(self._nodes.values()))

    @property
    def healthy(self) -> int:
        """How many answer."""
        return sum(node.healthy for node in self._nodes.values())

    async def close(self) -> None:
        """Disconnect; the objects live on for the next gateway."""
        for timer in self._graces.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(node.client.close() for node in self._nodes.values()), return_exceptions=True)

    async def _drop(self, node: Node) -> None:
        opening = self._openings.pop(node.url, None)
        if opening is not None:
            opening.cancel()
        if timer := self._graces.pop(node.url, None):
            timer.cancel()
        log.info("media node removed", node=node.url)
        self._on_lost(node)
        await node.client.close(end_session=True)

    async def _open(self, node: Node) -> None:
        binding = None
        while binding is None:
            try:
                binding = await node.client.open()
            except KurentoError as error:
                node.failure = error.message
                await asyncio.sleep(RETRY_SECONDS)
        log.info("media node reached", node=node.url, session=str(binding))
        node.failure = ""
        node.opened.set()
        node.client.watch(lambda change: self._changed(node, change))
        self._on_ready(node)

    def _changed(self, node: Node, binding: Binding) -> None:
        timer = self._graces.pop(node.url, None)
        if timer is not None:
            timer.cancel()
        if self._nodes.get(node.url) is not node:
            return
        if binding is Binding.DOWN:
            node.failure = f"The connection to {node.url} is lost."
            loop = asyncio.get_running_loop()
            self._graces[node.url] = loop.call_later(GRACE_SECONDS, self._lost, node)
            return
        node.failure = ""
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

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _lost(self, node: Node) -> None:
        self._graces.pop(node.url, None)
        log.error("media node lost", node=node.url)
        self._on_lost(node)
