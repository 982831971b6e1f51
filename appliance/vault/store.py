"""Sealing files under the key of their purpose, opening them, and destroying keys."""

import hmac
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.db import utcnow
from appliance.errors import KeyDestroyed
from appliance.models import DataKey, VaultObject
from appliance.vault.keys import KEY_BYTES, MasterKey, sync_folder
from appliance.vault.sealed_file import PREFIX_BYTES, Label, SealedReader, encrypt

SUFFIX = ".sealed"


class Vault:
    """Sealed files in a folder, their keys wrapped in the database."""

    def __init__(self, folder: Path, master_key: MasterKey) -> None:
        """Use ``folder``, made when the first file is sealed."""
        self.folder = folder
        self._master_key = master_key

    def wrap(self, secret: bytes) -> bytes:
        """Encrypt a small secret for a column of the database."""
        return self._master_key.wrap(secret, b"secret")

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return the small secret; raise ``VaultTampered``."""
        return self._master_key.unwrap(wrapped, b"secret")

    def seal(self, session: Session, purpose: str, kind: str, source: Path | bytes) -> VaultObject:
        """Encrypt ``source`` under the key of ``purpose``, made at its first use; the source itself stays.

        The sealed file is on disk before this returns; the row counts from the caller's commit on (a file without a
        row is swept away later). Raises ``KeyDestroyed`` when the purpose was erased.
        """
        data_key = self._key_of(session, purpose)
        label = Label(purpose, kind, secrets.token_bytes(16))
        relative = Path(label.file_id.hex()[:2]) / (label.file_id.hex() + SUFFIX)
        with _opened(source) as (plain, size), self._new_file(relative) as target:
            digest = encrypt(plain, size, target, self._secret(data_key), label, secrets.token_bytes(PREFIX_BYTES))
        sealed = VaultObject(data_key_id=data_key.id, kind=kind, path=str(relative), size_bytes=size, sha256=digest)
        session.add(sealed)
        session.flush()
        return sealed

    def open(self, session: Session, vault_object: VaultObject) -> SealedReader:
        """Return a reader of the plain data; raise ``KeyDestroyed`` or ``VaultTampered``."""
        data_key = session.get_one(DataKey, vault_object.data_key_id)
        path = Path(vault_object.path)
        label = Label(data_key.purpose, vault_object.kind, bytes.fromhex(path.stem))
        return SealedReader(self.folder / path, vault_object.size_bytes, self._secret(data_key), label)

    def destroy(self, session: Session, purpose: str) -> bool:
        """Destroy the key of ``purpose`` for ever; return whether there was one to destroy.

        What was sealed under it is unreadable from the commit on, in every copy; the files go with the next sweep.
        """
        query = select(DataKey).where(DataKey.purpose == purpose).with_for_update()
        data_key = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
        if data_key is None or data_key.wrapped is None:
            return False
        data_key.wrapped = None
        data_key.destroyed_at = utcnow()
        session.flush()
        return True

    def derive(self, session: Session, purpose: str, label: bytes) -> bytes:
        """Return 32 bytes of the key of ``purpose`` (made at its first use) that are good for ``label`` only.

        For values too small and too many for a file each. Raises ``KeyDestroyed`` when the purpose was erased.
        """
        return derived(self._secret(self._key_of(session, purpose)), label)

    def derive_again(self, purpose: str, wrapped: bytes | None, label: bytes) -> bytes:
        """Return what ``derive`` gave, from the key's own row; raise ``KeyDestroyed`` or ``VaultTampered``."""
        return derived(self._unwrapped(purpose, wrapped), label)

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
        whose key was destroyed.
        """
        living = select(VaultObject.path).join(DataKey).where(DataKey.wrapped.is_not(None))
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

    def _key_of(self, session: Session, purpose: str) -> DataKey:
        """Return the key's row, locked against being destroyed before the caller's commit."""
        fresh = self._master_key.wrap(secrets.token_bytes(KEY_BYTES), _bound(purpose))
        session.execute(insert(DataKey).values(purpose=purpose, wrapped=fresh).on_conflict_do_nothing())
        query = select(DataKey).where(DataKey.purpose == purpose).with_for_update(read=True)
        return session.scalars(query.execution_options(populate_existing=True)).one()

    def _secret(self, data_key: DataKey) -> bytes:
        return self._unwrapped(data_key.purpose, data_key.wrapped)

    def _unwrapped(self, purpose: str, wrapped: bytes | None) -> bytes:
        if wrapped is None:
            raise KeyDestroyed(purpose=purpose)
        return self._master_key.unwrap(wrapped, _bound(purpose))

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


def _bound(purpose: str) -> bytes:
    return b"data-key:" + purpose.encode()


@contextmanager
def _opened(source: Path | bytes) -> Iterator[tuple[BinaryIO, int]]:
    if isinstance(source, bytes):
        yield io.BytesIO(source), len(source)
        return
    with source.open("rb") as file:
        yield file, os.fstat(file.fileno()).st_size
