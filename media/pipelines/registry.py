"""All sittings of this gateway: made when first needed, adopted at the start, told of their nodes' fates."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import structlog

from appliance.errors import ImpossibleStep
from appliance.models import LiveMedia
from media.pipelines import evidence, ledger
from media.pipelines.nodes import Node, Nodes
from media.pipelines.sitting import Outlet, SittingPipeline
from media.pipelines.store import Store

ADOPTION_SECONDS = 5.0
"""How long a start waits for a node that has something to adopt; after that its objects count as lost."""

log = structlog.get_logger(__name__)


class SittingPipelines:
    """The sittings with live media in this gateway, by id."""

    def __init__(self, store: Store, urls: Sequence[str], folder: Path, outlet: Callable[[], Outlet]) -> None:
        """``urls`` are the nodes, ``folder`` where they write parts; ``outlet`` is asked for at each new sitting."""
        self._store, self._urls, self._folder, self._outlet = store, urls, folder, outlet
        self._sittings: dict[int, SittingPipeline] = {}
        self._making = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.nodes = Nodes(urls, {}, self._node_lost, self._node_ready)

    async def start(self) -> None:
        """Connect to the nodes and take over what a former gateway left running."""
        rows = await self._store.insist(ledger.all_rows)
        sessions = await self._store.insist(ledger.sessions_by_node)
        self.nodes = Nodes(self._urls, sessions, self._node_lost, self._node_ready)
        self.nodes.start()
        by_sitting: dict[int, list[LiveMedia]] = {i: [] for i in await self._store.insist(evidence.recorded_ids)}
        for row in rows:
            by_sitting.setdefault(row.sitting_id, []).append(row)
        await asyncio.gather(*(self._adopt(sitting_id, found) for sitting_id, found in by_sitting.items()))

    def find(self, sitting_id: int) -> SittingPipeline | None:
        """Return the sitting if anything is known of it here."""
        return self._sittings.get(sitting_id)

    async def get(self, sitting_id: int) -> SittingPipeline:
        """Return a sitting that goes on, known from now on; raise ``NotFound``, ``ImpossibleStep`` if it is over."""
        found = self._sittings.get(sitting_id) or await self._make(sitting_id, even_if_over=False)
        if found is None:
            raise ImpossibleStep("This sitting is over.", sitting_id=sitting_id)
        return found

    async def _make(self, sitting_id: int, even_if_over: bool) -> SittingPipeline | None:
        async with self._making:
            found = self._sittings.get(sitting_id)
            if found is None:
                facts = await self._store.run(evidence.facts, sitting_id)
                if facts.over and not even_if_over:
                    return None
                found = SittingPipeline(facts, self._store, self.nodes, self._folder, self._outlet())
                await found.restore()
                self._sittings[sitting_id] = found
            return found

    async def sitting_changed(self, sitting_id: int, running: bool) -> None:
        """The bus told of a sitting: act on it. One that runs is known from now on, its media or gaps with it."""
        found = self._sittings.get(sitting_id)
        if found is None and running:
            found = await self._make(sitting_id, even_if_over=False)
        if found is not None:
            await found.refresh()

    def forget(self, sitting_id: int) -> None:
        """The sitting is over and on record."""
        found = self._sittings.pop(sitting_id, None)
        if found is not None:
            self._spawn(found.close())

    async def close(self) -> None:
        """Let go of all without touching any media object."""
        await asyncio.gather(*(found.close() for found in self._sittings.values()), return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.nodes.close()

    async def _adopt(self, sitting_id: int, rows: list[LiveMedia]) -> None:
        found = await self._make(sitting_id, even_if_over=True)
        if found is None:
            return
        node = self.nodes.get(rows[0].node_url) if rows else None
        if node is not None:
            try:
                await asyncio.wait_for(node.opened.wait(), ADOPTION_SECONDS)
            except TimeoutError:
                log.error("nothing to adopt from", node=node.url, sitting=sitting_id)
                node = None
        await found.adopt(node, rows)

    def _node_lost(self, node: Node) -> None:
        for found in self._sittings.values():
            if found.node is node:
                self._spawn(found.node_lost())

    def _node_ready(self, node: Node) -> None:
        for found in self._sittings.values():
            if found.node is node:
                self._spawn(found.look())
            else:
                found.ask_for_offers()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
