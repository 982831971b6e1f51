"""A process of load: publishes, records and views sittings; after two lines on stdin counts what was recorded.

``python -m tests.bench.media.crowd OPTIONS`` prints a JSON line when all runs, and one at the end.
"""

import argparse
import asyncio
import functools
import json
import random
import resource
import struct
import sys
import time
from pathlib import Path
from typing import Protocol

import av

from media.kurento import KurentoClient, MediaPipeline, MediaProfile, RecorderEndpoint, WebRtcEndpoint, events
from media.node.synthetic import Clip
from tests.bench.media.stream import MARK, Publisher, Track, Viewer

PERIOD = 0.005
"""How often what is due is sent; browsers pace by as much."""
AT_ONCE = 4
"""Sittings that come at the same moment."""
FIRST_FRAME_BYTES = 1500
"""A recording's header is some hundred bytes; with its first key frame it is several thousand."""
TAIL_SECONDS = 1.5
"""A lost packet is waited for up to a second: what was sent later than this before the end is not counted."""
TRACKS = {"camera": ("audio", "video"), "screen": ("video",)}


class Server(Protocol):
    """What is measured."""

    async def publish(self, publisher: Publisher, sitting: int, track: str, path: Path) -> object:
        """Negotiate and record to ``path``; a handle."""

    async def view(self, published: object, viewer: Viewer) -> None:
        """Let a viewer watch."""

    async def stop(self) -> None:
        """Complete all files."""


class Node:
    """A media node, by Kurento's protocol."""

    def __init__(self, client: KurentoClient) -> None:
        self.client = client
        self.pipelines: dict[int, MediaPipeline] = {}
        self.recorders: list[RecorderEndpoint] = []

    async def pipeline(self, sitting: int) -> MediaPipeline:
        if sitting not in self.pipelines:
            self.pipelines[sitting] = await MediaPipeline.create(self.client)
        return self.pipelines[sitting]

    async def publish(self, publisher: Publisher, sitting: int, track: str, path: Path) -> WebRtcEndpoint:
        pipeline = await self.pipeline(sitting)
        endpoint = await WebRtcEndpoint.create(pipeline)
        profile = MediaProfile.WEBM if track == "camera" else MediaProfile.WEBM_VIDEO_ONLY
        recorder = await RecorderEndpoint.create(pipeline, f"file://{path}", profile)
        await endpoint.connect(recorder)
        await recorder.record()
        await self._negotiate(endpoint, publisher)
        self.recorders.append(recorder)
        return endpoint

    async def view(self, published: object, viewer: Viewer) -> WebRtcEndpoint:
        assert isinstance(published, WebRtcEndpoint)
        pipeline = next(item for item in self.pipelines.values() if published.id.startswith(item.id))
        endpoint = await WebRtcEndpoint.create(pipeline)
        await self._negotiate(endpoint, viewer)
        await published.connect(endpoint)
        return endpoint

    async def _negotiate(self, endpoint: WebRtcEndpoint, peer: Publisher | Viewer) -> None:
        await endpoint.subscribe(
            events.IceCandidateFound, lambda event: peer.wire.add_candidate(event.candidate.candidate)
        )
        peer.wire.take_answer(await endpoint.process_offer(peer.offer()))
        await endpoint.gather_candidates()

    async def stop(self) -> None:
        for recorder in self.recorders:
            await recorder.stop_and_wait()


