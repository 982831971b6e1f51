"""Measures the disks for the disk guard: how fast the recordings grow, what is free, what waits to be sealed."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import structlog

from appliance.errors import ApplianceError
from appliance.services import disk_guard
from appliance.services.disk_guard import MEASURED_SECONDS, SEALED_AT_ONCE, Measured
from appliance.vocabulary import DiskState
from media.pipelines.recorder_watch import RecorderWatch
from media.pipelines.store import Store

PERIOD = 5.0
"""A full room takes 20 MB in this time."""
SMOOTH_SECONDS = 60.0
"""The rate is a moving average: a change of slides makes a screen's rate tenfold for some seconds."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Disks:
    """What the file systems say, in bytes."""

    free: int
    vault_free: int | None
    unsealed: int
    largest: int


class DiskWatch:
    """One timer of a gateway."""

    def __init__(
        self,
        store: Store,
        recorders: RecorderWatch,
        recorded: Callable[[], int],
        folders: tuple[Path, Path],
        reserve_mb: int,
        gateway: str,
    ) -> None:
        """``recorded``: how many sittings record now; ``folders``: recordings and vault."""
        self._store, self._recorders, self._recorded = store, recorders, recorded
        self._folders, self._reserve, self._gateway = folders, reserve_mb * disk_guard.MB, gateway
        # One thread of its own, as a disk that hangs would hold it.
        self._eyes = ThreadPoolExecutor(1, thread_name_prefix="disk watch")
        self._rate = 0.0
        self._steady_since: float | None = None
        self._count = 0
        self._state = DiskState.OK
        self.figures: dict[str, object] = {}
        """The newest forecast, for the health check."""

    async def run(self) -> None:
        """Measure for ever."""
        looked_at = time.monotonic()
        while True:
            try:
                await self._measure(time.monotonic() - looked_at)
            except (ApplianceError, OSError) as error:
                log.warning("disks not measured", error=str(error))
            looked_at = time.monotonic()
            await asyncio.sleep(PERIOD)

    def close(self) -> None:
        """Leave a look that hangs to the end of the process."""
        self._eyes.shutdown(wait=False, cancel_futures=True)

    async def _measure(self, seconds: float) -> None:
        now, recorded = time.monotonic(), self._recorded()
        self._note_rate(self._recorders.take_grown(), seconds, recorded)
        disks = await asyncio.get_running_loop().run_in_executor(self._eyes, look, *self._folders)
        steady = self._steady_since is not None and now - self._steady_since > MEASURED_SECONDS
        measured = Measured(
            disks.free,
            disks.vault_free,
            disks.unsealed,
            disks.largest,
            self._rate,
            recorded,
            steady and self._rate > 0,
        )
        row = await self._store.run(disk_guard.update, self._gateway, measured, self._reserve)
        self.figures = disk_guard.payload(row)
        if row.state is not self._state:
            worse = row.state is DiskState.CLOSED or self._state is DiskState.OK
            say = log.error if row.state is DiskState.CLOSED else log.warning if worse else log.info
            say("disk", former=self._state.value, reserve_mb=self._reserve // disk_guard.MB, **self.figures)
            self._state = row.state

    def _note_rate(self, grown: int, seconds: float, recorded: int) -> None:
        """The average begins anew when sittings come or go: their sum is another then."""
        if recorded != self._count:
            self._rate = self._rate * recorded / self._count if self._count else 0.0
            self._count = recorded
        if not recorded:
            self._steady_since = None
        elif self._steady_since is None:
            self._steady_since = time.monotonic()
        if seconds > 0:
            share = min(1.0, seconds / SMOOTH_SECONDS) if self._rate else 1.0
            self._rate += share * (grown / seconds - self._rate)


def look(recordings: Path, vault: Path) -> Disks:
    """Return what the file systems say; raise OSError."""
    sizes = sorted(_sizes(recordings), reverse=True)
    here, there = _existing(recordings), _existing(vault)
    same = here.stat().st_dev == there.stat().st_dev
    return Disks(
        shutil.disk_usage(here).free,
        None if same else shutil.disk_usage(there).free,
        sum(sizes),
        sum(sizes[:SEALED_AT_ONCE]),
    )


def _sizes(folder: Path) -> list[int]:
    try:
        with os.scandir(folder) as found:
            sittings = [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    sizes = []
    for sitting in sittings:
        with os.scandir(sitting) as files:
            sizes += [file.stat().st_size for file in files if file.name.endswith(".webm")]
    return sizes


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
