"""Deletion certificates: canonical JSON, signed by the appliance's evidence key, verified by anybody without it."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.collaborators import Collaborators
from appliance.db import to_ms, unit_of_work
from appliance.errors import BadInput, NotFound
from appliance.evidence.key import EvidenceKey, fingerprint, read_public_key
from appliance.evidence.manifest import canonical
from appliance.models import AuditEntry, Company, DeletionCertificate, Disposal, Erasure, Sitting
from appliance.retention import stores
from appliance.vocabulary import CertificateKind, ErasureState

FORMAT: Final = "kustos-deletion-certificate"
VERSION: Final = 1

ITEMS: Final = 500
"""Deletions in one certificate: some 200 KB, which a person can still open."""

ALTERED: Final = "The signature does not fit: it was altered, or another key signed."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found."""

    is_genuine: bool
    fingerprint: str
    content: dict[str, Any]
    problem: str = ""


def certify_disposals(own: Collaborators, now: datetime, made: list[int]) -> None:
    """Sign for all deletions that are done and that no certificate names yet; add the new numbers to ``made``."""
    ready = (Disposal.deleted_at.is_not(None), Disposal.certificate_id.is_(None), Disposal.files == [])
    while True:
        with unit_of_work(own.session_factory) as session:
            company_id = session.scalar(select(Disposal.company_id).where(*ready).order_by(Disposal.id).limit(1))
            if company_id is None:
                return
            query = select(Disposal).where(*ready, Disposal.company_id == company_id)
            rows = session.scalars(query.order_by(Disposal.id).limit(ITEMS).with_for_update()).all()
            row = _certify(session, own, company_id, CertificateKind.RETENTION, _of_disposals(session, rows), now)
            for one in rows:
                one.certificate_id = row.id
            made.append(row.id)


def certify_erasure(session: Session, own: Collaborators, erasure: Erasure, now: datetime) -> DeletionCertificate:
    """Sign for an erasure that is done, in the caller's transaction."""
    content = _of_erasure(session, erasure)
    row = _certify(session, own, erasure.company_id, CertificateKind.ERASURE, content, now)
    erasure.certificate_id, erasure.state = row.id, ErasureState.DONE
    return row


def get(session: Session, certificate_id: int, company_id: int | None = None) -> DeletionCertificate:
    """Return the certificate, of this company if one is given; raise ``NotFound``."""
    row = session.get(DeletionCertificate, certificate_id)
    if row is None or company_id not in (None, row.company_id):
        raise NotFound("There is no such certificate.", certificate_id=certificate_id)
    return row


def listing(session: Session, company_id: int, limit: int = 200) -> Sequence[DeletionCertificate]:
    """Return the company's certificates, newest first."""
    query = select(DeletionCertificate).where(DeletionCertificate.company_id == company_id)
    return session.scalars(query.order_by(DeletionCertificate.id.desc()).limit(limit)).all()


def payload(row: DeletionCertificate) -> dict[str, Any]:
    """Return a certificate for the list."""
    return {
        "id": row.id,
        "kind": row.kind,
        "made_ms": to_ms(row.made_at),
        "rows": row.rows,
        "files": row.files,
        "bytes": row.bytes,
        "url": f"/retention/certificates/{row.id}",
    }


def verify(content: bytes, signature: bytes, public_pem: bytes) -> Verdict:
    """Say whether ``signature`` (64 bytes, or base64) is that key's; raise ``BadInput`` for no certificate at all."""
    key = read_public_key(public_pem)
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadInput("This is not a deletion certificate: it is no JSON.") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise BadInput("This is not a deletion certificate.")
    try:
        key.verify(_plain_signature(signature), content)
    except InvalidSignature:
        return Verdict(False, fingerprint(key), said, ALTERED)
    return Verdict(True, fingerprint(key), said)


def signature_bytes(row: DeletionCertificate) -> bytes:
    """Return the 64 bytes of the signature, as OpenSSL wants them."""
    return base64.b64decode(row.signature)


def signature_file(file: Path) -> Path:
    """Return where the signature of a certificate's file is looked for."""
    return file.with_name(file.name + ".sig")


