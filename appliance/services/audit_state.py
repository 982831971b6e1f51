"""How the audit log stands, for the page: its length, what vouches for it, and whether its copies arrive."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor, verification
from appliance.db import to_ms
from appliance.models import AuditCheckpoint, AuditEntry, AuditForwarding, AuditHead, AuditSegment
from appliance.settings import Settings


def state(session: Session, settings: Settings) -> dict[str, Any]:
    """Return {entries, first, head_hash, checkpoint, segments, copies, verification}; none of it counts rows."""
    head = session.execute(select(AuditHead.entries, AuditHead.hash)).one()
    return {
        "entries": head.entries,
        "first": session.scalar(select(func.min(AuditEntry.id))),
        "head_hash": head.hash,
        "checkpoint": _checkpoint(session, head.entries),
        "segments": session.scalar(select(func.count()).select_from(AuditSegment)),
        "copies": _copies(session, settings, head.entries),
        "verification": verification.newest(session),
    }


def record_verification(session: Session, actor: Actor) -> None:
    """Write to the log that somebody has it proved."""
    audit.record(session, actor, "audit.verify", ("audit", "all"))


def _checkpoint(session: Session, entries: int) -> dict[str, Any] | None:
    last = session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.number.desc()).limit(1)).first()
    if last is None:
        return None
    return {"number": last.number, "entries": last.entries, "at_ms": to_ms(last.at), "after": entries - last.entries}


def _copies(session: Session, settings: Settings, entries: int) -> dict[str, Any] | None:
    if not settings.siem_url:
        return None
    row = session.get(AuditForwarding, settings.siem_url)
    if row is None:
        return {"behind": entries, "sent_ms": None, "failing_ms": None, "problem": ""}
    return {
        "behind": entries - row.last_id,
        "sent_ms": None if row.sent_at is None else to_ms(row.sent_at),
        "failing_ms": None if row.failing_since is None else to_ms(row.failing_since),
        "problem": row.problem,
    }
