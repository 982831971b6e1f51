"""A master key whose bytes this process holds."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.errors import SettingInvalid, VaultTampered
from appliance.vault.files import put_new

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


class WrapsKeys(Protocol):
    """What wraps keys and small secrets: a key in memory, one in a token, or all generations of one."""

    def wrap(self, plain: bytes, bound_to: bytes) -> bytes:
        """Encrypt ``plain`` so that it opens only with the same ``bound_to``."""

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return what was wrapped; raise ``VaultTampered``."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key that wraps all others; whoever has it and the folder of data keys can read everything."""

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
            put_new(path, (secrets.token_bytes(KEY_BYTES).hex() + "\n").encode())
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the key file; raise ``SettingInvalid`` when it is missing, malformed or readable by others."""
        demand_private(path)
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
            raise unwrappable() from error


def unwrappable() -> VaultTampered:
    """Return the error of everything that does not open."""
    return VaultTampered("A wrapped key or secret was altered, or the master key is another one.")


def demand_private(path: Path) -> None:
    """Raise ``SettingInvalid`` when the file is missing or others may read it."""
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError as error:
        raise SettingInvalid(f"{path}: is missing; restore it from your backup") from error
    if mode & 0o077:
        raise SettingInvalid(f"{path}: others may read this secret; run: chmod 600 {path}")
