"""Whether an event loop turns: asked at a scrape, so that it costs nothing in between."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as NotInTime
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PATIENCE_SECONDS: Final = 3.0
"""A loop that needs longer to say a word is stuck: the longest step of any is a garbage collection."""


class LoopFigures(Collector):
    """How late a loop comes to what it is asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Of the running loop, unless another is given."""
        self._loop = loop or asyncio.get_running_loop()

    def collect(self) -> Iterator[Metric]:
        """Yield the delay."""
        name, text = "kustos_event_loop_delay_seconds", "Time until the loop came to a question asked just now"
        yield GaugeMetricFamily(name, text, value=self.delay_seconds())

    def alive(self) -> dict[str, str]:
        """Return what is wrong with the loop, for ``Health.alive``."""
        stuck = self.delay_seconds() >= PATIENCE_SECONDS
        return {"event_loop": f"it did not answer within {PATIENCE_SECONDS:.0f} s" if stuck else ""}

    def asked(self, question: Callable[[], Iterable[Metric]]) -> list[Metric]:
        """Return what a function says that may be called in the loop alone; nothing from a loop that is stuck."""

        async def ask() -> list[Metric]:
            return list(question())

        try:
            return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(PATIENCE_SECONDS)
        except (NotInTime, RuntimeError):
            return []

    def delay_seconds(self) -> float:
        """Ask it something."""
        begun = time.monotonic()
        try:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(PATIENCE_SECONDS)
        except (NotInTime, RuntimeError):
            return PATIENCE_SECONDS
        return time.monotonic() - begun
