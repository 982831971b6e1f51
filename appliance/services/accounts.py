"""Staff: accounts, log-in with password and one-time code, sessions of a browser."""

from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from appliance import audit
from appliance.audit import Actor
from appliance.db import SessionFactory, make_session_factory, unit_of_work, utcnow
from appliance.errors import BadInput, LockedOut, LoginRefused, LoginRequired, NotFound
from appliance.models import Company, LoginSession, User
from appliance.security import cookies, identity, passwords, totp
from appliance.services.free_text import one_line, storable
from appliance.settings import Settings
from appliance.vault import Vault
from appliance.vocabulary import ProvedBy, Role

MAX_TEXT: Final = 250
SEEN_EVERY: Final = timedelta(seconds=30)
"""How exactly the last request of a session is kept; every request would be a write."""


def log_in(
    session: Session,
    vault: Vault,
    email: str,
    password: str,
    code: str,
    address: str,
    user_agent: str,
    settings: Settings,
) -> tuple[LoginSession, str]:
    """Return a new session of the browser and its cookie token.

    Raises ``LoginRefused``, the same and after the same time for an unknown e-mail, a wrong password or a wrong code,
    and ``LockedOut`` after too many. An attempt is counted, in a transaction of its own, before it is looked at: many
    at once get no more tries than one after the other.
    """
    email = normal_email(email)
    factory = _own_transactions(session)
    user = session.scalars(select(User).where(User.email == email, User.disabled_at.is_(None))).first()
    if user is not None:
        _count_attempt(factory, user, settings, address)
    password_fits = passwords.verify_password(user.password_hash if user else None, password)
    secret = vault.unwrap(user.totp_secret).decode() if user and user.totp_secret else totp.new_secret()
    step = totp.accept(secret, code[:16], user.totp_last_step if user else 0)
    if user is None or not password_fits or step is None or not _use_step(session, user, step):
        _refuse(factory, user, email, address, "password" if not password_fits else "code")
    return _welcome(session, user, password, address, user_agent, settings)


def begin_session(
    session: Session, user: User, settings: Settings, address: str, user_agent: str, *, proved_by: ProvedBy
) -> tuple[LoginSession, str]:
    """Return a new session of the browser and its cookie token: whoever calls knows by now who this is.

    The one door for every way to log in; it writes the audit entry. Counts as a fresh proof.
    """
    now, cookie_token = utcnow(), cookies.new_token()
    login = LoginSession(
        user=user,
        token_hash=cookies.token_hash(cookie_token),
        csrf_token=cookies.new_token(),
        address=address[:100],
        user_agent=storable(user_agent[:500]),
        created_at=now,
        last_seen_at=now,
        active_at=now,
        proved_at=now,
        proved_by=proved_by,
        expires_at=now + timedelta(minutes=settings.session_minutes),
    )
    session.add(login)
    session.flush()
    who = identity.of_user(user, address).actor
    audit.record(session, who, "user.log_in", ("user", user.id), proved_by=proved_by)
    return login, cookie_token


def log_out(session: Session, actor: Actor, login: LoginSession) -> None:
    """End the browser's session."""
    if login.ended_at is None:
        login.ended_at = utcnow()
        audit.record(session, actor, "user.log_out", ("user", login.user_id), company_id=actor.company_id)


def session_by_token(
    session: Session, cookie_token: str, settings: Settings, now: datetime | None = None
) -> LoginSession:
    """Return the session with its user; raise ``LoginRequired`` when it ended, expired, idled or the user is gone."""
    moment = now or utcnow()
    query = select(LoginSession).where(LoginSession.token_hash == cookies.token_hash(cookie_token))
    login = session.scalars(query.options(joinedload(LoginSession.user).joinedload(User.company))).first()
    if login is None or login.ended_at is not None or login.user.disabled_at is not None:
        raise LoginRequired
    if moment >= login.expires_at or moment - login.last_seen_at >= timedelta(minutes=settings.idle_minutes):
        raise LoginRequired("You were logged out; please log in again.", reason="expired")
    if moment - login.last_seen_at >= SEEN_EVERY:
        login.last_seen_at = moment
    return login


def create_user(
    session: Session,
    actor: Actor,
    vault: Vault,
    company: Company,
    email: str,
    name: str,
    role: Role,
    password: str,
    language: str = "en",
    totp_secret: str | None = None,
) -> tuple[User, str]:
    """Return the new account and its TOTP secret (base32, random unless given), shown once; raise ``BadInput``."""
    email = normal_email(email)
    if "@" not in email or len(email) > MAX_TEXT:
        raise BadInput("This is no e-mail address.", field="email")
    name = one_line(name)
    if not 0 < len(name) <= MAX_TEXT:
        raise BadInput(f"A name has 1 to {MAX_TEXT} characters.", field="name")
    secret = totp_secret or totp.new_secret()
    values = {
        "company_id": company.id,
        "email": email,
        "name": name,
        "role": role,
        "language": language,
        "password_hash": passwords.hash_password(password),
        "totp_secret": vault.wrap(secret.encode()),
    }
    number = session.scalar(insert(User).values(**values).on_conflict_do_nothing().returning(User.id))
    if number is None:
        raise BadInput("There is an account with this e-mail already.", field="email")
    user = session.get_one(User, number)
    audit.record(session, actor, "user.create", ("user", number), company_id=company.id, email=email, role=role)
    return user, secret


