"""What is stored of faces in a company, counted from the live data: for its security officer. Never a face itself."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, String, cast, func, or_, select
from sqlalchemy.orm import Session

from appliance import audit, jobs
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import NotFound
from appliance.models import (
    Candidate,
    Company,
    DataKey,
    EvidencePicture,
    Exam,
    FaceProtection,
    FaceTemplate,
    IdentityCheck,
    IdentityPhoto,
    Observation,
    SimilarFace,
    Sitting,
)
from appliance.services import holds, payloads, profiles, templates
from appliance.services.free_text import storable
from appliance.vault import Vault

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class People:
    """One page of the people who are enrolled."""

    people: list[dict[str, Any]]
    total: int
    page: int
    page_size: int = PAGE_SIZE


def inventory(session: Session, company_id: int) -> dict[str, Any]:
    """Return counts, ages, keys and versions; a fixed number of queries."""
    company = session.get_one(Company, company_id)
    return {
        "profile": company.profile,
        "server_ms": payloads.ms(utcnow()),
        "templates": _templates(session, company_id),
        "protection": _protection(session, company_id),
        "keys": _keys(session, company_id),
        "photos": _photos(session, company_id),
        "evidence_pictures": _evidence(session, company_id),
        "checks": _count(session, _of_company(IdentityCheck, company_id)),
        "similar": _count(session, _of_company(SimilarFace, company_id)),
        "exams": _exams(session, company_id),
    }


def people(session: Session, company_id: int, text: str = "", page: int = 1) -> People:
    """Return who is enrolled, by name; ``text`` is looked for in names, ids and e-mails."""
    query = (
        select(
            Candidate,
            func.count(FaceTemplate.id),
            func.min(FaceTemplate.created_at),
            func.max(FaceTemplate.created_at),
        )
        .join(FaceTemplate, FaceTemplate.candidate_id == Candidate.id)
        .where(Candidate.company_id == company_id, FaceTemplate.revoked_at.is_(None))
        .group_by(Candidate.id)
    )
    wanted = storable(text.strip())
    if wanted:
        full_name = Candidate.first_name + " " + Candidate.last_name
        columns = (full_name, Candidate.external_id, Candidate.email)
        query = query.where(or_(*(column.icontains(wanted, autoescape=True) for column in columns)))
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    rows = session.execute(
        query.order_by(Candidate.last_name, Candidate.id).offset((max(1, page) - 1) * PAGE_SIZE).limit(PAGE_SIZE)
    )
    return People([_person(*row) for row in rows], total, max(1, page))


def get_person(session: Session, candidate_id: int, company_id: int) -> Candidate:
    """Return the person, of this company; raise ``NotFound``."""
    row = session.get(Candidate, candidate_id)
    if row is None or row.company_id != company_id:
        raise NotFound("There is no such person.", candidate_id=candidate_id)
    return row


def revoke(session: Session, actor: Actor, vault: Vault, person: Candidate, reason: str = "") -> int:
    """Make a person's templates unreadable for ever; return how many there were. Raises ``OnHold``."""
    holds.demand_none(session, candidate_id=person.id)
    return templates.revoke(session, actor, vault, person, storable(reason).strip())


def ask_to_renew(session: Session, actor: Actor, company_id: int) -> bool:
    """Have all templates of the company protected anew by a worker; False: that waits already."""
    if templates.version_in_force(session, company_id) is None:
        raise NotFound("Nobody is enrolled in this organisation.")
    fields = ("kind", "id", "name", "address", "company_id", "role")
    who = {name: getattr(actor, name) for name in fields}
    lock = f"renew_templates:{company_id}"
    job = jobs.defer(session, "media.renew_templates", queueing_lock=lock, company_id=company_id, actor=who)
    audit.record(session, actor, "face.ask_to_renew", ("company", company_id), company_id=company_id)
    return job is not None


def _person(row: Candidate, count: int, oldest: Any, newest: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "external_id": row.external_id,
        "email": row.email,
        "templates": count,
        "oldest_ms": payloads.ms(oldest),
        "newest_ms": payloads.ms(newest),
    }


