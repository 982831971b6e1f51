"""What a run leaves when it is killed: Ansible, which does not notice and goes on, and a folder with secrets."""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ALIVE: Final = ".alive"
"""A file that is locked as long as the process lives that made its folder."""
END_SECONDS: Final = 10.0


def private_folder(runs: Path, kind: str) -> Path:
    """Return a name for a folder of Ansible's own below ``runs``, which nobody has yet."""
    return runs / f".{kind}-{secrets.token_hex(6)}"


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Make a folder that is taken away at the end with all that was started with it, by ``clear`` if need be."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ALIVE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            _end(folder)  # who stops Ansible does not stop its workers: each leads a session of its own
            shutil.rmtree(folder, ignore_errors=True)


def clear(runs: Path) -> int:
    """End the Ansible of processes that are gone and take their folders away; return how many there were."""
    return sum(_cleared(file) for file in sorted(runs.glob(f".*/{ALIVE}")))


def _cleared(file: Path) -> bool:
    with contextlib.suppress(OSError), file.open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _end(file.parent)
        shutil.rmtree(file.parent, ignore_errors=True)
        return True
    return False  # its owner is at work


def _end(folder: Path) -> None:
    """As Ctrl-C would have done; what modules do on other hosts comes to its end there."""
    until = time.monotonic() + END_SECONDS
    _tell(folder, signal.SIGTERM)
    while _processes(folder) and time.monotonic() < until:
        time.sleep(0.1)
    _tell(folder, signal.SIGKILL)


def _tell(folder: Path, what: signal.Signals) -> None:
    for number in _processes(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, what)


def _processes(folder: Path) -> list[int]:
    """Return who was started with this folder: Ansible, and its workers."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if os.fsencode(folder) in file.read_bytes():
                found.append(int(file.parent.name))
    return [number for number in found if number != os.getpid()]
