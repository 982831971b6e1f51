"""Pure: which sealed part goes into which film, and from when to when."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from appliance.vocabulary import PartSource, PartState, Track

WEBM_VIDEO = frozenset({"vp8", "vp9", "av1"})
"""What WebM takes; everything else goes into MP4."""


LEAST_GAP_MS = 250
"""A gap that is shorter is between a recorder's start and its first picture."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One part's place on the time of a film, in milliseconds from its zero."""

    part_id: int
    track: Track
    sequence: int
    source: PartSource
    vault_object_id: int
    start_ms: int
    end_ms: int
    """Where its file ends, or where the next piece begins and the rest of it is left out."""
    cut_ms: int
    """How much of its end is left out."""
    video: str
    audio: str
    """Names of the codecs; empty: none."""

    @property
    def container(self) -> str:
        """Return the file format that takes these packets as they are."""
        return "webm" if self.video in WEBM_VIDEO and self.audio in {"", "opus", "vorbis"} else "mp4"


@dataclass(frozen=True, slots=True)
class Film:
    """Pieces of one track that go into one file."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Hole:
    """A span of a film's time that no piece shows."""

    start_ms: int
    end_ms: int
    cause: str
    """Of the gap in the manifest; empty where it has none."""


def pieces(manifest: dict[str, Any], vault_objects: dict[int, int], track: Track) -> list[Piece]:
    """Return the sealed parts of a track in the order of time, without overlap.

    Where two overlap, the earlier one is cut: nothing that is left refers to its end. A part that lies wholly within
    another, which happens when a browser's own recording turns out not to be missing, is left out.
    """
    zero = manifest["zero_ms"]
    whole = [
        _piece(part, vault_objects[part["id"]], zero)
        for part in manifest["parts"]
        if part["track"] == track and part["state"] == PartState.SEALED and part["duration_ms"] and part["video"]
    ]
    placed: list[Piece] = []
    for piece in sorted(whole, key=lambda piece: (piece.start_ms, -piece.end_ms)):
        if placed and piece.end_ms <= placed[-1].end_ms:
            continue
        if placed and piece.start_ms < placed[-1].end_ms:
            last = placed[-1]
            placed[-1] = replace(last, end_ms=piece.start_ms, cut_ms=last.end_ms - piece.start_ms)
        placed.append(piece)
    return placed


def films(track: Track, placed: list[Piece]) -> list[Film]:
    """Return one film where all pieces are of the same codecs, else one for each run of pieces that are."""
    runs: list[list[Piece]] = []
    for piece in placed:
        if runs and _go_together(runs[-1][-1], piece):
            runs[-1].append(piece)
        else:
            runs.append([piece])
    names = [track.value] if len(runs) == 1 else [f"{track.value}-{number}" for number in range(1, len(runs) + 1)]
    return [Film(f"{name}.{run[0].container}", tuple(run)) for name, run in zip(names, runs, strict=True)]


def holes(
    placed: Iterable[Piece], gaps: list[dict[str, Any]], track: Track, whole_ms: int, zero_ms: int, least_ms: int
) -> list[Hole]:
    """Return the spans between the pieces, each with the cause of the gap that fits best.

    A span shorter than ``least_ms`` that no gap knows of is none: the picture before it still stood.
    """
    edges = [(0, 0), *((piece.start_ms, piece.end_ms) for piece in placed), (whole_ms, whole_ms)]
    own = [gap for gap in gaps if gap["track"] == track]
    found = []
    for (_, end), (start, _) in pairwise(edges):
        shared = [(_shared(gap, end + zero_ms, start + zero_ms), gap["cause"]) for gap in own]
        length, cause = max(shared, default=(0, ""))
        if start - end >= least_ms or length >= LEAST_GAP_MS:
            found.append(Hole(end, start, cause if length > 0 else ""))
    return found


def _piece(part: dict[str, Any], vault_object_id: int, zero_ms: int) -> Piece:
    start = part["start_ms"] - zero_ms
    video, audio = part["video"] or {}, part["audio"] or {}
    return Piece(
        part_id=part["id"],
        track=Track(part["track"]),
        sequence=part["sequence"],
        source=PartSource(part["source"]),
        vault_object_id=vault_object_id,
        start_ms=start,
        end_ms=start + part["duration_ms"],
        cut_ms=0,
        video=video.get("codec") or "",
        audio=audio.get("codec") or "",
    )


def _go_together(one: Piece, other: Piece) -> bool:
    """A picture may change its size within VP8 and VP9; H.264 has headers outside its packets."""
    same_video = one.video == other.video and one.video in {"vp8", "vp9"}
    return same_video and (not one.audio or not other.audio or one.audio == other.audio)


def _shared(gap: dict[str, Any], start_ms: int, end_ms: int) -> int:
    return int(min(gap["end_ms"], end_ms) - max(gap["start_ms"], start_ms))
