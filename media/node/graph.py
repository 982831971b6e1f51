"""One GStreamer pipeline per MediaPipeline, and the branches between its elements.

An :class:`Outlet` is what an element gives of one kind of media (a tee of encoded frames), a :class:`Branch` is the
chain of GStreamer elements that takes it further. Every branch begins with ``errorignore``: a broken viewer or
recorder never stops the source. Functions that change a running graph block for some ms: call them from a thread,
one at a time per graph.
"""

import itertools
import logging
import threading
from collections.abc import Sequence
from typing import Any

from media.node import direct
from media.node.gst import Gst, ask_keyframe, caps, make
from media.node.sdp import CODECS

log = logging.getLogger(__name__)

DEPAYLOADERS = {"VP8": "rtpvp8depay", "H264": "rtph264depay", "opus": "rtpopusdepay"}
PAYLOADERS = {"VP8": "rtpvp8pay", "H264": "rtph264pay", "opus": "rtpopuspay"}
BYTE_STREAM = "video/x-h264,stream-format=byte-stream,alignment=au"
"""H.264 with its parameter sets in the stream: viewers and recorders may join at any key frame."""
DOT_DETAILS = {
    "SHOW_MEDIA_TYPE": "MEDIA_TYPE",
    "SHOW_CAPS_DETAILS": "CAPS_DETAILS",
    "SHOW_NON_DEFAULT_PARAMS": "NON_DEFAULT_PARAMS",
    "SHOW_STATES": "STATES",
    "SHOW_FULL_PARAMS": "FULL_PARAMS",
    "SHOW_ALL": "ALL",
    "SHOW_VERBOSE": "VERBOSE",
}
UNLINK_SECONDS = 2.0
"""A tee's pad is idle between two buffers; longer than this only a dead downstream keeps it."""


class Graph:
    """A running GStreamer pipeline to which parts are added and from which they are removed."""

    def __init__(self, name: str) -> None:
        """Start at once: everything added later is brought to life by :meth:`add`."""
        self.pipeline: Any = Gst.Pipeline.new(name)
        self.pipeline.use_clock(Gst.SystemClock.obtain())
        self.pipeline.set_state(Gst.State.PLAYING)
        self.bus: Any = self.pipeline.get_bus()

    def add(self, *elements: Any) -> None:
        """Add elements and link them in order; they are running on return."""
        for element in elements:
            self.pipeline.add(element)
        for upstream, downstream in itertools.pairwise(elements):
            if not upstream.link(downstream):
                raise RuntimeError(f"cannot link {upstream.get_name()} to {downstream.get_name()}")
        for element in reversed(elements):
            element.sync_state_with_parent()

    def remove(self, *elements: Any) -> None:
        """Stop elements and drop them; their threads are joined on return."""
        for element in elements:
            element.set_locked_state(True)
            element.set_state(Gst.State.NULL)
            self.pipeline.remove(element)

    def running_time(self) -> int:
        """Now, in ns since the graph started: the time of its buffers."""
        return int(self.pipeline.get_clock().get_time() - self.pipeline.get_base_time())

    def messages(self) -> list[tuple[str, str, str]]:
        """Errors and warnings since the last call: (level, element, text). Empties the bus."""
        found: list[tuple[str, str, str]] = []
        bus = self.bus
        while bus is not None and (message := bus.pop()) is not None:
            if message.type == Gst.MessageType.ERROR:
                error, debug = message.parse_error()
                found.append(("error", message.src.get_name() if message.src else "", f"{error.message} {debug}"))
            elif message.type == Gst.MessageType.WARNING:
                error, debug = message.parse_warning()
                found.append(("warning", message.src.get_name() if message.src else "", f"{error.message} {debug}"))
        return found

    def dot(self, details: str | None = None) -> str:
        """The graph in the language of Graphviz; ``details`` is one of Kurento's GstreamerDotDetails."""
        wanted = getattr(Gst.DebugGraphDetails, DOT_DETAILS.get(details or "", "VERBOSE"))
        return str(Gst.debug_bin_to_dot_data(self.pipeline, wanted))

    def close(self) -> None:
        """Stop everything."""
        self.pipeline.set_state(Gst.State.NULL)
        self.bus.set_flushing(True)
        self.pipeline = self.bus = None  # its sockets go now, not when Python next looks for cycles


