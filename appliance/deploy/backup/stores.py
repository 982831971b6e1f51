"""Where backups lie: a folder, or a bucket of an S3. Names are paths with ``/``; an object is there whole or not."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from appliance.deploy.backup.errors import BackupBroken, BackupFailed
from appliance.vault.files import sync_folder


class Store(Protocol):
    """What backups ask of a place. Every method raises ``BackupFailed`` where it does not do as it should."""

    def put(self, name: str, content: bytes) -> None:
        """Write an object, in place of the one there was."""

    def put_file(self, name: str, path: Path) -> None:
        """Write an object of any size; raise ``FileNotFoundError`` where the file went meanwhile."""

    def fetch(self, name: str, path: Path) -> None:
        """Read an object into a file; raise ``BackupBroken`` where there is none."""

    def read(self, name: str) -> bytes:
        """Return a small object; raise ``BackupBroken`` where there is none."""

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the names below ``prefix`` (ends with ``/``) with their bytes."""

    def remove(self, names: Iterable[str]) -> None:
        """Take objects away; one that is gone already is no error."""


class FolderStore:
    """A folder, on another medium or mounted from another host."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, made with the first object."""
        self.folder = folder

    def put(self, name: str, content: bytes) -> None:
        """Write an object."""
        with self._writing(name) as file:
            file.write(content)

    def put_file(self, name: str, path: Path) -> None:
        """Copy a file."""
        with path.open("rb") as source, self._writing(name) as file:
            shutil.copyfileobj(source, file, 1 << 20)

    def fetch(self, name: str, path: Path) -> None:
        """Copy an object into a file."""
        copy_private(self._existing(name), path)

    def read(self, name: str) -> bytes:
        """Return an object."""
        return self._existing(name).read_bytes()

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return names with their bytes."""
        found = (self.folder / prefix).rglob("*")
        files = (path for path in found if not path.name.startswith(".") and path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in files}

    def remove(self, names: Iterable[str]) -> None:
        """Take objects away, and the folders that are empty then."""
        for name in names:
            path = self.folder / name
            path.unlink(missing_ok=True)
            if path.parent != self.folder and path.parent.is_dir() and not any(path.parent.iterdir()):
                path.parent.rmdir()

    def _existing(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise BackupBroken(f"{path} is missing from the backup.")
        return path

    @contextmanager
    def _writing(self, name: str) -> Iterator[BinaryIO]:
        path = self.folder / name
        try:
            with whole_file(path) as file:
                yield file
        except FileNotFoundError:
            raise
        except OSError as error:
            raise BackupFailed(f"{path} cannot be written: {error.strerror or error}.") from error


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file (mode 0600) that has its name when it is complete and on the disk, or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def copy_private(source: Path, target: Path) -> None:
    """Copy a file so that only this user can read it."""
    with source.open("rb") as content, whole_file(target) as file:
        shutil.copyfileobj(content, file, 1 << 20)
