"""One thread per mixing hub: sound of all ports into one for each, pictures of all into one for everybody.

By hand and by the clock rather than by GStreamer's mixers: those wait for the slowest input up to its latency (a
second behind a browser's jitter buffer), and talk would lag by it whenever somebody's camera is covered. Here whoever
has nothing to say at a tick is silent, and whose picture does not come is shown as last seen, then black.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.node.encoding import RAW_AUDIO, EncodedOutlet, decoder
from media.node.graph import Branch, Graph, Outlet
from media.node.gst import Gst, caps, make
from media.node.layouts import Canvas, Cell

log = logging.getLogger(__name__)

TICK = 0.02
"""Seconds of sound that are mixed at once."""
SAMPLES = 960 * 2
"""16-bit numbers of a tick: 48 kHz, two channels."""
TICK_BYTES = SAMPLES * 2
CUSHION = 3
"""Ticks of sound kept before one speaks: 60 ms, what a network's jitter leaves of even spacing."""
MOST = 12
"""Ticks of sound kept at most: who comes late by more is cut, the others do not wait."""
STALE = 5.0
"""Seconds after which a picture that does not change any more is taken for gone; browsers repeat a still screen."""
LATE = 0.5
"""Seconds the thread may lag before it skips what it missed."""
ONE_PICTURE, MUCH_SOUND = 1, 25
"""Frames that wait for the next tick: the newest picture, half a second of sound."""

Layout = Callable[[list[str]], Mapping[str, Cell]]
"""Names of the ports that have a picture, in the order of their coming -> their cells."""
Voices = Callable[[str, list[str]], list[str]]
"""Name of a listening port, names of those that have sound -> those it hears."""
Samples = NDArray[np.int32]


@dataclass
class Voice:
    """Sound of one port on its way into the mix."""

    sink: Any
    stored: bytearray = field(default_factory=bytearray)
    speaking: bool = False

    def take(self) -> Samples | None:
        """The next tick's samples; None while there is nothing to say."""
        while (sample := self.sink.try_pull_sample(0)) is not None:
            buffer = sample.get_buffer()
            self.stored += buffer.extract_dup(0, buffer.get_size())
        if len(self.stored) > MOST * TICK_BYTES:
            del self.stored[: len(self.stored) - CUSHION * TICK_BYTES]
        self.speaking = len(self.stored) >= (TICK_BYTES if self.speaking else CUSHION * TICK_BYTES)
        if not self.speaking:
            return None
        taken = np.frombuffer(bytes(self.stored[:TICK_BYTES]), np.int16).astype(np.int32)
        del self.stored[:TICK_BYTES]
        return taken


@dataclass
class Face:
    """Picture of one port on its way into the mix; ``shape`` scales it to its cell."""

    sink: Any
    shape: Any
    cell: Cell | None = None
    picture: bytes = b""
    came: float = 0.0

    def fit(self, cell: Cell | None) -> None:
        """Have it scaled to a cell from now on, its proportions kept."""
        if cell is not None and (
            self.cell is None or (cell.width, cell.height) != (self.cell.width, self.cell.height)
        ):
            size = f"width={cell.width},height={cell.height},pixel-aspect-ratio=1/1"
            self.shape.set_property("caps", caps(f"video/x-raw,format=I420,{size}"))
        self.cell = cell

    def look(self, now: float) -> None:
        """Take the newest picture."""
        sample = self.sink.try_pull_sample(0)
        if sample is not None:
            buffer = sample.get_buffer()
            self.picture, self.came = buffer.extract_dup(0, buffer.get_size()), now
        elif self.picture and now - self.came > STALE:
            self.picture = b""


