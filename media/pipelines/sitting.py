"""One sitting's pipeline: camera and screen -> recorders and viewers, kept as the sitting's state wants it.

Whatever happens (a browser publishes, a flow stops, a node dies, the sitting starts) only changes what is known here;
``_settle`` then brings parts, gaps and objects in line with it, under one lock, one step after another.
"""

import asyncio
import contextlib
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from appliance.db import utcnow
from appliance.errors import ApplianceError, ImpossibleStep, MediaUnavailable
from appliance.models import LiveMedia
from appliance.vocabulary import GapCause, Track
from media.kurento import ConnectionLost, IceCandidate, KurentoError, MediaPipeline, WebRtcEndpoint
from media.pipelines import adoption, evidence, ledger
from media.pipelines.disk_probe import DiskProbe
from media.pipelines.evidence import Facts
from media.pipelines.ice import EarlyCandidates
from media.pipelines.leased_store import LeasedStore, Turn
from media.pipelines.leases import LeaseLost
from media.pipelines.live_track import LiveTrack, OnCandidate, let_go
from media.pipelines.nodes import Node, Nodes
from media.pipelines.track_keeper import TrackKeeper
from media.pipelines.viewers import Viewers

RETRY_SECONDS = 1.0
"""After a step failed: often enough to lose little, seldom enough not to hammer a broken disk."""
STALL_SECONDS = 10.0
"""A browser that is here but sends nothing for so long is asked for a new connection (ICE needs up to 5 s)."""

log = structlog.get_logger(__name__)


class Outlet(Protocol):
    """What a pipeline tells the gateway. No call may block."""

    def offer_wanted(self, sitting_id: int, track: Track, cause: str) -> None:
        """The browser should publish the track anew."""

    def all_flowing(self, facts: Facts) -> None:
        """Every track flows: a sitting that starts by itself may start."""

    def absence_cause(self, sitting_id: int) -> GapCause:
        """Why the browser's media may be away: its page was closed, or its connection is lost."""

    def is_here(self, sitting_id: int) -> bool:
        """Whether the candidate's socket is at this gateway."""

    def over(self, sitting_id: int) -> None:
        """All is stopped and on record; nothing more will come."""


