"""Limits of what a browser sends: in the answer, later, and for the sake of a viewer."""

import asyncio
import time

import pytest

from media.kurento import MediaType, events
from media.node.bandwidth import limit_kbps, remb
from tests.media.node.chromium import negotiated
from tests.media.node.playing import watch


def test_a_rate_fits_into_18_bits_and_an_exponent():
    for bps in (1, 262_143, 262_144, 800_000, 100_000_000):
        packet = remb(1, bps, [7])
        assert packet[8:10] == b"\x8f\xce"
        assert len(packet[8:]) == 4 * (int.from_bytes(packet[10:12], "big") + 1)
        exponent, mantissa = packet[25] >> 2, int.from_bytes(packet[25:28], "big") & 0x3FFFF
        assert packet[20:25] == b"REMB\x01"
        assert mantissa << exponent == pytest.approx(bps, rel=1e-5)


def test_the_least_limit_holds_but_not_below_the_floor():
    assert limit_kbps(0, [], 100) == 0
    assert limit_kbps(0, [0, 400], 100) == 400
    assert limit_kbps(300, [400], 100) == 300
    assert limit_kbps(20, [], 100) == 100


async def rate(endpoint, seconds=2.0):
    """kbit/s of video that came in the last seconds."""

    async def count():
        found = await endpoint.get_stats(MediaType.VIDEO)
        return sum(item.get("bytesReceived", 0) for item in found.values())

    before, start = await count(), time.monotonic()
    await asyncio.sleep(seconds)
    return 8 * (await count() - before) / 1000 / (time.monotonic() - start)


async def settles(endpoint, wanted, what):
    end = time.monotonic() + 25
    while not wanted(found := await rate(endpoint)):
        assert time.monotonic() < end, f"{what}: {found:.0f} kbit/s"


@pytest.mark.timeout(150)
async def test_a_browser_sends_what_it_may(browser, pipeline):
    page, free, told = await negotiated(browser, pipeline, True)
    await told.wait(events.MediaFlowOutStateChanged, 20, media_type="VIDEO", state="FLOWING")
    await settles(free, lambda kbps: kbps > 250, "without a limit")
    await free.set_max_video_recv_bandwidth(120)
    await settles(free, lambda kbps: 30 < kbps < 165, "limited while it runs")
    await free.set_max_video_recv_bandwidth(0)
    await settles(free, lambda kbps: kbps > 250, "the limit lifted")
    viewer, watching = await watch(pipeline, free)
    await settles(free, lambda kbps: kbps > 250, "watched, with Kurento's preset of the viewer")
    await watching.set_max_video_send_bandwidth(130)
    await settles(free, lambda kbps: 30 < kbps < 175, "limited for a viewer")
    await watching.release()
    await settles(free, lambda kbps: kbps > 250, "the viewer gone")
    await asyncio.to_thread(viewer.close)
    await page.close()


@pytest.mark.timeout(100)
async def test_the_answer_says_the_limit(browser, pipeline):
    async def before(endpoint):
        await endpoint.set_max_video_recv_bandwidth(120)

    page, limited, told = await negotiated(browser, pipeline, True, before)
    await told.wait(events.MediaFlowOutStateChanged, 20, media_type="VIDEO", state="FLOWING")
    assert "b=AS:120" in await limited.get_local_session_descriptor()
    rates = [await rate(limited, 1.5) for _ in range(4)]
    assert max(rates) < 165, rates
    assert max(rates) > 30, rates
    await page.close()
