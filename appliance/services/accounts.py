"""Staff: accounts, log-in with password and one-time code, sessions of a browser."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from appliance import audit
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import BadInput, LoginRequired, NotFound, SingleSignOnWanted
from appliance.models import Company, LoginSession, SecurityKey, User
from appliance.security import cookies, identity, password_rules, passwords, totp
from appliance.services import break_glass, log_in_attempts, login_sessions, profiles, second_factors
from appliance.services.free_text import one_line, storable
from appliance.services.security_keys import KeyAnswer
from appliance.settings import Settings
from appliance.vault import Vault, row_secrets
from appliance.vocabulary import LocalPasswords, ProvedBy, Role

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
    answer: KeyAnswer | None = None,
) -> tuple[LoginSession, str]:
    """Return a new session of the browser and its cookie token.

    ``code`` is an authenticator's or a recovery code; ``answer`` of a security key takes its place.
    Raises ``LoginRefused``, the same and after the same time for an unknown e-mail, a wrong password or a wrong code,
    and ``LockedOut`` after too many. An attempt is counted, in a transaction of its own, before it is looked at: many
    at once get no more tries than one after the other.
    """
    email = normal_email(email)
    factory = log_in_attempts.own_transactions(session)
    user = session.scalars(select(User).where(User.email == email, User.disabled_at.is_(None))).first()
    if user is not None:
        log_in_attempts.count(factory, user, settings, address)
    password_fits = passwords.verify_password(user.password_hash if user else None, password)
    proved_by = second_factors.shown(session, vault, user, code, answer, "log_in")
    if user is None or not password_fits or proved_by is None:
        log_in_attempts.refuse(factory, user, address, "password" if not password_fits else "code")
    log_in_attempts.forgive(session, user)
    if user.company.local_passwords is LocalPasswords.BREAK_GLASS and not user.break_glass:
        log_in_attempts.refuse(factory, user, address, "single_sign_on", error=SingleSignOnWanted())
    if user.password_hash and passwords.needs_rehash(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    return begin_session(session, user, settings, address, user_agent, proved_by=proved_by)


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
        wants=[word.value for word in login_sessions.wanted(session, user, proved_by)],
        expires_at=now + timedelta(minutes=profiles.session_rules(user.company, settings).session_minutes),
    )
    session.add(login)
    session.flush()
    who = identity.of_user(user, address).actor
    audit.record(session, who, "user.log_in", ("user", user.id), proved_by=proved_by)
    if user.break_glass:
        break_glass.note_use(session, user, who)
    return login, cookie_token


def log_out(session: Session, actor: Actor, login: LoginSession) -> None:
    """End the browser's session."""
    if login.ended_at is None:
        login.ended_at = utcnow()
        login_sessions.close_sockets(session, login.user_id, [login.id])
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
    rules = profiles.session_rules(login.user.company, settings)
    if moment >= login.expires_at or moment - login.last_seen_at >= timedelta(minutes=rules.idle_minutes):
        raise LoginRequired("You were logged out; please log in again.", reason="expired")
    if moment - login.last_seen_at >= SEEN_EVERY:
        login.last_seen_at = moment
    if login.locked_at is None and moment - login.active_at >= timedelta(minutes=rules.lock_minutes):
        login.locked_at = moment
    return login


def note_activity(login: LoginSession, now: datetime | None = None) -> None:
    """Note that a person does something with this session; a locked one stays locked."""
    moment = now or utcnow()
    if login.locked_at is None and moment - login.active_at >= SEEN_EVERY:
        login.active_at = moment


def create_user(
    session: Session,
    actor: Actor,
    vault: Vault,
    company: Company,
    email: str,
    name: str,
    role: Role,
    password: str | None,
    language: str = "en",
    totp_secret: str | None = None,
) -> tuple[User, str]:
    """Return the new account and its TOTP secret (base32, random unless given), shown once; raise ``BadInput``.

    With ``password`` None it has neither: its owner chooses both by an invitation (``account_links``).
    """
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
        "password_hash": None if password is None else passwords.hash_password(password),
    }
    number = session.scalar(insert(User).values(**values).on_conflict_do_nothing().returning(User.id))
    if number is None:
        raise BadInput("There is an account with this e-mail already.", field="email")
    user = session.get_one(User, number)
    if password is not None:
        row_secrets.keep(session, vault, user, User.totp_secret, secret.encode())
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
    row_secrets.keep(session, vault, user, User.totp_secret, totp_secret.encode())
    user.failed_logins, user.locked_until, user.totp_last_step = 0, None, 0
    user.password_changed_at = utcnow()
    login_sessions.end_all(session, actor, user)
    audit.record(session, actor, "user.set_credentials", ("user", user.id), company_id=user.company_id)


def staff(session: Session, company_id: int) -> list[dict[str, Any]]:
    """Return the company's staff by name."""
    seen = (
        select(LoginSession.user_id, func.max(LoginSession.last_seen_at).label("at"))
        .group_by(LoginSession.user_id)
        .subquery()
    )
    has_key = select(SecurityKey.id).where(SecurityKey.user_id == User.id).exists()
    query = select(User, seen.c.at, has_key).outerjoin(seen, seen.c.user_id == User.id)
    query = query.where(User.company_id == company_id).order_by(User.name, User.id).limit(1000)
    return [_person(user, seen_at, bool(keys)) for user, seen_at, keys in session.execute(query)]


def _person(user: User, seen_at: datetime | None, has_key: bool) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role.value,
        "limited": user.limited,
        "language": user.language,
        "locked": user.locked_until is not None and user.locked_until > utcnow(),
        "disabled": user.disabled_at is not None,
        "invited": user.password_hash is None,
        "break_glass": user.break_glass,
        "second_factors": [
            *(["authenticator"] if user.totp_secret is not None else []),
            *(["security_key"] if has_key else []),
        ],
        "last_seen_ms": None if seen_at is None else to_ms(seen_at),
    }


def demand_good_password(company: Company, email: str, name: str, password: str) -> None:
    """Raise ``BadInput`` for a password that the company's rules refuse."""
    rules = password_rules.of_profile(company.profile)
    password_rules.demand_good(password, rules, (email, name, company.name, company.slug))


def set_language(session: Session, user: User, language: str) -> None:
    """Answer this person in another language from now on."""
    user.language = language


def get(session: Session, user_id: int, company_id: int | None = None) -> User:
    """Return the user, of this company if one is given; raise ``NotFound``."""
    user = session.get(User, user_id)
    if user is None or (company_id is not None and user.company_id != company_id):
        raise NotFound("There is no such account.", user_id=user_id)
    return user


def normal_email(email: str) -> str:
    """Return the e-mail as it is kept: lower case, no white space around, nothing the database refuses."""
    return one_line(email).lower()