class SittingPipeline:
    """The live media of one sitting in this gateway."""

    def __init__(
        self, facts: Facts, store: LeasedStore, nodes: Nodes, folder: Path, outlet: Outlet, disk: DiskProbe
    ) -> None:
        """Nothing is live yet. ``facts`` are what the database says; ``folder`` is where nodes write parts."""
        self.facts = facts
        self.viewers = Viewers()
        self._store, self._nodes, self._outlet = store, nodes, outlet
        self.node: Node | None = None
        self._pipeline: MediaPipeline | None = None
        self._tracks = {track: TrackKeeper(facts.id, track, store, folder, disk) for track in facts.tracks}
        self._early = EarlyCandidates()
        self._lost_since: datetime | None = None
        self._lost_tracks: set[Track] = set()
        self._left: list[MediaPipeline] = []  # in a node that is left, while a track is still there
        self._lock = Turn(store.fence)
        self._dirty = asyncio.Event()
        self._timers: dict[Track, asyncio.TimerHandle] = {}
        self._task = asyncio.create_task(self._keep_settled(), name=f"sitting {facts.id}")

    async def restore(self) -> None:
        """Know what a former gateway wrote down of the tracks."""
        for keeper in self._tracks.values():
            lost = await keeper.restore()
            if lost is not None:
                self._note_lost(keeper.track, lost)

    # ---- what the gateway asks

    def live(self, track: Track) -> LiveTrack | None:
        """Return the published track."""
        return self._tracks[track].live if track in self._tracks else None

    def all_live(self) -> list[LiveTrack]:
        """Return what is published now."""
        return [keeper.live for keeper in self._tracks.values() if keeper.live is not None]

    def knows(self, track: Track, connection: str) -> bool:
        """Whether this connection of the browser still serves the track."""
        live = self.live(track)
        return live is not None and live.connection == connection

    async def publish(self, track: Track, connection: str, sdp: str, on_candidate: OnCandidate) -> str:
        """Answer the browser's offer of a track; an older connection of the track makes way.

        Raises ``MediaUnavailable`` without a node, ``ServerError`` for an offer that cannot be used.
        """
        async with self._lock:
            if not self.facts.live or track not in self._tracks:
                raise ImpossibleStep("This sitting takes no pictures just now.", state=self.facts.state.value)
            node, pipeline = await self._ensure_pipeline()
            await self._make_way(track, node)
            endpoint = await WebRtcEndpoint.create(pipeline)
            live = LiveTrack(track, connection, node, pipeline, endpoint, self.changed)
            try:
                await live.listen(on_candidate)
                answer = await endpoint.process_offer(sdp)
                await self._store.insist(
                    ledger.enter,
                    self.facts.id,
                    track,
                    node_url=node.url,
                    session_id=node.client.session_id or "",
                    pipeline_id=pipeline.id,
                    endpoint_id=endpoint.id,
                    connection=connection,
                )
                await endpoint.gather_candidates()
            except BaseException:
                await let_go(endpoint)
                raise
            self._tracks[track].live = live
            await self._release_left()
            await self._early.hand_over(connection, endpoint)
            self._watch_stall(track)
        self.changed()
        return answer

    async def add_candidate(self, connection: str, candidate: IceCandidate) -> None:
        """Take a candidate of the publishing browser, also before its endpoint is there."""
        for keeper in self._tracks.values():
            if keeper.live is not None and keeper.live.connection == connection:
                await keeper.live.endpoint.add_ice_candidate(candidate)
                return
        self._early.keep(connection, candidate)

    async def unpublish(self, track: Track, cause: GapCause, detail: str) -> None:
        """The browser ended the track: the part ends, a gap begins."""
        async with self._lock:
            if track in self._tracks:
                await self._drop(track, cause, detail)
        self.changed()

    async def view(
        self, key: str, track: Track, sdp: str, on_candidate: OnCandidate, on_ended: Callable[[str], None]
    ) -> str:
        """Answer a recvonly offer with a track; raise ``MediaUnavailable`` when it is not live."""
        async with self._lock:
            return await self.viewers.add(key, self.live(track), sdp, on_candidate, on_ended)

    async def unview(self, key: str) -> None:
        """End one view."""
        async with self._lock:
            await self.viewers.remove(key)

    async def refresh(self) -> None:
        """The sitting changed: read what it is now and act on it."""
        self.facts = await self._store.insist(evidence.facts, self.facts.id)
        self.changed()

    def changed(self) -> None:
        """Something is other than it was: look at all of it soon."""
        self._dirty.set()

    async def settled(self) -> None:
        """Bring everything in line now."""
        async with self._lock:
            await self._settle()

    async def compensate_so_far(self) -> None:
        """The clock is about to end the sitting while its node is lost: give back what was lost until now."""
        async with self._lock:
            await self._compensate(everything_back=False)

    async def close(self) -> None:
        """Let go without touching the media objects: the next gateway adopts them."""
        for timer in self._timers.values():
            timer.cancel()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    # ---- what the nodes tell

    def uses(self, node: Node) -> bool:
        """Whether anything of it lives in a node."""
        return self.node is node or any(live.node is node for live in self.all_live())

    def is_in(self, pipeline_ids: Container[str]) -> bool:
        """Whether its pipeline is among those that its node says it has."""
        return self._pipeline is None or self._pipeline.id in pipeline_ids

    async def node_lost(self, node: Node) -> None:
        """All objects in it are gone: end the parts at their last byte, begin gaps, ask for new offers."""
        async with self._lock:
            log.error("sitting lost its node", sitting=self.facts.id, node=repr(node))
            if self.node is node:
                if self._pipeline is not None:
                    node.abandoned.append(self._pipeline.id)
                self.node = self._pipeline = None
            await self.viewers.end_of(node, GapCause.NODE_LOST)
            for keeper in self._tracks.values():
                if keeper.live is not None and keeper.live.node is node:
                    await self._lost_track(keeper, keeper.live.part_id)
        self.ask_for_offers()
        self.changed()

    def ask_for_offers(self) -> None:
        """Have the tracks that a node's end took published again, if a node is there to take them."""
        if self._nodes.healthy and self.facts.live:
            for track in self._lost_tracks:
                if self._tracks[track].live is None:
                    self._outlet.offer_wanted(self.facts.id, track, GapCause.NODE_LOST)

    async def look(self) -> None:
        """The node's connection was away: events may have been missed, so ask."""
        async with self._lock:
            for keeper in self._tracks.values():
                if keeper.live is not None:
                    with contextlib.suppress(KurentoError):
                        await keeper.live.look()
        self.changed()

    async def adopt(self, nodes: Mapping[str, Node | None], rows: Sequence[LiveMedia], living: Sequence[str]) -> None:
        """Take over what another gateway left in ``nodes``; what is not there (any more) was lost with its node.

        ``living`` are the gateways whose viewers stay.
        """
        async with self._lock:
            for row in rows:
                if row.track not in self._tracks:
                    continue
                keeper, node = self._tracks[row.track], nodes.get(row.node_url)
                keeper.live = await adoption.adopt(node, row, self.changed) if node is not None else None
                if keeper.live is None:
                    await self._lost_track(keeper, row.part_id)
                else:
                    self.node, self._pipeline = node, keeper.live.pipeline
            if self._pipeline is not None:
                await adoption.release_strays(self._pipeline, rows, living)
        self.ask_for_offers()
        self.changed()

    async def hand_over(self) -> None:
        """Another gateway has the sitting from now on: end what is under way, then touch nothing any more."""
        try:
            async with self._lock:
                await self.close()
                self._store.shut()
        except LeaseLost:
            await self.close()

    def ask_to_move(self) -> bool:
        """Have what is in a node that is left published again; return whether there was anything."""
        leaving = [live.track for live in self.all_live() if live.node.is_left]
        for track in leaving:
            self._outlet.offer_wanted(self.facts.id, track, GapCause.NODE_DRAINED)
        return bool(leaving)

    # ---- inside

    async def _keep_settled(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self.settled()
            except LeaseLost:  # the registry was told, and lets go
                return
            except ConnectionLost as error:  # the node's loss or return will be told
                log.warning("sitting waits for its node", sitting=self.facts.id, error=error.message)
            except ApplianceError as error:
                log.warning("sitting not settled", sitting=self.facts.id, error=error.message)
                await self._try_again()
            except Exception:
                log.exception("sitting not settled", sitting=self.facts.id)
                await self._try_again()

    async def _try_again(self) -> None:
        await asyncio.sleep(RETRY_SECONDS)
        self.changed()

    async def _settle(self) -> None:
        if self.facts.over:
            await self._finish()
            return
        absence = self._outlet.absence_cause(self.facts.id)
        for keeper in self._tracks.values():
            if self.facts.recorded:
                await keeper.settle(self.facts, absence)
            else:
                await keeper.report()
        if all(keeper.flowing for keeper in self._tracks.values()):
            self._outlet.all_flowing(self.facts)
        await self._compensate()
        waits = [keeper.wait_seconds() for keeper in self._tracks.values() if self.facts.recorded]
        if any(wait is not None for wait in waits):
            asyncio.get_running_loop().call_later(min(wait for wait in waits if wait is not None), self.changed)

    async def _finish(self) -> None:
        await self.viewers.end(None, evidence.FINISHED)
        for keeper in self._tracks.values():
            await keeper.finish()
        for pipeline in (*self._left, *([self._pipeline] if self._pipeline is not None else [])):
            await let_go(pipeline)
        self._left.clear()
        self.node = self._pipeline = None
        await self._store.insist(evidence.finish, self.facts.id)
        self._outlet.over(self.facts.id)

    async def _ensure_pipeline(self) -> tuple[Node, MediaPipeline]:
        if self.node is not None and self._pipeline is not None and self.node.is_left:
            with contextlib.suppress(MediaUnavailable):  # no other takes it: better there than nowhere
                node = self._nodes.place(besides=self.node)
                pipeline = await node.make_pipeline()
                self._left.append(self._pipeline)
                self.node, self._pipeline = node, pipeline
        if self.node is None or self._pipeline is None:
            node = self._nodes.place()
            self.node, self._pipeline = node, await node.make_pipeline()
        return self.node, self._pipeline

    async def _make_way(self, track: Track, node: Node) -> None:
        """An offer is answered in ``node``: end what there is of the track."""
        live = self._tracks[track].live
        if live is not None and live.node is not node:
            await self._drop(track, GapCause.NODE_DRAINED, "moved to another media node")
        else:
            await self._drop(track, GapCause.CONNECTION_LOST, "the browser made a new connection")

    async def _release_left(self) -> None:
        """Release the pipelines in nodes that were left once no track is in them."""
        used = {live.pipeline.id for live in self.all_live()}
        for pipeline in [pipeline for pipeline in self._left if pipeline.id not in used]:
            self._left.remove(pipeline)
            await let_go(pipeline)

    async def _drop(self, track: Track, cause: GapCause, detail: str) -> None:
        await self.viewers.end(track, cause)
        await self._tracks[track].drop(cause, detail)

    async def _lost_track(self, keeper: TrackKeeper, part_id: int | None) -> None:
        self._note_lost(keeper.track, await keeper.lost_with_node(part_id))

    def _note_lost(self, track: Track, since: datetime) -> None:
        self._lost_tracks.add(track)
        self._lost_since = min(self._lost_since or since, since)

    async def _compensate(self, everything_back: bool = True) -> None:
        """Give the candidate the time that the appliance's own fault took, once all is recorded again."""
        if self._lost_since is None:
            return
        if everything_back and not all(self._tracks[track].recording for track in self._lost_tracks):
            return
        since, self._lost_since = self._lost_since, None
        if everything_back:
            self._lost_tracks.clear()
        else:  # the clock goes on from here, with what is lost from now on still to be given back
            self._lost_since = utcnow()
        if self.facts.recorded:
            await self._store.insist(evidence.compensate, self.facts.id, since, GapCause.NODE_LOST)

    def _watch_stall(self, track: Track) -> None:
        timer = self._timers.pop(track, None)
        if timer is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[track] = loop.call_later(STALL_SECONDS, self._ask_if_stalled, track)

    def _ask_if_stalled(self, track: Track) -> None:
        keeper = self._tracks[track]
        if keeper.live is not None and not keeper.live.flowing and self.facts.live:
            self._outlet.offer_wanted(self.facts.id, track, GapCause.CONNECTION_LOST)
        self._watch_stall(track)
