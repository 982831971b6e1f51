"""Brakes kept in process memory: how often an address may knock, and what was noted a moment ago."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from appliance.errors import TooMany

MAX_KEYS = 10_000
"""Entries a table keeps (about 2 MB); the ones used longest ago go first: a flood of addresses cannot fill memory."""


class TokenBuckets:
    """A token bucket per key: ``burst`` at once, then ``per_second``. N processes allow N times as much."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with full buckets."""
        self.burst = burst
        self.per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, key: Hashable) -> None:
        """Take one token; raise ``TooMany`` with ``retry_seconds`` when there is none."""
        with self._lock:
            now = self._clock()
            tokens, at = self._buckets.pop(key, (float(self.burst), now))
            tokens = min(self.burst, tokens + (now - at) * self.per_second)
            self._buckets[key] = (max(tokens - 1, 0.0) if tokens >= 1 else tokens, now)
            while len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        if tokens < 1:
            raise TooMany(retry_seconds=math.ceil((1 - tokens) / self.per_second))


class RecentlySeen:
    """Tells the first of a run of equal events from those that follow within ``seconds``.

    A player asks for a recording in hundreds of ranges; the audit log wants to hear of one viewing.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty."""
        self.seconds = seconds
        self._clock = clock
        self._seen: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = Lock()

    def is_new(self, key: Hashable) -> bool:
        """Note the event; True when it was not noted within the span before."""
        with self._lock:
            now = self._clock()
            noted = self._seen.get(key)
            if noted is not None and now - noted < self.seconds:
                return False
            self._seen.pop(key, None)
            self._seen[key] = now
            while len(self._seen) > MAX_KEYS:
                self._seen.popitem(last=False)
            return True

    def forget(self, key: Hashable) -> None:
        """Take a note back, when what it noted was rolled back."""
        with self._lock:
            self._seen.pop(key, None)
