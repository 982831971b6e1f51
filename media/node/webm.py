"""A small WebM writer for VP8 and Opus (Matroska for H.264) that survives a kill: whole clusters, written at once.

Format: RFC 8794 (EBML), RFC 9559 (Matroska). What was written is playable at any moment; :meth:`finish` adds what a
complete file has besides: its duration, an index and a size.
"""

import contextlib
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
SEEK_HEAD_ROOM = 100
"""Bytes kept free for the three entries of the seek head, which is known at the end only."""
PRIVATE_ROOM = 512
"""Bytes kept free for the parameter sets of H.264, which come with the first key frame; they have some 50."""
CLUSTER_SPAN_MS = 30_000
"""Block times are 16-bit ms relative to their cluster's."""
APART_MS = {"video": 1, "audio": 2}
"""What times that ran backwards are put apart. Decoders of sound count samples between two times and round: packets
1 ms apart may come out at the same time, and FFmpeg calls such a file damaged."""
AUDIO_CUE_MS = 5_000
"""A file without pictures is indexed this often."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded picture or packet of sound. ``at_ms`` counts from the file's beginning."""

    kind: str
    at_ms: int
    data: bytes

    @property
    def codec(self) -> str:
        """VP8, H264 or opus."""
        return "VP8" if self.kind == "video" else "opus"

    @property
    def keyframe(self) -> bool:
        """Whether decoding can begin here (RFC 6386, 9.1: bit 0 of a VP8 frame says so)."""
        return self.kind == "audio" or (len(self.data) > 0 and not self.data[0] & 1)

    def size(self) -> tuple[int, int] | None:
        """Width and height that a VP8 key frame carries; None for anything else."""
        if self.kind != "video" or not self.keyframe or len(self.data) < 10 or self.data[3:6] != b"\x9d\x01\x2a":
            return None
        width, height = struct.unpack("<HH", self.data[6:10])
        return width & 0x3FFF, height & 0x3FFF

    def configuration(self) -> bytes:
        """What the track's header needs of this frame; VP8 needs nothing."""
        return b""


def element(identifier: int, content: bytes) -> bytes:
    """One EBML element."""
    return _identifier(identifier) + _size(len(content)) + content


