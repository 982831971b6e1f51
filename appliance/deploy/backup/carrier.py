"""Carries keys, sealed files and signed papers to where backups lie: only what is new since it looked last."""

import io
import os
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

from appliance.deploy.backup.errors import BackupFailed
from appliance.deploy.backup.sealing import Seals
from appliance.deploy.backup.stores import Store, copy_private
from appliance.settings import Settings

ASIDE: Final = ("manifests", "audit")
"""Folders of small signed papers, which vouch for the database from outside of it."""
AT_ONCE: Final = 4
SUFFIX: Final = ".sealed"


class Carrier:
    """What one process knows of what is in the target already."""

    def __init__(self, settings: Settings, store: Store, keys: Path) -> None:
        """Look what is there; raise ``BackupFailed``."""
        self._settings, self._store, self._keys = settings, store, keys
        self._there = store.sizes("vault/")
        self._looked: dict[Path, int] = {}
        self._aside: dict[str, tuple[int, int]] = {}
        self._aside_of = ""
        self._pool = ThreadPoolExecutor(AT_ONCE, "kustos-backup")
        self._under_way: dict[str, Future[int]] = {}

    def carry_keys(self) -> None:
        """Make the folder of keys what the appliance's is now; raise ``BackupFailed``.

        What was destroyed is taken away last, and only when nothing changed meanwhile: while the master key is being
        exchanged, both of its generations are kept.
        """
        source, target = self._settings.keys, self._keys
        try:
            before = _stamps(source)
            there = _stamps(target)
            for name, stamp in before.items():
                copy = target / name
                if there.get(name) != stamp:
                    copy_private(source / name, copy)
                    os.utime(copy, ns=(stamp[1], stamp[1]))
            if before and _stamps(source) == before:
                for name in there.keys() - before.keys():
                    (target / name).unlink(missing_ok=True)
        except FileNotFoundError:
            return  # destroyed while it was copied: the next time says what is right
        except OSError as error:
            raise BackupFailed(f"The keys cannot be written to {target}: {error.strerror or error}.") from error

    def carry_files(self, seconds: float | None = None) -> tuple[int, int]:
        """Bring sealed files that are new; return how many are still on their way, and bytes that arrived.

        ``seconds``: no longer than that; None: until all are there. Raises ``BackupFailed``.
        """
        for name, path in self._new_files():
            if name not in self._under_way:
                self._under_way[name] = self._pool.submit(self._carry, name, path)
        done, _ = wait(self._under_way.values(), seconds)
        arrived = 0
        for name in [name for name, future in self._under_way.items() if future in done]:
            future = self._under_way.pop(name)
            try:
                arrived += future.result()
            except BackupFailed:
                self._looked.clear()  # it is looked for again
                raise
        return len(self._under_way), arrived

    def carry_aside(self, seals: Seals) -> None:
        """Bring papers that are new, in one sealed tar; all of them where a new backup begins."""
        if self._aside_of != seals.moment:
            self._aside, self._aside_of = {}, seals.moment
        fresh: dict[str, tuple[int, int]] = {}
        for folder in ASIDE:
            for name, stamp in _stamps(self._settings.data_dir / folder).items():
                if self._aside.get(f"{folder}/{name}") != stamp:
                    fresh[f"{folder}/{name}"] = stamp
        if fresh:
            name = f"aside/{seals.moment}/{time.time_ns():020d}{SUFFIX}"
            self._store.put(name, seals.seal(name, _tar(self._settings.data_dir, fresh)))
            self._aside |= fresh

    def there(self) -> dict[str, int]:
        """Return what is in the target of the vault, by its name in the vault."""
        return {name.removeprefix("vault/"): size for name, size in self._there.items()}

    def drop_files(self, names: Iterator[str]) -> int:
        """Take sealed files out of the target; return how many."""
        gone = [f"vault/{name}" for name in names]
        self._store.remove(gone)
        for name in gone:
            self._there.pop(name, None)
        return len(gone)

    def close(self) -> None:
        """Let what is under way end, and begin nothing more."""
        self._pool.shutdown(cancel_futures=True)

    def _new_files(self) -> Iterator[tuple[str, Path]]:
        """Yield files that are not in the target; only folders that something was put into are looked through."""
        for folder in sorted(path for path in self._settings.vault.glob("*") if path.is_dir()):
            changed = folder.stat().st_mtime_ns
            if self._looked.get(folder) == changed:
                continue
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                name = path.relative_to(self._settings.data_dir).as_posix()
                try:
                    if self._there.get(name) != path.stat().st_size:
                        yield name, path
                except FileNotFoundError:
                    continue
            if time.time_ns() - changed > 2_000_000_000:  # a file may still come within the clock's last tick
                self._looked[folder] = changed

    def _carry(self, name: str, path: Path) -> int:
        try:
            size = path.stat().st_size
            self._store.put_file(name, path)
        except FileNotFoundError:  # erased meanwhile: it must not be in the backup either
            return 0
        self._there[name] = size
        return size


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return names with bytes and time of change of the files below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            known = path.stat()
            found[path.relative_to(folder).as_posix()] = (known.st_size, known.st_mtime_ns)
    return found


def _tar(root: Path, names: dict[str, tuple[int, int]]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name in names:
            if (root / name).is_file():
                tar.add(root / name, name, recursive=False)
    return target.getvalue()
