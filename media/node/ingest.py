"""One thread that receives for all peer connections, by the clock, instead of two for each that every packet wakes.

webrtcbin gives each peer connection a ``nicesrc`` and a ``queue`` between socket and decryption, two threads whose
waking costs more than all that is done with a packet. Here libnice is looked at every :data:`PERIOD` for all
connections at once, and what came goes on in this same thread, through decryption and RTP session into the jitter
buffer, which never blocks.
"""

import ctypes
import itertools
import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any

from media.node import direct
from media.node.gst import Gst
from media.node.pulse import name_thread

log = logging.getLogger(__name__)

PERIOD = 0.02
"""Seconds between two looks: what a packet may have to wait."""
HURRY_PERIOD = 0.005
"""The same while a connection is being made: ICE and DTLS take some ten turns."""
HURRY_SECONDS = 3.0
STUCK_LOOKS = 4
STUCK_SECONDS = 1.0
"""Who does not let its packets through for so long is cut off: the others must not wait for it. Only a thread that
waits is held by somebody; one that the machine does not let run, or that was stopped, blames nobody."""

SWITCH_SECONDS = 0.0005
"""How long a thread that needs the GIL waits for one that computes. Python's 5 ms would be waited for every packet
while anything else of the node is busy, as it is when many sittings begin at once."""

Received = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p
)
"""NiceAgentRecvFunc: agent, stream, component, length, data, user data."""

_glib = ctypes.CDLL("libglib-2.0.so.0")
_glib.g_main_context_new.restype = ctypes.c_void_p
_glib.g_main_context_unref.argtypes = [ctypes.c_void_p]
_glib.g_main_context_iteration.argtypes = [ctypes.c_void_p, ctypes.c_int]
_nice = ctypes.CDLL("libnice.so.10")
_nice.nice_agent_attach_recv.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, *[ctypes.c_void_p] * 3]
_gst = ctypes.CDLL("libgstreamer-1.0.so.0")
_gst.gst_pad_push.argtypes = [ctypes.c_void_p, ctypes.c_void_p]


class Line:
    """What one peer connection receives. Takes the place of its ``nicesrc``."""

    def __init__(self, nicesrc: Any) -> None:
        """Stop ``nicesrc`` and what stands between it and the decoder of DTLS; link a pad of our own instead."""
        self._agent = nicesrc.get_property("agent")
        self._place = (nicesrc.get_property("stream"), nicesrc.get_property("component"))
        self._clock, self._base_time = nicesrc.get_clock(), nicesrc.get_base_time()
        self._lock = threading.Lock()
        self._open = True
        self._buffers: list[int] = []  # of one period: the socket's own buffer is what bounds it
        chain, self._sink = _chain(nicesrc)
        for element in chain:
            element.set_locked_state(True)
            element.set_state(Gst.State.NULL)
        self._sink.get_peer().unlink(self._sink)
        self._pad = Gst.Pad.new("line", Gst.PadDirection.SRC)
        self._pad.set_active(True)
        self._pad.link_full(self._sink, Gst.PadLinkCheck.NOTHING)  # our pad lives in no bin
        self._pad.push_event(Gst.Event.new_stream_start(f"line{id(self)}"))
        segment = Gst.Segment.new()
        segment.init(Gst.Format.TIME)
        self._pad.push_event(Gst.Event.new_segment(segment))
        self._address = hash(self._pad)  # PyGObject: the address of the GObject

    def attach(self, context: int | None, received: Any, key: int | None) -> None:
        """Let libnice give what comes to ``received``, in the thread that runs ``context``; None to stop."""
        _nice.nice_agent_attach_recv(hash(self._agent), *self._place, context, received, key)

    def take(self, data: int, length: int) -> None:
        """Keep a packet; the memory is libnice's."""
        self._buffers.append(direct.copied(data, length))

    def push(self) -> None:
        """Hand on what came."""
        buffers, self._buffers = self._buffers, []
        now_ns = max(0, self._clock.get_time() - self._base_time)
        with self._lock:
            for buffer in buffers:
                if self._open:
                    direct.stamp(buffer, now_ns)
                    _gst.gst_pad_push(self._address, buffer)
                else:
                    direct.drop(buffer)

    def flush(self) -> None:
        """Let go whoever is held in :meth:`push`; nothing passes any more."""
        self._open = False
        self._pad.push_event(Gst.Event.new_flush_start())

    def close(self) -> None:
        """Receive nothing more. No push is under way on return."""
        self.attach(None, None, None)
        self.flush()
        with self._lock:
            self._pad.set_active(False)
            self._pad.unlink(self._sink)
        self._agent = self._sink = None


