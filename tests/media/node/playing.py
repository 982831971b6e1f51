"""What the media tests share: a node in a process of its own, a publisher, a viewer, and what a file holds."""

import asyncio
import contextlib
import itertools
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import av

from media.kurento import IceCandidate, KurentoClient, MediaPipeline, WebRtcEndpoint, events
from media.node import sdp
from media.node.graph import Graph
from media.node.gst import GstWebRTC, ask_keyframe, call, caps, described, held_ice_agent, make
from media.node.gst import session_description as parsed
from media.node.gst import start as start_gstreamer
from media.node.synthetic import Clip, SyntheticPublisher

ROOT = Path(__file__).resolve().parents[3]


class NodeProcess:
    """``python -m media.node`` on a free port."""

    def __init__(self, log: Path, *arguments: str, listen: str = "127.0.0.1:0", environment=None, inside="") -> None:
        """``inside``: name of the network namespace to run in."""
        self.log = log
        host, enter = listen.rpartition(":")[0], ["ip", "netns", "exec", inside] if inside else []
        written = log.stat().st_size if log.exists() else 0
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [*enter, sys.executable, "-m", "media.node", "--listen", listen, *arguments],
                cwd=ROOT,
                stderr=stderr,
                env={**os.environ, **(environment or {})},
            )
        until = time.monotonic() + 20
        while not (ready := re.findall(rf"media node ready at {re.escape(host)}:(\d+)", log.read_text()[written:])):
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < until, "the node does not get ready"
            time.sleep(0.02)
        self.port = int(ready[-1])
        self.url = f"ws://{host}:{self.port}/kurento"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def threads(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/task").iterdir())

    def descriptors(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())


async def until(condition, seconds=10.0, what="it"):
    """Wait for a condition; an AssertionError when it does not come."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        await asyncio.sleep(0.02)
    return value


class Told:
    """Events that were told, with the time of their arrival."""

    def __init__(self) -> None:
        self.events: list[tuple[float, events.Event]] = []

    def __call__(self, event: events.Event) -> None:
        self.events.append((time.monotonic(), event))

    def of(self, cls, **fields):
        return [
            event
            for _at, event in self.events
            if isinstance(event, cls) and all(getattr(event, name) == value for name, value in fields.items())
        ]

    async def wait(self, cls, seconds=10.0, **fields):
        await until(lambda: self.of(cls, **fields), seconds, f"{cls.__name__} {fields}")
        return self.of(cls, **fields)[-1]


EVERYTHING = (
    events.MediaFlowOutStateChanged,
    events.MediaFlowInStateChanged,
    events.ConnectionStateChanged,
    events.MediaStateChanged,
    events.Error,
)


class Publication:
    """A synthetic publisher connected to a new WebRtcEndpoint."""

    def __init__(self, endpoint: WebRtcEndpoint, publisher: SyntheticPublisher, told: Told) -> None:
        self.endpoint, self.publisher, self.told = endpoint, publisher, told

    async def close(self) -> None:
        await asyncio.to_thread(self.publisher.close)


async def publish(pipeline: MediaPipeline, clip: Clip, kinds=("video", "audio")) -> Publication:
    endpoint, told = await WebRtcEndpoint.create(pipeline), Told()
    loop = asyncio.get_running_loop()

    def found(candidate: str, mid: str, mline: int) -> None:
        if candidate:
            sending = endpoint.add_ice_candidate(IceCandidate(candidate, mid, mline))
            asyncio.run_coroutine_threadsafe(sending, loop)

    publisher = await asyncio.to_thread(SyntheticPublisher, clip, found, kinds=kinds)
    for event in EVERYTHING:
        await endpoint.subscribe(event, told)
    await endpoint.subscribe(
        events.IceCandidateFound,
        lambda event: publisher.add_ice_candidate(event.candidate.candidate, event.candidate.sdp_mline_index),
    )
    offer = await asyncio.to_thread(publisher.create_offer)
    answer = await endpoint.process_offer(offer)
    await asyncio.to_thread(publisher.set_answer, answer)
    await endpoint.gather_candidates()
    for kind in kinds:
        await told.wait(events.MediaFlowOutStateChanged, media_type=kind.upper(), state="FLOWING")
    return Publication(endpoint, publisher, told)


class Viewer:
    """A browser's part of watching: offers recvonly, decodes, counts pictures."""

    def __init__(self, on_candidate, video: str = "VP8") -> None:
        start_gstreamer()
        codecs = {"audio": "opus", "video": video}
        self.chain = ("rtpvp8depay", "vp8dec") if video == "VP8" else ("rtph264depay", "h264parse", "openh264dec")
        self.pictures: list[tuple[float, int, int]] = []
        self.packets_of_sound = 0
        self.graph = Graph("viewer")
        self.webrtcbin = make("webrtcbin", latency=200)
        self.webrtcbin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.agent = held_ice_agent(self.webrtcbin)
        self.agent.get_property("agent").set_property("upnp", False)
        self.graph.add(self.webrtcbin)
        for kind, payload in (("audio", 111), ("video", 96)):
            wanted = caps(sdp.rtp_caps(codecs[kind], payload))
            self.webrtcbin.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, wanted)
        self.webrtcbin.connect("on-ice-candidate", lambda _bin, mline, text: on_candidate(text, str(mline), mline))
        self.webrtcbin.connect("pad-added", self._pad)

    def create_offer(self) -> str:
        offer = described(self.webrtcbin, "offer")
        call(self.webrtcbin, "set-local-description", parsed("offer", offer))
        return offer

    def set_answer(self, answer: str) -> None:
        call(self.webrtcbin, "set-remote-description", parsed("answer", sdp.for_webrtcbin(answer)))

    def add_ice_candidate(self, candidate: str, mline: int) -> None:
        self.webrtcbin.emit("add-ice-candidate", mline, candidate)

    def _pad(self, _bin, pad) -> None:
        video = pad.get_current_caps().get_structure(0).get_string("media") == "video"
        names = (*self.chain, "fakesink") if video else ("rtpopusdepay", "fakesink")
        chain = [make(name) for name in names]
        chain[-1].set_property("sync", False)
        chain[-1].set_property("async", False)
        chain[-1].set_property("signal-handoffs", True)
        chain[-1].connect("handoff", self._picture if video else self._sound)
        self.graph.add(*chain)
        pad.link(chain[0].get_static_pad("sink"))

    def lose_a_picture(self) -> None:
        """Say so to the node: a PLI, as a browser sends when it cannot decode."""
        for pad in self.webrtcbin.srcpads:
            if pad.get_current_caps().get_structure(0).get_string("media") == "video":
                ask_keyframe(pad.get_peer())

    def _picture(self, _sink, _buffer, pad) -> None:
        structure = pad.get_current_caps().get_structure(0)
        self.pictures.append((time.monotonic(), structure.get_int("width")[1], structure.get_int("height")[1]))

    def _sound(self, *_arguments) -> None:
        self.packets_of_sound += 1

    def close(self) -> None:
        self.graph.close()


