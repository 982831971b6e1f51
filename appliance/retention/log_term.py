"""The end of the audit log's own entries: kept as long as anything they speak of, then announced, then destroyed.

The log belongs to the whole appliance, so the longest term of any company's data counts. About once a month what is
past it is sealed into a segment under a key of its own, which is the announcement; ``GRACE`` later the key is
destroyed. The chain still verifies: a segment's signed statement says where it began and ended.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import checkpoints, segments
from appliance.audit.statements import Signer
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.models import AuditEntry, AuditSegment, Company, RetentionRule, VaultObject
from appliance.services import profiles
from appliance.vocabulary import DataClass

MONTH: Final = timedelta(days=30)
"""A segment a night would be many small ones."""

GRACE: Final = timedelta(days=30)
"""Between sealing and destroying: time to place a copy elsewhere, or to set a longer term."""


def longest(session: Session) -> int | None:
    """Return the longest term of any data of any company, in days; None: something is kept without end."""
    found = [0]
    for company in session.scalars(select(Company)):
        terms = profiles.of(company).retention
        rules = session.execute(
            select(RetentionRule.data_class, RetentionRule.days, RetentionRule.exam_id).where(
                RetentionRule.company_id == company.id
            )
        ).all()
        wide = {rule.data_class for rule in rules if rule.exam_id is None}
        said: list[int | None] = [terms[data_class].default for data_class in DataClass if data_class not in wide]
        said += [terms[rule.data_class].within(rule.days) for rule in rules]
        if None in said:
            return None
        found += [days for days in said if days is not None]
    return max(found)


def run(own: Collaborators, now: datetime, actor: audit.Actor) -> tuple[int, list[int]]:
    """Destroy what was sealed long ago, seal what is past the term; return entries sealed, segments destroyed."""
    moved, gone = 0, []
    with unit_of_work(own.session_factory) as session:
        days = longest(session)
        if not days:
            return 0, []
        gone = segments.erase(session, own.vault, _destroyed_before(session, now, days), now)
        if gone:
            audit.record(session, actor, "audit.erase", ("audit_log", 1), segments=gone, after_days=days)
    past = now - timedelta(days=days)
    with unit_of_work(own.session_factory) as session:
        if _anything_before(session, past - MONTH):
            moved = segments.rotate(session, Signer.of(own.settings, own.vault), past)
        if moved:
            details: dict[str, Any] = {"announced": moved, "after_days": days, "grace_days": GRACE.days}
            audit.record(session, actor, "retention.announce", ("audit_log", 1), data_class="audit_log", **details)
    if moved:
        with unit_of_work(own.session_factory) as session:
            checkpoints.write_file(session, own.settings.audit)
    return moved, gone


def _destroyed_before(session: Session, now: datetime, days: int) -> datetime:
    """Return up to when entries are destroyed: not those of a segment that was sealed within the grace."""
    fresh = select(func.min(AuditSegment.last_at)).join(VaultObject, VaultObject.id == AuditSegment.vault_object_id)
    first = session.scalar(fresh.where(VaultObject.created_at > now - GRACE))
    past = now - timedelta(days=days)
    return past if first is None else min(past, first)


def _anything_before(session: Session, before: datetime) -> bool:
    oldest = select(AuditEntry.at).order_by(AuditEntry.id).limit(1)
    found = session.scalar(oldest)
    return found is not None and found < before
