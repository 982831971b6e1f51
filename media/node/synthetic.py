"""A synthetic candidate: a real WebRTC publisher that plays a clip for ever, at the cost of some packets a second.

Nothing is encoded while it runs: the clip's VP8 and Opus packets are sent as they are. It knows no gateway and no
HTTP; whoever uses it carries descriptions and candidates. All calls block for some ms: use threads from asyncio.
"""

import functools
import io
import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

from media.node import sdp
from media.node.graph import PAYLOADERS, Graph
from media.node.gst import Gst, GstWebRTC, call, caps, described, enum_nick, held_ice_agent, make
from media.node.gst import session_description as parsed
from media.node.gst import start as start_gstreamer

log = logging.getLogger(__name__)

PAYLOADS = {"video": 96, "audio": 111}
CAPS = {
    "VP8": "video/x-vp8",
    "H264": "video/x-h264,stream-format=byte-stream,alignment=au",
    "opus": "audio/x-opus,channel-mapping-family=0,channels=2,rate=48000",
}

OnCandidate = Callable[[str, str, int], None]
"""candidate, sdpMid, sdpMLineIndex; from a GStreamer thread."""
OnState = Callable[[str], None]
"""RTCPeerConnectionState; from a GStreamer thread."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded frame, ``at`` seconds after the clip's beginning."""

    kind: str
    at: float
    data: bytes
    keyframe: bool


@dataclass(frozen=True)
class Clip:
    """Packets of a clip in the order of their times; shared by any number of publishers."""

    packets: tuple[Packet, ...]
    seconds: float
    codec: str = "VP8"
    """Of its pictures: VP8 or H264."""

    @classmethod
    def load(cls, path: Path) -> "Clip":
        """Read a WebM or Matroska file; ValueError unless it holds VP8 or H.264 (and, if any, Opus)."""
        with av.open(str(path)) as container:
            return _read(container, str(path))

    @classmethod
    def made(cls, seconds: float = 4.0, width: int = 640, height: int = 480, fps: int = 15) -> "Clip":
        """A moving pattern with a beep each second; only its first picture is a key frame, as with a browser."""
        return _made(seconds, width, height, fps)


