"""A real browser publishes into a recording and watches another's pictures."""

import asyncio
import time

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
