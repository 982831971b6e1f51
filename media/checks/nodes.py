"""Is a media node well? It is reached, answers quickly, and has processor time left."""

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import Any, Final

from appliance.diagnostics.report import Figures, Step, failed, passed, warning
from media.kurento import ConnectionLost, KurentoClient, KurentoError, RequestTimeout

MANAGER: Final = "manager_ServerManager"
CPU_MS: Final = 700
ASKED: Final = 7
"""Questions whose median is the time to answer: one slow answer is no overload."""
BUSY_PERCENT, FULL_PERCENT = 70.0, 88.0
"""Of all processors of the machine."""
SLOW_MS, TOO_SLOW_MS = 60.0, 150.0
"""A question takes 1 ms on an idle node and 2 on a busy one. One that waits 100 ms for a processor's turn at each has
lost its media long before: connections fall, and they must not be blamed for it."""
BURST: Final = 200
"""Questions at once. A process that is starved is still given a moment for a small question: only work shows it."""
SLOW_BURST_MS, TOO_SLOW_BURST_MS = 400.0, 800.0
"""All answers of the burst: 20 to 90 ms from an idle node, 1400 and more from one that gets a hundredth of a core
(measured on two cores, the node at nice 19 beside two loops on its core)."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a node says of itself."""

    answer_ms: float
    burst_ms: float
    """Until the last answer of a burst of questions."""
    cpu_percent: float | None
    """Of all its processors."""
    memory_mb: int | None
    pipelines: int | None
    version: str


async def measure(client: KurentoClient) -> Health:
    """Ask a node how it is; raise ``KurentoError``."""
    times = []
    for _ in range(ASKED):
        begin = time.monotonic()
        info = await client.invoke(MANAGER, "getInfo")
        times.append((time.monotonic() - begin) * 1000)
    begin = time.monotonic()
    await asyncio.gather(*(client.invoke(MANAGER, "getInfo") for _ in range(BURST)))
    burst_ms = (time.monotonic() - begin) * 1000
    used = await _number(client, "getUsedCpu", interval=CPU_MS)
    count = await _number(client, "getCpuCount") or 1.0
    memory = await _number(client, "getUsedMemory")
    pipelines = await client.invoke(MANAGER, "getPipelines")
    return Health(
        answer_ms=round(statistics.median(times), 1),
        burst_ms=round(burst_ms),
        cpu_percent=None if used is None else round(used / count, 1),
        memory_mb=None if memory is None else round(memory / 1024),
        pipelines=len(pipelines or []),
        version=str((info or {}).get("version", "")),
    )


async def _number(client: KurentoClient, operation: str, **params: Any) -> float | None:
    try:
        return float(await client.invoke(MANAGER, operation, **params))
    except (TypeError, ValueError):
        return None
    except (ConnectionLost, RequestTimeout):
        raise
    except KurentoError:  # a node that does not know this question
        return None


def judge(url: str, health: Health) -> Step:
    """Return the node's step."""
    figures: Figures = {
        "answer_ms": health.answer_ms,
        "burst_ms": health.burst_ms,
        "cpu_percent": health.cpu_percent,
        "memory_mb": health.memory_mb,
        "pipelines": health.pipelines,
        "version": health.version,
    }
    cpu = health.cpu_percent or 0.0
    if cpu >= FULL_PERCENT or health.answer_ms >= TOO_SLOW_MS or health.burst_ms >= TOO_SLOW_BURST_MS:
        return failed("node", "node_overloaded", url, figures=figures)
    if cpu >= BUSY_PERCENT or health.answer_ms >= SLOW_MS or health.burst_ms >= SLOW_BURST_MS:
        return warning("node", "node_busy", url, figures=figures)
    return passed("node", url, figures)


def not_there(url: str, error: KurentoError) -> Step:
    """Return the step of a node that could not be asked."""
    hangs = isinstance(error, RequestTimeout) or isinstance(error.__cause__, TimeoutError)
    cause = "node_hangs" if hangs else "node_unreachable"
    return failed("node", cause, url, error.message)
