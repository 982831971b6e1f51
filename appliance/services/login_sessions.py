"""Log-ins that are open: listed, ended, locked while nobody is there, opened and proved again."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from appliance import audit, bus
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import BadInput, LoginRequired, NotFound
from appliance.models import LinkedIdentity, LoginSession, User
from appliance.security import passwords
from appliance.services import log_in_attempts, own_passwords, profiles, second_factors
from appliance.services.security_keys import KeyAnswer
from appliance.settings import Settings
from appliance.vault import Vault
from appliance.vocabulary import ProvedBy, Wanted

TOPIC: Final = "accounts"
"""Bus topic that gateways follow."""
CLOSED: Final = "account.closed"
"""{user_id, login_ids}: these log-ins are over or locked; their sockets close."""


def wanted(session: Session, user: User, proved_by: ProvedBy) -> list[Wanted]:
    """Return what must be put in order before anything else; nothing for who is vouched for by single sign-on."""
    if proved_by is ProvedBy.SINGLE_SIGN_ON or user.break_glass:
        return []
    lacks = []
    if not _comes_by_single_sign_on(session, user) and (
        user.password_hash is None or own_passwords.is_too_old(session, user)
    ):
        lacks.append(Wanted.PASSWORD)
    if not second_factors.has_any(session, user):
        lacks.append(Wanted.SECOND_FACTOR)
    return lacks


def settle(session: Session, login: LoginSession) -> None:
    """Look again at what the log-in must put in order, after something of its account changed."""
    login.wants = [word.value for word in wanted(session, login.user, login.proved_by)]


def get(session: Session, login_id: int | None) -> LoginSession:
    """Return the log-in of who asks; raise ``LoginRequired`` for who has none."""
    login = None if login_id is None else session.get(LoginSession, login_id)
    if login is None:
        raise LoginRequired
    return login


def open_of(session: Session, user_id: int, settings: Settings) -> Sequence[LoginSession]:
    """Return the user's open log-ins, newest first."""
    now = utcnow()
    query = select(LoginSession).where(
        LoginSession.user_id == user_id,
        LoginSession.ended_at.is_(None),
        LoginSession.expires_at > now,
        LoginSession.last_seen_at > now - timedelta(minutes=settings.idle_minutes),
    )
    return session.scalars(query.order_by(LoginSession.id.desc())).all()


def described(login: LoginSession, current_id: int | None) -> dict[str, Any]:
    """Return a log-in for its owner's page."""
    return {
        "id": login.id,
        "current": login.id == current_id,
        "address": login.address,
        "browser": login.user_agent,
        "begun_ms": to_ms(login.created_at),
        "seen_ms": to_ms(login.last_seen_at),
        "proved_by": login.proved_by.value,
        "locked": login.locked_at is not None,
    }


def end_one(session: Session, actor: Actor, user: User, login_id: int) -> None:
    """End one log-in of the user's, and its sockets; raise ``NotFound``."""
    login = session.get(LoginSession, login_id)
    if login is None or login.user_id != user.id:
        raise NotFound("There is no such log-in.")
    if _end(session, user.id, LoginSession.id == login_id):
        audit.record(session, actor, "user.session_end", ("user", user.id), company_id=user.company_id, count=1)


def end_all(session: Session, actor: Actor, user: User, except_id: int | None = None) -> int:
    """End the user's log-ins and their sockets, but for one; return how many there were."""
    ended = _end(session, user.id, LoginSession.id != except_id if except_id is not None else None)
    if ended:
        audit.record(
            session, actor, "user.session_end", ("user", user.id), company_id=user.company_id, count=len(ended)
        )
    return len(ended)


def close_sockets(session: Session, user_id: int, login_ids: Sequence[int]) -> None:
    """Tell the gateways that these log-ins are over."""
    bus.publish(session, TOPIC, CLOSED, {"user_id": user_id, "login_ids": list(login_ids)})


def is_open(session: Session, user_id: int, login_id: int | None) -> bool:
    """Say whether the account may have a socket: enabled, the log-in that asked for it neither ended nor locked."""
    query = select(User.id).where(User.id == user_id, User.disabled_at.is_(None))
    if login_id is not None:
        query = query.join(LoginSession, LoginSession.user_id == User.id).where(
            LoginSession.id == login_id, LoginSession.ended_at.is_(None), LoginSession.locked_at.is_(None)
        )
    return session.scalar(query) is not None


def attended(
    session: Session, settings: Settings, login_ids: Collection[int], now: datetime | None = None
) -> set[int]:
    """Return which of these log-ins somebody is at: not over, not locked, and not to be locked by now."""
    query = select(LoginSession).where(LoginSession.id.in_(login_ids))
    loaded = joinedload(LoginSession.user).joinedload(User.company)
    return {login.id for login in session.scalars(query.options(loaded)) if is_attended(login, settings, now)}


