"""Sealing files under the key of their purpose, opening them, and destroying keys."""

import hmac
import io
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.db import utcnow
from appliance.errors import KeyDestroyed
from appliance.models import DataKey, VaultObject
from appliance.vault.data_keys import PLACES, DataKeyFiles
from appliance.vault.files import sync_folder
from appliance.vault.keys import KEY_BYTES, WrapsKeys
from appliance.vault.sealed_file import PREFIX_BYTES, Label, SealedReader, encrypt
from appliance.vault.wiping import wipe_after_commit

SUFFIX = ".sealed"

SMALL_SECRET = b"secret"
"""What small secrets are bound to."""


class StoredKey(NamedTuple):
    """What a key's row says."""

    id: int
    purpose: str
    wrapped: bytes | None
    destroyed_at: datetime | None

    @classmethod
    def of(cls, row: DataKey) -> Self:
        """Return what this row says."""
        return cls(row.id, row.purpose, row.wrapped, row.destroyed_at)


KEY_COLUMNS = (DataKey.id.label("key_id"), DataKey.purpose, DataKey.wrapped, DataKey.destroyed_at)
"""For queries that join keys to their owners."""


class Vault:
    """Sealed files in a folder, their keys in another; the database says what is what."""

    def __init__(self, folder: Path, master_key: WrapsKeys, keys: Path | None = None) -> None:
        """Use ``folder``, made when the first file is sealed; data keys lie in ``keys`` (``../keys/data`` of it)."""
        self.folder = folder
        self.master_key = master_key
        self.data_keys = DataKeyFiles(keys or folder.parent / "keys" / "data", master_key)

    def wrap(self, secret: bytes, place: str = "") -> bytes:
        """Encrypt a small secret for one place, or for a file; columns have ``row_secrets``."""
        return self.master_key.wrap(secret, _at(place))

    def unwrap(self, wrapped: bytes, place: str = "") -> bytes:
        """Return the small secret; raise ``VaultTampered``, also for one of another place."""
        return self.master_key.unwrap(wrapped, _at(place))

    def seal(self, session: Session, purpose: str, kind: str, source: Path | bytes) -> VaultObject:
        """Encrypt ``source`` under the key of ``purpose``, made at its first use; the source itself stays.

        The sealed file is on disk before this returns; the row counts from the caller's commit on (a file without a
        row is swept away later). Raises ``KeyDestroyed`` when the purpose was erased.
        """
        data_key = self._key_of(session, purpose)
        label = Label(purpose, kind, secrets.token_bytes(16))
        relative = Path(label.file_id.hex()[:2]) / (label.file_id.hex() + SUFFIX)
        with _opened(source) as (plain, size), self._new_file(relative) as target:
            digests = encrypt(plain, size, target, self._secret(data_key), label, secrets.token_bytes(PREFIX_BYTES))
        sealed = VaultObject(
            data_key_id=data_key.id,
            kind=kind,
            path=str(relative),
            size_bytes=size,
            sha256=digests.plain,
            sealed_sha256=digests.sealed,
        )
        session.add(sealed)
        session.flush()
        return sealed

    def open(self, session: Session, vault_object: VaultObject) -> SealedReader:
        """Return a reader of the plain data; raise ``KeyDestroyed`` or ``VaultTampered``."""
        return self.open_under(session.get_one(DataKey, vault_object.data_key_id), vault_object)

    def open_under(self, data_key: DataKey, vault_object: VaultObject) -> SealedReader:
        """Return a reader from the two rows; raise ``KeyDestroyed`` or ``VaultTampered``."""
        path = Path(vault_object.path)
        label = Label(data_key.purpose, vault_object.kind, bytes.fromhex(path.stem))
        return SealedReader(self.folder / path, vault_object.size_bytes, self._secret(data_key), label)

    def destroy(self, session: Session, purpose: str) -> bool:
        """Destroy the key of ``purpose`` for ever; return whether there was one to destroy.

        What was sealed under it is unreadable from the commit on, in every copy of files and database; the key itself
        is overwritten right after it, or by the next sweep, as the sealed files are.
        """
        query = select(DataKey).where(DataKey.purpose == purpose).with_for_update()
        data_key = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
        if data_key is None or data_key.destroyed_at is not None:
            return False
        data_key.wrapped = None
        data_key.destroyed_at = utcnow()
        session.flush()
        wipe_after_commit(session, self.data_keys, data_key.id)
        return True

    def derive(self, session: Session, purpose: str, label: bytes) -> bytes:
        """Return 32 bytes of the key of ``purpose`` (made at its first use) that are good for ``label`` only.

        For values too small and too many for a file each. Raises ``KeyDestroyed`` when the purpose was erased.
        """
        return derived(self._secret(self._key_of(session, purpose)), label)

    def derive_many(self, data_keys: Iterable[StoredKey], label: bytes) -> list[bytes | None]:
        """Return what ``derive`` gave for each key, None where it is destroyed; many at once are far cheaper."""
        return [None if secret is None else derived(secret, label) for secret in self.secrets(list(data_keys))]

    def secrets(self, data_keys: Sequence[StoredKey]) -> list[bytes | None]:
        """Return the keys themselves, None where one is destroyed; raise ``VaultTampered``."""
        kept = [one for one in data_keys if one.destroyed_at is None and one.wrapped is None]
        opened = iter(self.data_keys.get_many((one.id, one.purpose) for one in kept))
        found = {one.id: secret for one, secret in zip(kept, opened, strict=True)}
        return [found.get(one.id) if one.wrapped is None else self._former(one) for one in data_keys]

    def replace(self, session: Session, purpose: str) -> bool:
        """Destroy the key of ``purpose``, and let the next use make a new one; return whether there was one."""
        if not self.destroy(session, purpose):
            return False
        old = session.scalars(select(DataKey).where(DataKey.purpose == purpose)).one()
        old.purpose = f"{purpose}#{old.id}"
        session.flush()
        return True

    def sweep(self, session: Session, min_age: timedelta = timedelta(hours=1)) -> int:
        """Delete files that nothing can open any more and return how many.

        These are files without a row (a seal that rolled back or was killed, once older than ``min_age``) and files
        whose key was destroyed. Keys that a killed process left behind are overwritten likewise.
        """
        self._sweep_keys(session, min_age)
        living = select(VaultObject.path).join(DataKey).where(DataKey.destroyed_at.is_(None))
        known = set(session.scalars(select(VaultObject.path)))
        readable = set(session.scalars(living))
        newest = (utcnow() - min_age).timestamp()
        gone = 0
        for path in sorted(self.folder.glob("*/*")):
            name = str(path.relative_to(self.folder))
            if name in readable or (name not in known and path.stat().st_mtime > newest):
                continue
            path.unlink()
            gone += 1
        return gone

    def adopt(self, session: Session, limit: int = 500) -> int:
        """Move up to ``limit`` keys out of the database, where they were kept once, and return how many were moved.

        They are on the disk before the caller's commit takes them out of the rows; until then both are good.
        """
        rows = select(DataKey).where(DataKey.wrapped.is_not(None)).order_by(DataKey.id).limit(limit)
        moved = 0
        for data_key in session.scalars(rows.with_for_update().execution_options(populate_existing=True)):
            self.data_keys.put(data_key.id, data_key.purpose, self._former(StoredKey.of(data_key)))
            data_key.wrapped = None
            moved += 1
        session.flush()
        return moved

    def _sweep_keys(self, session: Session, min_age: timedelta) -> None:
        """Overwrite keys that were destroyed, and those of acts that rolled back or were killed."""
        newest = (utcnow() - min_age).timestamp()
        for page in self.data_keys.pages():
            places = self.data_keys.places(page)
            ids = DataKey.id.between(page * PLACES, (page + 1) * PLACES - 1)
            rows = {
                row.id: row.destroyed_at
                for row in session.execute(select(DataKey.id, DataKey.destroyed_at).where(ids))
            }
            gone = [one.key_id for one in places if one.key_id in rows and rows[one.key_id] is not None]
            lost = [one.key_id for one in places if one.key_id not in rows and one.made <= newest]
            if gone or lost:
                self.data_keys.wipe(gone + lost)

    def _key_of(self, session: Session, purpose: str) -> DataKey:
        """Return the key's row, locked against being destroyed before the caller's commit."""
        query = select(DataKey).where(DataKey.purpose == purpose).with_for_update(read=True)
        query = query.execution_options(populate_existing=True)
        found = session.scalars(query).one_or_none()
        if found is not None:
            return found
        fresh = insert(DataKey).values(purpose=purpose).on_conflict_do_nothing().returning(DataKey.id)
        key_id = session.scalars(fresh).one_or_none()
        if key_id is not None:  # None: another process was first, and has put its key there before its commit
            self.data_keys.put(key_id, purpose, secrets.token_bytes(KEY_BYTES))
        return session.scalars(query).one()

    def _secret(self, data_key: DataKey) -> bytes:
        (secret,) = self.secrets([StoredKey.of(data_key)])
        if secret is None:
            raise KeyDestroyed(purpose=data_key.purpose)
        return secret

    def _former(self, data_key: StoredKey) -> bytes:
        """Return a key that is still in the database."""
        return self.master_key.unwrap(data_key.wrapped or b"", _bound(data_key.purpose))

    @contextmanager
    def _new_file(self, relative: Path) -> Iterator[BinaryIO]:
        """Give a file that appears under its name complete and synced, or not at all."""
        path = self.folder / relative
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def derived(secret: bytes, label: bytes) -> bytes:
    """Return 32 bytes that follow from ``secret`` for one use; HMAC-SHA-256 as a pseudo-random function."""
    return hmac.digest(secret, label, "sha256")


def _at(place: str) -> bytes:
    return SMALL_SECRET + (b":" + place.encode() if place else b"")


def _bound(purpose: str) -> bytes:
    return b"data-key:" + purpose.encode()


@contextmanager
def _opened(source: Path | bytes) -> Iterator[tuple[BinaryIO, int]]:
    if isinstance(source, bytes):
        yield io.BytesIO(source), len(source)
        return
    with source.open("rb") as file:
        yield file, os.fstat(file.fileno()).st_size
