"""The sealed emergency account: local, on paper, working when single sign-on, phones and keys do not.

Its password and codes are printed once, to be put into an envelope. Each use is an audit entry and a notice
to security officers and administrators, which stays until one of them has taken note of it.
"""

import secrets
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.models import Company, User
from appliance.security import passwords
from appliance.services import login_sessions, notices, second_factors
from appliance.vocabulary import Role

CODES: Final = 5
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike on paper."""


class Envelope(NamedTuple):
    """What goes into the envelope."""

    email: str
    password: str
    codes: list[str]


def seal(session: Session, actor: Actor, company: Company) -> Envelope:
    """Make the company's emergency account, or give it new secrets: what an older envelope says is void."""
    email = f"emergency@{company.slug}.local"
    password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(6))
    user = session.scalars(select(User).where(User.company_id == company.id, User.break_glass)).first()
    if user is None:
        user = User(
            company_id=company.id,
            email=email,
            name="Emergency account",
            role=Role.ADMIN,
            break_glass=True,
            password_hash=None,
        )
        session.add(user)
        session.flush()
    else:
        login_sessions.end_all(session, actor, user)
        second_factors.forget_all(session, user)
    user.password_hash, user.password_changed_at = passwords.hash_password(password), utcnow()
    user.failed_logins, user.locked_until, user.disabled_at = 0, None, None
    codes = second_factors.new_recovery_codes(session, actor, user, CODES)
    audit.record(session, actor, "user.break_glass_seal", ("user", user.id), company_id=company.id)
    return Envelope(user.email, password, codes)


def note_use(session: Session, user: User, actor: Actor) -> None:
    """Tell of a log-in by the emergency account."""
    left = second_factors.recovery_codes_left(session, user)
    audit.record(
        session, actor, "user.break_glass_use", ("user", user.id), company_id=user.company_id, codes_left=left
    )
    notices.give(session, user.company_id, "break_glass", address=actor.address, codes_left=left)
