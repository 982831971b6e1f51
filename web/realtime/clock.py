"""The browser's clock against the server's, measured by the socket's pings."""

from collections import deque
from statistics import median

SAMPLES = 9  # an odd number has a middle one; at a ping in 10 s that is the last minute and a half

FUTURE_MS = 2_000  # what may be wrong with a measured offset on a bad network
PAST_MS = 60_000  # a page may hold a report back while its socket is away, but not for longer than this


class BrowserClock:
    """The offset (browser minus server, ms) as the median of the last measurements.

    A ping carries the browser's time when it was sent and the round trip that the browser saw of the ping before:
    it was sent half a round trip before it came (Cristian's algorithm, 1989).
    """

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self._known: int | None = None

    def know(self, offset_ms: int) -> None:
        """Take what an earlier socket of the same browser measured, until this one has; 0 is "not measured"."""
        self._known = offset_ms or None

    def ping(self, at: float, rtt_ms: float | None, now_ms: float) -> None:
        """Learn from a ping sent ``at`` (browser's ms) that came at ``now_ms``; a nonsense round trip counts as 0."""
        way = rtt_ms / 2 if rtt_ms is not None and 0 <= rtt_ms <= 30_000 else 0.0
        self._samples.append(at - (now_ms - way))

    @property
    def measured(self) -> bool:
        """Whether there is anything to convert by."""
        return bool(self._samples) or self._known is not None

    @property
    def offset_ms(self) -> int:
        """The browser's clock minus the server's; 0 while unknown."""
        if self._samples:
            return round(median(self._samples))
        return self._known or 0

    def to_server(self, at: float, now_ms: int) -> int:
        """Return the server's time of the browser's ``at``, kept within what can have happened just now.

        An unmeasured clock is not believed: the time of arrival is taken.
        """
        if not self.measured:
            return now_ms
        guess = round(at - self.offset_ms)
        return min(max(guess, now_ms - PAST_MS), now_ms + FUTURE_MS)
