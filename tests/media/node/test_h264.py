"""H.264 goes through the node as it came: into a file, to a viewer, to a worker's tap."""

import asyncio
import re
import time

import pytest

from media.frames import Frame, RtpTap
from media.kurento import MediaType, RecorderEndpoint, RtpEndpoint, WebRtcEndpoint, events
from media.recordings.remux import remux
from tests.media.node.chromium import RENDERED, negotiated
from tests.media.node.playing import Told, Viewer, decoded, publish


async def recorded(pipeline, source, path):
    recorder, told = await RecorderEndpoint.create(pipeline, path.as_uri()), Told()
    await recorder.subscribe(events.Recording, told)
    await recorder.subscribe(events.Error, told)
    await source.connect(recorder)
    await recorder.record()
    await told.wait(events.Recording)
    return recorder


async def tapped(pipeline, source):
    """The size of a picture that a worker would see."""
    tap, endpoint = RtpTap("camera"), await RtpEndpoint.create(pipeline)
    tap.accept(await endpoint.process_offer(tap.offer))
    await source.connect(endpoint, MediaType.VIDEO)

    def first():
        end = time.monotonic() + 10
        for found in tap.frames():
            if isinstance(found, Frame):
                return found.image.shape
            assert time.monotonic() < end, "no picture came out of the tap"
        raise AssertionError

    shape = await asyncio.to_thread(first)
    tap.close()
    await endpoint.release()
    return shape


async def test_it_is_recorded_tapped_and_sealed_as_mp4(pipeline, h264_clip, tmp_path):
    publication = await publish(pipeline, h264_clip)
    start = time.monotonic()
    recorder = await recorded(pipeline, publication.endpoint, tmp_path / "part.webm")
    assert await tapped(pipeline, publication.endpoint) == (480, 640, 3)
    await asyncio.sleep(1)
    await recorder.stop_and_wait()
    wall = time.monotonic() - start
    await publication.close()
    found = decoded(tmp_path / "part.webm")
    assert found["video"]["sizes"] == {(640, 480)}
    assert found["video"]["first"] < 0.6
    for kind in ("video", "audio"):
        assert found[kind]["last"] == pytest.approx(wall, abs=0.5)
    sealed = remux(tmp_path / "part.webm", tmp_path / "part.mp4")
    assert sealed.media["container"] == "mp4"
    assert sealed.media["video"]["codec"] == "h264"
    again = decoded(tmp_path / "part.mp4")
    for kind in ("video", "audio"):
        assert again[kind]["count"] == found[kind]["count"]
        assert again[kind]["first"] == pytest.approx(found[kind]["first"], abs=0.002)
        assert again[kind]["last"] == pytest.approx(found[kind]["last"], abs=0.002)
    torn = tmp_path / "torn.webm"
    torn.write_bytes((tmp_path / "part.webm").read_bytes()[: (tmp_path / "part.webm").stat().st_size * 6 // 10])
    rest = remux(torn, tmp_path / "torn.mp4")  # as kill -9 leaves it
    assert 0.3 * sealed.duration_ms < rest.duration_ms < 0.9 * sealed.duration_ms
    assert decoded(tmp_path / "torn.mp4")["video"]["count"] == rest.media["video"]["packets"]
    head = (tmp_path / "part.mp4").read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "a player would have to fetch the whole file first"


async def test_a_viewer_without_the_codec_is_told(pipeline, h264_clip):
    publication = await publish(pipeline, h264_clip, ("video",))
    viewer = await asyncio.to_thread(Viewer, lambda *_found: None)  # VP8 only
    endpoint, told = await WebRtcEndpoint.create(pipeline), Told()
    await endpoint.subscribe(events.Error, told)
    await publication.endpoint.connect(endpoint)
    await endpoint.process_offer(await asyncio.to_thread(viewer.create_offer))
    error = await told.wait(events.Error)
    assert error.kind == "STREAM_ERROR_CODEC_NOT_FOUND"
    assert "VP8" in error.description
    assert "H264" in error.description
    await asyncio.to_thread(viewer.close)
    await publication.close()


PLAYED = """async (seconds) => {
  const video = document.getElementById('v');
  video.srcObject = null;
  video.src = '/part.mp4';
  await new Promise((done, failed) => {
    video.onloadedmetadata = done;
    video.onerror = () => failed(new Error(video.error.message));
  });
  video.currentTime = seconds;
  await new Promise((done) => { video.onseeked = done; });
  await video.play();
  await new Promise((done) => video.requestVideoFrameCallback(done));
  return [video.videoWidth, video.duration, video.currentTime, video.webkitAudioDecodedByteCount];
}"""


@pytest.mark.timeout(120)
async def test_a_browser_that_offers_only_h264_is_recorded_watched_and_played(browser, pipeline, tmp_path):
    page, camera, told = await negotiated(browser, pipeline, True, codec="H264")
    await told.wait(events.MediaFlowOutStateChanged, 20, media_type="VIDEO", state="FLOWING")
    assert "H264/90000" in await camera.get_local_session_descriptor()
    recorder = await recorded(pipeline, camera, tmp_path / "camera.webm")
    watching, _, watched = await negotiated(browser, pipeline, False, camera.connect)
    end = time.monotonic() + 20
    while (rendered := await watching.evaluate(RENDERED))[0] < 20 or rendered[2] < 1:
        assert time.monotonic() < end, f"the viewer renders nothing: {rendered}"
        await asyncio.sleep(0.1)
    assert rendered[1] == 640
    assert await tapped(pipeline, camera) == (480, 640, 3)
    await recorder.stop_and_wait()
    assert not watched.of(events.Error)
    await watching.close()
    sealed = remux(tmp_path / "camera.webm", tmp_path / "camera.mp4")
    content = (tmp_path / "camera.mp4").read_bytes()

    async def serve(route):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", route.request.headers.get("range", "bytes=0-"))
        start, stop = int(asked[1]), int(asked[2] or len(content) - 1) + 1
        headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}", "Accept-Ranges": "bytes"}
        await route.fulfill(status=206, body=content[start:stop], content_type="video/mp4", headers=headers)

    await page.route("**/part.mp4", serve)
    width, duration, at, sound = await page.evaluate(PLAYED, sealed.duration_ms / 2000)
    assert width == 640
    assert duration == pytest.approx(sealed.duration_ms / 1000, abs=0.2)
    assert at >= sealed.duration_ms / 2000
    assert sound > 0
    await page.close()
