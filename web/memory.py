"""What a process of web remembers between requests."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

MAX_KEYS = 10_000
"""Entries a table keeps (about 2 MB); the ones used longest ago go first: a flood cannot fill memory."""

VIEWING_SECONDS = 600
"""One viewing of a recording or a photo: what is asked for again within this time is the same look."""


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


class Memory:
    """All of it."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self.viewings = RecentlySeen(VIEWING_SECONDS)
