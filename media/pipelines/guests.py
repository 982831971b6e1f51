"""Staff at this gateway who watch a sitting that another gateway acts on: a viewer of ours in its pipeline."""

import asyncio
from collections.abc import Callable

import structlog

from appliance.errors import ApplianceError
from appliance.models import LiveMedia
from appliance.vocabulary import GapCause, Track
from media.kurento import IceCandidate, MediaPipeline, WebRtcEndpoint
from media.pipelines import ledger
from media.pipelines.live_track import LiveTrack, OnCandidate
from media.pipelines.nodes import Node, Nodes
from media.pipelines.store import Store
from media.pipelines.viewers import Viewers

LOOK_SECONDS = 1.0
"""How often the ledger is asked whether what they watch is still there; one query for all of them."""

log = structlog.get_logger(__name__)


class Guests:
    """Viewers by sitting. They end when the ledger no longer has the endpoint they watch."""

    def __init__(self, store: Store, nodes: Callable[[], Nodes]) -> None:
        """Nobody watches."""
        self._store, self._nodes = store, nodes
        self._viewers: dict[int, Viewers] = {}
        self._lock = asyncio.Lock()

    async def view(
        self,
        sitting_id: int,
        key: str,
        track: Track,
        sdp: str,
        on_candidate: OnCandidate,
        on_ended: Callable[[str], None],
    ) -> str:
        """Answer a recvonly offer with the track; raise ``MediaUnavailable`` when it is not live."""
        async with self._lock:
            row = await self._store.run(ledger.find, sitting_id, track)
            viewers = self._viewers.setdefault(sitting_id, Viewers())
            return await viewers.add(key, self._live(row), sdp, on_candidate, on_ended)

    async def add_candidate(self, sitting_id: int, key: str, candidate: IceCandidate) -> None:
        """Take a candidate of the watching browser, also before its endpoint is there."""
        await self._viewers.setdefault(sitting_id, Viewers()).add_candidate(key, candidate)

    def has(self, sitting_id: int, key: str) -> bool:
        """Whether this view is one of a guest."""
        return key in self._viewers.get(sitting_id, ())

    async def unview(self, sitting_id: int, key: str) -> None:
        """They watch no longer."""
        viewers = self._viewers.get(sitting_id)
        if viewers is not None:
            await viewers.remove(key)

    def take_over(self, sitting_id: int, viewers: Viewers) -> None:
        """Have those who watch a sitting that this gateway hands over."""
        if len(viewers):
            self._viewers.setdefault(sitting_id, Viewers()).take_over(viewers)

    async def node_lost(self, node: Node) -> None:
        """All that lived in a node is gone: the ledger will say which sittings those were."""
        for viewers in self._viewers.values():
            await viewers.end_of(node, GapCause.NODE_LOST)

    async def run(self) -> None:
        """Look for ever whether what is watched is still there."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._viewers:
                try:
                    await self._look()
                except ApplianceError as error:
                    log.warning("views not looked at", error=error.message)

    async def _look(self) -> None:
        async with self._lock:
            there = await self._store.run(ledger.endpoints, list(self._viewers))
            for sitting_id, sources in there.items():
                viewers = self._viewers[sitting_id]
                await viewers.end_unless(sources, GapCause.CONNECTION_LOST)
                if not len(viewers) and not viewers.has_early:
                    del self._viewers[sitting_id]

    def _live(self, row: LiveMedia | None) -> LiveTrack | None:
        """Return a track of another gateway as far as a viewer needs it."""
        node = None if row is None else self._nodes().get(row.node_url)
        if row is None or node is None or not node.healthy:
            return None
        client = node.client
        return LiveTrack(
            track=row.track,
            connection=row.connection,
            node=node,
            pipeline=MediaPipeline(client, row.pipeline_id),
            endpoint=WebRtcEndpoint(client, row.endpoint_id),
            changed=lambda: None,
        )
