"""The master key and what it wraps."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.errors import SettingInvalid, VaultTampered

KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key that wraps all others; whoever has it and the database can read everything."""

    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Read the key file (64 hex digits, mode 0600), making it on the first start.

        Raises ``SettingInvalid`` when the file is malformed or readable by others.
        """
        if not path.exists():
            _create(path)
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise SettingInvalid(f"{path}: others may read the master key; run: chmod 600 {path}")
        try:
            secret = bytes.fromhex(path.read_text(encoding="ascii"))
        except ValueError:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise SettingInvalid(f"{path}: is not a master key; restore it from your backup (64 hex digits)")
        return cls(secret)

    def wrap(self, plain: bytes, bound_to: bytes) -> bytes:
        """Return nonce and AES-256-GCM ciphertext of ``plain``, which opens only with the same ``bound_to``."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.secret).encrypt(nonce, plain, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return what was wrapped; raise ``VaultTampered`` when it was altered or wrapped for something else."""
        try:
            return AESGCM(self.secret).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as error:
            raise VaultTampered("A wrapped key or secret was altered, or the master key is another one.") from error


def _create(path: Path) -> None:
    """Make the file in one step, so that of two processes starting together both read the same key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_bytes(KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            return  # another process was first; its key counts
    finally:
        fresh.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a new name in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
