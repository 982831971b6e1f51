"""Who works on which exam, and on which sitting by name; and whose account reaches no other exam."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance import audit, bus
from appliance.audit import Actor
from appliance.errors import BadInput
from appliance.models import Assignment, Company, Exam, Sitting, User
from appliance.services import accounts
from appliance.vocabulary import Role

CHANGED: Final = "assignments.changed"
"""On the company's topic, with ``user_ids``: what these people see is another set of sittings now."""

ASSIGNABLE: Final = frozenset({Role.PROCTOR, Role.REVIEWER, Role.ORGANISER})
"""Roles that work on exams; the others have nothing an exam could be assigned for."""

LIMITABLE: Final = frozenset({Role.REVIEWER, Role.ORGANISER})
"""Roles that reach the whole company unless limited; a proctor never does."""


def people(session: Session, company_id: int) -> list[dict[str, Any]]:
    """Return who can be assigned, each with the exams they are assigned to."""
    query = select(User).where(User.company_id == company_id, User.role.in_(ASSIGNABLE), User.disabled_at.is_(None))
    users = session.scalars(query.order_by(User.name, User.id)).all()
    assigned = select(Assignment.user_id, Assignment.exam_id).where(
        Assignment.user_id.in_([user.id for user in users]), Assignment.exam_id.is_not(None)
    )
    exams: dict[int, list[int]] = {user.id: [] for user in users}
    for row in session.execute(assigned.order_by(Assignment.exam_id)).mappings():
        exams[row["user_id"]].append(row["exam_id"])
    return [
        {
            "id": user.id,
            "name": user.name,
            "role": user.role.value,
            "limited": user.limited or user.role is Role.PROCTOR,
            "exam_ids": exams[user.id],
        }
        for user in users
    ]


def set_exam(session: Session, actor: Actor, exam: Exam, user_ids: Collection[int]) -> None:
    """Let exactly these people work on the exam; raise ``NotFound`` for strangers, ``BadInput`` for other roles."""
    wanted = {_assignable(session, exam.company_id, number).id for number in user_ids}
    lock = select(Exam.id).where(Exam.id == exam.id).with_for_update(key_share=True)
    session.execute(lock)  # of two who say who works on it the second sees the first
    present = set(_of_exam(session, exam.id))
    added, removed = wanted - present, present - wanted
    session.execute(delete(Assignment).where(Assignment.exam_id == exam.id, Assignment.user_id.in_(removed)))
    _add(session, ({"user_id": number, "exam_id": exam.id} for number in added))
    if added or removed:
        _record(session, actor, "exam.assign", ("exam", exam.id), exam.company_id, added, removed)


def set_sitting(session: Session, actor: Actor, sitting: Sitting, user_ids: Collection[int]) -> None:
    """Let exactly these people work on the sitting by name, besides those of its exam; raises like ``set_exam``."""
    wanted = {_assignable(session, sitting.company_id, number).id for number in user_ids}
    lock = select(Sitting.id).where(Sitting.id == sitting.id).with_for_update(key_share=True)
    session.execute(lock)
    present = set(of_sitting(session, sitting.id))
    added, removed = wanted - present, present - wanted
    session.execute(delete(Assignment).where(Assignment.sitting_id == sitting.id, Assignment.user_id.in_(removed)))
    _add(session, ({"user_id": number, "sitting_id": sitting.id} for number in added))
    if added or removed:
        _record(session, actor, "sitting.assign", ("sitting", sitting.id), sitting.company_id, added, removed)


def of_sitting(session: Session, sitting_id: int) -> list[int]:
    """Return the users who are assigned to the sitting by name."""
    query = select(Assignment.user_id).where(Assignment.sitting_id == sitting_id, Assignment.user_id.is_not(None))
    return [number for number in session.scalars(query.order_by(Assignment.user_id)) if number is not None]


def set_limited(session: Session, actor: Actor, user: User, limited: bool) -> None:
    """Say whether an organiser or reviewer reaches only exams they are assigned to."""
    if user.role not in LIMITABLE:
        raise BadInput("Only an organiser or a reviewer can be limited to their exams.", field="limited")
    if user.limited is limited:
        return
    user.limited = limited
    subject = ("user", user.id)
    audit.record(session, actor, "user.limit", subject, company_id=user.company_id, limited=limited)
    bus.publish(session, bus.company_topic(user.company_id), CHANGED, {"user_ids": [user.id]})


def give_new_exam(session: Session, actor: Actor, exam: Exam) -> None:
    """Assign an exam that an LMS brought to all proctors, where the company wants that."""
    if not session.get_one(Company, exam.company_id).new_exams_to_proctors:
        return
    query = select(User.id).where(
        User.company_id == exam.company_id, User.role == Role.PROCTOR, User.disabled_at.is_(None)
    )
    everyone = set(session.scalars(query))
    if everyone:
        _add(session, ({"user_id": number, "exam_id": exam.id} for number in everyone))
        _record(session, actor, "exam.assign", ("exam", exam.id), exam.company_id, everyone, set())


def give_all_exams(session: Session, actor: Actor, user: User) -> None:
    """Assign all exams that there are to a proctor: the demo has nobody who would do it by hand."""
    exams = set(session.scalars(select(Exam.id).where(Exam.company_id == user.company_id)))
    if exams:
        _add(session, ({"user_id": user.id, "exam_id": number} for number in exams))
        subject = ("user", user.id)
        audit.record(session, actor, "user.assign", subject, company_id=user.company_id, exams=sorted(exams))


def set_new_exams(session: Session, actor: Actor, company_id: int, to_proctors: bool) -> None:
    """Say whether exams that an LMS brings are assigned to all proctors at once."""
    company = session.get_one(Company, company_id)
    company.new_exams_to_proctors = to_proctors
    subject = ("company", company_id)
    audit.record(session, actor, "company.set_new_exams", subject, company_id=company_id, to_proctors=to_proctors)


def _assignable(session: Session, company_id: int, user_id: int) -> User:
    user = accounts.get(session, user_id, company_id)
    if user.role not in ASSIGNABLE:
        raise BadInput(f"{user.name} has a role that works on no exams.", field="user_ids")
    return user


def _of_exam(session: Session, exam_id: int) -> list[int]:
    query = select(Assignment.user_id).where(Assignment.exam_id == exam_id, Assignment.user_id.is_not(None))
    return [number for number in session.scalars(query) if number is not None]


def _add(session: Session, rows: Iterable[dict[str, int]]) -> None:
    values = list(rows)
    if values:
        session.execute(insert(Assignment).on_conflict_do_nothing(), values)


def _record(
    session: Session,
    actor: Actor,
    action: str,
    subject: audit.Subject,
    company_id: int,
    added: set[int],
    removed: set[int],
) -> None:
    said: dict[str, Any] = {"added": sorted(added), "removed": sorted(removed)}
    audit.record(session, actor, action, subject, company_id=company_id, **said)
    bus.publish(session, bus.company_topic(company_id), CHANGED, {"user_ids": sorted(added | removed)})
