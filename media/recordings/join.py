"""Makes one file of the segments that a browser's MediaRecorder left, cut to a span of the sitting: packet by packet.

What is shown before the span is not kept, but the first picture needs the pictures since its key frame. These are
squeezed into the file's first milliseconds, one per millisecond, so that nothing has to be encoded anew.
"""

import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from media.recordings.remux import OPTIONS, ZERO, Unplayable

DEMUXERS = {"video/webm": "matroska", "video/mp4": "mov"}
"""Named, so that no playlist or other format that refers to files is ever guessed from a stranger's bytes."""
CODECS = {"video/webm": {"vp8", "vp9", "opus"}, "video/mp4": {"h264", "aac", "opus"}}
FORMATS = {"video/webm": "webm", "video/mp4": "mp4"}
LONGER_MS = 2000
"""A browser's timer may be late by this; a segment that shows more time than it claims is no recording of it."""
HOLE_MS = 500
"""Between two segments; a longer one is time that nothing shows."""
STILL_MS = 1500
"""Browsers give a still screen's picture about once a second: so long the last one of a segment stands."""
MOVING_MS = 250
"""A camera's pictures, which come with sound, follow each other; a later end is a hole."""
MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the browser, and when it was recorded by the server's clock."""

    start_ms: int
    end_ms: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """A packet of a segment at its time on the timeline."""

    kind: str
    at_ms: int
    until_ms: int
    packet: Any


@dataclass(slots=True)
class Read:
    """A segment taken apart."""

    segment: Segment
    look: tuple[Any, ...]
    """What has to be equal for two segments to go into one file."""
    pieces: list[Piece] = field(default_factory=list)
    reader: Any = None

    @property
    def until_ms(self) -> int:
        """Return up to when the segment shows something."""
        seen = max((piece.until_ms for piece in self.pieces if piece.kind == "video"), default=0)
        stands = MOVING_MS if any(kind == "audio" for kind, *_ in self.look) else STILL_MS
        return min(self.segment.end_ms, seen + stands)


@dataclass(frozen=True, slots=True)
class Joined:
    """One file, and the span of the timeline that it shows."""

    path: Path
    start_ms: int
    end_ms: int
    duration_ms: int
    media: dict[str, Any]


def join(segments: Sequence[Segment], mime: str, span: tuple[int, int], folder: Path) -> Iterator[Joined]:
    """Write into ``folder`` what the segments show of ``span``, and yield the files in order of time.

    There are several where the segments leave a hole, or where pictures or sound changed their form. Raises
    ``Unplayable`` for what is no recording, of another codec, or longer than the time it was recorded in.
    """
    runs: list[list[Read]] = []
    for segment in segments:
        read = _read(segment, mime)
        last = runs[-1][-1] if runs else None
        if last is not None and last.look == read.look and segment.start_ms - last.until_ms <= HOLE_MS:
            runs[-1].append(read)
        else:
            runs.append([read])
    for number, run in enumerate(runs):
        joined = _write(run, mime, span, folder / f"{number}.{FORMATS[mime]}")
        if joined is not None:
            yield joined


def _read(segment: Segment, mime: str) -> Read:
    try:
        reader = av.open(io.BytesIO(segment.content), format=DEMUXERS[mime])
    except (av.error.FFmpegError, ValueError) as error:
        raise Unplayable(f"A segment cannot be read: {error}") from error
    streams = [*reader.streams.video[:1], *reader.streams.audio[:1]]
    strange = [stream.codec_context.name for stream in reader.streams if not _is_known(stream, mime)]
    if strange or not reader.streams.video:
        raise Unplayable(f"A segment has {', '.join(strange) or 'no pictures'}, which a browser does not record.")
    look = tuple((one.type, one.codec_context.name, bytes(one.codec_context.extradata or b"")) for one in streams)
    read = Read(segment, look, reader=reader)
    packets = list(_packets(reader, {stream.index for stream in streams}))
    zero = max(min((packet.dts * packet.time_base for packet in packets), default=Fraction()), Fraction())
    for packet in packets:
        at = segment.start_ms + round((packet.dts * packet.time_base - zero) * 1000)
        length = round((packet.duration or 0) * packet.time_base * 1000)
        read.pieces.append(Piece(packet.stream.type, at, at + length, packet))
    shown = max((piece.until_ms for piece in read.pieces), default=0) - segment.start_ms
    if shown > segment.end_ms - segment.start_ms + LONGER_MS:
        raise Unplayable(f"A segment shows {shown} ms of {segment.end_ms - segment.start_ms} ms.")
    return read


