"""Files of secrets: they appear whole or not at all, survive a power cut, and are overwritten before they go."""

import os
import secrets
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make a new name in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(path: Path, content: bytes) -> None:
    """Write the file (mode 0600) in place of the one there is; what it held is overwritten."""
    fresh = _written(path, content)
    with _KeptOpen(path) as former:
        fresh.rename(path)
        sync_folder(path.parent)
        former.overwrite()


def put_new(path: Path, content: bytes) -> bool:
    """Write the file unless there is one; False: another process was first, and its file counts."""
    fresh = _written(path, content)
    try:
        os.link(fresh, path)
    except FileExistsError:
        return False
    finally:
        fresh.unlink()
    sync_folder(path.parent)
    return True


def erase(path: Path) -> None:
    """Overwrite the file and take its name away; one that is gone already is no error.

    What a disk that writes elsewhere (SSD, copy-on-write) keeps of it, only its own encryption can take away.
    """
    with _KeptOpen(path) as former:
        former.overwrite()
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


class _KeptOpen:
    """The file that has the name now, which keeps its bytes when the name goes to another."""

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_WRONLY)
        except FileNotFoundError:
            self._descriptor = -1

    def overwrite(self) -> None:
        """Write zeros over everything, to the disk."""
        if self._descriptor >= 0:
            os.pwrite(self._descriptor, bytes(os.fstat(self._descriptor).st_size), 0)
            os.fsync(self._descriptor)

    def __enter__(self) -> "_KeptOpen":
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def _written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        fresh.unlink()
        raise
    return fresh
