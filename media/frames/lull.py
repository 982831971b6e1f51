"""Notices that a track gives nothing."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from media.frames.frame import NoPicture, NoSound

Nothing = TypeVar("Nothing", NoPicture, NoSound)
AGAIN_MS = 1000
"""How often it is told."""


class Lull(Generic[Nothing]):
    """Follows one track's time and tells its holes."""

    def __init__(self, kind: type[Nothing], source: str, opened_ms: int, after_ms: int) -> None:
        """``after_ms``: how long without anything is worth telling; then once a second."""
        self._kind: type[Nothing] = kind
        self._source, self._after_ms = source, after_ms
        self._last_ms = opened_ms
        self._due_ms = opened_ms + after_ms

    @property
    def due_ms(self) -> int:
        """When it will be told next if nothing comes."""
        return self._due_ms

    def ends(self, at_ms: int) -> None:
        """There was something until then."""
        self._last_ms = at_ms
        self._due_ms = at_ms + self._after_ms

    def until(self, at_ms: int) -> Iterator[Nothing]:
        """Tell each second before this time in which there was nothing."""
        while self._due_ms < at_ms:
            yield self._kind(self._due_ms, self._last_ms, self._source)
            self._due_ms += AGAIN_MS

    def now(self, at_ms: int) -> list[Nothing]:
        """Tell it of this moment, if it is due: a live source was held up, maybe, and has no use for the past."""
        if at_ms < self._due_ms:
            return []
        self._due_ms = at_ms + min(AGAIN_MS, self._after_ms)
        return [self._kind(at_ms, self._last_ms, self._source)]
