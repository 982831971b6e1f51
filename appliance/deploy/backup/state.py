"""What the backup on this host knows of itself between its runs, and tells monitoring."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.db import utcnow
from appliance.deploy.backup.errors import BackupFailed
from appliance.settings import Settings


@dataclass(frozen=True, slots=True)
class Generation:
    """The full backup to which the stream belongs just now."""

    moment: str
    first_segment: str
    target: str


def generation(settings: Settings) -> Generation | None:
    """Return it; None where a full backup must be made first."""
    try:
        words = json.loads(_generation_file(settings).read_text(encoding="utf-8"))
        return Generation(**words)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def set_generation(settings: Settings, found: Generation | None) -> None:
    """Keep it; None: the next thing to do is a full backup."""
    if found is None:
        _generation_file(settings).unlink(missing_ok=True)
    else:
        _write(_generation_file(settings), asdict(found))


def _generation_file(settings: Settings) -> Path:
    return settings.backup_work / "generation.json"


@contextmanager
def full_backup_lock(settings: Settings, wait: bool = True) -> Iterator[bool]:
    """Hold what only one full backup holds; yield whether it is held. ``wait=False``: do not raise where it is not.

    Raises ``BackupFailed`` where another full backup is under way.
    """
    settings.backup_work.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.backup_work / ".full.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if wait:
                raise BackupFailed("Another full backup is under way; it goes on.") from None
            yield False
            return
        yield True


def stamp(settings: Settings, **words: Any) -> None:
    """Add to what monitoring reads (``backup.json``, times in Unix seconds); None takes a word away.

    ``full_at``, ``full_seconds``, ``full_bytes``, ``ended_ms`` (milliseconds) · ``streamed_at``: everything
    committed until then is in the backup · ``files_waiting`` · ``failed_at``, ``error`` while something fails.
    """
    settings.backup_work.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.backup_work / ".stamp.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        known = read_stamp(settings) | words
        _write(settings.backup_stamp_file, {name: value for name, value in known.items() if value is not None}, 0o640)


def read_stamp(settings: Settings) -> dict[str, Any]:
    """Return what was stamped; nothing where there is none."""
    try:
        found: dict[str, Any] = json.loads(settings.backup_stamp_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def seconds(at: datetime | None = None) -> int:
    """Return a time, or now, in Unix seconds."""
    return int((at or utcnow()).timestamp())


def _write(path: Path, words: dict[str, Any], mode: int = 0o600) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(words, sort_keys=True) + "\n", encoding="utf-8")
    fresh.chmod(mode)
    fresh.replace(path)
