"""A real browser publishes into a recording and watches another's pictures."""

import asyncio
import shutil
import time

import pytest
from playwright.async_api import async_playwright

from media.kurento import IceCandidate, RecorderEndpoint, WebRtcEndpoint, events
from tests.media.node.playing import EVERYTHING, Told, decoded

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGE = "<!doctype html><video id=v autoplay playsinline muted></video>"
OFFER = """async (publish) => {
  window.peer = new RTCPeerConnection();
  peer.onicecandidate = (event) => event.candidate && window.tell(event.candidate.toJSON());
  if (publish) {
    const wanted = {video: {width: 640, height: 480, frameRate: 15}, audio: true};
    const stream = await navigator.mediaDevices.getUserMedia(wanted);
    for (const track of stream.getTracks()) peer.addTransceiver(track, {direction: 'sendonly', streams: [stream]});
  } else {
    const stream = new MediaStream();
    document.getElementById('v').srcObject = stream;
    peer.ontrack = (event) => stream.addTrack(event.track);
    for (const kind of ['audio', 'video']) peer.addTransceiver(kind, {direction: 'recvonly'});
  }
  await peer.setLocalDescription();
  return peer.localDescription.sdp;
}"""
RENDERED = """() => {
  const video = document.getElementById('v');
  return [video.getVideoPlaybackQuality().totalVideoFrames, video.videoWidth, video.currentTime];
}"""


@pytest.fixture
async def browser():
    if CHROMIUM is None:
        pytest.skip("no chromium installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def negotiated(browser, pipeline, publish, before_offer=None):
    endpoint, told = await WebRtcEndpoint.create(pipeline), Told()
    for event in (*EVERYTHING, events.NewCandidatePairSelected):
        await endpoint.subscribe(event, told)
    page = await browser.new_page()
    await page.route("**/*", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    await page.goto("http://localhost/")

    async def tell(found):
        await endpoint.add_ice_candidate(IceCandidate(found["candidate"], found["sdpMid"], found["sdpMLineIndex"]))

    async def found(event):
        candidate = event.candidate
        text = {
            "candidate": candidate.candidate,
            "sdpMid": candidate.sdp_mid,
            "sdpMLineIndex": candidate.sdp_mline_index,
        }
        await page.evaluate("(found) => peer.addIceCandidate(found)", text)

    await page.expose_function("tell", tell)
    await endpoint.subscribe(events.IceCandidateFound, found)
    if before_offer is not None:
        await before_offer(endpoint)
    answer = await endpoint.process_offer(await page.evaluate(OFFER, publish))
    await page.evaluate("(sdp) => peer.setRemoteDescription({type: 'answer', sdp})", answer)
    await endpoint.gather_candidates()
    return page, endpoint, told


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
