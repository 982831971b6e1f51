"""A recordings' disk that is really full: a gap with its cause, the rest safe, and on when there is room."""

import asyncio
import subprocess
import time

import httpx
import pytest

from appliance.db import to_ms, unit_of_work
from appliance.errors import MediaUnavailable
from appliance.models import DiskOutlook, LiveEvent
from appliance.services import disk_guard
from appliance.services.admissions import admit
from appliance.vocabulary import DiskState, GapCause, PartState, Track
from tests.appliance.services.test_admissions import WEB, sign
from tests.live import until
from tests.media.record import publish_both, seconds_of

pytestmark = pytest.mark.timeout(120)
SIZE_MB = 24


@pytest.fixture
def small_disk(settings):
    """The recordings on a file system of 24 MB."""
    folder = settings.recordings
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "kustos", folder], capture_output=True)
    if made.returncode:
        pytest.skip("a file system of one's own needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    """Take all that is free."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    return ballast


def outlook(session_factory):
    with unit_of_work(session_factory) as session:
        return disk_guard.worst(session)


async def test_full_and_room_again(small_disk, browser, sitting, clip, record, start, finish):
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    await until(rec.recording, 5, "recorders")
    await asyncio.sleep(2)
    ballast = fill(small_disk)
    full = time.time() * 1000
    for track in (Track.CAMERA, Track.SCREEN):
        (gap,) = await until(lambda track=track: rec.gaps(track=track, cause=GapCause.DISK_FULL), 5, "the gap")
        assert time.time() * 1000 - full < 3000
        assert -1000 < to_ms(gap.started_at) - full < 1000
        await page.event("media.state", track=track.value, state="lost", cause="disk_full")
    await asyncio.sleep(3)
    assert len(rec.parts()) == 2, "no heap of empty parts while nothing fits"
    ballast.unlink()
    await until(rec.recording, 20, "recorders again")
    await asyncio.sleep(0.7)
    finish(sitting)
    await until(lambda: not rec.live(), 5, "release")
    assert rec.whole()
    for track in (Track.CAMERA, Track.SCREEN):
        first, second = rec.parts(track=track)
        assert (first.end_cause, first.state) == ("disk_full", PartState.STOPPED)
        assert seconds_of(first.path) > 1.0
        assert seconds_of(second.path) > 0.3


async def test_the_guard_says_what_the_disk_will_not_hold(
    small_disk, sitting, browser, gateway, clip, record, start, session_factory, make, vault
):
    """24 MB do not hold a sitting of an hour: nobody else is let in, while this one goes on."""
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    await until(rec.recording, 5, "recorders")
    row = await until(lambda: outlook(session_factory), 10, "a forecast")
    assert row.state is DiskState.CLOSED
    assert row.free <= SIZE_MB * 1024 * 1024
    row = await until(lambda: (seen := outlook(session_factory)).per_second > 0 and seen, 15, "a measured rate")
    assert 2_000 < row.per_second < 400_000
    assert row.full_at is not None
    assert row.sittings == 1
    address = gateway.url.replace("ws://", "http://") + "/healthz"
    shown = (await asyncio.to_thread(httpx.get, address)).json()["disk"]
    assert (shown["state"], shown["sittings"]) == ("closed", 1)
    assert "disk " in gateway.log.read_text()
    with unit_of_work(session_factory) as work:
        kinds = [event.payload["state"] for event in work.query(LiveEvent).filter_by(kind="disk.state")]
        assert kinds == ["closed"]
        assert work.query(DiskOutlook).count() == 1
    with unit_of_work(session_factory) as work, pytest.raises(MediaUnavailable, match="try again later"):
        admit(work, WEB, vault, make.first_company().slug, sign(), reserve_mb=1)
    assert rec.recording()