def _linked(nicesrc: Any) -> bool:
    """Whether it still leads to the decoder."""
    element = nicesrc
    while element.get_factory().get_name() != "dtlssrtpdec":
        peer = element.get_static_pad("src").get_peer()
        if peer is None:
            return False
        element = peer.get_parent_element()
    return True


def _chain(nicesrc: Any) -> tuple[list[Any], Any]:
    """The elements from a ``nicesrc`` to the decoder of DTLS, and the decoder's pad."""
    chain, element = [], nicesrc
    while element.get_factory().get_name() != "dtlssrtpdec":
        chain.append(element)
        sink = element.get_static_pad("src").get_peer()
        element = sink.get_parent_element()
    return chain, sink


class Waiting:
    """Tells a thread of this process that waits for one thing from one that runs, or would if it were let."""

    def __init__(self, native_id: int) -> None:
        """``native_id``: as ``threading.get_native_id`` tells it."""
        self._path = Path(f"/proc/self/task/{native_id}/status")
        self._switches = ""

    def still(self) -> bool:
        """Whether it has slept ever since the last look (proc(5): sleeping, and no context switch meanwhile)."""
        lines = self._path.read_text(encoding="ascii").splitlines()
        known, self._switches = self._switches, "".join(line for line in lines if "ctxt_switches" in line)
        return self._switches == known and any(line.startswith("State:\tS") for line in lines)


class Ingest:
    """The thread, and a second one that sees to it that it is never stuck."""

    def __init__(self) -> None:
        """Start."""
        self._context = _glib.g_main_context_new()
        self._lines: dict[int, Line] = {}
        self._keys = itertools.count(1)
        self._filled: dict[int, Line] = {}
        self._hurry_until = 0.0
        self._received = Received(self._on_received)  # kept: C holds its address
        self._pushing: Line | None = None
        self._running, self._native_id = threading.Event(), 0
        sys.setswitchinterval(SWITCH_SECONDS)
        threading.Thread(target=self._run, name="ingest", daemon=True).start()
        threading.Thread(target=self._watch, name="ingest-watch", daemon=True).start()

    def take_over(self, webrtcbin: Any) -> list[int]:
        """Receive for a webrtcbin that has its transports. Keys for :meth:`drop`; from any thread."""
        keys = []
        sources = webrtcbin.iterate_all_by_element_factory_name("nicesrc")
        while (found := sources.next())[0] == Gst.IteratorResult.OK:
            if not _linked(found[1]):
                continue  # taken over before
            line, key = Line(found[1]), next(self._keys)
            self._lines[key] = line
            self._hurry_until = time.monotonic() + HURRY_SECONDS
            line.attach(self._context, self._received, key)
            keys.append(key)
        return keys

    def drop(self, keys: list[int]) -> None:
        """Receive no more; before the webrtcbin stops."""
        for key in keys:
            self._lines.pop(key).close()

    def _on_received(self, _agent: int, _stream: int, _component: int, length: int, data: int, key: int) -> None:
        line = self._lines.get(key)
        if line is not None:
            line.take(data, length)
            self._filled[key] = line

    def _run(self) -> None:
        name_thread("ingest")
        self._native_id = threading.get_native_id()
        self._running.set()
        due = time.monotonic()
        while True:
            _glib.g_main_context_iteration(self._context, 0)
            for line in self._filled.values():
                self._pushing = line
                line.push()
            self._pushing = None
            self._filled.clear()
            now = time.monotonic()
            due = max(due + (HURRY_PERIOD if now < self._hurry_until else PERIOD), now)
            time.sleep(due - now)

    def _watch(self) -> None:
        """webrtcbin holds back media that was not agreed on; from a hostile peer such may come."""
        self._running.wait()
        thread, seen, looks = Waiting(self._native_id), None, 0
        while True:
            time.sleep(STUCK_SECONDS / STUCK_LOOKS)
            pushing = self._pushing
            looks = looks + 1 if thread.still() and pushing is not None and pushing is seen else 0
            seen = pushing
            if looks >= STUCK_LOOKS and pushing is not None:
                log.warning("a peer connection takes no packets: cut off")
                pushing.flush()


_making = threading.Lock()
_made: list[Ingest] = []


def ingest() -> Ingest:
    """The one of this process, started when first asked for (by several threads at once, it may be)."""
    with _making:
        if not _made:
            _made.append(Ingest())
        return _made[0]
