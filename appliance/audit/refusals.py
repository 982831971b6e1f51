"""Refused requests, folded: the first of an asker in a minute is an entry at once, the rest become one more.

A flood of forbidden requests must leave its trace and must not fill the disk.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import case, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from appliance.audit.canonical import clean
from appliance.audit.chain import Actor, record
from appliance.db import utcnow
from appliance.models import AuditRefusal

MAX_KINDS: Final = 20
"""Different things that one folded entry names."""

MAX_ASKERS: Final = 200
"""Askers counted apart within one minute; more are one flood, counted together."""

FLOOD: Final = Actor("api", "many", "many askers")


def note(session: Session, actor: Actor, what: str, reason: str, now: datetime | None = None) -> None:
    """Count a refused request; ``what`` is the method and the route's pattern, never what was typed."""
    minute = (now or utcnow()).replace(second=0, microsecond=0)
    asker = actor if _is_counted(session, actor, minute) else FLOOD
    thing = f"{what} ({reason})"[:200]
    row = upsert(AuditRefusal).values(
        minute=minute,
        actor_kind=clean(asker.kind),
        actor_id=clean(asker.id),
        address=clean(asker.address),
        actor_name=clean(asker.name),
        company_id=asker.company_id,
        count=1,
        what=[],
    )
    counted = row.on_conflict_do_update(
        index_elements=["minute", "actor_kind", "actor_id", "address"],
        set_={
            "count": AuditRefusal.count + 1,
            "what": case(
                (AuditRefusal.what.contains([thing]), AuditRefusal.what),
                (func.jsonb_array_length(AuditRefusal.what) >= MAX_KINDS, AuditRefusal.what),
                else_=AuditRefusal.what.op("||")(cast([thing], JSONB)),
            ),
        },
    ).returning(AuditRefusal.count)
    if session.scalar(counted) == 1:
        record(session, asker, "access.refuse", ("route", what), "refused", asker.company_id, reason=reason)


def fold(session: Session, now: datetime | None = None) -> int:
    """Write what was counted in minutes that are over, and forget it; return how many entries that made."""
    over = (now or utcnow()).replace(second=0, microsecond=0)
    rows = session.scalars(
        select(AuditRefusal)
        .where(AuditRefusal.minute < over)
        .order_by(AuditRefusal.minute)
        .limit(10 * MAX_ASKERS)
        .with_for_update(skip_locked=True)
    ).all()
    written = 0
    for row in rows:
        if row.count > 1:
            asker = Actor(row.actor_kind, row.actor_id, row.actor_name, row.address, row.company_id)
            told = {"more": row.count - 1, "minute": row.minute, "what": sorted(row.what)}
            record(session, asker, "access.refuse", ("route", "several"), "refused", row.company_id, **told)
            written += 1
        session.delete(row)
    return written


def _is_counted(session: Session, actor: Actor, minute: datetime) -> bool:
    mine = (AuditRefusal.minute == minute, AuditRefusal.actor_kind == actor.kind, AuditRefusal.actor_id == actor.id)
    known = session.scalar(select(func.count()).where(*mine, AuditRefusal.address == actor.address))
    if known:
        return True
    return (session.scalar(select(func.count()).where(AuditRefusal.minute == minute)) or 0) < MAX_ASKERS