async def watch(pipeline: MediaPipeline, source: WebRtcEndpoint, connect_first: bool = False):
    """A viewer of a publication; (viewer, endpoint)."""
    endpoint = await WebRtcEndpoint.create(pipeline)
    loop = asyncio.get_running_loop()

    def found(candidate: str, mid: str, mline: int) -> None:
        if candidate:
            asyncio.run_coroutine_threadsafe(endpoint.add_ice_candidate(IceCandidate(candidate, mid, mline)), loop)

    viewer = await asyncio.to_thread(Viewer, found)
    await endpoint.subscribe(
        events.IceCandidateFound,
        lambda event: viewer.add_ice_candidate(event.candidate.candidate, event.candidate.sdp_mline_index),
    )
    if connect_first:
        await source.connect(endpoint)
    offer = await asyncio.to_thread(viewer.create_offer)
    answer = await endpoint.process_offer(offer)
    assert "a=sendonly" in answer
    await asyncio.to_thread(viewer.set_answer, answer)
    await endpoint.gather_candidates()
    if not connect_first:
        await source.connect(endpoint)
    return viewer, endpoint


def drawn_h264(path: Path, seconds: int = 4, width: int = 640, height: int = 480, fps: int = 15) -> None:
    """A file of H.264 in constrained baseline, with parameter sets before each key frame, and Opus."""
    picture = f"testsrc2=size={width}x{height}:rate={fps}:duration={seconds}"
    sound = f"sine=frequency=440:sample_rate=48000:duration={seconds}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    command += ["-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-tune", "zerolatency"]
    command += ["-b:v", "400k", "-pix_fmt", "yuv420p", "-g", str(fps * seconds), "-c:a", "libopus", "-ac", "2"]
    subprocess.run([*command, str(path)], check=True)


def decoded(path: Path) -> dict[str, dict]:
    """Every frame of a file decoded: kind -> count, first and last time in s, sizes."""
    found: dict[str, dict] = {}
    with av.open(str(path)) as container:
        for stream in container.streams:
            times, sizes = [], set()
            for frame in av.open(str(path)).decode(**{stream.type: 0}):
                times.append(frame.time)
                if stream.type == "video":
                    sizes.add((frame.width, frame.height))
            found[stream.type] = {
                "count": len(times),
                "first": times[0] if times else None,
                "last": times[-1] if times else None,
                "gap": max((b - a for a, b in itertools.pairwise(times)), default=0.0),
                "sizes": sizes,
            }
    return found


def probed(path: Path) -> dict:
    """ffprobe's word on container and streams; fails on any complaint."""
    command = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    # Ubuntu's is linked with libgcrypt, which says this where no memory can be locked; it is not about the file
    assert [line for line in run.stderr.splitlines() if line != "Warning: using insecure memory!"] == []
    return json.loads(run.stdout)


class Tap:
    """Decodes RTP that comes to a port of this host, as the worker does; pictures in a queue."""

    def __init__(self, folder: Path, port: int, payload: int = 96) -> None:
        self.offer = (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=tap\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=video {port} RTP/AVP {payload}\r\na=rtpmap:{payload} VP8/90000\r\na=recvonly\r\n"
        )
        self.pictures: queue.Queue = queue.Queue(1000)
        self._file = folder / f"tap{port}.sdp"
        self._file.write_text(self.offer)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        options = {
            "protocol_whitelist": "file,udp,rtp",
            "analyzeduration": "0",
            "probesize": "32",
        }
        with (
            av.open(str(self._file), format="sdp", options=options, timeout=(10, 5)) as container,
            contextlib.suppress(av.ExitError),  # no packet any more
        ):
            for packet in container.demux(video=0):
                if self._stop.is_set():
                    return
                with contextlib.suppress(av.InvalidDataError):  # until the first key frame
                    for frame in packet.decode():
                        self.pictures.put((time.monotonic(), frame.width, frame.height))

    def close(self) -> None:
        self._stop.set()


async def running(node: NodeProcess, **options) -> KurentoClient:
    client = KurentoClient(node.url, **options)
    await client.open()
    return client
