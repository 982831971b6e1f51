"""A track as pictures on the time of a film: which one stands at a moment, or why there is none."""

from collections.abc import Iterator
from typing import NamedTuple

import av.error
from av.video.frame import VideoFrame

from media.exports.film import LEAST_HOLE_MS, OpenPiece
from media.exports.plan import Hole, Piece


class Shown(NamedTuple):
    """What there is to see of a track at a moment: a picture, or nothing, perhaps with the hole it is in."""

    frame: VideoFrame | None
    piece: Piece | None
    hole: Hole | None


class _Frame(NamedTuple):
    at_ms: float
    piece: Piece
    frame: VideoFrame


class Pictures:
    """Decodes forward only, holding two pictures."""

    def __init__(self, pieces: list[Piece], holes: list[Hole], open_piece: OpenPiece) -> None:
        """Take a track's pieces and holes in the order of time."""
        self._holes = holes
        self._frames = self._decoded(pieces, open_piece)
        self._now: _Frame | None = None
        self._next = next(self._frames, None)

    def at(self, at_ms: int) -> Shown:
        """Return what is to be seen at a moment that is not before the last one asked for."""
        while self._next is not None and self._next.at_ms <= at_ms:
            self._now, self._next = self._next, next(self._frames, None)
        hole = next((hole for hole in self._holes if hole.start_ms <= at_ms < hole.end_ms), None)
        now = self._now
        if hole is not None or now is None or at_ms >= now.piece.end_ms + LEAST_HOLE_MS:
            return Shown(None, None, hole)
        return Shown(now.frame, now.piece, None)

    def close(self) -> None:
        """Close what is open."""
        self._frames.close()  # type: ignore[attr-defined] # it is a generator

    @staticmethod
    def _decoded(pieces: list[Piece], open_piece: OpenPiece) -> Iterator[_Frame]:
        for piece in pieces:
            with open_piece(piece) as reader:
                for packet in reader.demux(reader.streams.video[0]):
                    try:
                        frames = packet.decode()
                    except av.error.InvalidDataError:
                        continue  # one picture is damaged; those before and after it are not
                    for frame in frames:
                        at_ms = piece.start_ms + float(frame.time or 0) * 1000
                        if at_ms < piece.end_ms:
                            yield _Frame(at_ms, piece, frame)
