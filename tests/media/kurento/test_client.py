"""The client against a real node: sessions, reconnection, loss, time-outs, events."""

import asyncio
import os
import signal
import time

import pytest

from media.kurento import (
    Binding,
    ConnectionLost,
    KurentoClient,
    KurentoError,
    MediaPipeline,
    RecorderEndpoint,
    WebRtcEndpoint,
    events,
)
from media.kurento.errors import EventNotSupported, MarshallError, ObjectNotFound, TagNotFound
from tests.media.node.playing import NodeProcess, Told, running, until


async def test_objects_are_made_named_tagged_and_released(client, pipeline):
    endpoint = await WebRtcEndpoint.create(pipeline)
    await endpoint.set_name("camera")
    await endpoint.add_tag("sitting", "17")
    again = WebRtcEndpoint(client, endpoint.id)
    assert await again.get_name() == "camera"
    assert await again.get_tag("sitting") == "17"
    with pytest.raises(TagNotFound):
        await again.get_tag("nothing")
    assert await pipeline.get_children() == [endpoint.id]
    assert "digraph" in await pipeline.get_gstreamer_dot()
    await endpoint.set_max_video_recv_bandwidth(800)
    assert await endpoint.invoke("getMaxVideoRecvBandwidth") == 800
    await endpoint.release()
    assert not await again.exists()
    with pytest.raises(ObjectNotFound):
        await again.get_name()


async def test_errors_of_the_node_are_exceptions(client, pipeline):
    with pytest.raises(MarshallError, match="Invalid value"):
        await RecorderEndpoint.create(pipeline, "file:///tmp/x.webm", "AVI")
    with pytest.raises(EventNotSupported):
        await pipeline.subscribe(events.Recording)
    assert isinstance(MarshallError(), KurentoError)


async def test_events_by_callback_and_by_iteration(client, pipeline, tmp_path):
    first, second = await WebRtcEndpoint.create(pipeline), await WebRtcEndpoint.create(pipeline)
    told, awaited = Told(), []
    await first.subscribe(events.ElementConnected, told)

    async def slowly(event):
        await asyncio.sleep(0)
        awaited.append(event)

    await first.subscribe(events.ElementConnected, slowly)
    broken = await first.subscribe(events.ElementConnected, lambda event: 1 / 0)
    iterated = await first.subscribe(events.ElementConnected)
    await first.connect(second)
    connected = await told.wait(events.ElementConnected, media_type="VIDEO")
    assert (connected.source, connected.sink) == (first.id, second.id)
    seen = []
    async for event in iterated:
        seen.append(event.media_type)
        if len(seen) == 3:
            break
    assert sorted(seen) == ["AUDIO", "DATA", "VIDEO"]
    await until(lambda: len(awaited) >= 3)
    await client.unsubscribe(broken)
    await client.unsubscribe(iterated)
    assert [event async for event in iterated] == []


async def test_the_same_session_after_a_lost_connection(own_node):
    client, changes = await running(own_node, retry_delays=(0.05,)), []
    client.watch(changes.append)
    pipeline, told = await MediaPipeline.create(client), Told()
    one, other = await WebRtcEndpoint.create(pipeline), await WebRtcEndpoint.create(pipeline)
    await one.subscribe(events.ElementConnected, told)
    session = client.session_id
    client._socket.transport.abort()
    await until(lambda: changes == [Binding.DOWN, Binding.KEPT], what="reconnecting")
    assert client.session_id == session
    await one.connect(other)
    await told.wait(events.ElementConnected)
    await client.close(end_session=True)


async def test_another_process_adopts_the_session_and_its_objects(own_node):
    first = await running(own_node)
    pipeline = await MediaPipeline.create(first)
    await pipeline.set_name("kept")
    session = first.session_id
    await first.close()
    second = KurentoClient(own_node.url, session_id=session)
    assert await second.open() is Binding.KEPT
    assert await MediaPipeline(second, pipeline.id).get_name() == "kept"
    await second.close()
    third = KurentoClient(own_node.url, session_id="00000000-0000-0000-0000-000000000000")
    assert await third.open() is Binding.LOST
    await third.close()


async def test_a_restarted_node_has_lost_everything(own_node, tmp_path):
    client, changes = await running(own_node, retry_delays=(0.1,)), []
    client.watch(changes.append)
    pipeline = await MediaPipeline.create(client)
    subscription = await pipeline.subscribe(events.Error)
    own_node.kill()
    await until(lambda: Binding.DOWN in changes, what="noticing")
    with pytest.raises(ConnectionLost):
        await pipeline.get_name()
    again = NodeProcess(tmp_path / "again.log", listen=f"127.0.0.1:{own_node.port}")
    await until(lambda: changes == [Binding.DOWN, Binding.LOST], what="reconnecting")
    assert not await pipeline.exists()
    assert [event async for event in subscription] == []
    await client.close()
    again.stop()


async def test_a_killed_node_is_noticed_at_once(own_node):
    client, changes = await running(own_node), []
    client.watch(changes.append)
    start = time.monotonic()
    own_node.kill()
    await until(lambda: changes == [Binding.DOWN], 3, "noticing")
    assert time.monotonic() - start < 1
    await client.close()


async def test_a_frozen_node_is_noticed_within_three_seconds(own_node):
    client, changes = await running(own_node), []
    client.watch(changes.append)
    pipeline = await MediaPipeline.create(client)
    start = time.monotonic()
    os.kill(own_node.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ConnectionLost):
            await pipeline.get_name()
        await until(lambda: changes == [Binding.DOWN], what="noticing")
        assert time.monotonic() - start < 3.2
    finally:
        os.kill(own_node.process.pid, signal.SIGCONT)
    await until(lambda: Binding.KEPT in changes, what="reconnecting")
    await client.close()


async def test_no_node_is_said_so():
    client = KurentoClient("ws://127.0.0.1:9/kurento")
    with pytest.raises(ConnectionLost, match="No media node answers"):
        await client.open()
    with pytest.raises(KurentoError, match="looks like"):
        await KurentoClient("nonsense").open()


async def test_a_silent_session_is_collected(tmp_path):
    node = NodeProcess(tmp_path / "log", "--collect-after", "0.5")
    leaving, staying = await running(node), await running(node)
    mine, shared = await MediaPipeline.create(leaving), await MediaPipeline.create(leaving)
    tap = await WebRtcEndpoint.create(MediaPipeline(staying, shared.id))
    await asyncio.sleep(1)
    assert await MediaPipeline(staying, mine.id).exists()
    await leaving.close()
    end = time.monotonic() + 5
    while await MediaPipeline(staying, mine.id).exists():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
    assert await tap.exists()
    await staying.close()
    node.stop()
