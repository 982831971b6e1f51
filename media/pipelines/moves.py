"""Moves sittings out of nodes that are drained with ``--move``: one after another, each with a new part elsewhere."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from media.pipelines.nodes import Nodes
from media.pipelines.sitting import SittingPipeline

LOOK_SECONDS = 1.0
MOVE_SECONDS = 15.0
"""What one browser gets for its new connections before the next sitting is asked; it stays on the list."""

log = structlog.get_logger(__name__)


class Moves:
    """The sittings of this gateway that are to leave their node."""

    def __init__(self, nodes: Nodes, sittings: Callable[[], Mapping[int, SittingPipeline]]) -> None:
        """``sittings`` gives those there are now."""
        self._nodes, self._sittings = nodes, sittings

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if any(node.is_left for node in self._nodes) and any(node.takes for node in self._nodes):
                for sitting in list(self._sittings().values()):
                    await self._move(sitting)

    async def _move(self, sitting: SittingPipeline) -> None:
        if not sitting.ask_to_move():
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + MOVE_SECONDS
        while any(live.node.is_left for live in sitting.all_live()):
            if loop.time() > deadline:
                log.warning("sitting did not move", sitting=sitting.facts.id)
                return
            await asyncio.sleep(0.1)
        log.info("sitting moved", sitting=sitting.facts.id, node=repr(sitting.node))
