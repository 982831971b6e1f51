"""A file or stream played in a GStreamer pipeline of its own, frame by frame at its own pace.

A pipeline of its own, because playing, pausing and seeking are states of a whole pipeline, and the one that the
frames go to must never stop. All calls block; frames come from GStreamer's threads.
"""

import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from media.node.encoding import CAPS, DELTA, encoder
from media.node.gst import Gst, ask_keyframe, caps, make

log = logging.getLogger(__name__)

STATE_SECONDS = 5 * 10**9
"""ns that a change of state may take until its outcome is looked at; a slow network goes on by itself."""
ENCODED_FRAMES = 50
"""Frames that wait for their moment."""
PIXELS = (1280, 720)
"""Larger pictures are scaled down: more is not encoded in time beside other work."""
RESOURCE = {
    "not-found": "INVALID_URI",
    "open-read": "RESOURCE_ERROR_OPEN",
    "read": "RESOURCE_ERROR_READ",
    "not-authorized": "RESOURCE_ERROR_NOT_AUTHORIZED",
}
STREAM = {
    "type-not-found": "STREAM_ERROR_TYPE_NOT_FOUND",
    "wrong-type": "STREAM_ERROR_WRONG_TYPE",
    "codec-not-found": "STREAM_ERROR_CODEC_NOT_FOUND",
    "decode": "STREAM_ERROR_DECODE",
    "demux": "STREAM_ERROR_DEMUX",
}

OnFrame = Callable[[str, bytes, bool], None]
"""kind, VP8 or Opus frame, whether it is a key frame."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened since the last look: the end, or an error in Kurento's words."""

    ended: bool = False
    error: str = ""
    description: str = ""


class Playback:
    """One playing of one URI. ``encoded``: VP8 and Opus are given as they are; anything else is encoded anyhow."""

    def __init__(self, uri: str, encoded: bool, on_frame: OnFrame) -> None:
        """Not playing yet."""
        self._on_frame = on_frame
        self._pipeline: Any = Gst.Pipeline.new(None)
        self._source = make("uridecodebin", uri=uri)
        if encoded:
            stop_at = "; ".join((*(item.split(",")[0] for item in CAPS.values()), "video/x-raw", "audio/x-raw"))
            self._source.set_property("caps", caps(stop_at))
        self._handler = self._source.connect("pad-added", self._on_pad)
        self._pipeline.add(self._source)
        self._kinds: dict[str, Any] = {}
        self._transcoded: set[str] = set()
        self._lock = threading.Lock()

    @property
    def transcoded(self) -> frozenset[str]:
        """Kinds that are encoded here."""
        with self._lock:
            return frozenset(self._transcoded)

    def play(self) -> None:
        """Begin, or go on."""
        self._pipeline.set_state(Gst.State.PLAYING)

    def pause(self) -> None:
        """Stand still; :meth:`play` goes on from there."""
        self._pipeline.set_state(Gst.State.PAUSED)

    def seek(self, position_ms: int) -> bool:
        """Go on from a place; False where that cannot be."""
        self._pipeline.get_state(STATE_SECONDS)
        flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.KEY_UNIT
        return bool(self._pipeline.seek_simple(Gst.Format.TIME, flags, position_ms * Gst.MSECOND))

    def position_ms(self) -> int:
        """Where it is."""
        known, at = self._pipeline.query_position(Gst.Format.TIME)
        return at // Gst.MSECOND if known else 0

    def seekable(self) -> tuple[bool, int, int, int]:
        """Whether one can seek; from, to and the whole duration in ms."""
        known, duration = self._pipeline.query_duration(Gst.Format.TIME)
        whole = duration // Gst.MSECOND if known else 0
        query = Gst.Query.new_seeking(Gst.Format.TIME)
        if not self._pipeline.query(query):
            return False, 0, 0, whole
        _format, can, start, end = query.parse_seeking()
        return bool(can), start // Gst.MSECOND, (end // Gst.MSECOND if end > 0 else whole), whole

    def ask_keyframe(self) -> None:
        """Ask the encoder, if there is one."""
        with self._lock:
            sink = self._kinds.get("video") if "video" in self._transcoded else None
        if sink is not None:
            ask_keyframe(sink.get_static_pad("sink"))

    def look(self) -> Outcome | None:
        """The end or the first error since the last look."""
        outcome: Outcome | None = None
        bus = self._pipeline.get_bus()
        while (message := bus.pop()) is not None:
            if message.type == Gst.MessageType.EOS:
                outcome = outcome or Outcome(ended=True)
            elif message.type == Gst.MessageType.ERROR:
                error, debug = message.parse_error()
                log.warning("playing: %s (%s)", error.message, debug)
                outcome = outcome if outcome and outcome.error else Outcome(False, _kind(error), error.message)
        return outcome

    def close(self) -> None:
        """Stop; no frame comes after this."""
        self._source.disconnect(self._handler)
        self._pipeline.set_state(Gst.State.NULL)
        self._pipeline.get_bus().set_flushing(True)
        self._kinds.clear()

    # ---- in GStreamer's threads

    def _on_pad(self, _source: Any, pad: Any) -> None:
        media = (pad.get_current_caps() or pad.query_caps(None)).get_structure(0).get_name()
        kind = media.split("/", 1)[0]
        with self._lock:
            if kind not in CAPS or kind in self._kinds:
                return  # the first picture and the first sound
            encoded = media == CAPS[kind].split(",")[0]
            sink = make("appsink", sync=True, emit_signals=True, max_buffers=ENCODED_FRAMES, enable_last_sample=False)
            sink.connect("new-sample", self._sample, kind)
            self._kinds[kind] = sink
            if not encoded:
                self._transcoded.add(kind)
        chain = [sink] if encoded else [*_shape(kind), *encoder(kind), sink]
        for element in chain:
            self._pipeline.add(element)
        for upstream, downstream in itertools.pairwise(chain):
            upstream.link(downstream)
        for element in reversed(chain):
            element.sync_state_with_parent()
        pad.link(chain[0].get_static_pad("sink"))

    def _sample(self, sink: Any, kind: str) -> Any:
        sample = sink.emit("pull-sample")
        if sample is None:
            return Gst.FlowReturn.EOS
        buffer = sample.get_buffer()
        if buffer.get_size():
            self._on_frame(kind, buffer.extract_dup(0, buffer.get_size()), not buffer.has_flags(DELTA))
        return Gst.FlowReturn.OK


def _shape(kind: str) -> list[Any]:
    """What comes before the encoder: pictures not larger than it can take, of even sides."""
    if kind == "audio":
        return [make("queue")]
    limit = f"video/x-raw,width=[2,{PIXELS[0]},2],height=[2,{PIXELS[1]},2],pixel-aspect-ratio=1/1"
    return [make("queue"), make("videoconvert"), make("videoscale"), make("capsfilter", caps=caps(limit))]


def _kind(error: Any) -> str:
    """Kurento's name of a GStreamer error."""
    if error.matches(Gst.ResourceError.quark(), error.code):
        return RESOURCE.get(Gst.ResourceError(error.code).value_nick, "RESOURCE_ERROR_FAILED")
    if error.matches(Gst.StreamError.quark(), error.code):
        return STREAM.get(Gst.StreamError(error.code).value_nick, "STREAM_ERROR_FAILED")
    return "UNEXPECTED_ELEMENT_ERROR"
