"""A track's parts as one film: every packet as it was recorded, on the time of the sitting; nothing is encoded anew.

Where nothing was recorded the file has a gap in time. In VP8 and VP9 a card stands at its beginning, one key frame
made here and named in the manifest, so that a player does not go on showing the last picture; other codecs have none.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from media.exports.cards import ENCODERS, card, encoded
from media.exports.plan import Film, Hole, Piece
from media.exports.words import cause_words, clock, phrase

OpenPiece = Callable[[Piece], AbstractContextManager[InputContainer]]
Progress = Callable[[float], None]
"""Called now and then with how much is done, 0 to 1; it may raise to end the work."""

OPTIONS: Final = {
    "webm": {"cues_to_front": "1", "avoid_negative_ts": "disabled"},
    "mp4": {"movflags": "+faststart", "avoid_negative_ts": "disabled"},
}
LEAST_HOLE_MS: Final = 1250
"""Browsers repeat a still screen once a second: until then its last picture stands and nothing is missing."""

EVERY: Final = 256
"""Packets between two words about progress."""


@dataclass(slots=True)
class Written:
    """What was written into a film."""

    duration_ms: int = 0
    packets: int = 0
    cards: list[dict[str, Any]] = field(default_factory=list)
    """``{"at_ms", "cause"}`` of each card."""


def write_film(
    film: Film, holes: list[Hole], target: Path, open_piece: OpenPiece, language: str, progress: Progress
) -> Written:
    """Write the film; raises FFmpeg's errors where a part cannot be read."""
    container = film.pieces[0].container
    with (
        ExitStack() as templates,
        av.open(str(target), "w", format=container, options=OPTIONS[container]) as writer,
    ):
        return _Writer(film, holes, writer, language).run(templates, open_piece, progress)


class _Writer:
    def __init__(self, film: Film, holes: list[Hole], writer: OutputContainer, language: str) -> None:
        self._film, self._writer, self._language = film, writer, language
        self._holes = list(holes) if film.pieces[0].video in ENCODERS else []
        self._streams: dict[str, Any] = {}
        self._last_dts: dict[str, Fraction] = {}
        self._size = (640, 480)
        self._written = Written()

    def run(self, templates: ExitStack, open_piece: OpenPiece, progress: Progress) -> Written:
        for piece in self._film.pieces:
            if not self._streams or (piece.audio and "audio" not in self._streams):
                self._add_streams(templates.enter_context(open_piece(piece)))
        whole = self._film.pieces[-1].end_ms
        for piece in self._film.pieces:
            self._write_cards(piece.start_ms)
            with open_piece(piece) as reader:
                for number, (kind, packet) in enumerate(packets(reader, piece)):
                    self._write(kind, packet)
                    if number % EVERY == 0:
                        progress(min(1.0, self._written.duration_ms / max(1, whole)))
        self._write_cards(None)
        return self._written

    def _add_streams(self, reader: InputContainer) -> None:
        for stream in (*reader.streams.video[:1], *reader.streams.audio[:1]):
            if stream.type not in self._streams:
                self._streams[stream.type] = self._writer.add_stream_from_template(stream)
        self._size = (reader.streams.video[0].width, reader.streams.video[0].height)

    def _write_cards(self, until_ms: int | None) -> None:
        while self._holes and (until_ms is None or self._holes[0].start_ms < until_ms):
            hole = self._holes.pop(0)
            lines = (
                phrase(self._language, "nothing"),
                cause_words(self._language, hole.cause),
                f"{clock(hole.start_ms)} - {clock(hole.end_ms)}",
            )
            packet = encoded(card(*self._size, lines), self._film.pieces[0].video)
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = hole.start_ms
            packet.duration = hole.end_ms - hole.start_ms
            if self._write("video", packet):
                self._written.cards.append({"at_ms": hole.start_ms, "cause": hole.cause})

    def _write(self, kind: str, packet: "Packet[Any]") -> bool:
        """Write a packet that comes after those before it; two parts may meet within a millisecond."""
        time_base, dts, pts = packet.time_base, packet.dts or 0, packet.pts or 0
        at = dts * time_base
        if kind not in self._streams or at <= self._last_dts.get(kind, Fraction(-1)):
            return False
        self._last_dts[kind] = at
        end = round((pts + (packet.duration or 0)) * time_base * 1000)
        self._written.duration_ms = max(self._written.duration_ms, end)
        self._written.packets += 1
        packet.stream = self._streams[kind]
        self._writer.mux(packet)
        return True


def packets(reader: InputContainer, piece: Piece) -> Iterator[tuple[str, "Packet[Any]"]]:
    """Yield a part's packets (``video`` or ``audio``) on the film's time, without what is cut from its end."""
    streams = (*reader.streams.video[:1], *reader.streams.audio[:1])
    for packet in reader.demux(*streams):
        if packet.dts is None or packet.pts is None:
            continue
        shift = round(Fraction(piece.start_ms, 1000) / packet.time_base)
        packet.dts, packet.pts = packet.dts + shift, packet.pts + shift
        if piece.cut_ms and packet.pts * packet.time_base * 1000 >= piece.end_ms:
            continue
        yield packet.stream.type, packet
