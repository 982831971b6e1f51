"""Decoding and encoding, for the few elements that need frames: hubs that mix, players, filters.

Everything here blocks for some ms: threads only.
"""

import itertools
import time
from typing import Any

from media.node.graph import Branch, Graph, Outlet
from media.node.gst import Gst, ask_keyframe, caps, make

CAPS = {"video": "video/x-vp8", "audio": "audio/x-opus,channel-mapping-family=0,channels=2,rate=48000"}
RAW_AUDIO = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2"
VIDEO_BITRATE, AUDIO_BITRATE = 1_000_000, 48_000
"""Bit/s of what is encoded here."""
QUEUE_NS = 1_000_000_000
"""A decoder that lags more than this loses frames, its source does not wait."""
ENCODED_BUFFERS = 100
"""Encoded frames that wait for the graph: two seconds of sound."""
RAW_BUFFERS = {"video": 2, "audio": 25}
"""Raw frames that wait for an encoder: a picture it has no time for is replaced by the next, sound half a second."""
FIRST_SECONDS = 2.0
"""What an encoder may take for its first frame; a loaded machine needs some 50 ms."""
DELTA = Gst.BufferFlags.DELTA_UNIT


class EncodedOutlet(Outlet):
    """An outlet fed by an encoder, or with frames that are encoded already, and not from RTP.

    It counts in GStreamer what passes, without a Python call for every frame.
    """

    def __init__(self, graph: Graph, kind: str) -> None:
        """Nothing feeds it yet."""
        super().__init__(graph, kind)
        self.counter: Any = make("identity", silent=True)
        graph.add(self.counter)
        self.counter.link(self.tee)
        self._feed = [self.counter]

    @property
    def entry(self) -> Any:
        """The pad that takes encoded frames."""
        return self.counter.get_static_pad("sink")

    @property
    def wanted(self) -> bool:
        """Whether anything hangs on it."""
        return bool(self.tee.get_property("num-src-pads"))

    def feed(self, *chain: Any) -> None:
        """Let a chain that begins with an appsrc feed it; :meth:`close` removes the chain."""
        for element in chain:
            self.graph.pipeline.add(element)
        for upstream, downstream in itertools.pairwise((*chain, self.counter)):
            upstream.link(downstream)
        for element in reversed(chain):  # all linked first: an encoder that runs asks downstream what is wanted
            element.sync_state_with_parent()
        self._feed = [*chain, self.counter]

    def feed_encoded(self) -> Any:
        """An appsrc for encoded frames, which get the time of their arrival."""
        source = make("appsrc", caps=caps(CAPS[self.kind]), is_live=True, do_timestamp=True)
        source.set_property("format", Gst.Format.TIME)
        source.set_property("max-buffers", ENCODED_BUFFERS)
        self.feed(source)
        return source

    def feed_raw(self, raw: str, first: bytes) -> Any:
        """An appsrc for frames of caps ``raw`` before an encoder; a late encoder loses frames, it piles up none.

        ``first`` goes through before anything is connected: an encoder asks what is wanted with its first frame, and
        gives up for good when a branch that is just being made wants nothing yet.
        """
        source = make("appsrc", caps=caps(raw), is_live=True, max_bytes=0, max_time=0)
        source.set_property("format", Gst.Format.TIME)
        source.set_property("max-buffers", RAW_BUFFERS[self.kind])
        source.set_property("leaky-type", 2)
        self.feed(source, *encoder(self.kind))
        buffer = Gst.Buffer.new_wrapped(first)
        buffer.pts = self.graph.running_time()
        source.emit("push-buffer", buffer)
        deadline = time.monotonic() + FIRST_SECONDS
        while self.position() == (0, 0) and time.monotonic() < deadline:
            time.sleep(0.005)
        return source

    def ask_keyframe(self) -> None:
        """Ask the encoder; upstream of frames that came encoded nobody listens."""
        if self._upstream is not None:
            self._upstream.ask_keyframe()
        elif self.kind == "video":
            ask_keyframe(self.tee.get_static_pad("sink"))

    def position(self) -> tuple[int, int]:
        """Frames and bytes so far."""
        stats = self.counter.get_property("stats")
        return int(stats.get_value("num-buffers")), int(stats.get_value("num-bytes"))


def encoder(kind: str) -> list[Any]:
    """Elements from raw frames to VP8 or Opus, set for talk: no look-ahead, key frames when asked for."""
    if kind == "audio":
        return [make("audioconvert"), make("audioresample"), make("opusenc", bitrate=AUDIO_BITRATE)]
    vp8enc = make("vp8enc", deadline=1, cpu_used=8, threads=1, lag_in_frames=0, target_bitrate=VIDEO_BITRATE)
    vp8enc.set_property("end-usage", 1)  # constant bit rate
    vp8enc.set_property("keyframe-max-dist", 300)
    vp8enc.set_property("min-force-key-unit-interval", 300_000_000)
    return [make("videoconvert"), vp8enc]


def decoder(codec: str) -> list[Any]:
    """Elements from an outlet's encoded frames (VP8, H264 or opus) to raw ones, in a thread of their own."""
    queue = make("queue", leaky=2, max_size_time=QUEUE_NS, max_size_bytes=0, max_size_buffers=0)
    if codec == "opus":
        return [queue, make("opusdec", use_inband_fec=True), make("audioconvert"), make("audioresample")]
    if codec == "H264":
        return [queue, make("h264parse"), make("openh264dec"), make("videoconvert")]
    return [queue, make("vp8dec"), make("videoconvert")]


def keyframe_gate() -> Any:
    """An element that drops everything before the first key frame: a change of source shows no garbage."""
    gate = make("identity", silent=True)
    gate.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, _until_keyframe)
    return gate


def _until_keyframe(_pad: Any, info: Any) -> Any:
    return Gst.PadProbeReturn.DROP if info.get_buffer().has_flags(DELTA) else Gst.PadProbeReturn.REMOVE


def relay(upstream: Outlet, outlet: Outlet) -> Branch:
    """Give what ``upstream`` gives out of ``outlet``, too, from its next key frame on."""
    outlet.feed_from_outlet(upstream)
    chain = [keyframe_gate()] if outlet.kind == "video" else []
    return Branch(upstream, chain, outlet.tee.get_static_pad("sink"))
