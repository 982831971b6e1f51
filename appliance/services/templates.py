"""Enrolled faces: made, compared, renewed, revoked. A descriptor leaves this module only to be compared.

Keys in the vault: ``face:CANDIDATE`` (the person's) and ``faces:COMPANY:VERSION`` (the company's protection); a
template opens with both and no otherwise. Destroying either makes it unreadable everywhere, backups included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import NotFound
from appliance.models import Candidate, DataKey, FaceProtection, FaceTemplate, Sitting
from appliance.services import profiles
from appliance.services.template_protection import Binding, Protection, Vector
from appliance.vault import KEY_COLUMNS, StoredKey, Vault

KEPT: Final = 3
"""Templates of one person in use: the newest; people change, and more would not tell more."""

BATCH: Final = 5000
"""Rows that are read or written at a time: 3 MB."""

LABEL: Final = b"face template"

Loaded = tuple[int, int, NDArray[np.float32]]
"""Template's id, candidate's id, the protected numbers."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A face held against an enrolled one."""

    template_id: int
    sitting_id: int | None
    """Where that one was enrolled."""
    distance: float


@dataclass(frozen=True, slots=True)
class Found:
    """Another person's enrolled face that is near."""

    template_id: int
    candidate_id: int
    sitting_id: int | None
    distance: float


def person_purpose(candidate_id: int) -> str:
    """Return the vault's purpose of a person's key."""
    return f"face:{candidate_id}"


def company_purpose(company_id: int, version: int) -> str:
    """Return the vault's purpose of one version of a company's protection."""
    return f"faces:{company_id}:{version}"


def enrol(
    session: Session, actor: Actor, vault: Vault, sitting: Sitting, descriptor: Vector, model_hash: str
) -> FaceTemplate:
    """Keep a face of this sitting's candidate; one of the same sitting, and the oldest of more than three, go.

    Raises ``BiometricsOff`` where the exam or the profile forbids it, ``KeyDestroyed`` for a person who was erased.
    """
    profiles.demand_server(sitting.exam)
    protection = protection_of(session, vault, sitting.company_id)
    person_key = vault.derive(session, person_purpose(sitting.candidate_id), LABEL)
    row = FaceTemplate(
        company_id=sitting.company_id,
        candidate_id=sitting.candidate_id,
        sitting_id=sitting.id,
        protection_version=protection.version,
        model_hash=model_hash,
    )
    session.add(row)
    session.flush()
    row.content = protection.seal(protection.protect(descriptor), person_key, _binding(row))
    details = {
        "template_id": row.id,
        "sitting_id": sitting.id,
        "model": model_hash,
        "protection": row.protection_version,
    }
    _record(session, actor, "face.enrol", row.candidate_id, row.company_id, **details)
    _drop_older(session, actor, row)
    session.flush()
    return row


