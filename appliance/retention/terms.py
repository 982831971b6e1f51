"""A company's terms: what counts for each exam and data class, and changing it within the profile's limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.errors import BadInput, NotFound
from appliance.models import Company, Exam, RetentionRule
from appliance.services import profiles
from appliance.services.payloads import ms
from appliance.services.retention_terms import LEAST_WARN_DAYS, LONGEST, MOST_WARN_DAYS, WARN_DAYS
from appliance.vocabulary import DataClass


def set_rule(
    session: Session,
    actor: Actor,
    company: Company,
    data_class: DataClass,
    days: int | None,
    warn_days: int,
    now: datetime,
    exam_id: int | None = None,
) -> RetentionRule:
    """Set the company's term of a data class, or one exam's own; ``BadInput`` names the rule that forbids it."""
    _demand_possible(company, data_class, days, warn_days)
    if exam_id is not None:
        _demand_exam(session, company.id, exam_id)
    row = _find(session, company.id, data_class, exam_id)
    before = None if row is None else {"days": row.days, "warn_days": row.warn_days}
    if row is None:
        row = RetentionRule(company_id=company.id, exam_id=exam_id, data_class=data_class)
        session.add(row)
    row.days, row.warn_days, row.changed_at = days, warn_days, now
    row.changed_by_id = int(actor.id) if actor.kind == "user" else None
    session.flush()
    details: dict[str, Any] = {
        "data_class": data_class,
        "exam_id": exam_id,
        "days": days,
        "warn_days": warn_days,
        "before": before,
    }
    audit.record(session, actor, "retention.set", ("company", company.id), company_id=company.id, **details)
    return row


def drop_rule(
    session: Session, actor: Actor, company: Company, data_class: DataClass, exam_id: int | None = None
) -> bool:
    """Let the wider rule count again: the company's for an exam, the profile's default for the company."""
    row = _find(session, company.id, data_class, exam_id)
    if row is None:
        return False
    before = {"days": row.days, "warn_days": row.warn_days}
    details: dict[str, Any] = {"data_class": data_class, "exam_id": exam_id, "before": before}
    audit.record(session, actor, "retention.unset", ("company", company.id), company_id=company.id, **details)
    session.delete(row)
    session.flush()
    return True


def table(session: Session, company: Company) -> list[dict[str, Any]]:
    """Return for each data class: the limits, what counts for the company, and the exams that differ."""
    rules = rules_of(session, company.id)
    names = {exam.id: exam for exam in session.scalars(select(Exam).where(Exam.company_id == company.id))}
    rows = []
    for data_class, term in profiles.of(company).retention.items():
        own = next((rule for rule in rules if rule.data_class is data_class and rule.exam_id is None), None)
        rows.append(
            {
                "data_class": data_class.value,
                "days": term.default if own is None else term.within(own.days),
                "warn_days": WARN_DAYS if own is None else own.warn_days,
                "preset": own is None,
                "changed_ms": None if own is None else ms(own.changed_at),
                "least": term.least,
                "most": term.most,
                "default": term.default,
                "least_rule": term.least_rule,
                "most_rule": term.most_rule,
                "exams": [
                    {
                        "exam_id": rule.exam_id,
                        "name": names[rule.exam_id].name,
                        "days": term.within(rule.days),
                        "warn_days": rule.warn_days,
                    }
                    for rule in rules
                    if rule.data_class is data_class and rule.exam_id is not None
                ],
            }
        )
    return rows


def rules_of(session: Session, company_id: int) -> Sequence[RetentionRule]:
    """Return the company's own rules, those of exams after the company's."""
    query = select(RetentionRule).where(RetentionRule.company_id == company_id)
    return session.scalars(query.order_by(RetentionRule.exam_id.nulls_first(), RetentionRule.id)).all()


def _demand_possible(company: Company, data_class: DataClass, days: int | None, warn_days: int) -> None:
    term, name = profiles.of(company).retention[data_class], company.profile
    if days is None and term.most is not None:
        words = f"The profile “{name}” wants an end, after {term.most} days at most: {term.most_rule}."
        raise BadInput(words, field="days")
    if days is not None and days < term.least:
        raise BadInput(f"The profile “{name}” wants {term.least} days at least: {term.least_rule}.", field="days")
    if days is not None and term.most is not None and days > term.most:
        raise BadInput(f"The profile “{name}” allows {term.most} days at most: {term.most_rule}.", field="days")
    if days is not None and days > LONGEST:
        raise BadInput(f"A term has at most {LONGEST} days.", field="days")
    if not LEAST_WARN_DAYS <= warn_days <= MOST_WARN_DAYS:
        words = f"A deletion is announced {LEAST_WARN_DAYS} to {MOST_WARN_DAYS} days before."
        raise BadInput(words, field="warn_days")


def _demand_exam(session: Session, company_id: int, exam_id: int) -> None:
    exam = session.get(Exam, exam_id)
    if exam is None or exam.company_id != company_id:
        raise NotFound("There is no such exam.", exam_id=exam_id)


def _find(session: Session, company_id: int, data_class: DataClass, exam_id: int | None) -> RetentionRule | None:
    query = select(RetentionRule).where(
        RetentionRule.company_id == company_id,
        RetentionRule.data_class == data_class,
        RetentionRule.exam_id.is_(None) if exam_id is None else RetentionRule.exam_id == exam_id,
    )
    return session.scalars(query.with_for_update()).one_or_none()
