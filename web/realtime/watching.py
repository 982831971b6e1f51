"""What one socket shows its person live, and from when to when: for the audit log."""

from collections import UserDict
from collections.abc import Callable
from typing import NamedTuple

from appliance.db import to_ms, utcnow

TILES = "tiles"
"""Instead of a track: the small pictures of the wall, of both tracks."""


class Watched(NamedTuple):
    """A span in which pictures of a sitting went to this socket, in UTC milliseconds."""

    sitting_id: int
    track: str
    start_ms: int
    end_ms: int


class Watching:
    """Spans that go on, and those that ended and are not told yet."""

    def __init__(self, clock: Callable[[], int] = lambda: to_ms(utcnow())) -> None:
        """Start with nothing; ``clock`` gives UTC milliseconds."""
        self._clock = clock
        self._open: dict[str, tuple[int, str, int]] = {}
        self._ended: list[Watched] = []

    def begin(self, name: str, sitting_id: int, track: str) -> None:
        """Pictures flow from now on; a second time changes nothing."""
        self._open.setdefault(name, (sitting_id, track, self._clock()))

    def end(self, name: str) -> None:
        """They flow no more; unknown ones never did."""
        begun = self._open.pop(name, None)
        if begun is not None:
            sitting_id, track, start = begun
            self._ended.append(Watched(sitting_id, track, start, max(start, self._clock())))

    def show_tiles(self, sitting_ids: frozenset[int]) -> None:
        """The wall shows just these sittings."""
        wanted = {f"{TILES} {number}": number for number in sitting_ids}
        for name in [name for name in self._open if name.startswith(f"{TILES} ") and name not in wanted]:
            self.end(name)
        for name, number in wanted.items():
            self.begin(name, number, TILES)

    def end_all(self) -> None:
        """The socket is gone."""
        for name in list(self._open):
            self.end(name)

    def take(self) -> list[Watched]:
        """Return what ended since this was asked last."""
        ended, self._ended = self._ended, []
        return ended

    def give_back(self, ended: list[Watched]) -> None:
        """Keep what could not be told, for the next try."""
        self._ended = [*ended, *self._ended]


class Views(UserDict[str, int]):
    """Connections that watch: name -> sitting's id. Whoever takes one out ends its span."""

    def __init__(self, watching: Watching) -> None:
        """Start empty."""
        super().__init__()
        self.watching = watching

    def __delitem__(self, name: str) -> None:
        """End the span with the connection."""
        super().__delitem__(name)
        self.watching.end(_of_view(name))

    def shown(self, name: str, track: str) -> None:
        """Pictures of this connection flow from now on."""
        if name in self:
            self.watching.begin(_of_view(name), self[name], track)


def _of_view(name: str) -> str:
    return f"view {name}"