def _identifier(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _size(number: int) -> bytes:
    for length in range(1, 9):
        if number < (1 << (7 * length)) - 1:
            return (number | 1 << (7 * length)).to_bytes(length, "big")
    raise ValueError("too big for EBML")


def _whole(identifier: int, value: int, length: int | None = None) -> bytes:
    return element(identifier, value.to_bytes(length or max(1, (value.bit_length() + 7) // 8), "big"))


def _text(identifier: int, value: str) -> bytes:
    return element(identifier, value.encode())


def _header(kind: str) -> bytes:
    versions = _whole(0x4286, 1) + _whole(0x42F7, 1) + _whole(0x42F2, 4) + _whole(0x42F3, 8)
    return element(0x1A45DFA3, versions + _text(0x4282, kind) + _whole(0x4287, 4) + _whole(0x4285, 2))


@dataclass
class WebmWriter:
    """Writes one file. Not for several threads at once.

    ``kinds``: the tracks, ``("video", "audio")`` or one of them. OSError of the file system passes through; a write
    that failed half-way is cut off, so that the file stays valid.
    """

    path: Path
    _file: int = -1
    _offset: int = 0
    _segment: int = 0
    _duration_at: int = 0
    _picture_at: int = 0
    _private_at: int = 0
    _tracks: dict[str, int] = field(default_factory=dict)
    _last_ms: dict[str, int] = field(default_factory=dict)
    _cues: list[tuple[int, int, int]] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)
    _picture: tuple[int, int] | None = None

    def open(self) -> None:
        """Make the folder and the (empty) file; OSError when that is not possible."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)

    @property
    def begun(self) -> bool:
        """Whether the header is written."""
        return bool(self._tracks)

    def begin(
        self, kinds: Sequence[str], picture: tuple[int, int] | None, channels: int = 2, codec: str = "VP8"
    ) -> None:
        """Write the header. ``picture``: width and height, None if not known yet. ``codec`` is the video's."""
        start = _header("matroska" if codec == "H264" else "webm") + _identifier(0x18538067) + UNKNOWN_SIZE
        self._segment = len(start)
        self._places[0x1549A966] = SEEK_HEAD_ROOM
        info = _whole(0x2AD7B1, 1_000_000) + _text(0x4D80, "Kustos") + _text(0x5741, "Kustos")
        duration = element(0x4489, struct.pack(">d", 0.0))
        info_element = element(0x1549A966, info + duration)
        self._duration_at = len(start) + SEEK_HEAD_ROOM + len(info_element) - 8
        self._places[0x1654AE6B] = SEEK_HEAD_ROOM + len(info_element)
        entries = b""
        for number, kind in enumerate(kinds, 1):
            self._tracks[kind] = number
            entries += _video_track(number, picture, codec) if kind == "video" else _audio_track(number, channels)
        tracks = element(0x1654AE6B, entries)
        text = start + _void(SEEK_HEAD_ROOM) + info_element + tracks
        if "video" in kinds:
            self._picture_at = text.rindex(b"\xb0\x82") if picture is None else 0
            self._private_at = text.rindex(_void(PRIVATE_ROOM)) if codec == "H264" else 0
        self._write(text)

    def write(self, frames: Sequence[Frame]) -> None:
        """Append frames as clusters; times that run backwards within a track are put right."""
        batch: list[Frame] = []
        for frame in sorted(frames, key=lambda item: item.at_ms):
            if frame.kind not in self._tracks:
                continue
            at_ms = max(frame.at_ms, self._last_ms.get(frame.kind, -APART_MS[frame.kind]) + APART_MS[frame.kind])
            self._last_ms[frame.kind] = at_ms
            moved = frame if at_ms == frame.at_ms else replace(frame, at_ms=at_ms)
            if batch and moved.at_ms - batch[0].at_ms > CLUSTER_SPAN_MS:
                self._cluster(batch)
                batch = []
            batch.append(moved)
        if batch:
            self._cluster(batch)

    def finish(self, duration_ms: int) -> None:
        """Write index, duration and size, and close the file."""
        if self._file < 0:
            return
        try:
            if self.begun:
                self._index(max(duration_ms, *self._last_ms.values(), 0))
        finally:
            os.close(self._file)
            self._file = -1

    # ---- inside

    def _write(self, content: bytes) -> None:
        view = memoryview(content)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            with contextlib.suppress(OSError):  # the first error is the one to tell
                os.ftruncate(self._file, self._offset)
                os.lseek(self._file, self._offset, os.SEEK_SET)
            raise
        self._offset += len(content)

    def _cluster(self, frames: Sequence[Frame]) -> None:
        start_ms = min(frame.at_ms for frame in frames)
        blocks = b"".join(self._block(frame, start_ms) for frame in frames)
        self._note_cues(frames)
        if self._picture_at and (size := next((s for f in frames if (s := f.size())), None)):
            picture = b"\xb0\x82" + struct.pack(">H", size[0]) + b"\xba\x82" + struct.pack(">H", size[1])
            os.pwrite(self._file, picture, self._picture_at)
            self._picture_at = 0
        if self._private_at and (private := next((p for f in frames if (p := f.configuration())), b"")):
            content = element(0x63A2, private)
            os.pwrite(self._file, content + _void(PRIVATE_ROOM - len(content)), self._private_at)
            self._private_at = 0
        self._write(element(0x1F43B675, _whole(0xE7, start_ms) + blocks))

    def _block(self, frame: Frame, start_ms: int) -> bytes:
        flags = 0x80 if frame.keyframe else 0
        head = struct.pack(">BhB", 0x80 | self._tracks[frame.kind], frame.at_ms - start_ms, flags)
        return element(0xA3, head + frame.data)

    def _note_cues(self, frames: Sequence[Frame]) -> None:
        place = self._offset - self._segment
        kind = "video" if "video" in self._tracks else "audio"
        for frame in frames:
            if frame.kind == kind and frame.keyframe:
                if kind == "audio" and self._cues and frame.at_ms - self._cues[-1][0] < AUDIO_CUE_MS:
                    continue
                self._cues.append((frame.at_ms, self._tracks[kind], place))

    def _index(self, duration_ms: int) -> None:
        self._places[0x1C53BB6B] = self._offset - self._segment
        cues = b"".join(
            element(0xBB, _whole(0xB3, at) + element(0xB7, _whole(0xF7, track) + _whole(0xF1, place)))
            for at, track, place in self._cues
        )
        if cues:
            self._write(element(0x1C53BB6B, cues))
        seek = b"".join(
            element(0x4DBB, element(0x53AB, _identifier(name)) + _whole(0x53AC, place, 8))
            for name, place in self._places.items()
            if cues or name != 0x1C53BB6B
        )
        head = element(0x114D9B74, seek)
        os.pwrite(self._file, head + _void(SEEK_HEAD_ROOM - len(head)), self._segment)
        os.pwrite(self._file, struct.pack(">d", float(duration_ms)), self._duration_at)
        size = (self._offset - self._segment) | 1 << 56
        os.pwrite(self._file, size.to_bytes(8, "big"), self._segment - 8)
        os.fdatasync(self._file)


def _void(room: int) -> bytes:
    """An element of exactly ``room`` bytes that readers skip."""
    return b"\xec" + (room - 9 | 1 << 56).to_bytes(8, "big") + bytes(room - 9)


def _video_track(number: int, picture: tuple[int, int] | None, codec: str) -> bytes:
    width, height = picture or (640, 480)  # put right with the first key frame
    video = _whole(0xB0, width, 2) + _whole(0xBA, height, 2)
    head = _whole(0xD7, number) + _whole(0x73C5, number) + _whole(0x83, 1) + _whole(0x9C, 0)
    name = _text(0x86, "V_MPEG4/ISO/AVC") + _void(PRIVATE_ROOM) if codec == "H264" else _text(0x86, "V_VP8")
    return element(0xAE, head + name + element(0xE0, video))


def _audio_track(number: int, channels: int) -> bytes:
    """RFC 7845 gives the Opus head; pre-skip 0, since recording begins in the middle of a stream."""
    private = b"OpusHead" + struct.pack("<BBHIHB", 1, channels, 0, 48000, 0, 0)
    audio = element(0xB5, struct.pack(">d", 48000.0)) + _whole(0x9F, channels)
    head = _whole(0xD7, number) + _whole(0x73C5, number) + _whole(0x83, 2) + _whole(0x9C, 0)
    seek_preroll = _whole(0x56BB, 80_000_000)
    return element(
        0xAE, head + _text(0x86, "A_OPUS") + element(0x63A2, private) + seek_preroll + element(0xE1, audio)
    )
