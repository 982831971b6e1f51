"""The state of master key and vault for who oversees them, and the public keys by which others check. No secret."""

from typing import Any, Final

from sqlalchemy.orm import Session

from appliance.collaborators import Collaborators
from appliance.errors import NotFound
from appliance.evidence import EvidenceKey
from appliance.services import master_key
from appliance.services.master_key import House

SIGNING_KEYS: Final = ("evidence", "audit")


def overview(session: Session, own: Collaborators) -> dict[str, Any]:
    """Return generations, what is under them, and the public keys with their fingerprints."""
    found = master_key.status(House(own.settings, own.session_factory, own.vault), session)
    keys = [{"name": name, "fingerprint": signing_key(own, name).fingerprint} for name in SIGNING_KEYS]
    # where a key lies is for who runs the server
    return found | {
        "generations": [{k: v for k, v in one.items() if k != "place"} for one in reversed(found["generations"])],
        "secrets": sum(found["secrets"].values()),
        "public_keys": keys,
    }


def signing_key(own: Collaborators, name: str) -> EvidenceKey:
    """Return the key of this name; raise ``NotFound``."""
    files = {"evidence": own.settings.evidence_key_file, "audit": own.settings.audit_key_file}
    if name not in files:
        raise NotFound("There is no such key.")
    return EvidenceKey.load_or_create(files[name], own.vault)
