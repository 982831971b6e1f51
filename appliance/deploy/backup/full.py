"""A full backup: the database as it is copied while it runs, straight into sealed pieces; keys and files along.

Nothing of the database touches the target, or a disk on the way, in the clear.
"""

import contextlib
import hashlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Final

from sqlalchemy import select

from appliance import schema
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work, utcnow
from appliance.deploy.backup import catalogue, state
from appliance.deploy.backup.belonging import demand_own_keys, demand_own_store
from appliance.deploy.backup.carrier import Carrier
from appliance.deploy.backup.catalogue import Manifest
from appliance.deploy.backup.errors import BackupFailed
from appliance.deploy.backup.postgres import Server
from appliance.deploy.backup.sealing import BackupKeys, Seals
from appliance.deploy.backup.stores import Store
from appliance.deploy.backup.targets import folder_of, is_s3, open_store
from appliance.errors import BadInput
from appliance.evidence.key import EvidenceKey
from appliance.models import DataKey, VaultObject
from appliance.settings import Settings

PIECE: Final = 32 << 20
"""Plain bytes of a piece: what is in memory at once, three times."""
_END: Final = re.compile(r"write-ahead log end point: ([0-9A-F]+)/([0-9A-F]+)")


@dataclass(frozen=True, slots=True)
class FullReport:
    """What one full backup did."""

    manifest: Manifest
    copied_bytes: int
    """Of sealed files that the target did not have."""
    erased: int
    """Sealed files that were taken out of it, their keys being destroyed."""
    expired: list[str]
    """Backups that came of age, with their keys."""
    seconds: float


def create(own: Collaborators, target: str, keys: Path) -> FullReport:
    """Make a full backup; the appliance may run meanwhile. Killed at any point, it leaves the former ones whole.

    Raises ``BackupFailed``, ``BadInput``.
    """
    settings = own.settings
    demand_apart(settings, target, keys)
    begun = time.monotonic()
    store = open_store(settings, target)
    backup_keys = BackupKeys(settings.backup_keys_folder, own.vault.master_key)
    with state.full_backup_lock(settings):
        signer = EvidenceKey.load_or_create(settings.evidence_key_file, own.vault)
        demand_own_store(store, target, signer)
        demand_own_keys(keys, settings.evidence_key_file, signer)
        _clear_unfinished(store)
        carrier = Carrier(settings, store, keys)
        moment = catalogue.moment_of(utcnow())
        try:
            seals = backup_keys.make(moment)
            carrier.carry_keys()  # the key is elsewhere, too, before anything lies under it
            manifest = _copy(own, store, seals)
            _, copied = carrier.carry_files()
            _demand_whole(own, carrier)
            carrier.carry_aside(seals)
            carrier.carry_keys()
            catalogue.write_manifest(store, manifest, signer)
            state.set_generation(settings, state.Generation(moment, manifest.first_segment, target))
            expired = _expire(store, backup_keys, settings.backup_days)
            erased = carrier.drop_files(iter(sorted(carrier.there().keys() - _readable(own))))
            carrier.carry_keys()
        except BaseException:
            with contextlib.suppress(Exception):
                if moment not in catalogue.moments(store):
                    backup_keys.destroy(moment)
                    _remove(store, moment)
            raise
        finally:
            carrier.close()
    return FullReport(manifest, copied, erased, expired, time.monotonic() - begun)


def demand_apart(settings: Settings, target: str, keys: Path) -> None:
    """Raise ``BadInput`` where keys would lie beside what they open, or the backup within what it is made of."""
    places = [keys.resolve()]
    if not is_s3(target):
        here, there = folder_of(target), places[0]
        if here == there or here.is_relative_to(there) or there.is_relative_to(here):
            raise BadInput("Keys and backup must not lie within each other: who finds both can read everything.")
        places.append(here)
    for path in places:
        if path.is_relative_to(settings.data_dir) or settings.data_dir.is_relative_to(path):
            raise BadInput(f"{path} is part of the appliance's own data; name a folder elsewhere.")