class Naive:
    """``tests.bench.media.naive``: one line of JSON for each offer, one for its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._lock = asyncio.Lock()

    async def publish(self, publisher: Publisher, sitting: int, track: str, path: Path) -> None:
        await self._negotiate(publisher, path=str(path))

    async def view(self, published: object, viewer: Viewer) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        async with self._lock:
            self._writer.write(b'{"stop": true}\n')
            await self._reader.readline()

    async def _negotiate(self, peer: Publisher, path: str) -> None:
        async with self._lock:
            path_and_offer = {"path": path, "offer": peer.offer()}
            self._writer.write(json.dumps(path_and_offer).encode() + b"\n")
            peer.wire.take_answer(json.loads(await self._reader.readline())["answer"])


@functools.cache
def clips() -> dict[str, Clip]:
    """What is played, by track. Takes seconds to make: before a socket is opened that wants to be answered."""
    return {"camera": Clip.made(4.0, 640, 480, 15), "screen": Clip.made(4.0, 1280, 720, 5)}


class Crowd:
    """All sittings of this process."""

    def __init__(self, server: Server, folder: Path, loss: float = 0.0) -> None:
        self.server, self.folder, self.loss = server, folder, loss
        self.clips = clips()
        self.published: dict[tuple[int, str], tuple[Publisher, object, Path]] = {}
        self.viewers: list[Viewer] = []
        self.first_frames: list[float] = []
        self.late = 0.0
        self._pacer = asyncio.create_task(self._pace())

    async def sit(self, sitting: int) -> None:
        """Both tracks of one sitting."""
        for track in TRACKS:
            await self.publish(sitting, track)

    async def publish(self, sitting: int, track: str) -> None:
        path = self.folder / f"{sitting}-{track}.webm"
        opened = asyncio.Event()
        publisher = Publisher(self.clips[track], TRACKS[track], opened.set, self.loss)
        begin = time.monotonic()
        handle = await self.server.publish(publisher, sitting, track, path)
        self.published[sitting, track] = (publisher, handle, path)
        async with asyncio.timeout(20):
            await opened.wait()
            while not path.exists() or path.stat().st_size < FIRST_FRAME_BYTES:
                await asyncio.sleep(0.002)
        self.first_frames.append(time.monotonic() - begin)

    async def view_all(self) -> None:
        for (_sitting, name), (publisher, handle, _path) in list(self.published.items()):
            opened = asyncio.Event()
            viewer = Viewer(TRACKS[name], publisher.track("video").sent, opened.set)
            self.viewers.append(viewer)
            await self.server.view(handle, viewer)
            async with asyncio.timeout(20):
                await opened.wait()
                while not viewer.delays:
                    await asyncio.sleep(0.01)

    async def stop(self) -> dict:
        """Stop recording, compare files with what was sent."""
        before = time.monotonic() - TAIL_SECONDS
        await self.server.stop()
        totals = {"pictures_sent": 0, "pictures_recorded": 0, "sound_share": []}
        for publisher, _handle, path in self.published.values():
            video = publisher.track("video")
            numbers, packets = await asyncio.to_thread(recorded, path)
            first = min(numbers, default=0)
            wanted = {number for number, at in video.sent.items() if number >= first and at <= before}
            totals["pictures_sent"] += len(wanted)
            totals["pictures_recorded"] += len(wanted & numbers)
            if any(track.kind == "audio" for track in publisher.tracks):
                totals["sound_share"].append(packets / _expected_sound(publisher.track("audio"), before))
        shares = totals.pop("sound_share")
        totals["sound_recorded_percent"] = round(100 * sum(shares) / len(shares), 2) if shares else None
        return totals

    async def close(self) -> None:
        self._pacer.cancel()
        await asyncio.gather(self._pacer, return_exceptions=True)
        for publisher, _handle, _path in self.published.values():
            publisher.wire.close()
        for viewer in self.viewers:
            viewer.wire.close()

    async def _pace(self) -> None:
        due = time.monotonic()
        while True:
            now = time.monotonic()
            self.late = max(self.late, now - due)
            for publisher, _handle, _path in list(self.published.values()):
                publisher.play(now)
            for viewer in self.viewers:
                viewer.play(now)
            due = max(due + PERIOD, time.monotonic())
            await asyncio.sleep(due - time.monotonic())


def recorded(path: Path) -> tuple[set[int], int]:
    """Numbers of the pictures in a file, and how many packets of sound it holds."""
    numbers: set[int] = set()
    sound = 0
    with av.open(str(path)) as container:
        for packet in container.demux():
            data = bytes(packet)
            if packet.stream.type == "audio":
                sound += bool(data)
            elif data[-8:-4] == MARK:
                numbers.add(struct.unpack("!I", data[-4:])[0])
    return numbers, sound


def _expected_sound(track: Track, before: float) -> float:
    return max(1.0, 50 * (before + TAIL_SECONDS - track.started))


def spread(seconds: list[float]) -> dict[str, int | None]:
    """Median and the worst of twenty, in ms."""
    ordered = sorted(seconds)
    if not ordered:
        return {"n": 0, "median_ms": None, "p95_ms": None}
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {"n": len(ordered), "median_ms": round(1000 * ordered[len(ordered) // 2]), "p95_ms": round(1000 * p95)}


async def _server(url: str) -> Server:
    if url.startswith("ws:"):
        client = KurentoClient(url)
        await client.open()
        return Node(client)
    host, _, port = url.partition(":")
    return Naive(*await asyncio.open_connection(host, int(port), limit=1 << 20))


async def run(options: argparse.Namespace) -> None:
    """Sit until told to stop."""
    clips()
    server = await _server(options.url)
    crowd = Crowd(server, options.folder, options.loss)
    gate = asyncio.Semaphore(AT_ONCE if options.url.startswith("ws:") else 1)

    async def sit(sitting: int) -> None:
        async with gate:
            await crowd.sit(sitting)

    await asyncio.gather(*(sit(number) for number in range(options.first, options.first + options.sittings)))
    if options.viewers:
        await crowd.view_all()
    print(json.dumps({"ready": True, "offer_to_first_recorded_frame": crowd.first_frames}), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.readline()  # the measurement begins
    for viewer in crowd.viewers:
        viewer.delays.clear()
    crowd.late, cpu = 0.0, _cpu()
    await reader.readline()
    used = _cpu() - cpu
    delays = [delay for viewer in crowd.viewers for delay in viewer.delays]
    late = crowd.late
    totals = await crowd.stop()
    print(json.dumps({**totals, "view_delays": delays, "cpu_s": used, "late_ms": round(1000 * late)}), flush=True)
    await crowd.close()


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--sittings", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--viewers", action="store_true")
    parser.add_argument("--loss", type=float, default=0.0)
    random.seed(2)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