class SyntheticPublisher:
    """Publishes a clip: ``create_offer``, carry it, ``set_answer``; candidates both ways; ``close``."""

    def __init__(
        self,
        clip: Clip,
        on_ice_candidate: OnCandidate,
        on_state: OnState | None = None,
        kinds: tuple[str, ...] = ("video", "audio"),
    ) -> None:
        """``kinds``: the tracks to publish; the camera has both, a screen only video."""
        start_gstreamer()
        self._clip, self._kinds = clip, kinds
        self._on_candidate, self._on_state = on_ice_candidate, on_state
        self._graph = Graph(f"publisher{random.randrange(1 << 32)}")  # noqa: S311 - a name
        self._webrtcbin = make("webrtcbin", latency=200)
        self._webrtcbin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self._agent = held_ice_agent(self._webrtcbin)
        self._agent.set_property("ice-tcp", False)
        self._agent.get_property("agent").set_property("upnp", False)
        self._mids: list[str] = []
        self._sources: dict[str, Any] = {}
        self._streams: list[tuple[Any, Any]] = []
        self._stopping = threading.Event()
        self._playing = threading.Event()
        self._keyframe_wanted = threading.Event()
        self._feeder = threading.Thread(target=self._feed, name="publisher", daemon=True)
        self.state = "new"
        self.offer = ""
        self.keyframes_asked = 0
        self.clip_origin = 0.0
        """``time.monotonic()`` at which the clip's present lap began; a key frame that is asked for moves it."""
        self._graph.add(self._webrtcbin)
        for index, kind in enumerate(kinds):
            self._add_track(index, kind)
        self._handlers = [
            self._webrtcbin.connect("on-ice-candidate", self._candidate),
            self._webrtcbin.connect("notify::connection-state", self._state),
        ]

    def create_offer(self) -> str:
        """The offer; candidates are told from now on."""
        offer = described(self._webrtcbin, "offer")
        self.offer = offer
        self._mids = [section.mid for section in sdp.parse(offer).sections]
        call(self._webrtcbin, "set-local-description", parsed("offer", offer))
        for transceiver, stream in self._streams:  # or the payloader would refuse a clip of another profile or level
            transceiver.set_property("codec-preferences", stream)
        return sdp.for_peer(offer)

    def set_answer(self, answer: str) -> None:
        """Take the answer and begin to play."""
        call(self._webrtcbin, "set-remote-description", parsed("answer", sdp.for_webrtcbin(answer)))
        self._playing.set()
        self._feeder.start()

    def add_ice_candidate(self, candidate: str, mline: int) -> None:
        """Take a candidate of the other side; after the answer."""
        self._webrtcbin.emit("add-ice-candidate", mline, candidate)

    def pause(self) -> None:
        """Send nothing, as a browser whose track was taken away."""
        self._playing.clear()

    def resume(self) -> None:
        """Send again."""
        self._keyframe_wanted.set()
        self._playing.set()

    def play(self, clip: Clip) -> None:
        """Go on with another clip (of any size)."""
        self._clip = clip

    def close(self) -> None:
        """Stop at once."""
        self._stopping.set()
        self._playing.set()
        if self._feeder.is_alive():
            self._feeder.join()
        for handler in self._handlers:
            self._webrtcbin.disconnect(handler)
        self._graph.close()

    # ---- inside

    def _add_track(self, index: int, kind: str) -> None:
        ssrc = random.randrange(1, 1 << 32)  # noqa: S311 - not a secret
        codec = self._clip.codec if kind == "video" else "opus"
        text = sdp.rtp_caps(codec, PAYLOADS[kind], {sdp.TRANSPORT_CC: 3}, ssrc)
        form = ",profile-level-id=(string)42e01f" if codec == "H264" else ""
        offered = caps(text + form)
        pad = self._webrtcbin.request_pad(self._webrtcbin.get_pad_template("sink_%u"), f"sink_{index}", offered)
        transceiver = pad.get_property("transceiver")
        transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        transceiver.set_property("codec-preferences", offered)
        self._streams.append((transceiver, caps(text)))
        transceiver.set_property("do-nack", True)
        source = make("appsrc", caps=caps(CAPS[codec]), is_live=True, do_timestamp=True, max_buffers=100)
        source.set_property("format", Gst.Format.TIME)
        payloader = make(PAYLOADERS[codec], pt=PAYLOADS[kind], ssrc=ssrc, mtu=1200)
        if codec == "VP8":
            payloader.set_property("picture-id-mode", 2)
        if kind == "video":
            source.get_static_pad("src").add_probe(Gst.PadProbeType.EVENT_UPSTREAM, self._on_upstream)
        self._graph.add(source, payloader)
        payloader.get_static_pad("src").link(pad)
        self._sources[kind] = source

    def _on_upstream(self, _pad: Any, info: Any) -> Any:
        structure = info.get_event().get_structure()
        if structure is not None and structure.get_name() == "GstForceKeyUnit":
            self.keyframes_asked += 1
            self._keyframe_wanted.set()
        return Gst.PadProbeReturn.OK

    def _candidate(self, _webrtcbin: Any, mline: int, candidate: str) -> None:
        mid = self._mids[mline] if mline < len(self._mids) else ""
        self._on_candidate(candidate, mid, int(mline))

    def _state(self, webrtcbin: Any, _spec: Any) -> None:
        self.state = enum_nick(webrtcbin.get_property("connection-state"))
        if self._on_state is not None:
            self._on_state(self.state)

    def _feed(self) -> None:
        """Play the clip again and again by the clock; jump to a key frame when one is asked for."""
        position, origin = 0, time.monotonic()
        clip = self._clip
        while not self._stopping.is_set():
            self._graph.messages()
            if clip is not self._clip or not self._playing.is_set():
                self._playing.wait()
                clip, position, origin = self._clip, 0, time.monotonic()
            if position >= len(clip.packets):
                position, origin = 0, origin + clip.seconds
            if self._keyframe_wanted.is_set() and "video" in self._kinds:
                self._keyframe_wanted.clear()
                position, origin = _at_keyframe(clip, position, origin)
            self.clip_origin = origin
            packet = clip.packets[position]
            position += 1
            if self._stopping.wait(max(0.0, origin + packet.at - time.monotonic())):
                return
            if (source := self._sources.get(packet.kind)) is not None:
                source.emit("push-buffer", Gst.Buffer.new_wrapped(packet.data))


