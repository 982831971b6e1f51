"""The appliance's signing key: made once, kept wrapped under the master key; its public half is for everybody."""

import hashlib
import secrets
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from appliance.errors import BadInput, SettingInvalid, VaultTampered
from appliance.vault import Vault
from appliance.vault.files import put_new

_HEAD: Final = b"kustos evidence key 1\n"
"""Before the 32 secret bytes: another wrapped secret put into this file is no signing key."""


class EvidenceKey:
    """Signs manifests (Ed25519, RFC 8032)."""

    def __init__(self, secret: bytes) -> None:
        """Take the 32 secret bytes."""
        self._private = Ed25519PrivateKey.from_private_bytes(secret)

    @classmethod
    def load_or_create(cls, path: Path, vault: Vault) -> Self:
        """Read the key file (hex, wrapped), making it at the first use.

        Raises ``SettingInvalid`` when the file is not a key of this appliance: it must come from the backup, since
        exports signed by another key would not be believed.
        """
        if not path.exists():
            put_new(path, (vault.wrap(_HEAD + secrets.token_bytes(32)).hex() + "\n").encode())
        try:
            plain = vault.unwrap(bytes.fromhex(path.read_text(encoding="ascii")))
        except (ValueError, VaultTampered):
            plain = b""
        if not plain.startswith(_HEAD) or len(plain) != len(_HEAD) + 32:
            raise SettingInvalid(f"{path}: is not this appliance's evidence key; restore it from your backup")
        return cls(plain.removeprefix(_HEAD))

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._private.sign(message)

    @property
    def public_pem(self) -> bytes:
        """Return the public half as PEM (SubjectPublicKeyInfo), which OpenSSL reads."""
        return self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """Return the public half's fingerprint."""
        return fingerprint(self._private.public_key())


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Return the key of a PEM file; raise ``BadInput`` for anything else."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadInput("This is not a public key in PEM form; `kustos evidence key` prints the right one.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput("This public key is of another kind; `kustos evidence key` prints the right one (Ed25519).")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return SHA-256 of the key's DER form in groups of four hex digits, to be compared by eye or by telephone."""
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))
