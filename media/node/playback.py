"""A file or stream played, frame by frame at its own pace.

GStreamer reads, decodes and encodes in a pipeline of its own as fast as its frames are taken; a thread gives each one
on when it is due. So a pause is nothing but taking no more, and no state of a pipeline decides about time.
"""

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from media.node.encoding import CAPS, DELTA, encoder
from media.node.gst import Gst, ask_keyframe, caps, make

log = logging.getLogger(__name__)

SEEK_NS = 2 * 10**9
"""How long a seek waits for the file to be opened."""
ENCODED_FRAMES = 30
"""Frames of a kind made in advance: two seconds of pictures, most of a second of sound."""
GLANCE = 0.01
"""Seconds between two looks for frames that are not there yet, or for a pause's end."""
LATE = 0.5
"""Seconds behind after which time is taken to have stood still: a slow source, not a late frame."""
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
OnEncoder = Callable[[str], None]
"""A kind that has to be encoded; told before its first frame."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened since the last look: the end, or an error in Kurento's words."""

    ended: bool = False
    error: str = ""
    description: str = ""


@dataclass
class Line:
    """Frames of one kind; ``head`` is the next one: its place in ms, data, whether it is a key frame."""

    kind: str
    sink: Any
    head: tuple[int, bytes, bool] | None = None

    def look(self) -> int | None:
        """Place of the next frame in ms; None while there is none."""
        while self.head is None:
            sample = self.sink.try_pull_sample(0)
            if sample is None:
                return None
            buffer, segment = sample.get_buffer(), sample.get_segment()
            at = segment.to_stream_time(Gst.Format.TIME, buffer.pts)
            if buffer.get_size() and Gst.CLOCK_TIME_NONE not in (buffer.pts, at):
                data = buffer.extract_dup(0, buffer.get_size())
                self.head = (at // Gst.MSECOND, data, not buffer.has_flags(DELTA))
        return self.head[0]

    @property
    def over(self) -> bool:
        """Whether nothing comes any more."""
        return self.head is None and bool(self.sink.get_property("eos"))


class Playback:
    """One playing of one URI. ``encoded``: VP8 and Opus are given as they are; anything else is encoded anyhow."""

    def __init__(self, uri: str, encoded: bool, on_frame: OnFrame, on_encoder: OnEncoder) -> None:
        """Paused, reads already."""
        self._on_frame, self._on_encoder = on_frame, on_encoder
        self._pipeline: Any = Gst.Pipeline.new(None)
        self._bus: Any = self._pipeline.get_bus()
        self._source = make("uridecodebin", uri=uri)
        if encoded:
            stop_at = "; ".join((*(item.split(",")[0] for item in CAPS.values()), "video/x-raw", "audio/x-raw"))
            self._source.set_property("caps", caps(stop_at))
        self._complete, self._running, self._closing = threading.Event(), threading.Event(), threading.Event()
        self._handlers = [
            self._source.connect("pad-added", self._on_pad),
            self._source.connect("no-more-pads", lambda _source: self._complete.set()),
        ]
        self._pipeline.add(self._source)
        self._lines: dict[str, Line] = {}
        self._lock = threading.Lock()
        self._ended = False
        self._position_ms = 0
        self._origin: float | None = None
        self._pipeline.set_state(Gst.State.PLAYING)
        self._thread = threading.Thread(target=self._give, name="player", daemon=True)
        self._thread.start()

    def play(self) -> None:
        """Begin, or go on."""
        self._running.set()

    def pause(self) -> None:
        """Stand still; :meth:`play` goes on from there."""
        self._running.clear()

    def seek(self, position_ms: int) -> bool:
        """Go on from the key frame before a place; False where that cannot be."""
        self._complete.wait(SEEK_NS / 10**9)
        self._pipeline.get_state(SEEK_NS)
        flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.KEY_UNIT
        with self._lock:
            if not self._pipeline.seek_simple(Gst.Format.TIME, flags, position_ms * Gst.MSECOND):
                return False
            for line in self._lines.values():
                line.head = None
            self._origin, self._position_ms, self._ended = None, position_ms, False
        return True

    def position_ms(self) -> int:
        """Where it is."""
        return self._position_ms

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
        """Ask the encoder; if there is none, nobody listens."""
        with self._lock:
            line = self._lines.get("video")
        if line is not None:
            ask_keyframe(line.sink.get_static_pad("sink"))

    def look(self) -> Outcome | None:
        """The first error since the last look, or the end."""
        outcome = Outcome(ended=True) if self._ended else None
        while (message := self._bus.pop()) is not None:
            if message.type == Gst.MessageType.ERROR:
                error, debug = message.parse_error()
                log.warning("playing: %s (%s)", error.message, debug)
                outcome = outcome if outcome and outcome.error else Outcome(False, _kind(error), error.message)
        return outcome

    def close(self) -> None:
        """Stop; no frame comes after this."""
        self._closing.set()
        self._running.set()
        self._thread.join()
        self._pipeline.set_state(Gst.State.NULL)
        self._bus.set_flushing(True)
        for handler in self._handlers:  # each holds this object, which holds the pipeline
            self._source.disconnect(handler)
        self._lines.clear()
        self._pipeline = self._source = None

    # ---- in GStreamer's threads

    def _on_pad(self, _source: Any, pad: Any) -> None:
        media = (pad.get_current_caps() or pad.query_caps(None)).get_structure(0).get_name()
        kind = media.split("/", 1)[0]
        if kind not in CAPS or kind in self._lines:
            return  # the first picture and the first sound
        encoded = media == CAPS[kind].split(",")[0]
        sink = make("appsink", sync=False, async_=False, max_buffers=ENCODED_FRAMES, enable_last_sample=False)
        if not encoded:
            self._on_encoder(kind)
        chain = [make("queue"), sink] if encoded else [*_shape(kind), *encoder(kind), sink]
        for element in chain:
            self._pipeline.add(element)
        for upstream, downstream in itertools.pairwise(chain):
            upstream.link(downstream)
        for element in reversed(chain):
            element.sync_state_with_parent()
        pad.link(chain[0].get_static_pad("sink"))
        with self._lock:
            self._lines[kind] = Line(kind, sink)

    # ---- in a thread of its own

    def _give(self) -> None:
        while not self._closing.is_set():
            if not self._running.is_set():
                self._origin = None
                self._running.wait()
                continue
            with self._lock:
                wait = self._next()
            if wait > 0:
                self._closing.wait(min(wait, GLANCE))

    def _next(self) -> float:
        """Give the next frame if it is due; else the seconds to wait for it."""
        if not self._complete.is_set():
            return GLANCE
        ready = [(at, line) for line in self._lines.values() if (at := line.look()) is not None]
        if not ready:
            self._ended = all(line.over for line in self._lines.values())
            return GLANCE
        at, line = min(ready, key=lambda item: item[0])
        now = time.monotonic()
        if self._origin is None or now - (self._origin + at / 1000) > LATE:
            self._origin = now - at / 1000
        wait = self._origin + at / 1000 - now
        if wait <= 0 and line.head is not None:
            _at, data, keyframe = line.head
            line.head, self._position_ms = None, at
            self._on_frame(line.kind, data, keyframe)
        return wait


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
