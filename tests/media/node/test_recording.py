"""Recording real WebRTC: right length, playable, true to time, whatever the source does."""

import asyncio
import json
import sys
import time

import pytest

from media.kurento import IceCandidate, MediaPipeline, MediaProfile, RecorderEndpoint, WebRtcEndpoint, events
from media.node.synthetic import Clip
from tests.media.node.playing import EVERYTHING, ROOT, Told, decoded, probed, publish, running, until


async def recorder_of(pipeline, path, profile=MediaProfile.WEBM):
    recorder, told = await RecorderEndpoint.create(pipeline, f"file://{path}", profile), Told()
    for event in (events.Recording, events.Stopped, events.Error, events.MediaFlowInStateChanged):
        await recorder.subscribe(event, told)
    return recorder, told


async def test_a_recording_lasts_as_long_as_it_was_made(pipeline, clip, tmp_path):
    publication = await publish(pipeline, clip)
    recorder, told = await recorder_of(pipeline, tmp_path / "new" / "folder" / "part.webm")
    await publication.endpoint.connect(recorder)
    start = time.monotonic()
    await recorder.record()
    await told.wait(events.Recording)
    await asyncio.sleep(3)
    await recorder.stop_and_wait()
    wall = time.monotonic() - start
    await told.wait(events.Stopped)
    await publication.close()
    path = tmp_path / "new" / "folder" / "part.webm"
    found = decoded(path)
    assert found["video"]["first"] < 0.4
    assert abs(float(probed(path)["format"]["duration"]) - wall) < 0.5
    for kind in ("video", "audio"):
        assert abs(found[kind]["last"] - wall) < 0.5
    assert found["video"]["count"] >= 0.9 * 15 * (wall - 0.4)
    assert found["audio"]["count"] >= 0.95 * 50 * (wall - 0.2)
    assert not told.of(events.Error)


async def test_a_killed_node_leaves_a_playable_file(own_node, clip, tmp_path):
    client = await running(own_node)
    pipeline = await MediaPipeline.create(client)
    publication = await publish(pipeline, clip)
    recorder, told = await recorder_of(pipeline, tmp_path / "part.webm")
    await publication.endpoint.connect(recorder)
    start = time.monotonic()
    await recorder.record()
    await told.wait(events.Recording)
    await asyncio.sleep(2)
    own_node.kill()
    wall = time.monotonic() - start
    await client.close()
    await publication.close()
    found = decoded(tmp_path / "part.webm")
    assert wall - found["video"]["last"] < 0.5
    assert wall - found["audio"]["last"] < 0.5


async def test_a_paused_source_leaves_a_gap_and_shifts_nothing(pipeline, clip, tmp_path):
    publication = await publish(pipeline, clip)
    recorder, told = await recorder_of(pipeline, tmp_path / "part.webm")
    await publication.endpoint.connect(recorder)
    start = time.monotonic()
    await recorder.record()
    await told.wait(events.Recording)
    await asyncio.sleep(1)
    publication.publisher.pause()
    paused = time.monotonic() - start
    await publication.told.wait(events.MediaFlowOutStateChanged, media_type="VIDEO", state="NOT_FLOWING")
    await told.wait(events.MediaFlowInStateChanged, media_type="AUDIO", state="NOT_FLOWING")
    publication.publisher.resume()
    resumed = time.monotonic() - start
    await asyncio.sleep(1)
    await recorder.stop_and_wait()
    wall = time.monotonic() - start
    await publication.close()
    found = decoded(tmp_path / "part.webm")
    for kind in ("video", "audio"):
        assert found[kind]["gap"] == pytest.approx(resumed - paused, abs=0.4)
        assert found[kind]["last"] == pytest.approx(wall, abs=0.5)


async def test_a_change_of_resolution_goes_on_in_the_same_file(pipeline, clip, tmp_path):
    publication = await publish(pipeline, clip)
    recorder, told = await recorder_of(pipeline, tmp_path / "part.webm")
    await publication.endpoint.connect(recorder)
    start = time.monotonic()
    await recorder.record()
    await told.wait(events.Recording)
    await asyncio.sleep(1)
    publication.publisher.play(await asyncio.to_thread(Clip.made, 2.0, 320, 240))
    await asyncio.sleep(1.5)
    await recorder.stop_and_wait()
    wall = time.monotonic() - start
    await publication.close()
    found = decoded(tmp_path / "part.webm")
    assert found["video"]["sizes"] == {(640, 480), (320, 240)}
    assert found["video"]["last"] == pytest.approx(wall, abs=0.5)


async def test_two_recorders_of_one_source(pipeline, clip, tmp_path):
    publication = await publish(pipeline, clip)
    both, told = await recorder_of(pipeline, tmp_path / "both.webm")
    pictures, told_too = await recorder_of(pipeline, tmp_path / "pictures.webm", MediaProfile.WEBM_VIDEO_ONLY)
    for recorder in (both, pictures):
        await publication.endpoint.connect(recorder)
        await recorder.record()
    await told.wait(events.Recording)
    await told_too.wait(events.Recording)
    await asyncio.sleep(1)
    await both.stop_and_wait()
    await both.release()
    await asyncio.sleep(1)
    await pictures.stop_and_wait()
    await publication.close()
    assert set(decoded(tmp_path / "both.webm")) == {"video", "audio"}
    alone = decoded(tmp_path / "pictures.webm")
    assert set(alone) == {"video"}
    assert alone["video"]["last"] > decoded(tmp_path / "both.webm")["video"]["last"] + 0.7


