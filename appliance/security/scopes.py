"""What a scope of the permission map means: as a condition for lists of things, and asked about one thing.

Both come from the same condition, so that what a list shows and what can be opened are one.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import object_session

from appliance.db import utcnow
from appliance.models import AccessGrant, Assignment, Exam, Sitting
from appliance.security.identity import Identity
from appliance.security.permission_map import OPENED_BY, TABLE, Permission
from appliance.vocabulary import Scope

Condition = ColumnElement[bool]

WHOLE: Final = frozenset({Scope.COMPANY, Scope.APPLIANCE})
"""Scopes within which no single exam or sitting is told from another."""


def scope_of(who: Identity, permission: Permission) -> Scope | None:
    """Return how far the permission reaches for this asker; None: not at all."""
    if who.kind == "api" and permission not in who.permissions:
        return None
    column = "api_client" if who.kind == "api" else "candidate" if who.role is None else who.role.value
    scope: Scope | None = getattr(TABLE[permission], column)
    return Scope.EXAM if scope is Scope.COMPANY and who.limited else scope


def sittings(who: Identity, permission: Permission) -> Condition:
    """Return the condition on ``Sitting`` under which this asker may do that."""
    scope, ours = scope_of(who, permission), Sitting.company_id == who.company_id
    match scope:
        case None:
            return false()
        case Scope.OWN:
            return false() if who.sitting_id is None else Sitting.id == who.sitting_id
        case Scope.COMPANY | Scope.APPLIANCE:
            return ours
        case Scope.EXAM:
            return and_(ours, or_(Sitting.exam_id.in_(_assigned_exams(who)), Sitting.id.in_(_assigned_sittings(who))))
        case Scope.SITTING:
            waiting = and_(Sitting.proctor_id.is_(None), Sitting.exam_id.in_(_assigned_exams(who)))
            return and_(ours, or_(Sitting.proctor_id == who.id, waiting, Sitting.id.in_(_assigned_sittings(who))))
        case Scope.GRANTED:
            return and_(ours, _granted(who, permission).exists())


def exams(who: Identity, permission: Permission) -> Condition:
    """Return the condition on ``Exam`` under which this asker may do that."""
    scope, ours = scope_of(who, permission), Exam.company_id == who.company_id
    if scope in WHOLE:
        return ours
    if scope in {Scope.EXAM, Scope.SITTING}:
        return and_(ours, Exam.id.in_(_assigned_exams(who)))
    return false()


def reaches(who: Identity, permission: Permission, thing: Sitting | Exam) -> bool:
    """Return whether the permission reaches this sitting or exam; asks the database only where it must."""
    scope = scope_of(who, permission)
    if scope is None:
        return False
    if scope is Scope.OWN:
        return isinstance(thing, Sitting) and thing.id == who.sitting_id
    if thing.company_id != who.company_id or scope in WHOLE:
        return thing.company_id == who.company_id
    session = object_session(thing)
    if session is None:
        raise ValueError("a thing outside of a session reaches nobody")
    if isinstance(thing, Sitting):
        return session.scalar(select(Sitting.id).where(Sitting.id == thing.id, sittings(who, permission))) is not None
    return session.scalar(select(Exam.id).where(Exam.id == thing.id, exams(who, permission))) is not None


def in_force(now: datetime) -> Condition:
    """Return the condition on ``AccessGrant`` that it opens anything now."""
    return and_(AccessGrant.revoked_at.is_(None), AccessGrant.expires_at > now)


def opens(permission: Permission) -> Condition:
    """Return the condition on ``AccessGrant`` that it opens what takes this permission."""
    sights = [sight.value for sight, opened in OPENED_BY.items() if permission in opened]
    return or_(false(), *(AccessGrant.sights.contains([sight]) for sight in sights))


def _granted(who: Identity, permission: Permission) -> Select[int]:
    whose = or_(AccessGrant.sitting_id == Sitting.id, AccessGrant.sitting_id.is_(None))
    mine = (AccessGrant.user_id == who.id, AccessGrant.company_id == Sitting.company_id)
    query = select(AccessGrant.id).where(*mine, whose, in_force(utcnow()), opens(permission))
    return query.correlate(Sitting)


def _assigned_exams(who: Identity) -> Select[int | None]:
    return select(Assignment.exam_id).where(_assignee(who), Assignment.exam_id.is_not(None))


def _assigned_sittings(who: Identity) -> Select[int | None]:
    return select(Assignment.sitting_id).where(_assignee(who), Assignment.sitting_id.is_not(None))


def _assignee(who: Identity) -> Condition:
    return (Assignment.api_client_id if who.kind == "api" else Assignment.user_id) == who.id
