"""A line that loses 3 of 100 packets, both ways: what a browser sent is in the file all the same."""

import asyncio
import contextlib
import random
import time

import pytest
from msgspec.structs import replace

from media.kurento import MediaType, RecorderEndpoint, events
from tests.media.node.chromium import negotiated
from tests.media.node.playing import Told, decoded
from tests.media.node.test_ice import own_address

LOSS = 0.03
SECONDS = 12
SENT = """async () => {
  for (const item of (await peer.getStats()).values())
    if (item.type === 'outbound-rtp' && item.kind === 'video') return item.framesSent;
}"""

QUIET = "() => Promise.all(peer.getSenders().map((sender) => sender.replaceTrack(null)))"


class Leak(asyncio.DatagramProtocol):
    """Stands between a browser and the node's port and loses packets, by a fixed seed."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self.target = self.transport = self.far = None
        self.passed = self.lost = 0
        self.back = None
        self.losing = False

    def connection_made(self, transport):
        self.transport = transport

    def error_received(self, _error):
        pass

    def datagram_received(self, data, address):
        if self.back is None:  # the browser's side
            self.far.browser = address
            self._pass(self.far.transport, data, self.target)
        else:
            self._pass(self.back.transport, data, self.browser)

    def _pass(self, transport, data, address):
        media = 128 <= data[0] <= 191  # RTP and RTCP (RFC 7983): not STUN and DTLS, which have timers of their own
        if media and self.losing and self._random.random() < LOSS:
            self.lost += 1
            return
        self.passed += 1
        transport.sendto(data, address)


@contextlib.asynccontextmanager
async def leaking(host):
    """The near side; ``target`` is to be set."""
    loop = asyncio.get_running_loop()
    _, near = await loop.create_datagram_endpoint(lambda: Leak(1), local_addr=(host, 0))
    _, far = await loop.create_datagram_endpoint(lambda: Leak(2), local_addr=(host, 0))
    near.far, far.back = far, near
    yield near
    near.transport.close()
    far.transport.close()


async def lossy_publisher(browser, pipeline, leak):
    """A browser whose only way to the node is the leaking one."""

    def through(candidate):
        words = candidate.candidate.split(" ")
        if words[2] != "UDP" or ":" in words[4] or words[7] != "host" or leak.target is not None:
            return None
        leak.target = (words[4], int(words[5]))
        words[4], words[5] = leak.transport.get_extra_info("sockname")[:2]
        return replace(candidate, candidate=" ".join(str(word) for word in words))

    return await negotiated(browser, pipeline, True, pass_on=through, heard=lambda _line: None)


@pytest.mark.timeout(120)
async def test_3_percent_loss_costs_at_most_1_percent_of_the_frames(browser, pipeline, tmp_path):
    async with leaking(own_address()) as leak:
        page, endpoint, told = await lossy_publisher(browser, pipeline, leak)
        for kind in ("VIDEO", "AUDIO"):
            await told.wait(events.MediaFlowOutStateChanged, 25, media_type=kind, state="FLOWING")
        recorder, recording = await RecorderEndpoint.create(pipeline, f"file://{tmp_path}/part.webm"), Told()
        await recorder.subscribe(events.Recording, recording)
        await endpoint.connect(recorder)
        before = await page.evaluate(SENT)
        await recorder.record()
        await recording.wait(events.Recording)
        leak.losing = leak.far.losing = True
        start = time.monotonic()
        middle = await page.evaluate(SENT)
        await asyncio.sleep(SECONDS)
        rate = (await page.evaluate(SENT) - middle) / (time.monotonic() - start)
        await page.evaluate(QUIET)
        await asyncio.sleep(2.5)  # what is repaired comes within the jitter buffer's second
        after = await page.evaluate(SENT)
        await recorder.stop_and_wait()
        stats = await endpoint.get_stats(MediaType.VIDEO, complete=True)
        await page.close()
    lost = leak.lost / (leak.lost + leak.passed)
    assert 0.01 < lost < 0.05, f"{leak.lost} of {leak.passed} packets were lost"
    found = decoded(tmp_path / "part.webm")
    sent = after - before - round(rate * found["video"]["first"])  # without those before the first key frame
    video = next(item for item in stats.values() if item["type"] == "inboundrtp")
    assert video["packetsRepaired"] > 0
    assert found["video"]["count"] >= 0.99 * sent, f"{found['video']['count']} of {sent} frames: {video}"
    assert found["video"]["gap"] < 0.5
