"""Whose account a person at an identity provider has: linked by the provider's name for them, made, or refused."""

from typing import Final, NoReturn

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.models import IdentityProvider, LinkedIdentity, User
from appliance.services import login_sessions
from appliance.services.accounts import normal_email
from appliance.services.free_text import one_line
from appliance.services.log_in_attempts import own_transactions, somebody
from appliance.sign_on import roles
from appliance.sign_on.failures import NoRole, SignOnFailed
from appliance.sign_on.person import Person
from appliance.vocabulary import Role

MAX_TEXT: Final = 250
MAX_KEPT_GROUPS: Final = 200


def account_of(session: Session, provider: IdentityProvider, person: Person, address: str) -> User:
    """Return the account with the role that the person's groups give now; raise ``NoRole`` or ``SignOnFailed``.

    The link is by provider and subject. An e-mail links only once, only where the administrator allows it, and only
    when the provider vouches for it: whoever may choose their own e-mail there could take somebody's account else.
    """
    role = roles.role_of(roles.of_rows(provider.role_rules), person.groups)
    link = session.scalars(
        select(LinkedIdentity)
        .where(LinkedIdentity.provider_id == provider.id, LinkedIdentity.subject == person.subject)
        .with_for_update()
    ).first()
    if role is None:
        _refuse(session, provider, person, address, NoRole(), "no_group", link)
    if link is None:
        link = _link(session, provider, person, role, address)
    user = link.user
    if user.disabled_at is not None and link.gone_at is None:
        _refuse(session, provider, person, address, SignOnFailed("Your account in Kustos is disabled."), "disabled")
    _welcome_back(session, provider, link, person, role, address)
    return user


def set_role(session: Session, actor: Actor, provider: IdentityProvider, user: User, role: Role) -> None:
    """Give the role that the groups say; open log-ins, which knew the old one, end.

    Also from the last administrator: the directory decides, and the emergency account is for that day.
    """
    if user.role is role:
        return
    former, user.role = user.role, role
    login_sessions.end_all(session, actor, user)
    audit.record(
        session,
        actor,
        "user.change_role",
        ("user", user.id),
        company_id=user.company_id,
        role=role,
        former=former,
        provider=provider.id,
    )


def close(session: Session, actor: Actor, link: LinkedIdentity, reason: str) -> None:
    """Disable the account of somebody whom the directory no longer has, or has no role for."""
    user = link.user
    link.gone_at = utcnow()
    user.disabled_at = utcnow()
    login_sessions.end_all(session, actor, user)
    login_sessions.close_sockets(session, user.id, [])
    audit.record(
        session,
        actor,
        "user.disable",
        ("user", user.id),
        company_id=user.company_id,
        reason=reason,
        provider=link.provider_id,
    )


def kept_groups(person: Person) -> list[str]:
    """Return the groups as they are kept with the link."""
    return [one_line(group)[:MAX_TEXT] for group in person.groups[:MAX_KEPT_GROUPS]]


def _welcome_back(
    session: Session, provider: IdentityProvider, link: LinkedIdentity, person: Person, role: Role, address: str
) -> None:
    user, actor = link.user, _actor(provider, address)
    if user.disabled_at is not None:
        link.gone_at, user.disabled_at = None, None
        audit.record(
            session, actor, "user.enable", ("user", user.id), company_id=user.company_id, provider=provider.id
        )
    set_role(session, actor, provider, user, role)
    name = one_line(person.name)[:MAX_TEXT]
    if name and name != user.name:
        user.name = name
    link.groups, link.seen_at = kept_groups(person), utcnow()


def _link(session: Session, provider: IdentityProvider, person: Person, role: Role, address: str) -> LinkedIdentity:
    email = normal_email(person.email)
    known = session.scalars(select(User).where(User.email == email)).first() if email else None
    user = (
        _by_email(session, provider, person, known, address)
        if known is not None
        else _new_account(session, provider, person, email, role, address)
    )
    link = LinkedIdentity(provider_id=provider.id, user=user, subject=person.subject, groups=kept_groups(person))
    session.add(link)
    session.flush()
    audit.record(
        session,
        _actor(provider, address),
        "user.link",
        ("user", user.id),
        company_id=user.company_id,
        provider=provider.id,
        known_as=person.subject,
    )
    return link


def _by_email(session: Session, provider: IdentityProvider, person: Person, user: User, address: str) -> User:
    """Return the account of this e-mail, if it may be taken for the person's."""
    linked = select(LinkedIdentity.id).where(
        LinkedIdentity.user_id == user.id, LinkedIdentity.provider_id == provider.id
    )
    if (
        not provider.links_by_email
        or not person.email_is_verified
        or user.company_id != provider.company_id
        or user.break_glass
        or session.scalar(linked) is not None
    ):
        words = "There is an account with your e-mail already, and it is not linked to this log-in."
        error = SignOnFailed(f"{words} Please ask your administrator.")
        _refuse(session, provider, person, address, error, "email_taken")
    return user


def _new_account(
    session: Session, provider: IdentityProvider, person: Person, email: str, role: Role, address: str
) -> User:
    if not provider.makes_accounts:
        error = SignOnFailed("There is no account for you in Kustos yet; please ask your administrator.")
        _refuse(session, provider, person, address, error, "unknown")
    if "@" not in email or len(email) > MAX_TEXT:
        error = SignOnFailed("Your organisation's log-in tells no e-mail address of you; an account needs one.")
        _refuse(session, provider, person, address, error, "no_email")
    values = {
        "company_id": provider.company_id,
        "email": email,
        "name": one_line(person.name)[:MAX_TEXT] or email,
        "role": role,
        "password_changed_at": None,
    }
    number = session.scalar(insert(User).values(**values).on_conflict_do_nothing().returning(User.id))
    if number is None:  # the same person a moment ago, in another tab
        raise SignOnFailed("Please log in once more.")
    user = session.get_one(User, number)
    audit.record(
        session,
        _actor(provider, address),
        "user.create",
        ("user", number),
        company_id=provider.company_id,
        email=email,
        role=role,
        provider=provider.id,
    )
    return user


def _refuse(
    session: Session,
    provider: IdentityProvider,
    person: Person,
    address: str,
    error: SignOnFailed,
    reason: str,
    link: LinkedIdentity | None = None,
) -> NoReturn:
    """Write down who was refused and why, with the groups that had no rule, and raise."""
    subject = ("user", link.user_id if link is not None else "unknown")
    who = somebody(normal_email(person.email) or person.subject, address)
    audit.record_now(
        own_transactions(session),
        who,
        "user.log_in",
        subject,
        "refused",
        provider.company_id,
        reason=reason,
        provider=provider.id,
        groups=kept_groups(person)[:20],
    )
    raise error


def _actor(provider: IdentityProvider, address: str) -> Actor:
    return Actor("appliance", "sign_on", provider.name, address, provider.company_id)
