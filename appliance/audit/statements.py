"""What the appliance signs about its log: small canonical JSON texts under the audit key (Ed25519, RFC 8032)."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.audit.canonical import canonical, plain
from appliance.errors import AuditBroken
from appliance.evidence.key import EvidenceKey, read_public_key
from appliance.settings import Settings
from appliance.vault import Vault

CHECKPOINT: Final = "kustos-audit-checkpoint"
SEGMENT: Final = "kustos-audit-segment"
END: Final = "kustos-audit-end"
"""First word of each kind, so that a signature of one can never stand for another."""


class Signed(NamedTuple):
    """A statement's text and its signature in hex."""

    text: str
    signature: str

    @property
    def digest(self) -> str:
        """Return the SHA-256 by which the next statement names this one."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def read(self, kind: str, key: Ed25519PublicKey | None) -> dict[str, Any]:
        """Return what is stated; raise ``AuditBroken`` when it is not of this kind or not signed by ``key``."""
        try:
            if key is not None:
                key.verify(bytes.fromhex(self.signature), self.text.encode())
            stated = json.loads(self.text)
            if not isinstance(stated, dict) or stated.get("format") != kind:
                raise ValueError
        except (InvalidSignature, ValueError) as error:
            raise AuditBroken(f"A signed statement ({kind}) is not by this appliance's audit key.") from error
        return stated


@dataclass(frozen=True, slots=True)
class Signer:
    """Who vouches for the log: the audit key, the vault for segments, the folder outside the database."""

    key: EvidenceKey
    vault: Vault
    folder: Path

    @classmethod
    def of(cls, settings: Settings, vault: Vault) -> Self:
        """Return the appliance's, making the key at its first use."""
        return cls(EvidenceKey.load_or_create(settings.audit_key_file, vault), vault, settings.audit)

    @property
    def public_key(self) -> Ed25519PublicKey:
        """Return the half that is for everybody."""
        return read_public_key(self.key.public_pem)

    def sign(self, kind: str, **facts: object) -> Signed:
        """Return the signed statement of these facts."""
        text = canonical(plain({"format": kind, "version": 1, **facts}))
        return Signed(text, self.key.sign(text.encode()).hex())