def _at_keyframe(clip: Clip, position: int, origin: float) -> tuple[int, float]:
    """Position of the next key frame, and the origin by which it comes when the next picture was due."""
    order = [*range(position, len(clip.packets)), *range(position)]
    pictures = [index for index in order if clip.packets[index].kind == "video"]
    wanted = next((index for index in pictures if clip.packets[index].keyframe), position)
    due = clip.packets[pictures[0]].at + (0.0 if pictures[0] >= position else clip.seconds)
    return wanted, origin + due - clip.packets[wanted].at


def _read(container: Any, name: str) -> Clip:
    streams = {stream.type: stream for stream in container.streams if stream.type in ("video", "audio")}
    names = {kind: stream.codec_context.name for kind, stream in streams.items()}
    if names.get("video") not in ("vp8", "h264") or names.get("audio", "opus") != "opus":
        raise ValueError(f"{name} must hold VP8 or H.264 pictures and Opus sound, not {names}")
    pictures = streams["video"]
    is_avc = pictures.codec_context.extradata is not None and pictures.codec_context.extradata[:1] == b"\x01"
    to_stream = BitStreamFilterContext("h264_mp4toannexb", pictures) if is_avc else None
    packets: list[Packet] = []
    end = 0.0
    for kind, item in _packets(container, list(streams.values()), to_stream):
        at = float(item.pts * item.time_base)
        packets.append(Packet(kind, max(0.0, at), bytes(item), bool(item.is_keyframe)))
        end = max(end, at + float((item.duration or 0) * item.time_base))
    packets.sort(key=lambda packet: packet.at)
    video = [packet.at for packet in packets if packet.kind == "video"]
    frame = (video[-1] - video[0]) / max(1, len(video) - 1)
    codec = "H264" if names["video"] == "h264" else "VP8"
    return Clip(tuple(packets), max(end, video[-1] + frame), codec)


def _packets(container: Any, streams: list[Any], to_stream: Any) -> Iterator[tuple[str, Any]]:
    """All that have a time; pictures through the filter, if there is one."""
    for item in container.demux(*streams):
        if item.pts is None:
            continue
        kind = str(item.stream.type)
        for packet in to_stream.filter(item) if to_stream and kind == "video" else (item,):
            yield kind, packet


@functools.cache
def _made(seconds: float, width: int, height: int, fps: int) -> Clip:
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        video: Any = container.add_stream("libvpx", rate=fps)
        video.width, video.height, video.pix_fmt, video.bit_rate = width, height, "yuv420p", 400_000
        video.options = {"deadline": "realtime", "cpu-used": "8", "g": str(int(seconds * fps))}
        audio: Any = container.add_stream("libopus", rate=48000)
        audio.layout = "stereo"
        for number in range(int(seconds * fps)):
            container.mux(video.encode(_picture(number, width, height)))
        for number in range(int(seconds * 50)):
            container.mux(audio.encode(_sound(number)))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return _read(container, "the made clip")


def _picture(number: int, width: int, height: int) -> Any:
    columns = np.arange(width, dtype=np.uint16)[None, :] // 2 + number * 4
    rows = np.arange(height, dtype=np.uint16)[:, None] // 2
    plain = ((columns + rows) % 256).astype(np.uint8)
    left = (number * 12) % (width - 60)
    plain[height // 3 : height // 3 + 60, left : left + 60] = 255
    frame = av.VideoFrame.from_ndarray(np.repeat(plain[:, :, None], 3, axis=2), format="rgb24")
    frame.pts = number
    return frame


def _sound(number: int) -> Any:
    times = (np.arange(960) + number * 960) / 48000
    level = 0.3 if number % 50 < 10 else 0.02
    wave = (level * 32767 * np.sin(2 * math.pi * 440 * times)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None, :], format="s16", layout="stereo")
    frame.sample_rate, frame.pts = 48000, number * 960
    return frame