def compare(session: Session, vault: Vault, sitting: Sitting, descriptor: Vector, model_hash: str) -> list[Compared]:
    """Return the distances to the candidate's own enrolled faces, nearest first; raise ``BiometricsOff``.

    Whoever concludes something from them keeps it with ``identity_checks.keep``, which is audited.
    """
    profiles.demand_server(sitting.exam)
    rows = _of_candidate(session, sitting.candidate_id, model_hash)
    if not rows:
        return []
    protection = protection_of(session, vault, sitting.company_id)
    asked = protection.protect(descriptor)
    person_key = vault.derive(session, person_purpose(sitting.candidate_id), LABEL)
    found = [
        Compared(
            row.id, row.sitting_id, _apart(asked, protection.open(row.content or b"", person_key, _binding(row)))
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: each.distance)


def reference(session: Session, vault: Vault, sitting: Sitting, model_hash: str) -> Vector | None:
    """Return the descriptor enrolled at this sitting's check-in, to hold live faces against; None without one."""
    profiles.demand_server(sitting.exam)
    rows = [row for row in _of_candidate(session, sitting.candidate_id, model_hash) if row.sitting_id == sitting.id]
    if not rows:
        return None
    protection = protection_of(session, vault, sitting.company_id)
    person_key = vault.derive(session, person_purpose(sitting.candidate_id), LABEL)
    return protection.reveal(protection.open(rows[0].content or b"", person_key, _binding(rows[0])))


def revoke(session: Session, actor: Actor, vault: Vault, candidate: Candidate, reason: str = "") -> int:
    """Make all of a person's templates unreadable for ever, in every copy; return how many were in use.

    The person may be enrolled anew, under a new key. (``vault.destroy`` instead also forbids that: an erasure.)
    """
    rows = session.scalars(_in_use().where(FaceTemplate.candidate_id == candidate.id).with_for_update()).all()
    for row in rows:
        row.content, row.revoked_at, row.revoked_reason = None, utcnow(), reason[:500]
    destroyed = vault.replace(session, person_purpose(candidate.id))
    details = {"templates": len(rows), "key_destroyed": destroyed, "reason": reason[:500]}
    _record(session, actor, "face.revoke", candidate.id, candidate.company_id, **details)
    session.flush()
    return len(rows)


def renew(session: Session, actor: Actor, vault: Vault, company_id: int) -> int:
    """Turn all of a company's templates by a new secret and destroy the old one; return how many there were.

    About 0.1 ms each. Nobody need come again; what leaked before fits nothing any more.
    """
    row = _protection_row(session, company_id, lock=True)
    if row is None:
        raise NotFound("Nobody is enrolled in this organisation.", company_id=company_id)
    old = Protection.of(row.version, vault.derive(session, company_purpose(company_id, row.version), LABEL))
    row.retired_at = utcnow()
    session.flush()
    fresh = FaceProtection(company_id=company_id, version=row.version + 1)
    session.add(fresh)
    session.flush()
    new = Protection.of(fresh.version, vault.derive(session, company_purpose(company_id, fresh.version), LABEL))
    count = _turn(session, vault, company_id, old, new)
    vault.destroy(session, company_purpose(company_id, old.version))
    details: dict[str, Any] = {"templates": count, "before": old.version, "after": new.version}
    audit.record(session, actor, "face.renew", ("company", company_id), company_id=company_id, **details)
    return count


def protection_of(session: Session, vault: Vault, company_id: int) -> Protection:
    """Return the company's protection in force, made at its first use; held until the caller's commit."""
    row = _protection_row(session, company_id)
    if row is None:
        last = session.scalar(select(func.max(FaceProtection.version)).where(FaceProtection.company_id == company_id))
        values = {"company_id": company_id, "version": (last or 0) + 1}
        session.execute(insert(FaceProtection).values(**values).on_conflict_do_nothing())
        row = _protection_row(session, company_id)
        assert row is not None  # noqa: S101 - made just now, by us or another
    return Protection.of(row.version, vault.derive(session, company_purpose(company_id, row.version), LABEL))


def version_in_force(session: Session, company_id: int) -> int | None:
    """Return the number of the company's protection; None: nobody was ever enrolled."""
    in_force = (FaceProtection.company_id == company_id, FaceProtection.retired_at.is_(None))
    return session.scalar(select(FaceProtection.version).where(*in_force))


def count(session: Session, company_id: int, model_hash: str) -> int:
    """Return how many templates of one network the company has in use."""
    query = _in_use().where(FaceTemplate.company_id == company_id, FaceTemplate.model_hash == model_hash)
    return session.scalar(query.with_only_columns(func.count())) or 0


def ids_from(session: Session, company_id: int, model_hash: str, from_id: int) -> NDArray[np.int64]:
    """Return the ids of the templates in use from ``from_id`` on."""
    query = _in_use().where(
        FaceTemplate.company_id == company_id, FaceTemplate.model_hash == model_hash, FaceTemplate.id >= from_id
    )
    return np.fromiter(session.scalars(query.with_only_columns(FaceTemplate.id)), dtype=np.int64)


def revoked_since(session: Session, company_id: int, moment: Any) -> NDArray[np.int64]:
    """Return the ids of the company's templates revoked since then."""
    gone = (FaceTemplate.company_id == company_id, FaceTemplate.revoked_at >= moment)
    return np.fromiter(session.scalars(select(FaceTemplate.id).where(*gone)), dtype=np.int64)


def load(
    session: Session,
    vault: Vault,
    protection: Protection,
    company_id: int,
    model_hash: str,
    ids: Sequence[int] | None = None,
) -> Iterator[list[Loaded]]:
    """Give the company's templates in use, in batches: all, or these; those whose key was destroyed are left out."""
    wanted = (
        FaceTemplate.company_id == company_id,
        FaceTemplate.model_hash == model_hash,
        FaceTemplate.protection_version == protection.version,
        FaceTemplate.revoked_at.is_(None),
    )
    last = 0
    while True:
        query = _with_keys().where(*wanted, FaceTemplate.id > last)
        if ids is not None:
            query = query.where(FaceTemplate.id.in_(ids))
        rows = session.execute(query.order_by(FaceTemplate.id).limit(BATCH)).all()
        if not rows:
            return
        last = rows[-1].id
        yield [
            (row.id, row.candidate_id, protection.open(row.content, key, _bound(row, company_id)))
            for row, key in zip(rows, _person_keys(vault, rows), strict=True)
            if key is not None
        ]


def near(
    session: Session,
    vault: Vault,
    protection: Protection,
    company_id: int,
    model_hash: str,
    asked: Vector,
    ids: Sequence[int],
) -> list[Found]:
    """Return the exact distances of these templates to the protected numbers ``asked``, nearest first."""
    query = select(FaceTemplate.id, FaceTemplate.sitting_id).where(FaceTemplate.id.in_(ids))
    places = {row.id: row.sitting_id for row in session.execute(query)}
    found = [
        Found(template_id, candidate_id, places.get(template_id), _apart(asked, numbers))
        for batch in load(session, vault, protection, company_id, model_hash, ids)
        for template_id, candidate_id, numbers in batch
    ]
    return sorted(found, key=lambda each: each.distance)


def _turn(session: Session, vault: Vault, company_id: int, old: Protection, new: Protection) -> int:
    """Re-protect what is in use; of what cannot be opened any more the remains go."""
    change = update(FaceTemplate).where(FaceTemplate.id == bindparam("row_id"))
    change = change.values(content=bindparam("sealed"), protection_version=new.version)
    total, last = 0, 0
    while True:
        query = _with_keys().where(FaceTemplate.company_id == company_id, FaceTemplate.revoked_at.is_(None))
        rows = session.execute(query.where(FaceTemplate.id > last).order_by(FaceTemplate.id).limit(BATCH)).all()
        if not rows:
            break
        last = rows[-1].id
        turned = []
        for row, key in zip(rows, _person_keys(vault, rows), strict=True):
            if key is None:
                continue
            bound = _bound(row, company_id)
            plain = old.reveal(old.open(row.content, key, bound))
            fresh = Binding(company_id, row.candidate_id, row.id, new.version, row.model_hash)
            turned.append({"row_id": row.id, "sealed": new.seal(new.protect(plain), key, fresh)})
        if turned:
            session.connection().execute(change, turned)
        total += len(turned)
    unreadable = (FaceTemplate.company_id == company_id, FaceTemplate.revoked_at.is_(None))
    gone = update(FaceTemplate).where(*unreadable, FaceTemplate.protection_version != new.version)
    session.execute(gone.values(content=None, revoked_at=utcnow(), revoked_reason="key destroyed"))
    return total


def _drop_older(session: Session, actor: Actor, newest: FaceTemplate) -> None:
    own = _in_use().where(FaceTemplate.candidate_id == newest.candidate_id, FaceTemplate.id != newest.id)
    rows = session.scalars(own.order_by(FaceTemplate.id.desc())).all()
    same = [row for row in rows if row.sitting_id == newest.sitting_id]
    others = [row for row in rows if row.sitting_id != newest.sitting_id]
    for row in same + others[KEPT - 1 :]:
        row.content, row.revoked_at, row.revoked_reason = None, utcnow(), "superseded"
        details = {"template_id": row.id, "reason": "superseded"}
        _record(session, actor, "face.drop", row.candidate_id, row.company_id, **details)


def _of_candidate(session: Session, candidate_id: int, model_hash: str) -> list[FaceTemplate]:
    own = (FaceTemplate.candidate_id == candidate_id, FaceTemplate.model_hash == model_hash)
    return list(session.scalars(_in_use().where(*own).order_by(FaceTemplate.id.desc())))


def _in_use() -> Select[FaceTemplate]:
    return select(FaceTemplate).where(FaceTemplate.revoked_at.is_(None))


def _with_keys() -> Any:
    """Select templates, each with its person's key."""
    columns = (FaceTemplate.id, FaceTemplate.candidate_id, FaceTemplate.protection_version, FaceTemplate.model_hash)
    query = select(*columns, FaceTemplate.content, *KEY_COLUMNS)
    return query.join(DataKey, DataKey.purpose == func.concat("face:", FaceTemplate.candidate_id))


def _person_keys(vault: Vault, rows: Sequence[Any]) -> list[bytes | None]:
    keys = [StoredKey(row.key_id, row.purpose, row.wrapped, row.destroyed_at) for row in rows]
    return vault.derive_many(keys, LABEL)


def _binding(row: FaceTemplate) -> Binding:
    return Binding(row.company_id, row.candidate_id, row.id, row.protection_version, row.model_hash)


def _bound(row: Any, company_id: int) -> Binding:
    return Binding(company_id, row.candidate_id, row.id, row.protection_version, row.model_hash)


def _apart(first: NDArray[Any], second: NDArray[Any]) -> float:
    return float(np.linalg.norm(np.asarray(first, dtype=np.float64) - second))


def _protection_row(session: Session, company_id: int, lock: bool = False) -> FaceProtection | None:
    """Return what is in force, locked: shared by those who enrol, alone for who renews."""
    in_force = (FaceProtection.company_id == company_id, FaceProtection.retired_at.is_(None))
    query = select(FaceProtection).where(*in_force).with_for_update(read=not lock)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _record(session: Session, actor: Actor, action: str, candidate_id: int, company_id: int, **details: Any) -> None:
    audit.record(session, actor, action, ("candidate", candidate_id), company_id=company_id, **details)