def _plain_signature(given: bytes) -> bytes:
    if len(given) == 64:
        return given
    try:
        return base64.b64decode(given.strip(), validate=True)
    except ValueError:
        return b""


def _certify(
    session: Session,
    own: Collaborators,
    company_id: int,
    kind: CertificateKind,
    content: dict[str, Any],
    now: datetime,
) -> DeletionCertificate:
    signer = EvidenceKey.load_or_create(own.settings.evidence_key_file, own.vault)
    company = session.get_one(Company, company_id)
    totals = content["totals"]
    row = DeletionCertificate(
        company_id=company_id,
        kind=kind.value,
        made_at=now,
        rows=totals["rows"],
        files=totals["files"],
        bytes=totals["bytes"],
        content="",
        signature="",
    )
    session.add(row)
    session.flush()
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "number": row.id,
        "kind": kind.value,
        "made_ms": to_ms(now),
        "company": {"id": company.id, "name": company.name, "profile": company.profile},
        "made_by": f"Kustos {metadata.version('kustos')}",
        "key_fingerprint": signer.fingerprint,
        **content,
    }
    signed = canonical(whole)
    row.content, row.signature = signed.decode(), base64.b64encode(signer.sign(signed)).decode()
    session.flush()
    return row


def _of_disposals(session: Session, rows: Sequence[Disposal]) -> dict[str, Any]:
    return {
        "asked": {"by": "schedule", "legal_basis": "not_needed", "reference": ""},
        "items": [
            {
                "data_class": row.data_class.value,
                "sitting": row.sitting_id,
                "candidate": row.candidate_id,
                "ended_ms": to_ms(row.ended_at),
                "term_days": row.days,
                "warned_ms": to_ms(row.warned_at),
                "announced_ms": to_ms(row.delete_at),
                "deleted_ms": to_ms(row.deleted_at) if row.deleted_at else None,
                **row.removed,
            }
            for row in rows
        ],
        "totals": _totals([row.removed for row in rows]),
        "kept": [_kept("audit_entry")],
        "audit_entries": _entries(session, "disposal", [row.id for row in rows]),
    }


def _of_erasure(session: Session, row: Erasure) -> dict[str, Any]:
    sittings = session.scalars(select(Sitting.id).where(Sitting.candidate_id == row.candidate_id)).all()
    counted = row.removed
    return {
        "asked": {"by": row.asked_by.value, "legal_basis": row.legal_basis.value, "reference": row.reference},
        "done_by": {**row.requested_by, "at_ms": to_ms(row.requested_at)},
        "person": {"number": row.candidate_id, "sittings": sorted(sittings)},
        "erased_ms": to_ms(row.erased_at) if row.erased_at else None,
        "items": [
            {"store": name, "act": stores.of_table(name).act.value, "data_class": _class_of(name), "rows": count}
            for name, count in counted["rows"].items()
        ],
        "keys": counted["keys"],
        "totals": _totals([counted]),
        "kept": [_kept(name) for name, _store in stores.kept()],
        "audit_entries": _entries(session, "erasure", [row.id]),
    }


def _totals(counted: Iterable[dict[str, Any]]) -> dict[str, Any]:
    rows: Counter[str] = Counter()
    files = size = keys = 0
    for one in counted:
        rows.update(one["rows"])
        files, size, keys = files + one["files"], size + one["bytes"], keys + len(one["keys"])
    by_class: Counter[str] = Counter()
    for name, count in rows.items():
        by_class[_class_of(name)] += count
    per_class = dict(sorted(by_class.items()))
    return {"rows": rows.total(), "files": files, "bytes": size, "keys": keys, "rows_by_class": per_class}


def _class_of(table: str) -> str:
    found = stores.of_table(table).data_class
    return found.value if found else "none"


def _kept(name: str) -> dict[str, str]:
    store = stores.of_table(name)
    return {"store": name, "act": store.act.value, "why": store.why}


def _entries(session: Session, kind: str, ids: Iterable[int]) -> list[int]:
    wanted = [str(number) for number in ids]
    query = select(AuditEntry.id).where(AuditEntry.subject_kind == kind, AuditEntry.subject_id.in_(wanted))
    return list(session.scalars(query.order_by(AuditEntry.id)))