def set_credentials(
    session: Session, actor: Actor, vault: Vault, user: User, password: str, totp_secret: str
) -> None:
    """Give an account a new password and one-time secret, lift a lock, and end its sessions."""
    hashed = passwords.hash_password(password)
    session.flush()
    session.refresh(user, with_for_update=True)  # log-ins meanwhile changed what is put back here
    user.password_hash = hashed
    user.totp_secret = vault.wrap(totp_secret.encode())
    user.failed_logins, user.locked_until, user.totp_last_step = 0, None, 0
    still_open = update(LoginSession).where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
    session.execute(still_open.values(ended_at=utcnow()))
    audit.record(session, actor, "user.set_credentials", ("user", user.id), company_id=user.company_id)


def staff(session: Session, company_id: int) -> list[dict[str, Any]]:
    """Return the company's staff by name."""
    query = select(User).where(User.company_id == company_id).order_by(User.name, User.id).limit(1000)
    now = utcnow()
    return [
        {
            "id": user.id,
            "email": user.email,
            "name": user.name,
            "role": user.role.value,
            "language": user.language,
            "locked": user.locked_until is not None and user.locked_until > now,
            "disabled": user.disabled_at is not None,
        }
        for user in session.scalars(query)
    ]


def get(session: Session, user_id: int, company_id: int | None = None) -> User:
    """Return the user, of this company if one is given; raise ``NotFound``."""
    user = session.get(User, user_id)
    if user is None or (company_id is not None and user.company_id != company_id):
        raise NotFound("There is no such account.", user_id=user_id)
    return user


def normal_email(email: str) -> str:
    """Return the e-mail as it is kept: lower case, no white space around, nothing the database refuses."""
    return one_line(email).lower()


def _own_transactions(session: Session) -> SessionFactory:
    """Return a factory on the same database, for what must stay when the log-in is rolled back."""
    return make_session_factory(session.get_bind().engine)


def _count_attempt(factory: SessionFactory, user: User, settings: Settings, address: str) -> None:
    """Count the attempt; lock the account at the one too many, until a while after it."""
    now = utcnow()
    with unit_of_work(factory) as own:
        row = own.get_one(User, user.id, with_for_update=True)
        is_locked = row.locked_until is not None and row.locked_until > now
        if not is_locked:
            row.failed_logins += 1
            if row.failed_logins > settings.login_attempts:
                row.failed_logins = 0
                row.locked_until = now + timedelta(minutes=settings.lockout_minutes)
                is_locked = True
        if is_locked:
            actor = _somebody(user.email, address)
            subject = ("user", user.id)
            audit.record(own, actor, "user.log_in", subject, "refused", user.company_id, reason="locked")
    if is_locked:
        raise LockedOut(
            f"Too many failed attempts; try again in {settings.lockout_minutes} minutes.",
            minutes=settings.lockout_minutes,
        )


def _use_step(session: Session, user: User, step: int) -> bool:
    """Use the code up; of two log-ins with the same code one gets False."""
    newer = update(User).where(User.id == user.id, User.totp_last_step < step).values(totp_last_step=step)
    return session.scalar(newer.returning(User.id)) is not None


def _refuse(factory: SessionFactory, user: User | None, email: str, address: str, reason: str) -> NoReturn:
    """Write the refusal to the audit log and raise. An e-mail that is nobody's may be a password: it is not kept."""
    known = ("user", user.id) if user else ("user", "unknown")
    company_id = user.company_id if user else None
    who = _somebody(email if user else "unknown", address)
    audit.record_now(factory, who, "user.log_in", known, "refused", company_id, reason=reason if user else "unknown")
    raise LoginRefused


def _welcome(
    session: Session, user: User, password: str, address: str, user_agent: str, settings: Settings
) -> tuple[LoginSession, str]:
    # by an UPDATE: the attempt was counted elsewhere, this session's copy of the row does not know it
    forgiven = update(User).where(User.id == user.id).values(failed_logins=0, locked_until=None)
    session.execute(forgiven)
    if user.password_hash and passwords.needs_rehash(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    return begin_session(session, user, settings, address, user_agent, proved_by=ProvedBy.TOTP)


def _somebody(email: str, address: str) -> Actor:
    return Actor("user", "", email[:MAX_TEXT], address)
