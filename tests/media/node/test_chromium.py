"""A real browser publishes into a recording and watches another's pictures."""

import asyncio
import itertools
import os
import signal
import subprocess
import time
from pathlib import Path

import av
import pytest

from media.kurento import RecorderEndpoint, events
from tests.media.node.chromium import RENDERED, negotiated
from tests.media.node.playing import Told, decoded


@pytest.mark.timeout(120)
async def test_chromium_is_recorded_and_watched(browser, pipeline, tmp_path):
    page, camera, told = await negotiated(browser, pipeline, True)
    for kind in ("AUDIO", "VIDEO"):
        await told.wait(events.MediaFlowOutStateChanged, 20, media_type=kind, state="FLOWING")
    await told.wait(events.ConnectionStateChanged, new_state="CONNECTED")
    await told.wait(events.NewCandidatePairSelected)
    recorder, recording = await RecorderEndpoint.create(pipeline, f"file://{tmp_path}/camera.webm"), Told()
    await recorder.subscribe(events.Recording, recording)
    await camera.connect(recorder)
    start = time.monotonic()
    await recorder.record()
    await recording.wait(events.Recording)
    watching, _, _ = await negotiated(browser, pipeline, False, camera.connect)
    end = time.monotonic() + 20
    while (rendered := await watching.evaluate(RENDERED))[0] < 20 or rendered[2] < 1:
        assert time.monotonic() < end, f"the viewer renders nothing: {rendered}"
        await asyncio.sleep(0.1)
    assert rendered[1] == 640
    await recorder.stop_and_wait()
    wall = time.monotonic() - start
    stats = await camera.get_stats()
    assert {item["type"] for item in stats.values()} >= {"inboundrtp"}
    found = decoded(tmp_path / "camera.webm")
    assert found["video"]["first"] < 0.6
    for kind in ("video", "audio"):
        assert found[kind]["last"] == pytest.approx(wall, abs=0.5)
    assert found["audio"]["count"] > 40 * (wall - 1)
    await page.close()
    await told.wait(events.MediaFlowOutStateChanged, media_type="VIDEO", state="NOT_FLOWING")
    await told.wait(events.MediaStateChanged, new_state="DISCONNECTED")
    await watching.close()


@pytest.mark.timeout(120)
async def test_sound_that_stood_still_in_the_browser_is_not_heaped_up(browser, pipeline, tmp_path):
    page, camera, told = await negotiated(browser, pipeline, True)
    for kind in ("AUDIO", "VIDEO"):
        await told.wait(events.MediaFlowOutStateChanged, 20, media_type=kind, state="FLOWING")
    recorder = await RecorderEndpoint.create(pipeline, f"file://{tmp_path}/camera.webm")
    await camera.connect(recorder)
    await recorder.record()
    service = audio_service()
    for seconds in (0.3, 0.6):  # a busy machine; the sender's next reports say how far its sound fell behind
        os.kill(service, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(service, signal.SIGCONT)
        await asyncio.sleep(5)
    await recorder.stop_and_wait()
    await page.close()
    with av.open(str(tmp_path / "camera.webm")) as container:
        times = [packet.pts for packet in container.demux(audio=0) if packet.pts is not None]
    apart = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(times) > 400
    assert min(apart) >= 15, [place for place in zip(times, apart, strict=False) if place[1] < 15]


def audio_service() -> int:
    """The process of this test's browser that makes its sound."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(tuple(map(int, line.split())) for line in listed.splitlines())
    for pid in parents:
        above = pid
        while above not in {0, os.getpid()}:
            above = parents.get(above, 0)
        if above and b"audio.mojom.AudioService" in command(pid):
            return pid
    raise AssertionError("Chromium has no process for sound")


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
