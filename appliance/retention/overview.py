"""What the retention page shows: terms, what is deleted soon, holds, erasures, certificates, and finding a person."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from appliance.db import to_ms
from appliance.models import Candidate, Company, Disposal, Exam, LegalHold, Sitting
from appliance.retention import certificate, erasure, person_export, terms
from appliance.services import holds
from appliance.services.actors import names
from appliance.services.free_text import storable
from appliance.services.payloads import ms

SOON: Final = timedelta(days=30)
PAGE_SIZE: Final = 50
FOUND: Final = 25


def overview(session: Session, company: Company, now: datetime) -> dict[str, Any]:
    """Return all but the long list of what is deleted soon; a fixed number of queries and no candidate's name."""
    placed = holds.listing(session, company.id)
    people = names(session, [number for row in placed for number in (row.placed_by_id, row.released_by_id)])
    exams = session.scalars(select(Exam).where(Exam.company_id == company.id).order_by(Exam.name).limit(1000))
    return {
        "profile": company.profile,
        "terms": terms.table(session, company),
        "exams": [{"id": exam.id, "name": exam.name} for exam in exams],
        "soon": soon_counts(session, company.id, now),
        "holds": [holds.payload(row, people) for row in placed],
        "erasures": [erasure.payload(row) for row in erasure.listing(session, company.id)],
        "certificates": [certificate.payload(row) for row in certificate.listing(session, company.id)],
        "person_exports": [person_export.payload(row) for row in person_export.listing(session, company.id)],
    }


def soon_counts(session: Session, company_id: int, now: datetime) -> list[dict[str, Any]]:
    """Return for each data class how much is deleted within 30 days, and when the first goes."""
    query = select(Disposal.data_class, func.count(), func.min(Disposal.delete_at)).where(*_soon(company_id, now))
    rows = session.execute(query.group_by(Disposal.data_class).order_by(func.min(Disposal.delete_at)))
    return [{"data_class": kind.value, "count": count, "first_ms": to_ms(first)} for kind, count, first in rows]


def soon(session: Session, company_id: int, now: datetime, data_class: str = "", page: int = 1) -> dict[str, Any]:
    """Return a page of what is deleted within 30 days, the next first."""
    where = _soon(company_id, now)
    if data_class:
        where = and_(where, Disposal.data_class == data_class)
    query = select(Disposal, Exam.name).where(where)
    query = query.outerjoin(Sitting, Sitting.id == Disposal.sitting_id).outerjoin(Exam, Exam.id == Sitting.exam_id)
    total = session.scalar(select(func.count()).select_from(Disposal).where(where)) or 0
    page = max(1, page)
    rows = session.execute(
        query.order_by(Disposal.delete_at, Disposal.id).offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE)
    )
    return {
        "deletions": [_deletion(row, exam) for row, exam in rows],
        "page": page,
        "pages": max(1, -(-total // PAGE_SIZE)),
        "total": total,
    }


def people(session: Session, company_id: int, text: str) -> list[dict[str, Any]]:
    """Return people whose name, id or e-mail has ``text`` in it, with how much hangs on them."""
    wanted = storable(text.strip())
    if not wanted:
        return []
    full_name = Candidate.first_name + " " + Candidate.last_name
    columns = (full_name, Candidate.external_id, Candidate.email)
    query = select(Candidate, func.count(Sitting.id), func.max(Sitting.finished_at), holds.on_candidate())
    query = query.outerjoin(Sitting, Sitting.candidate_id == Candidate.id).where(Candidate.company_id == company_id)
    found = query.where(or_(*(column.icontains(wanted, autoescape=True) for column in columns)))
    rows = session.execute(found.group_by(Candidate.id).order_by(Candidate.last_name, Candidate.id).limit(FOUND))
    return [
        {
            "id": row.id,
            "name": row.name,
            "external_id": row.external_id,
            "email": row.email,
            "sittings": count,
            "last_ms": ms(last),
            "held": held,
            "erased_ms": ms(row.erased_at),
        }
        for row, count, last, held in rows
    ]


def active_holds(session: Session, company_id: int) -> int:
    """Return how many holds are in force."""
    where = (LegalHold.company_id == company_id, LegalHold.released_at.is_(None))
    return session.scalar(select(func.count()).select_from(LegalHold).where(*where)) or 0


def _soon(company_id: int, now: datetime) -> Any:
    return and_(Disposal.company_id == company_id, Disposal.deleted_at.is_(None), Disposal.delete_at <= now + SOON)


def _deletion(row: Disposal, exam: str | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "data_class": row.data_class.value,
        "sitting_id": row.sitting_id,
        "candidate_id": row.candidate_id,
        "exam": exam,
        "ended_ms": to_ms(row.ended_at),
        "days": row.days,
        "warned_ms": to_ms(row.warned_at),
        "delete_ms": to_ms(row.delete_at),
    }
