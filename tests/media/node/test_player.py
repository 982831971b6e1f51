"""PlayerEndpoint: what is played arrives, at its pace, from a place, to its end."""

import asyncio
import functools
import http.server
import threading
import time

import pytest

from media.kurento import MediaType, PlayerEndpoint, RecorderEndpoint, UriState, events
from media.kurento.errors import SeekFailed
from tests.media.node.clips import Recorded, colour_at, write_clip
from tests.media.node.playing import Told, until, watch

EVENTS = (
    events.EndOfStream,
    events.Error,
    events.UriEndpointStateChanged,
    events.MediaFlowOutStateChanged,
    events.MediaTranscodingStateChanged,
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("played")
    write_clip(folder / "red.webm", "red", 3.0)
    write_clip(folder / "long.webm", "green", 20.0, (160, 120))
    write_clip(folder / "blue.mp4", "blue", 3.0)
    (folder / "text.webm").write_text("no film at all" * 100)
    return folder


async def player_of(pipeline, uri, **options):
    player, told = await PlayerEndpoint.create(pipeline, uri, **options), Told()
    for event in EVENTS:
        await player.subscribe(event, told)
    return player, told


async def recorded(pipeline, player, told, path):
    """All of what a player plays."""
    recorder = await RecorderEndpoint.create(pipeline, path.as_uri())
    await player.connect(recorder)
    await recorder.record()
    start = time.monotonic()
    await player.play()
    await told.wait(events.EndOfStream, 15)
    seconds = time.monotonic() - start
    await recorder.stop_and_wait()
    return Recorded.of(path), seconds


@pytest.mark.parametrize(
    ("name", "encoded", "colour"), [("red.webm", False, "red"), ("red.webm", True, "red"), ("blue.mp4", True, "blue")]
)
async def test_a_file_is_played_to_its_end_at_its_pace(pipeline, folder, tmp_path, name, encoded, colour):
    player, told = await player_of(pipeline, (folder / name).as_uri(), encoded=encoded)
    found, seconds = await recorded(pipeline, player, told, tmp_path / "x.webm")
    assert 2.5 < seconds < 6
    assert 40 <= len(found.pictures) <= 45
    assert {colour_at(picture, 0.5, 0.5) for _at, picture in found.pictures} == {colour}
    assert found.tones() == {colour}
    assert 2.4 * 48000 < len(found.sound) < 3.5 * 48000
    transcoded = not encoded or name.endswith("mp4")
    assert bool(told.of(events.MediaTranscodingStateChanged, state="TRANSCODING")) == transcoded
    assert await player.get_state() is UriState.STOP
    assert [event.state for event in told.of(events.UriEndpointStateChanged)] == ["START", "STOP"]
    assert not told.of(events.Error)


async def test_a_pause_goes_on_where_it_stood_and_one_may_go_elsewhere(pipeline, folder):
    player, told = await player_of(pipeline, (folder / "long.webm").as_uri())
    with pytest.raises(SeekFailed):
        await player.set_position(1000)
    await player.play()
    await told.wait(events.MediaFlowOutStateChanged, media_type="VIDEO", state="FLOWING")
    viewer, _endpoint = await watch(pipeline, player)
    await until(lambda: len(viewer.pictures) > 5, what="viewing")
    info = await player.get_video_info()
    assert info.seekable
    assert 19_500 < info.duration < 20_500
    await player.pause()
    at = await player.get_position()
    assert await player.get_state() is UriState.PAUSE
    await told.wait(events.MediaFlowOutStateChanged, media_type="VIDEO", state="NOT_FLOWING")
    assert abs(await player.get_position() - at) < 200
    seen = len(viewer.pictures)
    await player.play()
    await until(lambda: len(viewer.pictures) > seen + 5, what="viewing again")
    await player.set_position(15_000)
    seen = len(viewer.pictures)
    await until(lambda: len(viewer.pictures) > seen + 5, what="viewing elsewhere")
    assert await player.get_position() >= 14_000
    assert not told.of(events.Error)
    await player.stop()
    assert [event.state for event in told.of(events.UriEndpointStateChanged)] == ["START", "PAUSE", "START", "STOP"]
    await player.play()
    await until(lambda: len(viewer.pictures) > seen + 20, what="viewing from the beginning")
    assert await player.get_position() < 10_000
    await asyncio.to_thread(viewer.close)


async def test_a_file_of_a_web_server_is_played(pipeline, folder, tmp_path):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        player, told = await player_of(pipeline, f"{address}/red.webm")
        found, _seconds = await recorded(pipeline, player, told, tmp_path / "x.webm")
        assert colour_at(found.pictures[-1][1], 0.5, 0.5) == "red"
        missing, told = await player_of(pipeline, f"{address}/missing.webm")
        await missing.play()
        assert (await told.wait(events.Error)).kind == "INVALID_URI"
        server.shutdown()


@pytest.mark.parametrize(
    ("name", "kind"), [("text.webm", "STREAM_ERROR_"), ("missing.webm", "INVALID_URI"), ("", "INVALID_URI")]
)
async def test_what_cannot_be_played_is_said(pipeline, folder, name, kind):
    player, told = await player_of(pipeline, (folder / name).as_uri() if name else "gopher://nowhere")
    await player.play()
    error = await told.wait(events.Error)
    assert error.kind.startswith(kind)
    assert error.description
    assert await player.get_state() is UriState.STOP
    assert not await player.is_media_flowing_out(MediaType.VIDEO)
    await player.release()


async def test_players_leave_nothing_behind(node, pipeline, folder):
    """Stopped, released, or released while they play."""
    before = None
    for number in range(9):
        player, told = await player_of(pipeline, (folder / "red.webm").as_uri())
        await player.play()
        await told.wait(events.MediaFlowOutStateChanged, media_type="VIDEO", state="FLOWING")
        if number % 2:
            await player.stop()
        await player.release()
        if number == 2:
            before = node.threads(), node.descriptors()
    await until(lambda: node.threads() <= before[0] + 2, what="threads ending")
    await until(lambda: node.descriptors() <= before[1] + 2, what="files closing")
