"""Tries whether the recordings' disk takes anything, before another recorder is made on a disk that failed one."""

import asyncio
import contextlib
import errno
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from appliance.vocabulary import GapCause

PROBE_BYTES = 256 * 1024
"""A disk that has less will not hold a second of two tracks."""
PROBE_SECONDS = 1.0
"""A slow disk writes that in 10 ms."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing can be recorded now."""

    cause: GapCause
    detail: str


class DiskProbe:
    """One probe at a time for a whole gateway: on a disk that hangs it costs one thread, however many tracks ask."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._hand = ThreadPoolExecutor(1, thread_name_prefix="disk probe")
        self._under_way: asyncio.Future[Trouble | None] | None = None

    async def trouble(self, folder: Path) -> Trouble | None:
        """Return what keeps ``folder`` from taking a recording, None when nothing does."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.get_running_loop().run_in_executor(self._hand, _try, folder)
        done, _ = await asyncio.wait([self._under_way], timeout=PROBE_SECONDS)
        if not done:
            return Trouble(GapCause.RECORDER_STALLED, "the disk of the recordings does not answer")
        return self._under_way.result()

    def close(self) -> None:
        """Leave a probe that hangs to the end of the process."""
        self._hand.shutdown(wait=False, cancel_futures=True)


def _try(folder: Path) -> Trouble | None:
    path = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(PROBE_BYTES))
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = f"the disk of the recordings takes nothing: {error.strerror}"
        return Trouble(GapCause.DISK_FULL if full else GapCause.RECORDER_FAILED, what)
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return None
