"""A viewer whose browser lacks the codec, and a node that is really overloaded."""

import asyncio

import pytest

from media.kurento import KurentoClient
from tests.media.pipelines.test_live_sitting import OFFER
from tests.media.record import publish_both

pytestmark = pytest.mark.timeout(90)


async def test_a_viewer_without_the_codec_is_named_and_one_with_it_is_not(check, sitting, browser, clip, proctor):
    page, room = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await room.open()
    await publish_both(page, clip)
    offer = OFFER.read_bytes().decode()
    assert "VP8/90000" in offer
    only_av1 = offer.replace("VP8/90000", "AV1/90000")
    await room.say(type="view", sitting_id=sitting.id, track="camera", connection="v1", sdp=only_av1)
    await room.hears("answer", connection="v1")
    seen = (await check(sitting.id)).of("viewers")
    assert (seen.state.value, seen.cause, seen.figures["viewers"]) == ("failed", "viewer_codec_missing", 1)
    assert "AV1/90000" in seen.detail
    await room.say(type="unview", connection="v1")
    await room.say(type="view", sitting_id=sitting.id, track="camera", connection="v2", sdp=offer)
    await room.hears("answer", connection="v2")
    assert (await check(sitting.id)).of("viewers").cause != "viewer_codec_missing"


async def test_an_overloaded_node_is_named(check, node):
    clients = [KurentoClient(node.url, request_timeout=30) for _ in range(6)]
    stop = asyncio.Event()

    async def flood(client):
        await client.open()
        while not stop.is_set():
            await asyncio.gather(*(client.invoke("manager_ServerManager", "getInfo") for _ in range(200)))

    floods = [asyncio.create_task(flood(client)) for client in clients]
    try:
        for _ in range(5):  # as the flood rises it is only busy
            troubles = (await check(None)).troubles
            causes = {cause for key, _, _, cause, *_ in troubles if key == "node"}
            if causes:
                break
        assert causes == {"node_overloaded"}
    finally:
        stop.set()
        await asyncio.gather(*floods, return_exceptions=True)
        await asyncio.gather(*(client.close() for client in clients), return_exceptions=True)
