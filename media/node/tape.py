"""What a recorder does in threads: frames from appsinks into a file, on one time line."""

import errno
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media.node import direct
from media.node.graph import Branch, Outlet
from media.node.gst import make
from media.node.h264 import H264Frame
from media.node.webm import Frame, WebmWriter

log = logging.getLogger(__name__)

MAX_BUFFERS = 500
"""Frames an appsink keeps when the disk stalls: 10 s of sound, 33 s of pictures. Then it drops the oldest."""
KEYFRAME_SECONDS = 0.5
"""A key frame that did not come is asked for again after this."""
PICTURE_SECONDS = 2.0
"""Sound waits so long for the first picture; after that it is recorded without."""
OLDEST_NS, NEWEST_NS = 2_500_000_000, 500_000_000
"""A frame's time is believed when it lies so close to its arrival: jitter buffer 1 s, pulse 0.2 s, and some load."""


@dataclass(frozen=True, slots=True)
class WriteError:
    """Kurento's name of what went wrong, and a sentence."""

    kind: str
    description: str


class Track:
    """One kind of media on its way to the file."""

    def __init__(self, outlet: Outlet) -> None:
        """Hang an appsink on the outlet."""
        self.kind, self.outlet = outlet.kind, outlet
        self.sink: Any = make(
            "appsink", sync=False, async_=False, emit_signals=False, max_buffers=MAX_BUFFERS, drop=True
        )
        self.branch = Branch(outlet, [self.sink], keyframe=False)
        self.awaiting_keyframe = True
        self.asked = 0.0
        self._shift_ns = 0
        self._pulled_ns: int | None = None
        self._oldest_ns = self._newest_ns = 0  # what is believed in this pull; the time of the last frame

    def pull(self, now_ns: int) -> list[tuple[int, bytes]]:
        """All frames that came, in their order: (running time in ns, data)."""
        found: list[tuple[int, bytes]] = []
        waited_ns = 0 if self._pulled_ns is None else now_ns - self._pulled_ns  # long after a disk that hung
        self._pulled_ns, self._oldest_ns = now_ns, now_ns - OLDEST_NS - waited_ns
        while (pulled := direct.pull(hash(self.sink))) is not None:
            at_ns, data = pulled
            if data:
                found.append((self._time(at_ns, now_ns), data))
        if len(found) >= MAX_BUFFERS and self.kind == "video":
            # It was full: what built on the frames it dropped would be shown damaged. No frame is looked at for this.
            log.warning("pictures were dropped while the disk hung; going on with the next key frame")
            self.awaiting_keyframe, self.asked = True, 0.0
        return found

    def frame(self, at_ms: int, data: bytes) -> Frame:
        """What came, as the file takes it."""
        return H264Frame.of(at_ms, data) if self.outlet.codec == "H264" else Frame(self.kind, at_ms, data)

    def _time(self, at_ns: int, now_ns: int) -> int:
        """A frame's running time; by its arrival when its own clock jumped, so that a gap stays a gap."""
        if at_ns == direct.NONE:
            return now_ns
        at = at_ns + self._shift_ns
        if not self._oldest_ns <= at <= now_ns + NEWEST_NS:
            self._shift_ns += now_ns - at
            at = now_ns
        # A frame builds on the one before: whatever clocks do, the file is not to hold them the other way round.
        self._newest_ns = max(self._newest_ns, at)
        return self._newest_ns

    def ask_keyframe(self) -> None:
        """Ask the source, not more often than needed."""
        if time.monotonic() - self.asked >= KEYFRAME_SECONDS:
            self.asked = time.monotonic()
            self.outlet.ask_keyframe()