def _copy(own: Collaborators, store: Store, seals: Seals) -> Manifest:
    """Copy the database into pieces; return the manifest, which is not written yet."""
    server = Server(own.settings.database_url)
    first = str(server.scalar("SELECT pg_walfile_name(pg_current_wal_lsn())"))
    digests: list[str] = []
    size = 0
    arguments = [
        "--pgdata=-",
        "--format=tar",
        "--wal-method=fetch",
        "--checkpoint=fast",
        "--no-password",
        "--verbose",
    ]
    with tempfile.TemporaryFile() as said:
        process = server.begin("pg_basebackup", *arguments, stdout=subprocess.PIPE, stderr=said)
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            for plain in _pieces(process.stdout):
                name = catalogue.piece(seals.moment, len(digests))
                sealed = seals.seal(name, plain)
                store.put(name, sealed)
                digests.append(hashlib.sha256(sealed).hexdigest())
                size += len(sealed)
            process.wait()
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        words = said.read().decode(errors="replace")
    if process.returncode:
        raise BackupFailed(f"pg_basebackup: {words.strip()[-1500:]}")
    end = _END.search(words)
    if end is None:
        raise BackupFailed(f"pg_basebackup does not say where its copy ends: {words.strip()[-500:]}")
    return Manifest(
        moment=seals.moment,
        made_at=utcnow().isoformat(),
        database=server.database,
        user=server.user,
        release=server.release(),
        schema=schema.current(own.settings.database_url) or "",
        audit_entries=int(server.scalar("SELECT coalesce(max(entries), 0) FROM audit_head")),
        first_segment=first,
        last_segment=f"{first[:8]}{int(end[1], 16):08X}{(int(end[2], 16) - 1) >> 24:08X}",
        pieces=digests,
        size_bytes=size,
        files=len(_readable(own)),
    )


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while plain := stream.read(PIECE):
        yield plain


def _readable(own: Collaborators) -> set[str]:
    """Return the sealed files, by their names in the vault, whose keys live."""
    with unit_of_work(own.session_factory) as session:
        living = select(VaultObject.path).join(DataKey).where(DataKey.destroyed_at.is_(None))
        return set(session.scalars(living))


def _demand_whole(own: Collaborators, carrier: Carrier) -> None:
    """Raise ``BackupFailed`` where files are missing that the database speaks of: the vault is not what it was.

    Nothing is taken out of a backup by a host that lost its files.
    """
    gone = sorted(name for name in _readable(own) if not (own.settings.vault / name).exists())
    if gone and (gone := sorted({*gone} & _readable(own))):  # asked again: one may have been erased meanwhile
        raise BackupFailed(
            f"{len(gone)} sealed files are missing from the vault, {gone[0]} first: nothing was changed in older "
            "backups. Restore them (`kustos vault verify` names them all), then back up again."
        )


def _expire(store: Store, keys: BackupKeys, days: int) -> list[str]:
    """Destroy the keys of backups that came of age, then their objects; the newest one stays however old it is."""
    there = catalogue.moments(store)
    oldest = catalogue.moment_of(utcnow() - timedelta(days=days))
    expired = [moment for moment in there[:-1] if moment < oldest]
    for moment in expired:
        if moment in keys.moments():
            keys.destroy(moment)
        _remove(store, moment)
    return expired


def _clear_unfinished(store: Store) -> None:
    """Take away what a killed or failed backup left."""
    for moment in {name.split("/")[1] for name in store.sizes("base/")} - {*catalogue.moments(store)}:
        _remove(store, moment)


def _remove(store: Store, moment: str) -> None:
    for folder in ("base", "wal", "aside"):
        names = sorted(store.sizes(f"{folder}/{moment}/"), key=lambda name: not name.endswith(catalogue.MANIFEST))
        store.remove(names)
