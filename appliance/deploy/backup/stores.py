"""Where backups lie: a folder, or a bucket of an S3. Names are paths with ``/``; an object is there whole or not."""

import contextlib
import os
import pwd
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
        with self._existing(name) as source:
            copy_private(source, path, self.folder)

    def read(self, name: str) -> bytes:
        """Return an object."""
        with self._existing(name) as source:
            return source.read_bytes()

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return names with their bytes."""
        found = {}
        with worded(self.folder / prefix, self.folder):
            for path in files_below(self.folder / prefix):
                with contextlib.suppress(FileNotFoundError):  # taken away meanwhile
                    found[path.relative_to(self.folder).as_posix()] = path.stat().st_size
        return found

    def remove(self, names: Iterable[str]) -> None:
        """Take objects away, and the folders that are empty then."""
        for name in names:
            path = self.folder / name
            path.unlink(missing_ok=True)
            if path.parent != self.folder and path.parent.is_dir() and not any(path.parent.iterdir()):
                path.parent.rmdir()

    @contextmanager
    def _existing(self, name: str) -> Iterator[Path]:
        path = self.folder / name
        with worded(path, self.folder):
            if not path.is_file():
                raise BackupBroken(f"{path} is missing from the backup.")
            yield path

    @contextmanager
    def _writing(self, name: str) -> Iterator[BinaryIO]:
        path = self.folder / name
        with worded(path, self.folder, "written"), whole_file(path) as file:
            yield file


def files_below(folder: Path) -> Iterator[Path]:
    """Yield files whose names do not begin with a dot; nothing where there is no such folder.

    ``Path.rglob`` leaves out what may not be read, as though it were not there; here that raises ``OSError``.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for place, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(place) / name for name in sorted(names) if not name.startswith("."))


@contextmanager
def worded(path: Path, place: Path, verb: str = "read") -> Iterator[None]:
    """Raise ``BackupFailed`` with what to do for what the system refuses of ``path`` within a place of backups.

    ``FileNotFoundError`` passes: each caller knows what that means.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        advice = _advice(place) if isinstance(error, PermissionError) else ""
        raise BackupFailed(f"{path} cannot be {verb}: {reason}.{advice}") from error


def _advice(place: Path) -> str:
    """Return how this user gets at a place; a disk from another host has that one's numbers of users."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    closed = [folder for folder in reversed(place.parents) if not os.access(folder, os.X_OK, effective_ids=True)]
    words = f"chmod a+x {closed[0]}; " if closed else ""
    return f" The user {user} may not: as root, {words}chown --recursive {user}: {place}"


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


def copy_private(source: Path, target: Path, place: Path | None = None) -> None:
    """Copy a file so that only this user can read it; raise ``BackupFailed``, ``FileNotFoundError``.

    ``place``: the one of backups that the source lies in.
    """
    place = place or source.parent
    writing = worded(target, target.parent, "written")
    with worded(source, place), source.open("rb") as content, writing, whole_file(target) as file:
        while chunk := _chunk(content, source, place):
            file.write(chunk)


def _chunk(content: BinaryIO, source: Path, place: Path) -> bytes:
    """Read on; a medium that breaks off is not taken for a disk that is full."""
    with worded(source, place):
        return content.read(1 << 20)
