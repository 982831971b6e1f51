"""How often somebody tried: counted before the try is looked at, in transactions of their own."""

from datetime import timedelta
from typing import Final, NoReturn

from sqlalchemy import update
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import SessionFactory, make_session_factory, unit_of_work, utcnow
from appliance.errors import LockedOut, LoginRefused
from appliance.models import User
from appliance.services import profiles
from appliance.settings import Settings

MAX_TEXT: Final = 250


def own_transactions(session: Session) -> SessionFactory:
    """Return a factory on the same database, for what must stay when the try is rolled back."""
    return make_session_factory(session.get_bind().engine)


def count(factory: SessionFactory, user: User, settings: Settings, address: str, action: str = "user.log_in") -> None:
    """Count the attempt; lock the account at the one too many, until a while after it; raise ``LockedOut``."""
    now = utcnow()
    with unit_of_work(factory) as own:
        row = own.get_one(User, user.id, with_for_update=True)
        rules = profiles.session_rules(row.company, settings)
        is_locked = row.locked_until is not None and row.locked_until > now
        if not is_locked:
            row.failed_logins += 1
            if row.failed_logins > rules.login_attempts:
                row.failed_logins = 0
                row.locked_until = now + timedelta(minutes=rules.lockout_minutes)
                is_locked = True
        if is_locked:
            actor = somebody(user.email, address)
            audit.record(own, actor, action, ("user", user.id), "refused", user.company_id, reason="locked")
    if is_locked:
        raise LockedOut(
            f"Too many failed attempts; try again in {rules.lockout_minutes} minutes.",
            minutes=rules.lockout_minutes,
        )


def forgive(session: Session, user: User) -> None:
    """Start counting anew after a success."""
    # by an UPDATE: the attempt was counted elsewhere, this session's copy of the row does not know it
    session.execute(update(User).where(User.id == user.id).values(failed_logins=0, locked_until=None))


def refuse(
    factory: SessionFactory,
    user: User | None,
    address: str,
    reason: str,
    action: str = "user.log_in",
    error: LoginRefused | None = None,
) -> NoReturn:
    """Write the refusal to the audit log and raise. An e-mail that is nobody's may be a password: it is not kept."""
    known = ("user", user.id) if user else ("user", "unknown")
    company_id = user.company_id if user else None
    who = somebody(user.email if user else "unknown", address)
    audit.record_now(factory, who, action, known, "refused", company_id, reason=reason if user else "unknown")
    raise error or LoginRefused()


def somebody(email: str, address: str) -> Actor:
    """Return an actor of whom nothing is proved yet."""
    return Actor("user", "", email[:MAX_TEXT], address)
