"""Pure: which spans of a sitting are covered by nothing."""

from collections.abc import Iterable

Span = tuple[int, int]
"""Start and end in milliseconds, end excluded."""


def uncovered(whole: Span, covered: Iterable[Span], tolerance_ms: int = 0) -> list[Span]:
    """Return the spans of ``whole`` outside ``covered`` that are longer than ``tolerance_ms``, in order."""
    holes: list[Span] = []
    reached, end = whole
    for start, stop in sorted(covered):
        if min(start, end) - reached > tolerance_ms:
            holes.append((reached, min(start, end)))
        reached = max(reached, stop)
    if end - reached > tolerance_ms:
        holes.append((reached, end))
    return holes
