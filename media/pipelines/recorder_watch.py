"""Sees that every recorder records: media flows in, the file grows, and a picture can be shown from it.

A node tells of a recorder that broke, but not of one that quietly writes nothing: a disk that hangs, a file that was
taken away, a recorder that somebody else paused or unplugged, a source without a key frame. So one timer looks at all
files four times a second. A file that stands still although its endpoint goes on receiving is a stall: a gap begins
with the last byte written, and the recorder is connected anew, which makes the node ask the source for a key frame.
When that does not help the part ends, too, and a new recorder makes a new part.

Where a file cannot be seen from here (a node elsewhere, no shared folder) nothing is said of it: never a false alarm.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import structlog

from appliance.db import from_ms
from appliance.errors import ApplianceError
from appliance.vocabulary import GapCause
from media.kurento import KurentoError, MediaType, RecorderEndpoint, WebRtcEndpoint
from media.pipelines import evidence
from media.pipelines.live_track import LiveTrack
from media.pipelines.store import Store
from media.recordings.opening import HEAD_BYTES, Opening, read_opening

PERIOD = 0.25
"""128 files cost a look each: 2 ms a second. A stall is to be on the timeline within 3 s; its ladder takes 2.75."""
SILENT_SECONDS = 0.5
"""A file of a picture that moves grows five times as often; from here on the endpoint is asked what it receives."""
ASK_SECONDS = 1.0
"""After the first bytes that did not reach the file, which takes 0.2 s: begin the gap, connect the recorder anew."""
GIVE_UP_SECONDS = 1.75
"""After the same bytes: a source answers the demand for a key frame within a round trip or two."""
UNBUFFERED = frozenset({"Kustos"})
"""Writers whose files grow with every frame."""
BUFFERED_BYTES = 192 * 1024
"""What another writer may hold back: the 64 KiB of a buffered file and a cluster of two seconds."""
ASKED_AT_ONCE = 16
"""Requests for statistics under way; a hanging disk silences all files in one moment."""
ANSWER_SECONDS = 0.5
"""A node that answers nothing at all is told of by its pings."""
FEED_SECONDS = 3.0
"""A recorder that cannot be connected anew within this time has been given up meanwhile."""

log = structlog.get_logger(__name__)


class Health(StrEnum):
    """What is known of a recorder."""

    UNKNOWN = "unknown"
    STARTING = "starting"
    GROWING = "growing"
    SILENT = "silent"
    STALLED = "stalled"


class Step(StrEnum):
    """What a look at a recorder calls for."""

    NOTHING = "nothing"
    ASK_STATISTICS = "ask_statistics"
    GONE = "gone"


EPOCH = from_ms(0)


@dataclass(frozen=True, slots=True)
class Look:
    """What the file system says of a file; ``size`` is None where there is none."""

    size: int | None
    written_at: datetime = EPOCH
    writer: str = ""
    keyframe: bool = False
    torn: bool = False
    """It was cut under its writer, who went on behind: there is a hole where pictures were."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the watch knows of a recorder, for a diagnosis."""

    health: Health
    size_bytes: int
    grew_ago_ms: int
    keyframe: bool
    flows_in: bool | None


class Watched:
    """One recorder's file over time. Pure: looks and counts come from outside, times in seconds of any one clock."""

    def __init__(self, now: float) -> None:
        """Its recorder was just told to record."""
        self.size, self.grew_at, self.written_at = 0, now, EPOCH
        self.seen = self.keyframe = self.asked = False
        self.writer = ""
        self.health = Health.STARTING
        self.grown = 0
        """Bytes since the last time somebody took them."""
        self._baseline: int | None = None
        self._rose_at: float | None = None

    def look(self, look: Look, now: float) -> Step:
        """Take what the file system says."""
        if look.size is None:
            if self.seen:
                return Step.GONE
            self.health = Health.UNKNOWN
            return Step.NOTHING
        self.seen, self.writer = True, look.writer or self.writer
        self.keyframe = self.keyframe or look.keyframe
        if look.torn or look.size < self.size:
            return Step.GONE
        if look.size > self.size:
            self.grown += look.size - self.size
            self.size, self.written_at = look.size, look.written_at
            if self.keyframe:  # sound alone is not what was to be recorded
                self.grew_at, self.health = now, Health.GROWING
                self.calm()
        if now - self.grew_at < SILENT_SECONDS:
            return Step.NOTHING
        self.health = Health.SILENT if self.keyframe else Health.STARTING
        return Step.ASK_STATISTICS

    def calm(self) -> None:
        """Nothing is amiss, or nothing is sent: begin to count anew when it is silent again."""
        self._baseline = self._rose_at = None
        self.asked = False

    def received(self, total: int, now: float, held_back: int) -> float:
        """Take the bytes that the endpoint received in all; return for how long such did not reach the file."""
        if self._baseline is None or total < self._baseline:
            self._baseline = total
        elif total - self._baseline > held_back and self._rose_at is None:
            self._rose_at = now
        return self.missing(now)

    def missing(self, now: float) -> float:
        """Return for how long bytes that were received did not reach the file."""
        return now - self._rose_at if self._rose_at is not None else 0.0


