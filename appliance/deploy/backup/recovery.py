"""A server of its own, on this host, with the database as a backup has it at a time: what drill and restore read.

PostgreSQL's own recovery: the full copy is unpacked, and its log played up to the end or to the time asked for.
"""

import contextlib
import hashlib
import io
import json
import os
import pwd
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, cast
from urllib.parse import quote

from appliance.deploy.backup import catalogue
from appliance.deploy.backup.catalogue import Manifest
from appliance.deploy.backup.errors import BackupBroken, BackupFailed
from appliance.deploy.backup.postgres import program
from appliance.deploy.backup.sealing import BackupKeys, Seals
from appliance.deploy.backup.stores import Store, copy_private, files_below, worded
from appliance.settings import Settings
from appliance.vault import open_master_key

ENDED_BEFORE: Final = "recovery ended before configured recovery target was reached"
CONFIGURATION: Final = """\
listen_addresses = ''
unix_socket_directories = '{socket}'
hot_standby = off
archive_mode = off
fsync = off
max_wal_size = 1GB
shared_buffers = 256MB
restore_command = 'cp "{log}/%f" "%p"'
recovery_target_action = promote
recovery_target_timeline = current
{until}
"""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A database as a backup has it, in a server that goes when its reader does."""

    settings: Settings
    """As of the restored appliance: its database, and the keys of the backup."""
    manifest: Manifest
    reaches: datetime
    """Everything committed until then is in it."""


def verify(store: Store, keys: Path, moment: str, settings: Settings) -> tuple[Manifest, datetime]:
    """Open every piece and segment of a backup; raise ``BackupBroken`` naming the first that is not as it was."""
    with _folder(settings) as folder:
        manifest, seals = _opened(store, keys, moment, settings, folder)
        for name, digest in catalogue.pieces_of(manifest):
            _piece(store, seals, name, digest, folder)
        segments = catalogue.log_of(store, manifest)
        for name in segments:
            _object(store, seals, catalogue.segment(moment, name), folder)
        return manifest, _reaches(store, seals, manifest, segments, folder)


@contextlib.contextmanager
def recovered(
    settings: Settings, store: Store, keys: Path, moment: str, until: datetime | None = None
) -> Iterator[Recovered]:
    """Give the database as it was at ``until`` (default: at the end); raise ``BackupBroken`` or ``BackupFailed``."""
    with _folder(settings) as folder:
        manifest, seals = _opened(store, keys, moment, settings, folder)
        data, log = folder / "postgres", folder / "log"
        data.mkdir(mode=0o700)
        log.mkdir(mode=0o700)
        _unpack(store, seals, manifest, data, folder)
        segments = catalogue.log_of(store, manifest)
        for name in segments:
            content = _object(store, seals, catalogue.segment(moment, name), folder)
            (log / name.removesuffix(catalogue.PARTIAL)).write_bytes(content)
        reaches = _reaches(store, seals, manifest, segments, folder)
        there = replace(settings, data_dir=folder / "data", recordings_dir="")
        with _server(manifest, data, log, until) as url:
            yield Recovered(replace(there, database_url=url), manifest, min(reaches, until or reaches))


def unpack_aside(store: Store, keys: BackupKeys, moment: str, target: Path) -> None:
    """Put back the signed papers that vouch for the database from outside of it."""
    seals = keys.of(moment)
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(store.sizes(f"aside/{moment}/")):
            content = _object(store, seals, name, Path(folder))
            packed = Path(folder) / "packed"
            packed.write_bytes(content)
            with tarfile.open(packed) as tar:
                tar.extractall(target)  # noqa: S202 - opened by our own key


@contextlib.contextmanager
def _folder(settings: Settings) -> Iterator[Path]:
    """Give a folder beside the appliance's own data: what is unpacked is people's data in the clear."""
    settings.backup_work.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="restore-", dir=settings.backup_work) as name:
        yield Path(name)


def _opened(store: Store, keys: Path, moment: str, settings: Settings, folder: Path) -> tuple[Manifest, Seals]:
    """Take the keys of the backup and what they open; raise ``BackupBroken``, ``BackupFailed``."""
    manifest = catalogue.read_manifest(store, moment)
    there = replace(settings, data_dir=folder / "data")
    with worded(keys, keys):
        found = list(files_below(keys))
    if not found:
        raise BackupFailed(f"There are no keys in {keys}: without them nothing of the backup can be read.")
    for path in found:
        copy_private(path, there.keys / path.relative_to(keys), keys)
    return manifest, BackupKeys(there.backup_keys_folder, open_master_key(there)).of(moment)


def _object(store: Store, seals: Seals, name: str, folder: Path) -> bytes:
    sealed = folder / "sealed"
    store.fetch(name, sealed)
    return seals.open(name, sealed)


def _piece(store: Store, seals: Seals, name: str, digest: str, folder: Path) -> bytes:
    content = _object(store, seals, name, folder)
    if hashlib.sha256((folder / "sealed").read_bytes()).hexdigest() != digest:
        raise BackupBroken(f"{name} in the backup is not as it was made.")
    return content


def _unpack(store: Store, seals: Seals, manifest: Manifest, data: Path, folder: Path) -> None:
    """Unpack the database's copy, one piece in memory at a time."""
    pieces = (_piece(store, seals, name, digest, folder) for name, digest in catalogue.pieces_of(manifest))
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", _Joined(pieces)), mode="r|") as tar:
            tar.extractall(data)  # noqa: S202 - signed, and opened by our own key
    except (tarfile.TarError, OSError) as error:
        raise BackupFailed(f"The database's copy cannot be unpacked into {data}: {error}") from error


