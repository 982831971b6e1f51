"""A recorder that quietly writes nothing is found out within 3 s, and every moment stays in a part or in a gap."""

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from appliance.db import to_ms
from appliance.vocabulary import GapCause, PartState, SittingState, Track
from media.kurento import KurentoClient
from media.node.synthetic import Clip
from media.pipelines.recorder_watch import ASK_SECONDS, GIVE_UP_SECONDS, Health, Look, Step, Watched
from media.recordings.seal import seal_sitting
from tests.live import until
from tests.media.record import publish_both, seconds_of

pytestmark = pytest.mark.timeout(90)


class Recorded:
    """A sitting being recorded by real processes."""

    def __init__(self, page, rec, node, finish):
        self.page, self.rec, self.node, self._finish = page, rec, node, finish

    def part(self, track=Track.CAMERA):
        return self.rec.parts(track=track)[-1]

    def stalls(self, track=Track.CAMERA):
        return self.rec.gaps(track=track, cause=GapCause.RECORDER_STALLED)

    async def invoke(self, operation, track=Track.CAMERA, **params):
        """Do something to the recorder behind the gateway's back, as an operator's own client might."""
        (row,) = self.rec.live(track=track)
        async with KurentoClient(self.node.url) as client:
            target = row.endpoint_id if operation == "disconnect" else row.recorder_id
            more = {"sink": row.recorder_id} if operation == "disconnect" else {}
            await client.invoke(target, operation, **more, **params)
        return time.time() * 1000

    async def gap(self, since, track=Track.CAMERA):
        """The gap is on the timeline, and the page was told, within 3 s of ``since``."""
        (gap,) = await until(lambda: self.stalls(track), 5, "the gap")
        await self.page.event("media.state", track=track.value, state="lost", cause=gap.cause.value)
        assert time.time() * 1000 - since < 3000
        assert abs(to_ms(gap.started_at) - since) < 700
        return gap

    async def whole_in_the_end(self):
        await until(self.rec.recording, 15, "both recorded again")
        await asyncio.sleep(0.7)
        self._finish()
        await until(lambda: not self.rec.live(), 10, "release")
        assert self.rec.whole()
        return self.rec.parts(track=Track.CAMERA)


@pytest.fixture
def recorded(browser, node, sitting, clip, record, start, finish):
    async def begin(seconds=1.2, clip=clip):
        page, rec = browser().candidate_of(sitting), record(sitting)
        await page.open()
        await publish_both(page, clip)
        start(sitting)
        await until(rec.recording, 5, "recorders")
        await asyncio.sleep(seconds)
        return Recorded(page, rec, node, lambda: finish(sitting))

    return begin


async def test_a_recorder_that_somebody_paused_is_replaced(recorded):
    live = await recorded()
    paused = await live.invoke("pause")
    gap = await live.gap(paused)
    assert gap.detail == "the file does not grow"
    await until(lambda: len(live.rec.parts(track=Track.CAMERA)) == 2, 5, "a new part")
    assert time.time() * 1000 - paused < 5000
    first, second = await live.whole_in_the_end()
    assert first.end_cause == "recorder_stalled"
    assert first.ended_at == gap.started_at
    assert seconds_of(first.path) > 0.8
    assert seconds_of(second.path) > 0.3
    assert live.stalls(Track.SCREEN) == []


async def test_a_recorder_that_somebody_unplugged_is_connected_again(recorded):
    live = await recorded()
    gap = await live.gap(await live.invoke("disconnect"))
    assert gap.detail == "nothing reaches the recorder"
    (part,) = await live.whole_in_the_end()
    (gap,) = live.stalls()
    assert 900 < to_ms(gap.ended_at) - to_ms(gap.started_at) < 3500
    assert part.end_cause == "finished"


DEEDS = {
    "unlinked": Path.unlink,
    "cut": lambda path: os.truncate(path, 100),
    "folder removed": lambda path: shutil.rmtree(path.parent),
}


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_file_taken_away_ends_its_part(recorded, deed, collaborators):
    live = await recorded()
    part = live.part()
    DEEDS[deed](Path(part.path))
    at = time.time() * 1000
    (gap,) = await until(lambda: live.rec.gaps(track=Track.CAMERA, cause=GapCause.RECORDER_FAILED), 5, "the gap")
    assert time.time() * 1000 - at < 3000
    assert gap.started_at == part.started_at, "what was lost is not called recorded"
    first, second = await live.whole_in_the_end()
    assert first.ended_at == first.started_at
    assert seconds_of(second.path) > 0.3
    assert await asyncio.to_thread(seal_sitting, collaborators, live.rec.sitting().id)
    assert [part.state for part in live.rec.parts(track=Track.CAMERA)] == [PartState.LOST, PartState.SEALED]
    assert all(gap.ended_at > gap.started_at for gap in live.rec.gaps())
    assert live.rec.sitting().state is SittingState.IN_REVIEW


