"""Keeps one track's evidence whole: while a sitting is recorded, every moment is in a part or in a gap."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from appliance.db import utcnow
from appliance.vocabulary import GapCause, Track
from media.kurento import KurentoError
from media.pipelines import evidence, ledger
from media.pipelines.disk_probe import DiskProbe
from media.pipelines.evidence import Facts
from media.pipelines.live_track import LiveTrack, let_go, stop
from media.pipelines.store import Store

TOLERANCE = timedelta(milliseconds=250)
"""Between "running" and the recorder's start lie a transaction and three requests to the node: 20 to 100 ms."""
LONGEST_PAUSE = 16.0
"""Seconds between tries to make a recorder that fails: a full disk is not helped by haste."""
STOP_SECONDS = 1.0
"""How long the next recorder waits for the one that was given up."""
PROVEN_SECONDS = 30.0
"""A recorder that broke after this time was well made: the next one may be made at once."""

log = structlog.get_logger(__name__)


class TrackKeeper:
    """One track of one sitting: what is live of it, its part, its open gap, and what was last told of it."""

    def __init__(self, sitting_id: int, track: Track, store: Store, folder: Path, disk: DiskProbe) -> None:
        """Nothing is live yet. ``folder`` is where nodes write parts, ``disk`` tries whether anybody can."""
        self.track = track
        self.live: LiveTrack | None = None
        self._sitting_id, self._store, self._folder, self._disk = sitting_id, store, folder, disk
        self._stopping: asyncio.Task[None] | None = None
        self._cause, self._detail = GapCause.UNKNOWN, "nothing was published"  # why it is not covered
        self._covered_until: datetime | None = None  # the end of the last part, or the start of the one in work
        self._gap_open = False
        self._told = ("", "")
        self._failures = 0
        self._not_before = self._begun_at = 0.0  # on the loop's clock

    @property
    def flowing(self) -> bool:
        """Whether pictures arrive."""
        return self.live is not None and self.live.flowing

    @property
    def recording(self) -> bool:
        """Whether pictures arrive and are written."""
        return self.live is not None and self.live.flowing and self.live.recorder is not None

    def wait_seconds(self) -> float | None:
        """Return after how long a recorder may be tried again, None where none is missing."""
        if self.flowing and not self.recording:
            return max(0.0, self._not_before - _now())
        return None

    async def restore(self) -> datetime | None:
        """Know what a former gateway wrote down; return since when its node is lost, if it had noticed that."""
        known = await self._store.insist(evidence.standing, self._sitting_id, self.track)
        self._covered_until = known.covered_until
        if known.gap_cause is not None:
            self._gap_open, self._cause = True, known.gap_cause
        return known.gap_since if known.gap_cause is GapCause.NODE_LOST else None

    async def settle(self, facts: Facts, absence: GapCause) -> None:
        """Begin and end part and gap as the flow wants it; ``absence`` is why a flow may have stopped.

        Raises ``KurentoError`` when the node does not do it: to be tried again.
        """
        if facts.started_at is None:
            return
        self._covered_until = self._covered_until or facts.started_at
        live = self.live
        if live is not None and live.recorder_failure:
            await self._give_up_recorder(live)
        if live is None:
            await self._miss(self._cause, self._covered_until, self._detail)
        elif live.recorder is None and live.flowing and _now() >= self._not_before:
            await self._begin_part(live)
        elif live.recorder is None:
            cause = absence if self._cause is GapCause.UNKNOWN else self._cause
            await self._miss(cause, self._covered_until, self._detail)
        elif not live.flowing:
            await self._miss(absence, live.flow_changed_at, "no picture arrives")
        elif live.stalled_since is not None:
            since = max(live.stalled_since, self._covered_until)
            await self._miss(GapCause.RECORDER_STALLED, since, live.stalled_why)
        else:
            await self._cover(max(live.flow_changed_at, live.grew_again_at or live.flow_changed_at))

    async def drop(self, cause: GapCause, detail: str) -> None:
        """End what is live of the track: its part, its endpoint, its row in the ledger."""
        live, self.live = self.live, None
        if live is None:
            return
        part_id = live.part_id
        await self._end_part(part_id, await live.stop_recorder(), cause, detail)
        await let_go(live.endpoint)
        await self._store.insist(ledger.remove, self._sitting_id, self.track)

    async def lost_with_node(self, part_id: int | None) -> datetime:
        """The node is gone with all objects: the part ended with its last byte. Return when that was."""
        live, self.live = self.live, None
        if live is not None:
            live.forget()
        at = utcnow()
        if part_id is not None:
            at = await self._store.insist(evidence.last_written, part_id)
        await self._end_part(part_id, at, GapCause.NODE_LOST, "the media node is gone")
        await self._store.insist(ledger.remove, self._sitting_id, self.track)
        return at

    async def finish(self) -> None:
        """The sitting is over: complete the file, let the endpoint go."""
        await self.drop(GapCause.UNKNOWN, evidence.FINISHED)
        self._gap_open = False

    async def report(self) -> None:
        """Tell the room of a track that is not recorded yet."""
        if self.live is None:
            if self._told[0]:
                await self._tell("lost", self._cause)
        elif self.flowing:
            await self._tell("live", "")
        elif self._told[0] == "live":
            await self._tell("lost", GapCause.CONNECTION_LOST)

    async def _tell(self, state: str, cause: str) -> None:
        if (state, cause) != self._told:
            self._told = (state, cause)
            await self._store.insist(evidence.tell_state, self._sitting_id, self.track, state, cause)

    async def _begin_part(self, live: LiveTrack) -> None:
        if self._stopping is not None:  # one recorder a track is enough, but one that hangs is left behind
            await asyncio.wait([self._stopping], timeout=STOP_SECONDS)
        trouble = await self._disk.trouble(self._folder) if self._failures else None
        if trouble is not None:
            self._pause()
            await self._miss(trouble.cause, self._covered_until or utcnow(), trouble.detail)
            return
        try:
            path = await self._store.insist(evidence.next_path, self._sitting_id, self.track, self._folder)
            at = await live.record(path)
        except (KurentoError, OSError) as error:
            self._pause()
            detail = error.message if isinstance(error, KurentoError) else str(error)
            await self._miss(GapCause.RECORDER_FAILED, self._covered_until or utcnow(), detail)
            raise
        self._begun_at = _now()
        since = self._covered_until
        if since is not None and not self._gap_open and at - since > TOLERANCE:
            await self._store.insist(
                evidence.miss, self._sitting_id, self.track, self._cause, since, self._detail, at
            )
        live.part_id = await self._store.insist(
            evidence.begin_part,
            self._sitting_id,
            self.track,
            path,
            live.node.url,
            live.recorder.id if live.recorder is not None else "",
            at,
        )
        self._gap_open, self._covered_until = False, at
        log.info("part begun", sitting=self._sitting_id, track=self.track.value, part=live.part_id)

    async def _give_up_recorder(self, live: LiveTrack) -> None:
        """The recorder broke or stalls: its part ended with its last byte, where the gap before the next begins.

        The record comes first: a recorder whose disk hangs does not answer when it is told to stop.
        """
        failure, cause, part_id = live.recorder_failure, live.recorder_cause, live.part_id
        if _now() - self._begun_at > PROVEN_SECONDS:
            self._failures = 0
        self._pause()
        at = utcnow() if part_id is None else await self._store.insist(evidence.last_written, part_id)
        recorder = live.detach_recorder()
        if recorder is not None:
            self._stopping = asyncio.create_task(stop(recorder))
        await self._end_part(part_id, at, cause, failure)

    def _pause(self) -> None:
        self._not_before = _now() + min(LONGEST_PAUSE, 0.5 * 2.0**self._failures)
        self._failures += 1

    async def _end_part(self, part_id: int | None, at: datetime, cause: GapCause, detail: str) -> None:
        self._cause, self._detail = cause, detail
        if part_id is not None:
            self._covered_until = at
            why = detail if detail == evidence.FINISHED else cause.value
            await self._store.insist(evidence.end_part, self._sitting_id, self.track, part_id, at, why)
            log.info("part ended", sitting=self._sitting_id, track=self.track.value, part=part_id, cause=why)

    async def _miss(self, cause: GapCause, since: datetime, detail: str) -> None:
        if not self._gap_open:
            await self._store.insist(evidence.miss, self._sitting_id, self.track, cause, since, detail)
            self._gap_open, self._cause = True, cause
            log.warning("gap", sitting=self._sitting_id, track=self.track.value, cause=cause.value, detail=detail)

    async def _cover(self, flowing_since: datetime) -> None:
        if self._gap_open:
            at = max(flowing_since, self._covered_until or flowing_since)
            await self._store.insist(evidence.cover, self._sitting_id, self.track, at)
            self._gap_open = False


def _now() -> float:
    return asyncio.get_running_loop().time()