def is_attended(login: LoginSession, settings: Settings, now: datetime | None = None) -> bool:
    """Say whether requests by this log-in are answered without a new log-in or proof."""
    moment, rules = now or utcnow(), profiles.session_rules(login.user.company, settings)
    if login.ended_at is not None or login.locked_at is not None or moment >= login.expires_at:
        return False
    is_seen = moment - login.last_seen_at < timedelta(minutes=rules.idle_minutes)
    return is_seen and moment - login.active_at < timedelta(minutes=rules.lock_minutes)


def lock(session: Session, actor: Actor, login: LoginSession) -> None:
    """Ask who is there before anything else is done with this log-in; nothing goes on over its sockets either."""
    if login.locked_at is None:
        login.locked_at = utcnow()
        close_sockets(session, login.user_id, [login.id])
        audit.record(session, actor, "user.lock", ("user", login.user_id), company_id=actor.company_id)


def unlock(
    session: Session,
    vault: Vault,
    settings: Settings,
    login: LoginSession,
    *,
    password: str = "",
    code: str = "",
    answer: KeyAnswer | None = None,
    address: str = "",
) -> None:
    """Open a locked log-in to the password or a second factor; raise ``LoginRefused`` or ``LockedOut``."""
    by = _shown(session, vault, settings, login, password, code, answer, address, "user.unlock")
    now = utcnow()
    login.locked_at, login.active_at, login.last_seen_at = None, now, now
    if by is not ProvedBy.PASSWORD:
        login.proved_at, login.proved_by = now, by
    _note(session, login, "user.unlock", by, address)


def prove(
    session: Session,
    vault: Vault,
    settings: Settings,
    login: LoginSession,
    *,
    code: str = "",
    answer: KeyAnswer | None = None,
    address: str = "",
) -> datetime:
    """Take a second factor as a fresh proof and return until when it counts; ``LoginRefused`` or ``LockedOut``."""
    by = _shown(session, vault, settings, login, "", code, answer, address, "user.prove")
    login.proved_at, login.proved_by, login.active_at = utcnow(), by, utcnow()
    _note(session, login, "user.prove", by, address)
    return proof_ends(login, settings)


def proof_ends(login: LoginSession, settings: Settings) -> datetime:
    """Return until when the last proof counts."""
    return login.proved_at + timedelta(minutes=settings.proof_minutes)


def change_password(
    session: Session, actor: Actor, settings: Settings, login: LoginSession, current: str, password: str
) -> None:
    """Take a new password from its owner and end the other log-ins; ``BadInput``, ``LoginRefused``, ``LockedOut``."""
    user, factory = login.user, log_in_attempts.own_transactions(session)
    log_in_attempts.count(factory, user, settings, actor.address, "user.password_change")
    if user.password_hash is not None and not passwords.verify_password(user.password_hash, current):
        log_in_attempts.refuse(factory, user, actor.address, "password", "user.password_change")
    log_in_attempts.forgive(session, user)
    own_passwords.choose(session, actor, user, password)
    end_all(session, actor, user, except_id=login.id)
    settle(session, login)


def _comes_by_single_sign_on(session: Session, user: User) -> bool:
    """Say whether the account needs no password of ours."""
    linked = select(LinkedIdentity.id).where(LinkedIdentity.user_id == user.id, LinkedIdentity.gone_at.is_(None))
    return session.scalar(linked.limit(1)) is not None


def _shown(
    session: Session,
    vault: Vault,
    settings: Settings,
    login: LoginSession,
    password: str,
    code: str,
    answer: KeyAnswer | None,
    address: str,
    action: str,
) -> ProvedBy:
    if not (password or code.strip() or answer):
        raise BadInput("Give a one-time code or a security key's answer.", field="code")
    user, factory = login.user, log_in_attempts.own_transactions(session)
    log_in_attempts.count(factory, user, settings, address, action)
    by: ProvedBy | None
    if password:
        by = ProvedBy.PASSWORD if passwords.verify_password(user.password_hash, password) else None
    else:
        by = second_factors.shown(session, vault, user, code, answer, "prove")
    if by is None:
        log_in_attempts.refuse(factory, user, address, "password" if password else "code", action)
    log_in_attempts.forgive(session, user)
    return by


def _note(session: Session, login: LoginSession, action: str, by: ProvedBy, address: str) -> None:
    user = login.user
    who = Actor("user", str(user.id), user.name, address, user.company_id, user.role.value)
    audit.record(session, who, action, ("user", user.id), by=by)


def _end(session: Session, user_id: int, which: Any = None) -> list[int]:
    still_open = update(LoginSession).where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None))
    if which is not None:
        still_open = still_open.where(which)
    ended = list(session.scalars(still_open.values(ended_at=utcnow()).returning(LoginSession.id)))
    if ended:
        close_sockets(session, user_id, ended)
    return ended
