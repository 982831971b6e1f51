"""The audit log as people read it: a page of entries, newest first."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from appliance.db import to_ms
from appliance.models import AuditEntry

PAGE_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the log."""

    entries: list[dict[str, Any]]
    total: int
    page: int
    page_size: int = PAGE_SIZE


def listing(session: Session, company_id: int, action: str = "", actor: str = "", page: int = 1) -> Page:
    """Return the company's entries; ``action`` is the beginning of one (``recording.``), ``actor`` part of a name."""
    query = select(AuditEntry).where(AuditEntry.company_id == company_id)
    if action.strip():
        query = query.where(AuditEntry.action.istartswith(action.strip(), autoescape=True))
    if actor.strip():
        wanted = actor.strip()
        query = query.where(
            or_(AuditEntry.actor_name.icontains(wanted, autoescape=True), AuditEntry.actor_id == wanted)
        )
    total = session.scalar(query.with_only_columns(func.count())) or 0
    page = max(1, page)
    rows = session.scalars(query.order_by(AuditEntry.id.desc()).offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE))
    return Page([_entry(row) for row in rows], total, page)


def _entry(row: AuditEntry) -> dict[str, Any]:
    return {
        "id": row.id,
        "at_ms": to_ms(row.at),
        "actor": {"kind": row.actor_kind, "id": row.actor_id, "name": row.actor_name, "address": row.address},
        "action": row.action,
        "result": row.result,
        "subject": {"kind": row.subject_kind, "id": row.subject_id},
        "details": row.details,
        "hash": row.hash,
    }
