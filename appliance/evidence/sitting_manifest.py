"""Signs what a sitting has in the vault: every sealed file, every part's place in time, every gap.

The list is signed whole each time something came or went; each version names the one before it, and each signing is
in the audit log. So a file, a row or a version that is taken away, added, exchanged or of elsewhere is found.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

from sqlalchemy import BigInteger, and_, cast, func, or_, select, update
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.digests import sha256_of
from appliance.errors import NotFound
from appliance.evidence.key import EvidenceKey
from appliance.evidence.manifest import canonical
from appliance.models import DataKey, Export, Gap, Part, Sitting, SittingManifest, VaultObject
from appliance.settings import Settings
from appliance.vault import Vault
from appliance.vault.files import put
from appliance.vault.sealed_file import sealed_size
from appliance.vocabulary import SittingState

FORMAT: Final = "kustos-sitting"
VERSION: Final = 1
SIGNER: Final = Actor.appliance("manifests")

OVER: Final = frozenset(
    {
        SittingState.IN_REVIEW,
        SittingState.CONCLUDED,
        SittingState.DECLINED,
        SittingState.IDENTITY_REFUSED,
        SittingState.TIMED_OUT,
    }
)
"""States in which a sitting's evidence is signed; until then pictures and parts come by the minute."""

PURPOSES: Final = ("sitting", "pictures")
"""Keys that are a sitting's own (``services.purposes``). Bundles of checks and tries at challenges pass; nobody
judges by them."""

_PURPOSE: Final = f"^(?:{'|'.join(PURPOSES)}):([0-9]+)$"


def sign(
    session: Session, vault: Vault, key: EvidenceKey, folder: Path, sitting_id: int, actor: Actor = SIGNER
) -> SittingManifest:
    """Sign the next version of a sitting's manifest and write it below ``folder``, too.

    What is new must open, lest the appliance vouch for what somebody slipped in; raises ``VaultTampered`` otherwise.
    To be called again by whoever takes evidence away (an erasure, a term that is over).
    """
    sitting = session.get(Sitting, sitting_id, with_for_update={"key_share": True}, populate_existing=True)
    if sitting is None:
        raise NotFound("There is no such sitting.", sitting_id=sitting_id)
    session.flush()
    objects = objects_of(session, sitting_id)
    for one, data_key in objects:
        if one.manifest_id is None:
            _demand_opens(vault, one, data_key)
    last = newest(session, sitting_id)
    row = SittingManifest(sitting_id=sitting_id, number=1 if last is None else last.number + 1, made_at=utcnow())
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "sitting": sitting_id,
        "number": row.number,
        "previous": "" if last is None else last.sha256,
        "made_ms": to_ms(row.made_at),
        "key": {"algorithm": "Ed25519", "fingerprint": key.fingerprint},
        **evidence_of(session, sitting_id, objects),
    }
    content = canonical(facts)
    row.content, row.signature = content.decode(), key.sign(content).hex()
    row.sha256 = hashlib.sha256(content).hexdigest()
    session.add(row)
    session.flush()
    session.execute(
        update(VaultObject)
        .where(VaultObject.id.in_([one.id for one, _ in objects]), VaultObject.manifest_id.is_(None))
        .values(manifest_id=row.id)
    )
    audit.record(
        session,
        actor,
        "manifest.sign",
        ("sitting", sitting_id),
        company_id=sitting.company_id,
        number=row.number,
        sha256=row.sha256,
        objects=len(objects),
    )
    # before the commit: a file that no row knows is written over by the next try, a row without file would stay one
    for path, written in files_of(folder, row).items():
        put(path, written)
    return row


def sign_what_is_left(session: Session, vault: Vault, settings: Settings, sitting_id: int, actor: Actor) -> None:
    """Sign a sitting anew, in the same transaction, after something of it was taken away; if it ever was signed."""
    session.flush()
    if newest(session, sitting_id) is not None:
        key = EvidenceKey.load_or_create(settings.evidence_key_file, vault)
        sign(session, vault, key, settings.manifests, sitting_id, actor)


