"""Viewers and taps: pictures that really decode at the other end."""

import asyncio
import socket
import time

import pytest

from media.kurento import IceCandidate, MediaType, RtpEndpoint, WebRtcEndpoint, events
from tests.media.node.playing import Tap, Told, Viewer, publish, until, watch


async def test_viewers_see_and_hear(pipeline, clip):
    publication = await publish(pipeline, clip)
    before, _ = await watch(pipeline, publication.endpoint, connect_first=True)
    start = time.monotonic()
    after, endpoint = await watch(pipeline, publication.endpoint)
    for viewer in (before, after):
        await until(lambda viewer=viewer: len(viewer.pictures) > 15 and viewer.packets_of_sound > 30, what="viewing")
        assert viewer.pictures[0][1:] == (640, 480)
    assert after.pictures[0][0] - start < 2.0
    assert await endpoint.is_media_flowing_in(MediaType.VIDEO)
    await publication.endpoint.disconnect(endpoint)
    seen = len(before.pictures)
    await asyncio.sleep(0.3)
    stopped = len(after.pictures)
    await until(lambda: len(before.pictures) > seen + 10, what="the other viewer going on")
    assert len(after.pictures) == stopped
    await publication.endpoint.connect(endpoint)
    await until(lambda: len(after.pictures) > stopped + 5, what="viewing again")
    await asyncio.to_thread(before.close)
    await asyncio.to_thread(after.close)
    await publication.close()


async def test_a_viewers_picture_loss_reaches_the_source(pipeline, clip):
    """The viewer's RTP session knows another SSRC than the source's: its wish must not be lost there."""
    publication = await publish(pipeline, clip)
    viewer, _ = await watch(pipeline, publication.endpoint)
    await until(lambda: len(viewer.pictures) > 5, what="viewing")
    asked = publication.publisher.keyframes_asked

    def ask_again():
        viewer.lose_a_picture()
        return publication.publisher.keyframes_asked > asked

    await until(ask_again, what="a key frame asked for")
    await asyncio.to_thread(viewer.close)
    await publication.close()


async def test_a_viewer_that_leaves_disturbs_nobody(pipeline, clip):
    publication = await publish(pipeline, clip)
    staying, _ = await watch(pipeline, publication.endpoint)
    leaving, endpoint = await watch(pipeline, publication.endpoint)
    await until(lambda: len(leaving.pictures) > 3, what="viewing")
    await asyncio.to_thread(leaving.close)
    await endpoint.release()
    seen = len(staying.pictures)
    await until(lambda: len(staying.pictures) > seen + 15, what="the other viewer going on")
    await asyncio.to_thread(staying.close)
    await publication.close()


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.8])
async def test_a_viewer_that_leaves_before_it_is_connected_disturbs_nobody(pipeline, clip, seconds):
    """Its first packets wait in webrtcbin for the connection; who ends the queue before them would wait for ever."""
    publication = await publish(pipeline, clip)
    staying, _ = await watch(pipeline, publication.endpoint)
    await until(lambda: len(staying.pictures) > 3, what="viewing")
    leaving = await asyncio.to_thread(Viewer, lambda *_candidate: None)
    endpoint = await WebRtcEndpoint.create(pipeline)
    await endpoint.process_offer(await asyncio.to_thread(leaving.create_offer))
    await publication.endpoint.connect(endpoint)
    await asyncio.sleep(seconds)
    await asyncio.wait_for(endpoint.release(), 5)
    await asyncio.to_thread(leaving.close)
    seen = len(staying.pictures)
    await until(lambda: len(staying.pictures) > seen + 15, what="the other viewer going on")
    await asyncio.to_thread(staying.close)
    await publication.close()


async def test_a_tap_gets_pictures(pipeline, clip, tmp_path):
    publication = await publish(pipeline, clip)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1] & ~1
    tap = Tap(tmp_path, port)
    endpoint = await RtpEndpoint.create(pipeline)
    answer = await endpoint.process_offer(tap.offer)
    assert "a=sendonly" in answer
    await asyncio.sleep(0.3)  # FFmpeg opens its port in its own time
    start = time.monotonic()
    await publication.endpoint.connect(endpoint, MediaType.VIDEO)
    at, width, height = await asyncio.to_thread(tap.pictures.get, True, 8)
    assert (width, height) == (640, 480)
    assert at - start < 2.5
    for _ in range(20):
        await asyncio.to_thread(tap.pictures.get, True, 2)
    tap.close()
    await publication.close()


async def test_a_pair_of_endpoints_of_the_node_talk_to_each_other(pipeline, clip):
    publication = await publish(pipeline, clip)
    sender, receiver = await WebRtcEndpoint.create(pipeline), await WebRtcEndpoint.create(pipeline)
    told = Told()
    await receiver.subscribe(events.MediaFlowOutStateChanged, told)
    for one, other in ((sender, receiver), (receiver, sender)):

        async def pass_on(event, other=other):
            found = event.candidate
            await other.add_ice_candidate(IceCandidate(found.candidate, found.sdp_mid, found.sdp_mline_index))

        await one.subscribe(events.IceCandidateFound, pass_on)
    await publication.endpoint.connect(sender)
    answer = await receiver.process_offer(await sender.generate_offer())
    await sender.process_answer(answer)
    await sender.gather_candidates()
    await receiver.gather_candidates()
    for kind in ("AUDIO", "VIDEO"):
        await told.wait(events.MediaFlowOutStateChanged, media_type=kind, state="FLOWING")
    viewer, _ = await watch(pipeline, receiver)
    await until(lambda: len(viewer.pictures) > 10, what="viewing through three endpoints")
    await asyncio.to_thread(viewer.close)
    await publication.close()