class RecorderWatch:
    """One timer for all recorders of a gateway."""

    def __init__(self, store: Store, tracks: Callable[[], Iterable[LiveTrack]]) -> None:
        """``tracks`` gives what is live now."""
        self._store, self._tracks = store, tracks
        self._watched: dict[str, Watched] = {}
        self._unbuffered: set[str] = set()
        """Nodes whose writer was seen to hold nothing back: known for their next files, which are empty at first."""
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)
        # One thread of its own: a share that hangs (NFS) must not take the store's threads with it.
        self._eyes = ThreadPoolExecutor(1, thread_name_prefix="recorder watch")
        self._task: asyncio.Task[None] | None = None
        self._feeding: set[asyncio.Task[None]] = set()
        self._grown = 0

    def start(self) -> None:
        """Look from now on."""
        self._task = asyncio.create_task(self._run(), name="recorder watch")

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._eyes.shutdown(wait=False, cancel_futures=True)

    def figures(self, live: LiveTrack) -> Figures | None:
        """Return what is known of a track's recorder; None while it has none."""
        watched = self._watched.get(live.recorder.id) if live.recorder is not None else None
        if watched is None:
            return None
        ago = round((time.monotonic() - watched.grew_at) * 1000)
        return Figures(watched.health, watched.size, ago, watched.keyframe, live.recorder_fed)

    def take_grown(self) -> int:
        """Return by how many bytes all files grew since the last call."""
        grown, self._grown = self._grown, 0
        return grown

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await self._tick()
            except ApplianceError as error:
                log.warning("recorders not looked at", error=error.message)
            except Exception:
                log.exception("recorders not looked at")

    async def _tick(self) -> None:
        tracks = [live for live in self._tracks() if live.recorder is not None and live.part_id is not None]
        known = {live.recorder.id for live in tracks if live.recorder is not None}
        self._watched = {name: watched for name, watched in self._watched.items() if name in known}
        for live in tracks:
            if live.path is None and live.part_id is not None:  # taken over from a former gateway
                live.path = await self._store.run(evidence.path_of, live.part_id)
        wanted = [(live, live.path, self._of(live)) for live in tracks if live.path is not None]
        looks = await asyncio.get_running_loop().run_in_executor(
            self._eyes, _look_at_all, [(path, not watched.keyframe) for _, path, watched in wanted]
        )
        now, silent = time.monotonic(), []
        for (live, _, watched), look in zip(wanted, looks, strict=True):
            step = watched.look(look, now)
            self._grown, watched.grown = self._grown + watched.grown, 0
            if watched.writer in UNBUFFERED:
                self._unbuffered.add(live.node.url)
            if step is Step.GONE:
                self._give_up(live, watched, GapCause.RECORDER_FAILED, "the file was taken away or cut")
            elif watched.health is Health.GROWING and live.stalled_since is not None:
                live.set_stalled(None, watched.written_at)
            elif not live.flowing:
                watched.calm()
            elif step is Step.ASK_STATISTICS:
                silent.append(self._look_closer(live, watched))
        await asyncio.gather(*silent)

    def _of(self, live: LiveTrack) -> Watched:
        name = live.recorder.id if live.recorder is not None else ""
        if name not in self._watched:
            self._watched[name] = Watched(time.monotonic())
        return self._watched[name]

    async def _look_closer(self, live: LiveTrack, watched: Watched) -> None:
        """The file stands still: is there anything that should be in it?"""
        recorder = live.recorder
        unbuffered = watched.writer in UNBUFFERED or (not watched.writer and live.node.url in self._unbuffered)
        try:
            async with self._asking, asyncio.timeout(ANSWER_SECONDS):
                total = await received_bytes(live.endpoint)
            missing = watched.received(total, time.monotonic(), 0 if unbuffered else BUFFERED_BYTES)
        except (TimeoutError, KurentoError):
            if not watched.asked:
                return
            # What the recorder was asked blocks its whole pipeline: then it hangs all the more.
            missing = watched.missing(time.monotonic())
        if live.recorder is not recorder or recorder is None or live.recorder_failure:
            return
        if missing >= GIVE_UP_SECONDS and watched.asked:
            self._give_up(live, watched, GapCause.RECORDER_STALLED, _why(live, watched))
        elif missing >= ASK_SECONDS and not watched.asked:
            watched.asked = True
            why = _why(live, watched)
            log.warning("recorder stalls", track=live.track.value, part=live.part_id, size=watched.size, why=why)
            live.set_stalled(why, watched.written_at)
            task = asyncio.create_task(_feed(live, recorder))  # a recorder whose disk hangs answers late
            self._feeding.add(task)
            task.add_done_callback(self._feeding.discard)

    def _give_up(self, live: LiveTrack, watched: Watched, cause: GapCause, detail: str) -> None:
        if live.recorder_failure:
            return
        watched.health = Health.STALLED
        live.give_up_recorder(cause, detail)


async def _feed(live: LiveTrack, recorder: RecorderEndpoint) -> None:
    with contextlib.suppress(TimeoutError, KurentoError):
        async with asyncio.timeout(FEED_SECONDS):
            await live.feed(recorder)


def _why(live: LiveTrack, watched: Watched) -> str:
    if live.recorder_fed is False:
        return "nothing reaches the recorder"
    return "the file does not grow" if watched.keyframe else "no key frame came"


async def received_bytes(endpoint: WebRtcEndpoint) -> int:
    """Return how many bytes of pictures an endpoint got from its browser; raise ``KurentoError``."""
    stats = await endpoint.get_stats(MediaType.VIDEO)
    return sum(int(item.get("bytesReceived", 0)) for item in stats.values() if item.get("type") == "inboundrtp")


def _look_at_all(wanted: Iterable[tuple[Path, bool]]) -> list[Look]:
    return [_look_at(path, head) for path, head in wanted]


def _look_at(path: Path, head: bool) -> Look:
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            size, written_at = state.st_size, from_ms(round(state.st_mtime * 1000))
            if not size:
                return Look(0, written_at)
            torn = file.seek(0, os.SEEK_HOLE) < size
            file.seek(0)
            opening = read_opening(file.read(HEAD_BYTES)) if head else Opening()
    except OSError:
        return Look(None)
    return Look(size, written_at, opening.writer, opening.keyframe, torn)
