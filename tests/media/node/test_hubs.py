"""Hubs with real media: who is shown where, who is heard by whom."""

import asyncio
import contextlib
import functools

import pytest

from media.kurento import (
    AlphaBlending,
    Composite,
    Dispatcher,
    DispatcherOneToMany,
    GStreamerFilter,
    HubPort,
    MediaPipeline,
    MediaType,
    Mixer,
    PassThrough,
    PlayerEndpoint,
    RecorderEndpoint,
    ServerManager,
    events,
)
from media.kurento.errors import ConnectRefused, MarshallError
from media.node.synthetic import Clip
from tests.media.node.clips import COLOURS, SHRUNK, Recorded, colour_at, write_clip
from tests.media.node.playing import Told, publish, running, until, watch

CENTRE = [(0.5, 0.5)]
GRID = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)]


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Long enough that none ends within a test."""
    folder = tmp_path_factory.mktemp("clips")
    return {name: write_clip(folder / f"{name}.webm", name, 25.0, (160, 120)) for name in COLOURS}


async def play(pipeline, path, **options):
    player, told = await PlayerEndpoint.create(pipeline, path.as_uri(), **options), Told()
    await player.subscribe(events.MediaFlowOutStateChanged, told)
    await player.play()
    for kind in ("AUDIO", "VIDEO"):
        await told.wait(events.MediaFlowOutStateChanged, media_type=kind, state="FLOWING")
    return player


async def join(pipeline, hub, path):
    """A port with a player behind it."""
    player, port = await play(pipeline, path), await HubPort.create(hub)
    await player.connect(port)
    return port


async def record(pipeline, source, path, seconds, middle=None):
    """What a source gives for some seconds; ``middle`` is called halfway."""
    recorder, told = await RecorderEndpoint.create(pipeline, path.as_uri()), Told()
    await recorder.subscribe(events.Recording, told)
    await source.connect(recorder)
    await recorder.record()
    await told.wait(events.Recording)
    await asyncio.sleep(seconds / 2)
    if middle is not None:
        await middle()
    await asyncio.sleep(seconds / 2)
    await recorder.stop_and_wait()
    await recorder.release()
    return Recorded.of(path)


async def eventually(pipeline, source, path, places, colours, tones, middle=None):
    """What a source gives once it shows and sounds as it should; longer and longer, as the machine has other work."""
    for seconds in (1.5, 3, 6, 12):
        found = await record(pipeline, source, path, seconds, middle)
        seen = [colour_at(found.pictures[-1][1], *place) for place in places] if found.pictures else []
        heard = found.tones() if len(found.sound) > 36_000 else set()
        if (seen, heard) == (colours, tones):
            return found
    raise AssertionError(f"{seen} is seen and {heard} heard instead of {colours} and {tones}")


async def four_people(client, files, tmp_path):
    """See all and hear the others, one leaves, the rest go."""
    pipeline = await MediaPipeline.create(client)
    hub = await Composite.create(pipeline)
    people = [await publish(pipeline, Clip.load(files[name])) for name in COLOURS]
    ports = [await HubPort.create(hub) for _ in people]
    for person, port in zip(people, ports, strict=True):
        await person.endpoint.connect(port)
    viewer, _ = await watch(pipeline, ports[1])
    await until(lambda: len(viewer.pictures) > 10 and viewer.packets_of_sound > 20, what="viewing")
    assert viewer.pictures[-1][1:] == (800, 600)
    assert await ports[1].is_media_transcoding(MediaType.VIDEO)
    all_four = list(COLOURS)
    await asyncio.gather(
        eventually(pipeline, ports[0], tmp_path / "first.webm", GRID, all_four, {"green", "blue", "yellow"}),
        eventually(pipeline, ports[3], tmp_path / "last.webm", GRID, all_four, {"red", "green", "blue"}),
    )
    await people[1].endpoint.disconnect(ports[1])
    fewer = ["red", "blue", "yellow", "black"]
    await eventually(pipeline, ports[0], tmp_path / "fewer.webm", GRID, fewer, {"blue", "yellow"})
    await asyncio.to_thread(viewer.close)
    for person in people:
        await person.close()
    await pipeline.release()
    assert await ServerManager(client).get_pipelines() == []


async def test_four_people_see_all_and_hear_the_others(own_node, files, tmp_path):
    """By WebRTC; afterwards nothing of it is left in the node. What leaks grows with each round."""
    client = await running(own_node)
    await four_people(client, files, tmp_path)  # what the first one loads stays
    await asyncio.sleep(0.5)
    counts = [(own_node.threads(), own_node.descriptors())]
    while len(counts) < 4:
        await four_people(client, files, tmp_path)
        threads, descriptors = counts[-1]
        with contextlib.suppress(AssertionError):
            await until(lambda: own_node.threads() <= threads and own_node.descriptors() <= descriptors)  # noqa: B023
            break
        counts.append((own_node.threads(), own_node.descriptors()))
    assert len(counts) < 4, f"threads and descriptors after each round: {counts}"
    await client.close()


async def test_a_silent_camera_does_not_hold_the_others_up(pipeline, files, tmp_path):
    hub = await Composite.create(pipeline, 640, 480, 10)
    speaking, silent = await join(pipeline, hub, files["red"]), await HubPort.create(hub)
    player = await play(pipeline, files["blue"])
    await player.connect(silent)
    halves = [(0.25, 0.5), (0.75, 0.5)]
    await eventually(pipeline, silent, tmp_path / "both.webm", halves, ["red", "blue"], {"red"})
    await player.pause()
    found = await eventually(pipeline, silent, tmp_path / "one.webm", halves[:1], ["red"], {"red"})
    assert len(found.pictures) > 10
    assert colour_at(found.pictures[0][1], 0.75, 0.5) == "blue", "the last picture stays for a while"
    assert found.pictures[-1][1].shape == (480 / SHRUNK, 640 / SHRUNK, 3)
    await speaking.release()


async def test_a_composite_that_cannot_be_is_refused(pipeline):
    for size in ((10, 600, 15), (800, 5000, 15), (800, 600, 100)):
        with pytest.raises(MarshallError, match="sides of"):
            await Composite.create(pipeline, *size)


async def test_one_to_many_gives_the_chosen_source(pipeline, files, tmp_path):
    hub = await DispatcherOneToMany.create(pipeline)
    red, green, listener = [
        await join(pipeline, hub, files["red"]),
        await join(pipeline, hub, files["green"]),
        await HubPort.create(hub),
    ]
    await hub.set_source(red)
    switched = functools.partial(hub.set_source, green)
    found = await eventually(pipeline, listener, tmp_path / "x.webm", CENTRE, ["green"], {"green"}, switched)
    assert not await listener.is_media_transcoding(MediaType.VIDEO)
    seen = [colour_at(picture, 0.5, 0.5) for _at, picture in found.pictures]
    assert seen == sorted(seen, key=["red", "green"].index), "first one, then the other, nothing between"
    await hub.remove_source()
    flow = Told()
    await listener.subscribe(events.MediaFlowOutStateChanged, flow)
    assert await until(lambda: flow.of(events.MediaFlowOutStateChanged, media_type="VIDEO", state="NOT_FLOWING"))


async def test_a_dispatcher_leads_and_a_mixer_mixes_what_is_chosen(pipeline, files, tmp_path):
    hub = await Dispatcher.create(pipeline)
    red, green = await join(pipeline, hub, files["red"]), await join(pipeline, hub, files["green"])
    await hub.connect(red, green)
    await eventually(pipeline, green, tmp_path / "dispatched.webm", CENTRE, ["red"], {"red"})
    await hub.release()

    mixer = await Mixer.create(pipeline)
    red, green, blue = [await join(pipeline, mixer, files[name]) for name in ("red", "green", "blue")]
    for source in (red, green):
        await mixer.connect(MediaType.AUDIO, source, blue)
    await mixer.connect(MediaType.VIDEO, green, blue)
    await eventually(pipeline, blue, tmp_path / "mixed.webm", CENTRE, ["green"], {"red", "green"})
    await mixer.disconnect(MediaType.AUDIO, red, blue)
    await eventually(pipeline, blue, tmp_path / "less.webm", CENTRE, ["green"], {"green"})
    with pytest.raises(ConnectRefused, match="no HubPort"):
        await mixer.connect(MediaType.AUDIO, mixer, blue)


async def test_blending_puts_pictures_on_the_ground(pipeline, files, tmp_path):
    hub = await AlphaBlending.create(pipeline)
    red, green = await join(pipeline, hub, files["red"]), await join(pipeline, hub, files["green"])
    await hub.set_master(red)
    await hub.set_port_properties(green, 0.75, 0.0, 0.25, 0.25)
    places = [(0.875, 0.125), (0.25, 0.25), (0.875, 0.5)]
    await eventually(pipeline, red, tmp_path / "x.webm", places, ["green", "red", "red"], {"green"})


async def test_what_passes_through_is_untouched(pipeline, files, tmp_path):
    one, other = await play(pipeline, files["red"]), await play(pipeline, files["green"])
    through = await PassThrough.create(pipeline)
    await one.connect(through)
    other_instead = functools.partial(other.connect, through)
    await eventually(pipeline, through, tmp_path / "x.webm", CENTRE, ["red"], {"red"})
    await eventually(pipeline, through, tmp_path / "x.webm", CENTRE, ["green"], {"green"}, other_instead)
    assert not await through.is_media_transcoding(MediaType.VIDEO)


async def test_a_filter_changes_pictures_only(pipeline, tmp_path):
    halves = write_clip(tmp_path / "halves.webm", "red", 25.0, (160, 120), right="blue")
    player, mirror = await play(pipeline, halves), await GStreamerFilter.create(pipeline, "videoflip")
    await mirror.set_element_property("method", "horizontal-flip")
    await player.connect(mirror)
    await eventually(pipeline, mirror, tmp_path / "x.webm", [(0.25, 0.5), (0.75, 0.5)], ["blue", "red"], {"red"})
    with pytest.raises(MarshallError, match="nosuchelement"):
        await GStreamerFilter.create(pipeline, "nosuchelement")
    dot = await pipeline.get_gstreamer_dot()
    assert dot.startswith("digraph")
    assert "videoflip" in dot
    assert len(await pipeline.get_gstreamer_dot("SHOW_STATES")) < len(dot)
