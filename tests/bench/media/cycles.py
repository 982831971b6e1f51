"""Create, view, record, release: what stays behind."""

import asyncio
import tempfile
import time
from pathlib import Path

from media.kurento import KurentoClient
from tests.bench.media import measure
from tests.bench.media.crowd import Crowd, Node, clips

AT_ONCE = 4
MARKS = (10, 30, 100, 200, 300, 500, 700, 1000)
"""Cycles after which the process is looked at."""
QUIET_SECONDS = 2.0
"""Threads that end do so within this."""


async def cycle(client: KurentoClient, folder: Path, number: int) -> None:
    """One sitting with its viewers, from its first offer to its release."""
    node = Node(client)
    crowd = Crowd(node, folder)
    try:
        await crowd.sit(number)
        await crowd.view_all()
        await node.stop()
        await node.pipelines[number].release()
    finally:
        await crowd.close()
        for _publisher, _handle, path in crowd.published.values():
            path.unlink(missing_ok=True)


async def _run(running: measure.Server, count: int) -> None:
    async with KurentoClient(running.url) as client:
        with tempfile.TemporaryDirectory(prefix="bench-media") as folder:
            done, begin, lasted = 0, time.monotonic(), [0.0]
            measure.report("cycles", done=0, **running.figures())
            for mark in [*(mark for mark in MARKS if mark < count), count]:
                numbers = iter(range(done, mark))

                async def work(numbers=numbers) -> None:
                    for number in numbers:
                        started = time.monotonic()
                        await cycle(client, Path(folder), number)
                        lasted.append(time.monotonic() - started)

                await asyncio.gather(*(work() for _worker in range(AT_ONCE)))
                done = mark
                spent = time.monotonic() - begin
                await asyncio.sleep(QUIET_SECONDS)
                figures = {
                    "cpu_ms_per_cycle": round(1000 * running.cpu() / done),
                    "seconds": round(spent),
                    "slowest_s": round(max(lasted), 1),
                }
                measure.report("cycles", done=done, **running.figures(), **figures)


def run(count: int) -> None:
    """Report after 10, 30, 100, … cycles."""
    clips()
    with measure.server("node") as (running, _folder):
        asyncio.run(_run(running, count))
