"""Figures of a worker: its heart, its jobs, how long they take."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from procrastinate import JobContext
from procrastinate.exceptions import JobAborted
from procrastinate.worker import Worker
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.metrics import Health, counter, gauge, histogram
from appliance.metrics.loop import LoopFigures

SILENT_SECONDS: Final = 15.0
"""A worker whose heart the database has not felt for so long works for nobody: others have its jobs."""

_JOBS: Final = counter("jobs_total", "Runs of jobs that ended here, by task and outcome", ["task", "outcome"])
_SECONDS: Final = histogram(
    "job_duration_seconds", "How long they took", ["task"], buckets=(0.1, 0.5, 2, 10, 60, 300, 1800, 7200)
)
_RUNNING: Final = gauge("jobs_running", "Jobs this process runs just now", ["task"])

_last_beat = time.monotonic()


def beats() -> None:
    """Note that the database has heard of us."""
    global _last_beat  # noqa: PLW0603 - one worker a process
    _last_beat = time.monotonic()


async def count(call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
    """Count a run; one that is handed over at shutdown is neither good nor bad."""
    task = context.job.task_name
    begun, outcome = time.monotonic(), "failed"
    _RUNNING.labels(task).inc()
    try:
        result = await call_next()
        outcome = "done"
        return result
    except JobAborted:
        outcome = "handed_over"
        raise
    except Exception:
        raise
    except BaseException:
        outcome = "handed_over"
        raise
    finally:
        _RUNNING.labels(task).dec()
        _JOBS.labels(task, outcome).inc()
        _SECONDS.labels(task).observe(time.monotonic() - begun)


class Heartbeat(Collector):
    """How long ago the database heard of this worker."""

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: it is all told by ``collect``."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the age."""
        name, text = "kustos_own_heartbeat_age_seconds", "Since this worker told the database that it lives"
        yield GaugeMetricFamily(name, text, value=time.monotonic() - _last_beat)


def of_worker() -> tuple[Health, Sequence[Collector]]:
    """Return what ``exported`` wants of the worker whose loop runs; its heart counts from now on."""
    global _last_beat  # noqa: PLW0603
    _last_beat = time.monotonic()
    loop = LoopFigures()

    def ready() -> dict[str, str]:
        silent = time.monotonic() - _last_beat
        words = f"the database has not been reached for {silent:.0f} s" if silent > SILENT_SECONDS else ""
        return {**loop.alive(), "database": words}

    return Health(loop.alive, ready), [loop, Heartbeat()]
