"""Who offers, who answers, both ways at once; and what becomes of a track whose browser has to begin anew."""

import asyncio
import itertools
import time

import av
import pytest

from media.kurento import IceCandidate, MediaType, RecorderEndpoint, WebRtcEndpoint, events
from media.kurento.errors import AlreadyNegotiated
from tests.media.node.chromium import PAGE, RENDERED, negotiated
from tests.media.node.playing import EVERYTHING, Told, decoded, publish

ANSWER = """async (offer) => {
  window.peer = new RTCPeerConnection();
  window.early = [];
  peer.onicecandidate = (event) => event.candidate && window.tell(event.candidate.toJSON());
  const seen = new MediaStream();
  document.getElementById('v').srcObject = seen;
  peer.ontrack = (event) => seen.addTrack(event.track);
  await peer.setRemoteDescription({type: 'offer', sdp: offer});
  const wanted = {video: {width: 640, height: 480, frameRate: 15}, audio: true};
  const stream = await navigator.mediaDevices.getUserMedia(wanted);
  for (const track of stream.getTracks()) peer.addTrack(track, stream);
  await peer.setLocalDescription();
  return peer.localDescription.sdp;
}"""
BOTH_WAYS = """async () => {
  window.peer = new RTCPeerConnection();
  peer.onicecandidate = (event) => event.candidate && window.tell(event.candidate.toJSON());
  const seen = new MediaStream();
  document.getElementById('v').srcObject = seen;
  peer.ontrack = (event) => seen.addTrack(event.track);
  const wanted = {video: {width: 640, height: 480, frameRate: 15}, audio: true};
  const stream = await navigator.mediaDevices.getUserMedia(wanted);
  for (const track of stream.getTracks()) peer.addTrack(track, stream);
  await peer.setLocalDescription();
  return peer.localDescription.sdp;
}"""
HEARD = """async () => {
  for (const item of (await peer.getStats()).values())
    if (item.type === 'inbound-rtp' && item.kind === 'audio') return item.totalSamplesReceived || 0;
  return 0;
}"""


async def talker(browser, pipeline):
    """(page, endpoint, told) with candidates told as they are found, both ways, nothing negotiated yet."""
    endpoint, told = await WebRtcEndpoint.create(pipeline), Told()
    for event in (*EVERYTHING, events.IceCandidateFound):
        await endpoint.subscribe(event, told)
    page = await browser.new_page()
    await page.route("**/*", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    await page.goto("http://localhost/")
    page.told = 0

    async def tell(found):
        page.told += 1
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
    return page, endpoint, told


async def sees_and_hears(page):
    end = time.monotonic() + 25
    while True:
        rendered, samples = await page.evaluate(RENDERED), await page.evaluate(HEARD)
        if rendered[0] > 15 and rendered[1] == 640 and samples > 48000:
            return
        assert time.monotonic() < end, f"{rendered} {samples}"
        await asyncio.sleep(0.1)


@pytest.mark.timeout(120)
async def test_two_browsers_talk_each_over_one_connection(browser, pipeline):
    """One offers, the other answers our offer; each sends and receives over the same endpoint, candidates trickle."""
    asking, one, one_told = await talker(browser, pipeline)
    answering, other, other_told = await talker(browser, pipeline)
    await one.connect(other)
    await other.connect(one)
    answer = await one.process_offer(await asking.evaluate(BOTH_WAYS))
    assert answer.count("a=sendrecv") == 2
    await asking.evaluate("(sdp) => peer.setRemoteDescription({type: 'answer', sdp})", answer)
    await one.gather_candidates()
    offer = await other.generate_offer()
    assert offer.count("a=sendrecv") == 2
    assert "a=candidate" not in offer
    await other.process_answer(await answering.evaluate(ANSWER, offer))
    await other.gather_candidates()
    for told in (one_told, other_told):
        for kind in ("AUDIO", "VIDEO"):
            await told.wait(events.MediaFlowOutStateChanged, 25, media_type=kind, state="FLOWING")
        assert told.of(events.IceCandidateFound)
    await sees_and_hears(asking)
    await sees_and_hears(answering)
    for endpoint in (one, other):
        for kind in MediaType.AUDIO, MediaType.VIDEO:
            assert await endpoint.is_media_flowing_in(kind)
            assert await endpoint.is_media_flowing_out(kind)
    assert asking.told > 0
    assert answering.told > 0
    await asking.close()
    await answering.close()


@pytest.mark.timeout(120)
async def test_a_new_offer_is_refused_as_kurento_does_and_a_new_endpoint_takes_over(browser, pipeline, tmp_path):
    """A browser that restarts ICE offers again; the recorder is connected to the new endpoint and goes on."""
    first, old, told = await negotiated(browser, pipeline, True)
    await told.wait(events.MediaFlowOutStateChanged, 25, media_type="VIDEO", state="FLOWING")
    recorder, recording = await RecorderEndpoint.create(pipeline, f"file://{tmp_path}/part.webm"), Told()
    await recorder.subscribe(events.Recording, recording)
    await old.connect(recorder)
    await recorder.record()
    await recording.wait(events.Recording)
    await asyncio.sleep(1.5)
    again = await first.evaluate("async () => (await peer.createOffer({iceRestart: true})).sdp")
    with pytest.raises(AlreadyNegotiated):
        await old.process_offer(again)
    second, new, told = await negotiated(browser, pipeline, True)
    await told.wait(events.MediaFlowOutStateChanged, 25, media_type="VIDEO", state="FLOWING")
    await new.connect(recorder)
    await old.release()
    await first.close()
    await asyncio.sleep(2)
    await recorder.stop_and_wait()
    await second.close()
    found = decoded(tmp_path / "part.webm")
    assert found["video"]["last"] > 3
    for kind in ("video", "audio"):
        assert found[kind]["gap"] < 1, f"{kind} is missing for {found[kind]['gap']} s"


async def test_an_element_handed_over_without_a_key_frame_asks_for_one(pipeline, clip, tmp_path):
    """Nothing of the new source is written before its first key frame: the file decodes without an error."""
    one, other = await publish(pipeline, clip), await publish(pipeline, clip)
    recorder, recording = await RecorderEndpoint.create(pipeline, f"file://{tmp_path}/part.webm"), Told()
    await recorder.subscribe(events.Recording, recording)
    await one.endpoint.connect(recorder)
    await recorder.record()
    await recording.wait(events.Recording)
    for source in itertools.islice(itertools.cycle((other, one)), 3):
        await asyncio.sleep(0.7)
        await source.endpoint.connect(recorder)
    await asyncio.sleep(0.7)
    await recorder.stop_and_wait()
    await one.close()
    await other.close()
    with av.open(str(tmp_path / "part.webm")) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    found = decoded(tmp_path / "part.webm")
    assert found["video"]["count"] == len(keys)
    assert sum(keys) >= 4
    assert found["video"]["gap"] < 0.6
