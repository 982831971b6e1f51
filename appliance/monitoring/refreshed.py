"""Figures that take time to find out: asked by threads, kept for some seconds, given up when the answer hangs."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import Final

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance import logs

PATIENCE_SECONDS: Final = 4.0
"""A scrape may take ten seconds; who hangs longer is left out of it, and told again when it came back."""

log = structlog.get_logger(__name__)

Ask = Callable[[], Iterable[Metric]]


class Group:
    """Figures that are asked for together, one asking at a time: a disk that hangs holds one thread, not all."""

    def __init__(self, name: str, ask: Ask, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """``ask`` runs in a thread; what it said is told for ``seconds``, an error for as long."""
        self.name, self._ask, self._seconds, self._clock = name, ask, seconds, clock
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"figures {name}")
        self._asked: Future[list[Metric]] | None = None
        self._asked_at = 0.0

    def asked(self) -> Future[list[Metric]]:
        """Return the asking under way, the answer of a moment ago, or a new asking."""
        with self._lock:
            now, former = self._clock(), self._asked
            if former is not None and (not former.done() or now - self._asked_at < self._seconds):
                return former
            self._asked, self._asked_at = self._thread.submit(lambda: list(self._ask())), now
            return self._asked


class Refreshed(Collector):
    """Groups of figures. ``kustos_figures_complete{group=…}`` says which of them could be had."""

    def __init__(self, groups: Sequence[Group], patience: float = PATIENCE_SECONDS) -> None:
        """Nothing is asked yet."""
        self._groups, self._patience = groups, patience

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: to be registered must not ask anything."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Ask all at once, and yield what was found in time."""
        name, text = "kustos_figures_complete", "1 when a group of figures could be asked for in time"
        whole = GaugeMetricFamily(name, text, labels=["group"])
        until = time.monotonic() + self._patience
        for group, asked in [(group, group.asked()) for group in self._groups]:
            found = _answer(group.name, asked, max(0.0, until - time.monotonic()))
            whole.add_metric([group.name], 0 if found is None else 1)
            yield from found or ()
        yield whole


def _answer(name: str, asked: Future[list[Metric]], seconds: float) -> list[Metric] | None:
    try:
        return asked.result(seconds)
    except NotInTime:
        log.warning("figures late", group=name)
    except Exception as error:
        log.warning("figures missing", group=name, error=logs.words(error))
    return None