def evidence_of(session: Session, sitting_id: int, objects: list[tuple[VaultObject, DataKey]]) -> dict[str, Any]:
    """Return the part of a manifest that the rows say; whole numbers and texts only."""
    parts = session.scalars(select(Part).where(Part.sitting_id == sitting_id).order_by(Part.track, Part.sequence))
    gaps = session.scalars(select(Gap).where(Gap.sitting_id == sitting_id).order_by(Gap.id))
    entries, chain = [], "0" * 64
    for row, data_key in objects:
        entry = _object(row, data_key)
        chain = hashlib.sha256(chain.encode() + canonical(entry)).hexdigest()
        entries.append({**entry, "chain": chain})
    return {"objects": entries, "parts": [_part(row) for row in parts], "gaps": [_gap(row) for row in gaps]}


def objects_of(session: Session, sitting_id: int) -> list[tuple[VaultObject, DataKey]]:
    """Return what a sitting has in the vault under keys that are not destroyed, in the order it came."""
    query = select(VaultObject, DataKey).join(DataKey).outerjoin(Export, Export.vault_object_id == VaultObject.id)
    purposes = [f"{word}:{sitting_id}" for word in PURPOSES]
    own = or_(DataKey.purpose.in_(purposes), Export.sitting_id == sitting_id)
    query = query.where(own, DataKey.destroyed_at.is_(None)).order_by(VaultObject.id)
    return [(row, data_key) for row, data_key in session.execute(query.execution_options(populate_existing=True))]


def newest(session: Session, sitting_id: int) -> SittingManifest | None:
    """Return the last version."""
    query = select(SittingManifest).where(SittingManifest.sitting_id == sitting_id)
    return session.scalars(query.order_by(SittingManifest.number.desc()).limit(1)).one_or_none()


def unsigned(session: Session, limit: int = 50) -> list[int]:
    """Return sittings that are over and have something in the vault that no manifest names."""
    of_purpose = cast(func.substring(DataKey.purpose, _PURPOSE), BigInteger)
    owner = func.coalesce(Export.sitting_id, of_purpose)
    query = select(Sitting.id).select_from(VaultObject).join(DataKey)
    query = query.outerjoin(Export, Export.vault_object_id == VaultObject.id).join(Sitting, Sitting.id == owner)
    waiting = and_(VaultObject.manifest_id.is_(None), DataKey.destroyed_at.is_(None), Sitting.state.in_(OVER))
    return list(session.scalars(query.where(waiting).distinct().order_by(Sitting.id).limit(limit)))


def files_of(folder: Path, row: SittingManifest) -> dict[Path, bytes]:
    """Return the files of a version and what they hold: the manifest, and its signature as OpenSSL takes it."""
    base = folder / str(row.sitting_id)
    return {
        base / f"{row.number:04}.json": row.content.encode(),
        base / f"{row.number:04}.sig": bytes.fromhex(row.signature),
    }


def _demand_opens(vault: Vault, row: VaultObject, data_key: DataKey) -> None:
    with vault.open_under(data_key, row) as reader:
        reader.read(0, 1)
        reader.read(max(0, row.size_bytes - 1), 1)
    if not row.sealed_sha256:
        row.sealed_sha256 = sha256_of(vault.folder / row.path)


def _object(row: VaultObject, data_key: DataKey) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "purpose": data_key.purpose,
        "file": row.path,
        "size": row.size_bytes,
        "sha256": row.sha256,
        "sealed_size": sealed_size(row.size_bytes),
        "sealed_sha256": row.sealed_sha256,
        "sealed_ms": to_ms(row.created_at),
    }


def _part(row: Part) -> dict[str, Any]:
    return {
        "id": row.id,
        "track": row.track.value,
        "sequence": row.sequence,
        "source": row.source.value,
        "state": row.state.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": None if row.ended_at is None else to_ms(row.ended_at),
        "end_cause": row.end_cause,
        "duration_ms": row.duration_ms,
        "sha256": row.sha256,
        "object": row.vault_object_id,
    }


def _gap(row: Gap) -> dict[str, Any]:
    return {
        "id": row.id,
        "track": row.track.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": None if row.ended_at is None else to_ms(row.ended_at),
        "cause": row.cause.value,
        "detail": row.detail,
        "covered_by": row.covered_by_id,
    }
