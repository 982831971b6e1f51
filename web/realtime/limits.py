"""Bounds on what one socket may say: a token bucket for the rate, a window for what was malformed."""

import time
from collections import deque
from collections.abc import Callable

Clock = Callable[[], float]


class TokenBucket:
    """Allows ``rate`` takes a second in the long run and ``burst`` at once."""

    def __init__(self, rate: float, burst: int, clock: Clock = time.monotonic) -> None:
        """Start full, so that a page may say at once all it has to say."""
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()

    def take(self) -> bool:
        """Take one token; False when there is none."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class RecentCount:
    """Counts what happened within the last ``seconds``; never holds more than ``limit`` + 1 times."""

    def __init__(self, limit: int, seconds: float, clock: Clock = time.monotonic) -> None:
        """``limit`` is how many are borne."""
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._times: deque[float] = deque(maxlen=limit + 1)

    def add(self) -> bool:
        """Count one; True when that was one too many."""
        now = self._clock()
        self._times.append(now)
        while self._times[0] < now - self._seconds:
            self._times.popleft()
        return len(self._times) > self._limit