def _templates(session: Session, company_id: int) -> dict[str, Any]:
    own = FaceTemplate.company_id == company_id
    in_use = (own, FaceTemplate.revoked_at.is_(None))
    figures = session.execute(
        select(
            func.count(),
            func.count(FaceTemplate.candidate_id.distinct()),
            func.min(FaceTemplate.created_at),
            func.coalesce(func.sum(func.octet_length(FaceTemplate.content)), 0),
        ).where(*in_use)
    ).one()
    models = session.execute(
        select(FaceTemplate.model_hash, func.count()).where(*in_use).group_by(FaceTemplate.model_hash)
    )
    return {
        "in_use": figures[0],
        "people": figures[1],
        "oldest_ms": payloads.ms(figures[2]),
        "bytes": int(figures[3]),
        "revoked": _count(session, select(FaceTemplate).where(own, FaceTemplate.revoked_at.is_not(None))),
        "models": [{"sha256": sha256, "count": count} for sha256, count in models],
    }


def _protection(session: Session, company_id: int) -> dict[str, Any] | None:
    query = select(FaceProtection).where(FaceProtection.company_id == company_id).order_by(FaceProtection.version)
    rows = session.scalars(query).all()
    if not rows:
        return None
    newest = rows[-1]
    renewed = newest.created_at if len(rows) > 1 else None
    return {
        "version": newest.version,
        "since_ms": payloads.ms(newest.created_at),
        "renewed_ms": payloads.ms(renewed),
        "key": templates.company_purpose(company_id, newest.version),
        "retired": len([row for row in rows if row.retired_at is not None]),
    }


def _keys(session: Session, company_id: int) -> dict[str, int]:
    """Return how many people's keys there are, and how many were destroyed (revoked or erased)."""
    owner = func.split_part(func.split_part(DataKey.purpose, ":", 2), "#", 1)
    query = select(func.count() - func.count(DataKey.destroyed_at), func.count(DataKey.destroyed_at)).select_from(
        DataKey
    )
    query = query.join(Candidate, cast(Candidate.id, String) == owner)
    living, destroyed = session.execute(
        query.where(DataKey.purpose.startswith("face:"), Candidate.company_id == company_id)
    ).one()
    return {"people": living, "people_destroyed": destroyed}


def _photos(session: Session, company_id: int) -> list[dict[str, Any]]:
    query = select(IdentityPhoto.kind, func.count(), func.min(IdentityPhoto.taken_at))
    query = query.join(Sitting, Sitting.id == IdentityPhoto.sitting_id).where(Sitting.company_id == company_id)
    rows = session.execute(query.group_by(IdentityPhoto.kind).order_by(IdentityPhoto.kind))
    return [{"kind": kind.value, "count": count, "oldest_ms": payloads.ms(oldest)} for kind, count, oldest in rows]


def _evidence(session: Session, company_id: int) -> dict[str, Any]:
    query = select(func.count(EvidencePicture.id), func.min(Observation.started_at))
    query = query.join(Observation, Observation.id == EvidencePicture.observation_id)
    count, oldest = session.execute(
        query.join(Sitting, Sitting.id == Observation.sitting_id).where(Sitting.company_id == company_id)
    ).one()
    return {"count": count, "oldest_ms": payloads.ms(oldest)}


def _exams(session: Session, company_id: int) -> list[dict[str, Any]]:
    query = select(Exam).where(Exam.company_id == company_id).order_by(Exam.name, Exam.id).limit(1000)
    return [
        {
            "id": exam.id,
            "name": exam.name,
            "external_id": exam.external_id,
            "biometrics": profiles.mode_of(exam).value,
            "identity_action": profiles.action_of(exam).value,
        }
        for exam in session.scalars(query)
    ]


def _of_company(model: Any, company_id: int) -> Select[Any]:
    return select(model).join(Sitting, Sitting.id == model.sitting_id).where(Sitting.company_id == company_id)


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0