async def test_sound_only(pipeline, clip, tmp_path):
    publication = await publish(pipeline, clip)
    recorder, told = await recorder_of(pipeline, tmp_path / "sound.webm", MediaProfile.WEBM_AUDIO_ONLY)
    await publication.endpoint.connect(recorder)
    await recorder.record()
    await told.wait(events.Recording)
    await asyncio.sleep(0.6)
    await recorder.stop_and_wait()
    await publication.close()
    found = decoded(tmp_path / "sound.webm")
    assert set(found) == {"audio"}
    assert found["audio"]["count"] > 20


async def test_a_vanished_peer_is_noticed_and_the_file_is_whole(pipeline, tmp_path):
    endpoint, told = await WebRtcEndpoint.create(pipeline), Told()
    for event in EVERYTHING:
        await endpoint.subscribe(event, told)
    command = (sys.executable, "-m", "tests.media.node.publisher")
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "limit": 1 << 20}
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, **pipes)

    def tell(message) -> None:
        child.stdin.write(json.dumps(message).encode() + b"\n")

    await endpoint.subscribe(
        events.IceCandidateFound,
        lambda event: tell({"candidate": event.candidate.candidate, "mline": event.candidate.sdp_mline_index}),
    )

    async def listen() -> None:
        async for line in child.stdout:
            message = json.loads(line)
            if "offer" in message:
                tell({"answer": await endpoint.process_offer(message["offer"])})
                await endpoint.gather_candidates()
            else:
                await endpoint.add_ice_candidate(IceCandidate(**message))

    listening = asyncio.create_task(listen())
    await told.wait(events.MediaFlowOutStateChanged, 60, media_type="VIDEO", state="FLOWING")
    recorder, recording = await recorder_of(pipeline, tmp_path / "part.webm")
    await endpoint.connect(recorder)
    await recorder.record()
    await recording.wait(events.Recording)
    await asyncio.sleep(0.5)
    start = time.monotonic()
    child.kill()
    await told.wait(events.MediaFlowOutStateChanged, media_type="VIDEO", state="NOT_FLOWING")
    await recording.wait(events.MediaFlowInStateChanged, media_type="VIDEO", state="NOT_FLOWING")
    await told.wait(events.MediaStateChanged, new_state="DISCONNECTED")
    assert time.monotonic() - start < 3.2
    await recorder.stop_and_wait()
    await child.wait()
    await listening
    assert decoded(tmp_path / "part.webm")["video"]["count"] > 5


async def test_what_cannot_be_written_is_told(pipeline, clip, tmp_path):
    publication = await publish(pipeline, clip)
    (tmp_path / "file").write_text("in the way")
    blocked, told = await recorder_of(pipeline, tmp_path / "file" / "part.webm")
    await publication.endpoint.connect(blocked)
    await blocked.record()
    assert (await told.wait(events.Error)).kind == "RESOURCE_ERROR_OPEN"
    full, told = await recorder_of(pipeline, "/dev/full")
    await publication.endpoint.connect(full)
    await full.record()
    error = await told.wait(events.Error)
    assert error.kind == "RESOURCE_ERROR_NO_SPACE_LEFT"
    assert "/dev/full" in error.description
    await publication.close()


async def test_pausing_a_recorder_leaves_the_pause_out(pipeline, clip, tmp_path):
    publication = await publish(pipeline, clip)
    recorder, told = await recorder_of(pipeline, tmp_path / "part.webm")
    await publication.endpoint.connect(recorder)
    await recorder.record()
    await told.wait(events.Recording)
    await asyncio.sleep(1)
    await recorder.pause()
    await asyncio.sleep(1.5)
    await recorder.record()
    await asyncio.sleep(1)
    await recorder.stop_and_wait()
    await publication.close()
    assert float(probed(tmp_path / "part.webm")["format"]["duration"]) == pytest.approx(2.3, abs=0.5)


async def test_releasing_gives_everything_back(own_node, clip, tmp_path):
    client = await running(own_node)

    async def cycle(number: int) -> None:
        pipeline = await MediaPipeline.create(client)
        publication = await publish(pipeline, clip)
        recorder, told = await recorder_of(pipeline, tmp_path / f"{number}.webm")
        await publication.endpoint.connect(recorder)
        await recorder.record()
        await told.wait(events.Recording)
        await recorder.stop_and_wait()
        await publication.close()
        await pipeline.release()

    await cycle(0)
    made = await asyncio.gather(*(MediaPipeline.create(client) for _ in range(32)))  # all workers have worked then
    await asyncio.gather(*(pipeline.release() for pipeline in made))
    threads, descriptors = own_node.threads(), own_node.descriptors()
    for number in range(3):
        await cycle(number)
    await until(
        lambda: own_node.threads() <= threads + 1 and own_node.descriptors() <= descriptors + 2,
        what=f"falling back to {threads} threads and {descriptors} descriptors",
    )
    await client.close()