class Mix:
    """The inputs, outputs and the thread of one hub. Called from any thread; ``layout`` and ``voices`` in several."""

    def __init__(self, graph: Graph, size: tuple[int, int], framerate: int, layout: Layout, voices: Voices) -> None:
        """Nothing runs before the first output is asked for."""
        self.graph, self._framerate = graph, framerate
        self._layout, self._voices_of = layout, voices
        self._canvas = Canvas(*size)
        self._voices: dict[str, Voice] = {}
        self._faces: dict[str, Face] = {}
        self._ears: dict[str, tuple[EncodedOutlet, Any]] = {}
        self._screen: tuple[EncodedOutlet, Any] | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    # ---- inputs

    def open_input(self, name: str, outlet: Outlet) -> Branch:
        """Decode an outlet's media into the mix."""
        if outlet.kind == "audio":
            sink = _sink(MUCH_SOUND, RAW_AUDIO)
            branch = Branch(outlet, [*decoder(outlet.codec), sink])
            with self._lock:
                self._voices[name] = Voice(sink)
            return branch
        sink, shape = _sink(ONE_PICTURE), make("capsfilter", caps=caps("video/x-raw,format=I420"))
        scale = make("videoscale", add_borders=True)
        branch = Branch(outlet, [*decoder(outlet.codec), scale, shape, sink])
        with self._lock:
            self._faces[name] = Face(sink, shape)
            self.arrange()
        return branch

    def close_input(self, name: str, kind: str) -> None:
        """Forget an input; its branch is closed by the caller."""
        with self._lock:
            if kind == "audio":
                self._voices.pop(name, None)
            elif self._faces.pop(name, None) is not None:
                self.arrange()

    def arrange(self) -> None:
        """Give everybody a cell anew. Under the lock, or before anything runs."""
        cells = self._layout(list(self._faces))
        for name, face in self._faces.items():
            face.fit(cells.get(name))
        self._canvas.clear()

    def rearrange(self) -> None:
        """The layout's rules changed."""
        with self._lock:
            self.arrange()

    # ---- outputs

    def sound_for(self, name: str) -> EncodedOutlet:
        """What a port hears."""
        outlet = EncodedOutlet(self.graph, "audio")
        source = outlet.feed_raw(RAW_AUDIO, bytes(2 * TICK_BYTES))
        with self._lock:
            self._ears[name] = (outlet, source)
        self._start()
        return outlet

    def picture(self) -> EncodedOutlet:
        """What all ports see; one for all of them."""
        if self._screen is None:
            outlet = EncodedOutlet(self.graph, "video")
            size = f"width={self._canvas.width},height={self._canvas.height}"
            raw = f"video/x-raw,format=I420,{size},framerate={self._framerate}/1"
            source = outlet.feed_raw(raw, self._canvas.to_bytes())
            self._screen = (outlet, source)
            self._start()
        return self._screen[0]

    def forget_ear(self, name: str) -> None:
        """A port listens no more; its outlet is closed by the caller."""
        with self._lock:
            self._ears.pop(name, None)

    def close(self) -> None:
        """Stop the thread and remove the common picture; nothing hangs on it any more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        if self._screen is not None:
            self._screen[0].close()
            self._screen = None

    # ---- the thread

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mix", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        due, picture_due = time.monotonic(), 0.0
        origin, ticks = self.graph.running_time(), 0
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            now = time.monotonic()
            if now - due > LATE:
                missed = int((now - due) / TICK)
                due, ticks = due + missed * TICK, ticks + missed
            with self._lock:
                try:
                    self._mix_sound(origin + int(ticks * TICK * Gst.SECOND))
                    if now >= picture_due and self._screen is not None:
                        picture_due = max(picture_due + 1 / self._framerate, now)
                        self._mix_pictures(now, *self._screen)
                except Exception:
                    log.exception("a tick of a mix failed")
            due, ticks = due + TICK, ticks + 1

    def _mix_sound(self, at_ns: int) -> None:
        heard = {name: taken for name, voice in self._voices.items() if (taken := voice.take()) is not None}
        for name, (outlet, source) in self._ears.items():
            if outlet.wanted:
                total = np.zeros(SAMPLES, np.int32)
                for speaker in self._voices_of(name, list(heard)):
                    total += heard[speaker]
                _push(source, np.clip(total, -32768, 32767).astype(np.int16).tobytes(), at_ns, TICK)

    def _mix_pictures(self, now: float, outlet: EncodedOutlet, source: Any) -> None:
        faces = sorted(self._faces.values(), key=lambda face: face.cell.z if face.cell else 0)
        for face in faces:
            face.look(now)
            if face.cell is not None and not (face.picture and self._canvas.draw(face.cell, face.picture)):
                self._canvas.blank(face.cell)
        if outlet.wanted:
            _push(source, self._canvas.to_bytes(), self.graph.running_time(), 1 / self._framerate)


def _push(source: Any, data: bytes, at_ns: int, seconds: float) -> None:
    buffer = Gst.Buffer.new_wrapped(data)
    buffer.pts, buffer.duration = at_ns, int(seconds * Gst.SECOND)
    source.emit("push-buffer", buffer)


def _sink(frames: int, wanted: str = "") -> Any:
    sink = make("appsink", sync=False, async_=False, emit_signals=False, max_buffers=frames, drop=True)
    if wanted:
        sink.set_property("caps", caps(wanted))
    return sink
