"""What was read on a document: kept sealed, told in three words, shown to who judges."""

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit, bus
from appliance.audit import Actor
from appliance.errors import NotFound
from appliance.models import DocumentReading, IdentityPhoto, VaultObject
from appliance.services import payloads, purposes, sittings
from appliance.vault import Vault
from appliance.vocabulary import IdentityVerdict, PhotoState

OBJECT_KIND = "document"


@dataclass(frozen=True)
class Findings:
    """What the worker found on a document photo."""

    kind: str
    name_verdict: IdentityVerdict
    expired: bool | None
    hints: tuple[str, ...]
    contents: dict[str, Any] | None = field(repr=False)
    """``{"fields": {name: {value, checked, source}}, "digits": {name: bool}, "name": {reason, score, source}}``;
    personal data. None when nothing was read."""
    engines: dict[str, str] = field(default_factory=dict)


def keep(
    session: Session, actor: Actor, vault: Vault, photo: IdentityPhoto, found: Findings
) -> DocumentReading | None:
    """Keep what was read, instead of what was read of this photo before; None when the photo was superseded.

    Publishes ``photo.checked`` anew, with ``document``. The audit entry has the outcome, never what stands on it.
    """
    if photo.state is PhotoState.SUPERSEDED:
        return None
    sitting = sittings.get(session, photo.sitting_id)
    row = of_photo(session, photo.id)
    if row is None:
        row = DocumentReading(photo_id=photo.id)
        session.add(row)
    row.kind, row.name_verdict, row.expired = found.kind, found.name_verdict, found.expired
    row.hints, row.engines = list(found.hints), dict(found.engines)
    row.vault_object_id = None
    if found.contents is not None:
        content = json.dumps(found.contents, ensure_ascii=False).encode()
        row.vault_object_id = vault.seal(session, purposes.pictures(sitting.id), OBJECT_KIND, content).id
    session.flush()
    session.refresh(photo, ["reading"])
    outcome = payloads.document(row)
    details = {"photo_id": photo.id, "kind": found.kind, **outcome}
    audit.record(session, actor, "document.read", ("sitting", sitting.id), company_id=sitting.company_id, **details)
    said = payloads.photo(photo)
    payload = {"kind": photo.kind.value, "photo_id": photo.id}
    bus.publish_sitting(
        session, sitting, "photo.checked", {**payload, **{key: said[key] for key in ("verdict", "hints", "document")}}
    )
    return row


def of_photo(session: Session, photo_id: int) -> DocumentReading | None:
    """Return what was read of a photo."""
    return session.scalars(select(DocumentReading).where(DocumentReading.photo_id == photo_id)).one_or_none()


def sealed(session: Session, photo: IdentityPhoto) -> VaultObject:
    """Return the vault's object with the fields; raise ``NotFound`` when nothing was read."""
    row = of_photo(session, photo.id)
    if row is None or row.vault_object_id is None:
        raise NotFound("Nothing was read on this photo.", photo_id=photo.id)
    return session.get_one(VaultObject, row.vault_object_id)


def contents(session: Session, photo: IdentityPhoto, plain: bytes) -> dict[str, Any]:
    """Return the opened fields with the outcome and the declared name, as pages show them."""
    row = of_photo(session, photo.id)
    if row is None:
        raise NotFound("Nothing was read on this photo.", photo_id=photo.id)
    candidate = sittings.get(session, photo.sitting_id).candidate
    declared = {"first_name": candidate.first_name, "last_name": candidate.last_name}
    return {
        "kind": row.kind,
        **payloads.document(row),
        **json.loads(plain),
        "declared": declared,
        "engines": row.engines,
    }


def record_view(session: Session, actor: Actor, photo: IdentityPhoto) -> None:
    """Write to the audit log that a person looks at what stands on this document."""
    sitting = sittings.get(session, photo.sitting_id)
    subject = ("sitting", sitting.id)
    audit.record(session, actor, "document.view", subject, company_id=sitting.company_id, photo_id=photo.id)
