"""Processor time, memory and open files of this process, of its parent and siblings where gunicorn has made it."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

_WORDS: Final = {
    "cpu_seconds": "Processor time of this process and those it is one with",
    "resident_memory_bytes": "Memory it has just now",
    "open_fds": "Files and sockets it has open",
    "max_fds": "How many each of them may have",
}
_SMALLEST: Final = {"start_time_seconds": "When the first of them began, in seconds since 1970"}


def itself() -> list[int]:
    """Return this process alone."""
    return [os.getpid()]


def family_of(parent: int) -> Callable[[], list[int]]:
    """Return a function that finds a process and its children."""

    def find() -> list[int]:
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        except OSError:  # the kernel does not tell, or it ended
            return [parent, os.getpid()]
        return [parent, *map(int, children)]

    return find


class ProcessFigures(Collector):
    """The library's figures of a process, under our names and summed up over several."""

    def __init__(self, pids: Callable[[], Iterable[int]] = itself) -> None:
        """``pids`` is asked at each scrape."""
        self._pids = pids

    def collect(self) -> Iterator[Metric]:
        """Yield what /proc tells; nothing where it does not."""
        found: dict[str, list[float]] = {}
        for pid in self._pids():
            reader = ProcessCollector(pid=lambda pid=pid: pid, registry=None)  # type: ignore[misc]
            for metric in reader.collect():
                values = found.setdefault(metric.name.removeprefix("process_"), [])
                values += [sample.value for sample in metric.samples]
        for name, text in _WORDS.items():
            if name not in found:
                continue
            if name == "cpu_seconds":
                yield CounterMetricFamily(f"kustos_process_{name}", text, value=sum(found[name]))
            else:
                value = max(found[name]) if name == "max_fds" else sum(found[name])
                yield GaugeMetricFamily(f"kustos_process_{name}", text, value=value)
        for name, text in _SMALLEST.items():
            if found.get(name):
                yield GaugeMetricFamily(f"kustos_process_{name}", text, value=min(found[name]))