class _Joined:
    """Pieces read as one stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._piece = pieces, io.BytesIO()

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, fewer only at the end."""
        given = self._piece.read(size)
        while len(given) < size and (more := next(self._pieces, b"")):
            self._piece = io.BytesIO(more)
            given += self._piece.read(size - len(given))
        return given


def _reaches(store: Store, seals: Seals, manifest: Manifest, segments: list[str], folder: Path) -> datetime:
    """Return until when everything is in the backup; raise ``BackupBroken`` where part of its log is missing."""
    name = catalogue.segment(manifest.moment, catalogue.STREAMED)
    if name not in store.sizes(f"wal/{manifest.moment}/"):
        return manifest.at
    said: dict[str, Any] = json.loads(_object(store, seals, name, folder))
    last = str(said["segment"]).removesuffix(catalogue.PARTIAL)
    if last > max([one.removesuffix(catalogue.PARTIAL) for one in segments] + [manifest.last_segment]):
        raise BackupBroken(f"The log's segment {last} is missing from the backup, or something before it.")
    return max(manifest.at, datetime.fromisoformat(said["at"]))


@contextlib.contextmanager
def _server(manifest: Manifest, data: Path, log: Path, until: datetime | None) -> Iterator[str]:
    """Run a server on the unpacked copy until its reader is done."""
    socket = Path(tempfile.mkdtemp(prefix="kustos-pg-"))  # a socket's path has 107 letters at most
    control, words = program("pg_ctl", manifest.release), data.parent / "server.log"
    for name in ("postgresql.auto.conf", "standby.signal", "postmaster.pid"):
        (data / name).unlink(missing_ok=True)
    (data / "postgresql.auto.conf").touch()
    (data / "pg_hba.conf").write_text("local all all trust\n")
    (data / "pg_ident.conf").touch()
    (data / "recovery.signal").touch()
    words.touch()
    user = _unprivileged(data.parent, socket)

    def start(target: str) -> bool:
        (data / "postgresql.conf").write_text(CONFIGURATION.format(socket=socket, log=log, until=target))
        command = [control, "--pgdata", str(data), "--log", str(words), "--timeout=86400", "--wait", "start"]
        quiet = subprocess.DEVNULL  # the server would keep a pipe open
        done = subprocess.run(command, stdout=quiet, stderr=quiet, check=False, **user)  # noqa: S603 - ours
        return done.returncode == 0 and _ready(data)

    try:
        target = f"recovery_target_time = '{until.isoformat()}'" if until else ""
        started = start(target) or (ENDED_BEFORE in words.read_text(errors="replace") and start(""))
        if not started:
            raise BackupBroken(f"The database does not come up: {words.read_text(errors='replace')[-1500:]}")
        url = f"postgresql+psycopg://{quote(manifest.user)}@/{quote(manifest.database)}?host={quote(str(socket))}"
        yield url
    finally:
        command = [control, "--pgdata", str(data), "--mode=immediate", "--wait", "stop"]
        subprocess.run(command, capture_output=True, check=False, **user)  # noqa: S603 - ours
        shutil.rmtree(socket, ignore_errors=True)


def _ready(data: Path) -> bool:
    """Wait until the server has played its log and takes connections; False where it ended instead.

    ``pg_ctl`` itself waits for no more than that it has begun to. The eighth line of the file is its state.
    """
    file = data / "postmaster.pid"
    while True:
        try:
            lines = file.read_text().splitlines()
        except FileNotFoundError:
            return False
        if len(lines) >= 8 and lines[7].strip() == "ready":
            return True
        if not lines or not Path(f"/proc/{lines[0].strip()}").exists():
            return False
        time.sleep(0.1)


def _unprivileged(*folders: Path) -> dict[str, Any]:
    """Return how to run the server, which refuses root; then what it needs is given to nobody in particular."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    for parent in folders[0].parents:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
