"""Checks that support asked for on its page: claimed here, carried out by a process of their own.

A process of its own loads GStreamer for the synthetic candidate, may be killed, and breaks nothing here when it does.
"""

import asyncio
import sys
from typing import Final

import structlog

from appliance.errors import ApplianceError
from appliance.services import pipeline_checks
from media.pipelines.store import Store

AT_ONCE: Final = 2
"""Each takes some 20 s of a fifth of a processor; more would disturb what they look at."""
WAITING: Final = 16
"""Checks that wait for one of those; who asks beyond that reads that nobody takes it."""

log = structlog.get_logger(__name__)


class Checks:
    """The checks of this gateway."""

    def __init__(self, store: Store) -> None:
        """Nothing runs yet."""
        self._store = store
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def asked(self, check_id: int) -> None:
        """The bus told of a check: take it, unless there are too many or another gateway has it."""
        if len(self._tasks) >= AT_ONCE + WAITING:
            log.warning("too many checks", check=check_id)
            return
        task = asyncio.create_task(self._take(check_id), name=f"check {check_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what runs; its rows say so."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, check_id: int) -> None:
        try:
            if not await self._store.run(pipeline_checks.claim, check_id):
                return
            async with self._slots:
                failure = await self._carry_out(check_id)
            await self._store.run(pipeline_checks.end, check_id, None, failure)
        except ApplianceError as error:
            log.error("check not carried out", check=check_id, error=error.message)

    async def _carry_out(self, check_id: int) -> str:
        """Return why the process broke off; a check that ended well has written so itself."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "appliance.cli", "check", "--row", str(check_id)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(pipeline_checks.LONGEST.total_seconds()):
                status = await process.wait()
        except TimeoutError:
            return f"It did not end within {pipeline_checks.LONGEST.total_seconds():.0f} s."
        finally:
            if process.returncode is None:
                process.kill()
                await asyncio.shield(process.wait())
        log.info("check ended", check=check_id, status=status)
        return f"Its process ended with status {status}."
