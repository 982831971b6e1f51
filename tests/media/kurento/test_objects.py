"""The typed objects of the client against a real node."""

import pytest

from media.kurento import (
    Composite,
    DispatcherOneToMany,
    DotDetails,
    ElementConnection,
    HubPort,
    InboundRtp,
    MediaType,
    OutboundRtp,
    PassThrough,
    PeerState,
    PlayerEndpoint,
    RecorderEndpoint,
    RtpEndpoint,
    ServerManager,
    Statistics,
    UriState,
    WebRtcEndpoint,
    events,
)
from media.kurento.errors import ModuleNotFound
from tests.media.node.playing import Told, publish, until, watch


async def test_a_node_tells_of_itself(client, pipeline):
    manager, told = ServerManager(client), Told()
    info = await manager.get_info()
    assert info.version == "7.3.0"
    assert info.makes("Composite") and info.makes("HubPort") and not info.makes("ZBarFilter")
    assert pipeline.id in [item.id for item in await manager.get_pipelines()]
    assert client.session_id in await manager.get_sessions()
    assert await manager.get_cpu_count() >= 1
    assert 0 <= await manager.get_used_cpu(50) < 1000
    assert await manager.get_used_memory() > 10_000
    with pytest.raises(ModuleNotFound):
        await manager.get_kmd("nothing")
    await manager.subscribe(events.ObjectCreated, told)
    made = await PassThrough.create(pipeline)
    assert (await told.wait(events.ObjectCreated, object=made.id)).object == made.id


async def test_what_is_connected_with_what(pipeline):
    hub = await Composite.create(pipeline, 320, 240, 10)
    port, through = await HubPort.create(hub), await PassThrough.create(pipeline)
    assert await port.get_parent() == hub.id
    assert await hub.get_children() == [port.id]
    await through.connect(port, MediaType.AUDIO)
    expected = [ElementConnection(through.id, port.id, MediaType.AUDIO)]
    assert await port.get_source_connections() == await through.get_sink_connections() == expected
    assert await port.is_media_transcoding(MediaType.AUDIO)
    assert not await through.is_media_transcoding(MediaType.AUDIO)
    await hub.add_tag("room", "17")
    assert await hub.get_tags() == {"room": "17"}
    await hub.remove_tag("room")
    assert await hub.get_tags() == {}
    await hub.release()
    assert not await port.exists()
    assert await through.get_sink_connections() == []
    assert await (await DispatcherOneToMany.create(pipeline)).get_creation_time() > 1_700_000_000


async def test_drawings_of_the_graph(pipeline):
    await Composite.create(pipeline)
    short, full = [await pipeline.get_gstreamer_dot(details) for details in (DotDetails.STATES, DotDetails.VERBOSE)]
    assert short.startswith("digraph") and full.startswith("digraph")


async def test_states_and_limits_of_endpoints(pipeline, tmp_path):
    endpoint = await WebRtcEndpoint.create(pipeline)
    assert await endpoint.get_media_state() is PeerState.DISCONNECTED
    assert await endpoint.get_connection_state() is PeerState.DISCONNECTED
    assert await endpoint.get_ice_candidate_pairs() == await endpoint.get_ice_connection_state() == []
    assert await endpoint.get_dtls_connection_state() == []
    await endpoint.set_max_video_recv_bandwidth(700)
    await endpoint.set_max_video_send_bandwidth(900)
    assert await endpoint.get_max_video_recv_bandwidth() == 700
    assert await endpoint.get_max_video_send_bandwidth() == 900
    await endpoint.set_mtu(1000)
    await endpoint.set_external_ipv4("192.0.2.1")
    assert await endpoint.invoke("getExternalIPv4") == "192.0.2.1"
    recorder = await RecorderEndpoint.create(pipeline, (tmp_path / "x.webm").as_uri())
    assert await recorder.get_state() is UriState.STOP
    assert (await recorder.get_uri()).endswith("x.webm")
    player = await PlayerEndpoint.create(pipeline, (tmp_path / "missing.webm").as_uri())
    assert (await player.get_video_info()).duration == await player.get_position() == 0
    rtp = await RtpEndpoint.create(pipeline)
    assert "m=video" in await rtp.generate_offer()


async def test_statistics_are_typed(pipeline, clip):
    publication = await publish(pipeline, clip)
    viewer, endpoint = await watch(pipeline, publication.endpoint)
    received = await publication.endpoint.get_statistics(MediaType.VIDEO)
    assert [type(item) for item in received.inbound] == [InboundRtp]
    assert received.bytes_received > 0
    assert received.inbound[0].packets_received > 0
    await until(lambda: len(viewer.pictures) > 3 and viewer.packets_of_sound > 3, what="viewing")
    sent = await endpoint.get_statistics()
    assert {type(item) for item in sent.outbound} == {OutboundRtp}
    assert sent.bytes_sent > 0
    assert await publication.endpoint.get_media_state() is PeerState.CONNECTED
    assert await publication.endpoint.get_dtls_connection_state() == ["CONNECTED"]
    assert len(await publication.endpoint.get_ice_candidate_pairs()) == 1
    viewer.close()
    await publication.close()


def test_odd_statistics_are_kept_as_they_came():
    raw = {
        "a": {"id": "a", "type": "inboundrtp", "ssrc": "7", "packetsLost": "3", "jitter": 0.25, "new": 1},
        "b": {"id": "b", "type": "outboundrtp", "bytesSent": "many"},
        "c": {"id": "c", "type": "session"},
    }
    found = Statistics.of(raw)
    assert found.inbound == (InboundRtp(id="a", ssrc="7", packets_lost=3, jitter=0.25),)
    assert found.outbound == ()
    assert found.others == {"b": raw["b"], "c": raw["c"]}
