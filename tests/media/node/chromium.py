"""A real browser for the tests of the node: it publishes, or watches, as the pages do."""

import shutil

import pytest
from playwright.async_api import async_playwright

from media.kurento import IceCandidate, WebRtcEndpoint, events
from tests.media.node.playing import EVERYTHING, Told

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
OFFER = """async ({publish, codec, config}) => {
  window.peer = new RTCPeerConnection(config);
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
  if (codec) {
    const video = peer.getTransceivers().find((item) => item.receiver.track.kind === 'video');
    const known = RTCRtpReceiver.getCapabilities('video').codecs;
    video.setCodecPreferences(known.filter((item) => [`video/${codec}`, 'video/rtx'].includes(item.mimeType)));
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


async def negotiated(
    browser, pipeline, publish, before_offer=None, *, codec="", config=None, pass_on=None, heard=None
):
    """(page, endpoint, told). ``before_offer(endpoint)``; ``pass_on`` changes or drops the node's candidates.

    ``heard``: what the node is told of the browser's; None for nothing.
    """
    endpoint, told = await WebRtcEndpoint.create(pipeline), Told()
    for event in (*EVERYTHING, events.NewCandidatePairSelected):
        await endpoint.subscribe(event, told)
    page = await browser.new_page()
    await page.route("**/*", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    await page.goto("http://localhost/")

    async def tell(found):
        line = heard(found["candidate"]) if heard is not None else found["candidate"]
        if line is not None:
            await endpoint.add_ice_candidate(IceCandidate(line, found["sdpMid"], found["sdpMLineIndex"]))

    async def found(event):
        candidate = event.candidate
        if pass_on is not None and (candidate := pass_on(candidate)) is None:
            return
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
    answer = await endpoint.process_offer(
        await page.evaluate(OFFER, {"publish": publish, "codec": codec, "config": config})
    )
    await page.evaluate("(sdp) => peer.setRemoteDescription({type: 'answer', sdp})", answer)
    await endpoint.gather_candidates()
    return page, endpoint, told