def _is_known(stream: Any, mime: str) -> bool:
    return stream.type in {"video", "audio"} and stream.codec_context.name in CODECS[mime]


def _packets(reader: Any, wanted: set[int]) -> Iterator[Any]:
    try:
        for packet in reader.demux():
            if (packet.pts is None and packet.dts is None) or packet.stream.index not in wanted:
                continue
            if packet.dts is None:  # a torn file's; live pictures are decoded in the order they are shown
                packet.dts = packet.pts
            yield packet
    except av.error.FFmpegError:  # the torn end of a page that was closed
        return


def _write(run: list[Read], mime: str, span: tuple[int, int], path: Path) -> Joined | None:
    """Return the run's file; None when nothing of it is within the span."""
    start, end = max(span[0], run[0].segment.start_ms), min(span[1], run[-1].until_ms)
    lead, kept = _cut(run, start, end)
    if end <= start or not (lead or any(piece.kind == "video" for piece in kept)):
        return None
    if not lead:  # the first picture comes later than the span begins
        start = max(start, next(piece.at_ms for piece in kept if piece.kind == "video"))
    container = FORMATS[mime]
    with av.open(str(path), "w", format=container, options={**OPTIONS[container], **ZERO}) as writer:
        streams = (run[0].reader.streams.video[:1], run[0].reader.streams.audio[:1])
        outputs = {one.type: writer.add_stream_from_template(one) for one in itertools.chain(*streams)}
        counts = _mux(writer, outputs, _placed(lead, kept, (start, end)), start)
    facts = {one.type: _facts(one, counts) for one in itertools.chain(*streams)}
    return Joined(path, start, end, end - start, {**facts, "container": container})


def _placed(lead: list[Piece], kept: list[Piece], span: tuple[int, int]) -> list[Piece]:
    """Return the pieces as the file shows them: the lead squeezed, the last picture standing until the span's end.

    Else a screen on which nothing changed would make a file of no length.
    """
    start, end = span
    squeezed = (
        replace(piece, at_ms=start + number, until_ms=start + number + 1) for number, piece in enumerate(lead)
    )
    placed = [*squeezed, *kept]
    last = max(number for number, piece in enumerate(placed) if piece.kind == "video")
    placed[last] = replace(placed[last], until_ms=max(placed[last].until_ms, end))
    return placed


def _cut(run: list[Read], start: int, end: int) -> tuple[list[Piece], list[Piece]]:
    """Return the pictures needed before ``start``, and all pieces from then on; of overlapping segments the later."""
    lead: list[Piece] = []
    kept: list[Piece] = []
    for read, after in itertools.zip_longest(run, run[1:]):
        until = min(end, after.segment.start_ms) if after is not None else end
        begun = False
        for piece in read.pieces:
            if piece.kind == "video" and not begun:
                begun = bool(piece.packet.is_keyframe)
                if not begun:
                    continue  # cannot be shown without what came before
            if piece.at_ms >= until:
                continue
            if piece.at_ms >= start:
                kept.append(piece)
            elif piece.kind == "video":
                lead = [piece] if piece.packet.is_keyframe else [*lead, piece]
    first = next((piece for piece in kept if piece.kind == "video"), None)
    if first is not None and first.at_ms <= start and first.packet.is_keyframe:
        lead = []
    return lead, kept


def _mux(writer: Any, outputs: dict[str, Any], pieces: list[Piece], start: int) -> dict[str, int]:
    last = dict.fromkeys(outputs, -1)
    counts = {"video": 0, "audio": 0, "keyframes": 0}
    for piece in pieces:
        packet = piece.packet
        behind = round(
            ((packet.pts if packet.pts is not None else packet.dts) - packet.dts) * packet.time_base * 1000
        )
        last[piece.kind] = max(last[piece.kind] + 1, piece.at_ms - start)
        length = max(piece.until_ms - start - last[piece.kind], 0)
        packet.stream = outputs[piece.kind]
        packet.time_base = MILLISECOND
        packet.dts, packet.pts, packet.duration = last[piece.kind], last[piece.kind] + behind, length
        counts[piece.kind] += 1
        counts["keyframes"] += piece.kind == "video" and bool(packet.is_keyframe)
        writer.mux(packet)
    return counts


def _facts(stream: Any, counts: dict[str, int]) -> dict[str, Any]:
    facts: dict[str, Any] = {"codec": stream.codec_context.name, "packets": counts[stream.type], "first_ms": 0}
    if stream.type == "video":
        facts |= {"width": stream.width, "height": stream.height, "keyframes": counts["keyframes"]}
    return facts