class Outlet:
    """What an element gives of one kind (audio or video): a tee of encoded frames."""

    def __init__(self, graph: Graph, kind: str) -> None:
        """The tee runs from the start, what feeds it may come later."""
        self.graph, self.kind = graph, kind
        self._codec = CODECS[kind][0]
        self.tee: Any = make("tee", allow_not_linked=True)
        self.depayloader: Any = None
        self._feed: list[Any] = []
        self._upstream: Outlet | None = None
        graph.add(self.tee)

    @property
    def codec(self) -> str:
        """What it gives: VP8, H264 or opus; of a relay, what it is fed with."""
        return self._upstream.codec if self._upstream is not None else self._codec

    @codec.setter
    def codec(self, codec: str) -> None:
        self._codec = codec

    def feed_from_rtp(self, pad: Any) -> None:
        """Let an RTP pad feed it. Called in the pad's own streaming thread."""
        depayloader = make(DEPAYLOADERS[self.codec])
        if self.kind == "video":
            depayloader.set_property("request-keyframe", True)
            depayloader.set_property("wait-for-keyframe", True)
        old, self._feed = self._feed, [depayloader]
        if old:
            old[-1].unlink(self.tee)
            self.graph.remove(*old)
        if self.codec == "H264":
            self._feed.append(make("capsfilter", caps=caps(BYTE_STREAM)))
        self.depayloader = depayloader
        self.graph.add(*self._feed)
        self._feed[-1].link(self.tee)
        pad.link(depayloader.get_static_pad("sink"))

    def feed_from_outlet(self, upstream: "Outlet | None") -> None:
        """Remember whose key frames to ask for when this outlet only relays another."""
        self._upstream = upstream

    def ask_keyframe(self) -> None:
        """Ask the sender for a key frame, if there is one."""
        if self._upstream is not None:
            self._upstream.ask_keyframe()
        elif self.kind == "video" and (depayloader := self.depayloader) is not None:
            ask_keyframe(depayloader.get_static_pad("sink"))

    def position(self) -> tuple[int, int]:
        """Sequence number and RTP timestamp of the last packet: they change while media flows."""
        if self._upstream is not None:
            return self._upstream.position()
        if (depayloader := self.depayloader) is None:
            return (0, 0)
        return direct.last_packet(hash(depayloader))

    def close(self) -> None:
        """Remove it; branches must be gone before."""
        self.graph.remove(*self._feed, self.tee)
        self.depayloader, self._feed = None, []


class Branch:
    """A chain of elements that hangs on an outlet."""

    def __init__(self, outlet: Outlet, chain: Sequence[Any], last_pad: Any = None, keyframe: bool = True) -> None:
        """Add ``chain`` behind an errorignore and link it; ``last_pad`` is an existing pad to link its end to.

        ``keyframe``: ask for one at once.
        """
        self.outlet = outlet
        self.elements = [
            make("errorignore", ignore_error=True, ignore_notnegotiated=True, ignore_notlinked=True),
            *chain,
        ]
        outlet.graph.add(*self.elements)
        self.last_pad = last_pad
        if last_pad is not None:
            self.elements[-1].get_static_pad("src").link(last_pad)
        self._tee_pad: Any = outlet.tee.request_pad_simple("src_%u")
        self._tee_pad.link(self.elements[0].get_static_pad("sink"))
        if keyframe:
            outlet.ask_keyframe()

    def close(self) -> None:
        """Unlink between two buffers, stop and remove."""
        done = threading.Event()

        def unlink(pad: Any, _info: Any) -> Any:
            pad.unlink(self.elements[0].get_static_pad("sink"))
            done.set()
            return Gst.PadProbeReturn.REMOVE

        self._tee_pad.add_probe(Gst.PadProbeType.IDLE, unlink)
        if not done.wait(UNLINK_SECONDS):
            log.warning("a branch of %s did not become idle", self.outlet.kind)
        self.outlet.tee.release_request_pad(self._tee_pad)
        if self.last_pad is not None:
            self.elements[-1].get_static_pad("src").unlink(self.last_pad)
        self.outlet.graph.remove(*self.elements)
