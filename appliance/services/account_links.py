"""One-time links to an account: an invitation, or a way back in. No mail server: somebody hands them over."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import AccountLinkInvalid, BadInput
from appliance.models import AccountLink, LoginSession, User
from appliance.security import cookies, identity
from appliance.services import accounts, login_sessions, own_passwords, second_factors
from appliance.settings import Settings
from appliance.vocabulary import LinkKind, ProvedBy


class MadeLink(NamedTuple):
    """A new link, told once."""

    link: AccountLink
    token: str

    def url(self, settings: Settings) -> str:
        """Return the address to hand over. The token is behind ``#``: no server, proxy or log on the way sees it."""
        return f"{settings.public_url.rstrip('/')}/join#{self.token}"


def make(session: Session, actor: Actor, settings: Settings, user: User, kind: LinkKind) -> MadeLink:
    """Make a link and void the ones before; ``EVERYTHING`` also takes password and second factors away at once.

    Raises ``BadInput`` for a disabled account, and for an invitation of who is in already.
    """
    if user.disabled_at is not None:
        raise BadInput("This account is disabled; enable it first.", reason="disabled")
    if kind is LinkKind.INVITATION and user.password_hash is not None:
        raise BadInput("This person has an account already; make a link for a new password.", reason="joined")
    now, token = utcnow(), cookies.new_token()
    _void(session, user)
    if kind is LinkKind.EVERYTHING:
        user.password_hash = None
        second_factors.forget_all(session, user)
        login_sessions.end_all(session, actor, user)
    hours = settings.invitation_hours if kind is LinkKind.INVITATION else settings.reset_hours
    link = AccountLink(
        user=user,
        kind=kind,
        token_hash=cookies.token_hash(token),
        made_by=actor.name,
        created_at=now,
        expires_at=now + timedelta(hours=hours),
    )
    session.add(link)
    session.flush()
    action = "user.invite" if kind is LinkKind.INVITATION else "user.reset"
    audit.record(session, actor, action, ("user", user.id), company_id=user.company_id, kind=kind)
    return MadeLink(link, token)


def find(session: Session, token: str, *, lock: bool = False) -> AccountLink:
    """Return the link; raise ``AccountLinkInvalid`` for one that is none, was used, or has expired."""
    query = select(AccountLink).where(AccountLink.token_hash == cookies.token_hash(token))
    if lock:
        query = query.with_for_update(of=AccountLink)
    link = session.scalars(query.options(joinedload(AccountLink.user).joinedload(User.company))).first()
    if link is None or link.used_at is not None or link.user.disabled_at is not None:
        raise AccountLinkInvalid
    if utcnow() >= link.expires_at:
        raise AccountLinkInvalid("This link has expired; ask your administrator for a new one.", reason="expired")
    return link


def follow(
    session: Session, settings: Settings, token: str, password: str, address: str, user_agent: str
) -> tuple[LoginSession, str] | None:
    """Use the link up and take the password.

    Returns a log-in that may set up a second factor and nothing else, and its cookie token; None where there is a
    second factor already, which the person then shows at the log-in. Raises ``AccountLinkInvalid`` or ``BadInput``.
    """
    link = find(session, token, lock=True)
    user = link.user
    who = identity.of_user(user, address).actor
    own_passwords.choose(session, who, user, password)
    link.used_at = utcnow()
    login_sessions.end_all(session, who, user)
    user.failed_logins, user.locked_until = 0, None
    audit.record(session, who, "user.link_follow", ("user", user.id), kind=link.kind, made_by=link.made_by)
    if link.kind is LinkKind.PASSWORD and second_factors.has_any(session, user):
        return None
    return accounts.begin_session(session, user, settings, address, user_agent, proved_by=ProvedBy.LINK)


def _void(session: Session, user: User) -> None:
    unused = update(AccountLink).where(AccountLink.user_id == user.id, AccountLink.used_at.is_(None))
    session.execute(unused.values(used_at=utcnow()))
