"""Passwords that people choose: by the rules of their company's profile, never one of the last ones."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput
from appliance.models import Company, FormerPassword, User
from appliance.security import password_rules, passwords
from appliance.security.password_rules import PasswordRules


def rules_of(session: Session, user: User) -> PasswordRules:
    """Return the rules that count for this account."""
    return password_rules.of_profile(session.get_one(Company, user.company_id).profile)


def is_too_old(session: Session, user: User) -> bool:
    """Say whether the password's age is beyond what the profile allows."""
    return password_rules.is_too_old(user.password_changed_at, rules_of(session, user), utcnow())


def choose(session: Session, actor: Actor, user: User, password: str) -> None:
    """Give the account this password; raise ``BadInput`` with a ``reason`` for one the rules refuse."""
    company = session.get_one(Company, user.company_id)
    rules = password_rules.of_profile(company.profile)
    password_rules.demand_good(password, rules, (user.email, user.name, company.name, company.slug))
    former = _former(session, user)
    for kept in [user.password_hash, *(row.password_hash for row in former[: rules.history])]:
        if kept and passwords.verify_password(kept, password):
            text = f"This password was in use before; the last {rules.history} are not taken again."
            raise BadInput(text, field="password", reason="used", history=rules.history)
    if user.password_hash:
        session.add(FormerPassword(user_id=user.id, password_hash=user.password_hash))
    for row in former[max(rules.history - 1, 0) :]:
        session.delete(row)
    user.password_hash, user.password_changed_at = passwords.hash_password(password), utcnow()
    audit.record(session, actor, "user.password_change", ("user", user.id), company_id=user.company_id)


def described(rules: PasswordRules) -> dict[str, Any]:
    """Return the rules for a page."""
    return {"min_length": rules.min_length, "history": rules.history, "max_age_days": rules.max_age_days}


def _former(session: Session, user: User) -> list[FormerPassword]:
    """Return former passwords, newest first."""
    query = select(FormerPassword).where(FormerPassword.user_id == user.id).order_by(FormerPassword.id.desc())
    return list(session.scalars(query))
