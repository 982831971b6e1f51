"""What must not pass unseen: shown to security officers and administrators until one of them has taken note."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import NotFound
from appliance.models import Notice
from appliance.services.actors import user_id

MOST = 20


def give(session: Session, company_id: int, kind: str, **details: Any) -> Notice:
    """Show something; the act it tells of writes its own audit entry."""
    notice = Notice(company_id=company_id, kind=kind, details=details)
    session.add(notice)
    return notice


def listing(session: Session, company_id: int) -> list[dict[str, Any]]:
    """Return what nobody has taken note of yet, newest first."""
    query = select(Notice).where(Notice.company_id == company_id, Notice.noted_at.is_(None))
    rows = session.scalars(query.order_by(Notice.id.desc()).limit(MOST))
    return [{"id": row.id, "kind": row.kind, "at_ms": to_ms(row.created_at), "details": row.details} for row in rows]


def note(session: Session, actor: Actor, notice_id: int, company_id: int) -> None:
    """Take note; raise ``NotFound``. A second time changes nothing."""
    notice = session.get(Notice, notice_id, with_for_update=True)
    if notice is None or notice.company_id != company_id:
        raise NotFound("There is no such notice.")
    if notice.noted_at is None:
        notice.noted_at, notice.noted_by_id = utcnow(), user_id(actor)
        audit.record(session, actor, "notice.note", ("notice", notice.id), kind=notice.kind)
