"""What administrators do to colleagues' accounts."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput
from appliance.models import Company, User
from appliance.services import login_sessions
from appliance.vocabulary import Role


def disable(session: Session, actor: Actor, user: User) -> None:
    """Close the account: its log-ins and open sockets end at once; raise ``BadInput`` for one's own and the last."""
    _lock_company(session, user)
    if user.disabled_at is not None:
        return
    _demand_other(actor, user)
    _demand_admin_left(session, user)
    user.disabled_at = utcnow()
    login_sessions.end_all(session, actor, user)
    login_sessions.close_sockets(session, user.id, [])
    audit.record(session, actor, "user.disable", ("user", user.id), company_id=user.company_id)


def enable(session: Session, actor: Actor, user: User) -> None:
    """Open a closed account again; password and second factors are as they were."""
    if user.disabled_at is not None:
        user.disabled_at = None
        audit.record(session, actor, "user.enable", ("user", user.id), company_id=user.company_id)


def unlock(session: Session, actor: Actor, user: User) -> None:
    """Let somebody who was locked out try again at once."""
    session.refresh(user, with_for_update=True)  # log-ins meanwhile count in transactions of their own
    user.failed_logins, user.locked_until = 0, None
    audit.record(session, actor, "user.unlock_account", ("user", user.id), company_id=user.company_id)


def change_role(session: Session, actor: Actor, user: User, role: Role) -> None:
    """Give another role; open log-ins and sockets, which knew the old one, end. ``BadInput`` as for ``disable``."""
    _lock_company(session, user)
    if user.role is role:
        return
    _demand_other(actor, user)
    _demand_admin_left(session, user)
    former, user.role = user.role, role
    login_sessions.end_all(session, actor, user)
    audit.record(
        session, actor, "user.change_role", ("user", user.id), company_id=user.company_id, role=role, former=former
    )


def _lock_company(session: Session, user: User) -> None:
    """Let nobody else take an administrator away meanwhile."""
    session.get_one(Company, user.company_id, with_for_update=True)
    session.refresh(user)


def _demand_other(actor: Actor, user: User) -> None:
    if actor.kind == "user" and actor.id == str(user.id):
        raise BadInput("Ask another administrator: nobody does this to their own account.", reason="own")


def _demand_admin_left(session: Session, user: User) -> None:
    """The emergency account does not count: it is in an envelope."""
    others = select(func.count()).where(
        User.company_id == user.company_id,
        User.id != user.id,
        User.role == Role.ADMIN,
        User.disabled_at.is_(None),
        User.break_glass.is_(False),
    )
    if user.role is Role.ADMIN and not user.break_glass and not session.scalar(others):
        raise BadInput("This is the last administrator; make another one first.", reason="last")
