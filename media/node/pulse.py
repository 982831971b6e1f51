"""One thread that looks at everything every 200 ms: recorders, flows, messages of GStreamer.

Polling costs less than a Python callback for every packet, and one thread less than one for every recorder.
"""

import ctypes
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

PERIOD = 0.2

Tick = Callable[[], None]
_PR_SET_NAME = 15
_libc = ctypes.CDLL(None)


def name_thread(name: str) -> None:
    """Give the calling thread a name that ``top -H`` and profilers show (up to 15 letters)."""
    _libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


class Pulse:
    """Calls what is registered, again and again. A tick that raises is logged and goes on."""

    def __init__(self, period: float = PERIOD) -> None:
        """Start the thread."""
        self._period = period
        self._ticks: tuple[Tick, ...] = ()
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()

    def add(self, tick: Tick) -> None:
        """From any thread."""
        with self._changing:
            self._ticks = (*self._ticks, tick)

    def discard(self, tick: Tick) -> None:
        """From any thread; a tick may still be under way on return."""
        with self._changing:
            self._ticks = tuple(item for item in self._ticks if item != tick)

    def close(self) -> None:
        """Stop the thread and wait for it."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        name_thread("pulse")
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._period, time.monotonic())
            for tick in self._ticks:
                try:
                    tick()
                except Exception:
                    log.exception("a look at the media failed")