class Tape:
    """One recording. :meth:`tick` runs in the pulse's thread, the rest in the node's threads."""

    def __init__(
        self,
        path: Path,
        kinds: tuple[str, ...],
        clock: Callable[[], int],
        on_begin: Callable[[], None],
        on_error: Callable[[WriteError], None],
    ) -> None:
        """``kinds``: what may be recorded. ``clock`` gives the running time in ns."""
        self.path, self._kinds, self._clock = path, kinds, clock
        self._on_begin, self._on_error = on_begin, on_error
        self._tracks: dict[str, Track] = {}
        self._writer: WebmWriter | None = None
        self._lock = threading.Lock()
        self._running = False
        self._zero_ns = 0
        self._paused_ns = 0
        self._codec = ""
        self._waiting: list[Frame] = []
        self.threaded = False

    def thread(self, outlet: Outlet) -> Branch | None:
        """Take a kind of media."""
        if outlet.kind not in self._kinds:
            return None
        track = Track(outlet)
        with self._lock:
            self._tracks[outlet.kind] = track
        return track.branch

    def unthread(self, outlet: Outlet, branch: Branch) -> None:
        """Take it no more; what came is written first."""
        with self._lock:
            self._take()
            track = self._tracks.get(outlet.kind)
            if track is not None and track.branch is branch:
                del self._tracks[outlet.kind]
        branch.close()

    def start(self) -> WriteError | None:
        """Begin at this moment, or go on after a pause. The error that prevents it, if any."""
        with self._lock:
            if self._running:
                return None
            now_ns = self._clock()
            if self._writer is None:
                writer = WebmWriter(self.path)
                try:
                    writer.open()
                except OSError as error:
                    return _write_error(error, self.path, opening=True)
                self._writer, self._zero_ns = writer, now_ns
            else:
                self._zero_ns += now_ns - self._paused_ns
            self._running = True
            for track in self._tracks.values():
                track.pull(now_ns)
                track.awaiting_keyframe = track.kind == "video"
                track.asked = 0.0
                track.ask_keyframe()
        return None

    def pause(self) -> None:
        """Write nothing until the next start."""
        with self._lock:
            self._take()
            self._paused_ns, self._running = self._clock(), False

    def stop(self) -> None:
        """Write what came, complete the file, close it."""
        with self._lock:
            self._take()
            writer, self._writer = self._writer, None
            end_ns = self._clock() if self._running else self._paused_ns
            self._running = False
            if writer is None:
                return
            try:
                if self._waiting and not writer.begun:
                    self._begin(writer)
                writer.finish((end_ns - self._zero_ns) // 1_000_000)
            except OSError as error:
                self._on_error(_write_error(error, self.path))

    def tick(self) -> None:
        """Write what came since the last tick."""
        with self._lock:
            self._take()

    # ---- inside, under the lock

    def _take(self) -> None:
        writer = self._writer
        if not self._running or writer is None:
            for track in self._tracks.values():
                track.pull(self._clock())
            return
        frames = self._frames()
        if writer.begun and any(frame.kind == "video" and frame.codec != self._codec for frame in frames):
            error = WriteError("STREAM_ERROR_FORMAT", f"{self.path} ends: its source changed to another video codec")
            self._break(writer, error)
            return
        try:
            if writer.begun:
                writer.write(frames)
                return
            self._waiting += frames
            if self._ready():
                self._begin(writer)
        except OSError as error:
            self._break(writer, _write_error(error, self.path))

    def _break(self, writer: WebmWriter, error: WriteError) -> None:
        """Complete the file as far as possible and tell why it ends."""
        self._running, self._writer, self._waiting = False, None, []
        try:
            writer.finish((self._clock() - self._zero_ns) // 1_000_000)
        except OSError:
            log.warning("%s has no index: the disk takes no more", self.path)
        self._on_error(error)

    def _frames(self) -> list[Frame]:
        now_ns = self._clock()
        frames: list[Frame] = []
        for track in self._tracks.values():
            for at_ns, data in track.pull(now_ns):
                frame = track.frame((at_ns - self._zero_ns) // 1_000_000, data)
                if track.awaiting_keyframe and not frame.keyframe:
                    continue
                if frame.at_ms < 0:
                    continue  # older than the recording
                track.awaiting_keyframe = False
                frames.append(frame)
            if track.awaiting_keyframe:
                track.ask_keyframe()
        return frames

    def _ready(self) -> bool:
        """Whether the header can be written: the first picture is there, or sound waited for it long enough."""
        if not self._waiting:
            return False
        if any(frame.kind == "video" for frame in self._waiting) or "video" not in self._tracks:
            return True
        return self._clock() - self._zero_ns > PICTURE_SECONDS * 1_000_000_000

    def _begin(self, writer: WebmWriter) -> None:
        kinds = [kind for kind in self._kinds if kind in self._tracks or any(f.kind == kind for f in self._waiting)]
        picture = next((size for frame in self._waiting if (size := frame.size())), None)
        self._codec = self._tracks["video"].outlet.codec if "video" in self._tracks else "VP8"
        self._codec = next((frame.codec for frame in self._waiting if frame.kind == "video"), self._codec)
        writer.begin(kinds, picture, codec=self._codec)
        frames, self._waiting = self._waiting, []
        writer.write(frames)
        self._on_begin()


def _write_error(error: OSError, path: Path, opening: bool = False) -> WriteError:
    """In the names of GStreamer's resource errors, which Kurento tells."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        kind = "RESOURCE_ERROR_NO_SPACE_LEFT"
    else:
        kind = "RESOURCE_ERROR_OPEN" if opening else "RESOURCE_ERROR_WRITE"
    return WriteError(kind, f"Cannot {'open' if opening else 'write'} {path}: {error.strerror}")