async def test_a_still_screen_is_no_stall(recorded):
    """One picture a second, as browsers send of a screen on which nothing moves."""
    live = await recorded(clip=Clip.made(seconds=12.0, width=320, height=240, fps=1))
    await asyncio.sleep(4)
    assert live.stalls() == live.stalls(Track.SCREEN) == []
    assert len(live.rec.parts()) == 2


def freeze(folder, how):
    subprocess.run(["fsfreeze", how, folder], check=True)


@pytest.fixture
def own_disk(settings, tmp_path):
    """The recordings on a file system of their own that can be frozen."""
    image, folder = tmp_path / "disk.img", settings.recordings
    folder.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    made = subprocess.run(["mkfs.ext4", "-q", image], capture_output=True)
    if made.returncode or subprocess.run(["mount", "-o", "loop", image, folder], capture_output=True).returncode:
        pytest.skip("a file system of one's own needs root and a loop device")
    yield folder
    subprocess.run(["fsfreeze", "-u", folder], capture_output=True, check=False)
    for _ in range(50):
        if subprocess.run(["umount", folder], capture_output=True).returncode == 0:
            break
        time.sleep(0.1)
    else:
        subprocess.run(["umount", "-l", folder], check=True)


async def test_a_disk_that_hangs_is_a_gap_until_it_answers(own_disk, recorded):
    live = await recorded()
    freeze(own_disk, "-f")
    frozen = time.time() * 1000
    try:
        for track in (Track.CAMERA, Track.SCREEN):
            await live.gap(frozen, track)
        await until(lambda: not live.rec.parts(state=PartState.RECORDING), 5, "the parts' ends")
        await asyncio.sleep(3)
        assert len(live.rec.parts()) == 2
    finally:
        freeze(own_disk, "-u")
    parts = await live.whole_in_the_end()
    assert len(parts) == 2
    assert all(seconds_of(part.path) > 0.3 for part in parts)


def test_the_ladder_waits_for_bytes_that_did_not_reach_the_file():
    watched = Watched(0.0)
    assert watched.look(Look(1000, keyframe=True), 0.2) is Step.NOTHING
    assert watched.health is Health.GROWING
    assert watched.look(Look(1000), 0.6) is Step.NOTHING
    assert watched.look(Look(1000), 0.8) is Step.ASK_STATISTICS
    assert watched.received(5000, 0.8, 0) == 0.0
    assert watched.received(5000, 5.0, 0) == 0.0, "nothing is sent: nothing is missing"
    assert watched.received(5001, 5.1, 0) == 0.0
    assert watched.received(9000, 5.1 + ASK_SECONDS, 0) == pytest.approx(ASK_SECONDS)
    assert watched.received(9000, 5.1 + GIVE_UP_SECONDS, 0) == pytest.approx(GIVE_UP_SECONDS)
    watched.look(Look(1001), 7.0)
    assert watched.received(9999, 7.5, 0) == 0.0


def test_what_a_writer_holds_back_is_not_missing():
    watched = Watched(0.0)
    assert watched.received(0, 1.0, 1000) == 0.0
    assert watched.received(1000, 9.0, 1000) == 0.0
    assert watched.received(1001, 10.0, 1000) == 0.0
    assert watched.received(1001, 11.0, 1000) == 1.0


def test_a_file_that_cannot_be_seen_is_unknown_and_one_that_vanished_is_gone():
    watched = Watched(0.0)
    assert watched.look(Look(None), 9.0) is Step.NOTHING
    assert watched.health is Health.UNKNOWN
    watched.look(Look(10), 9.2)
    assert watched.look(Look(None), 9.4) is Step.GONE
    assert watched.look(Look(9), 9.6) is Step.GONE
    assert watched.look(Look(99, torn=True), 9.8) is Step.GONE


def test_sound_alone_is_not_what_was_to_be_recorded():
    watched = Watched(0.0)
    watched.look(Look(1000), 0.3)
    assert watched.look(Look(2000), 0.6) is Step.ASK_STATISTICS
    assert watched.health is Health.STARTING
