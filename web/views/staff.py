"""What administrators do to colleagues' accounts; and what must not pass unseen."""

from typing import Any

from appliance.models import Company, User
from appliance.services import account_links, accounts, login_sessions, notices, staff_changes
from appliance.vocabulary import LinkKind
from web import contexts
from web.presenters import account as present
from web.services import Request


def _company_id(request: Request) -> int:
    return request.actor.company_id or 0


def _person(request: Request) -> User:
    return accounts.get(request.db, contexts.number(request, "id"), _company_id(request))


def invite(context: object, request: Request) -> dict[str, Any]:
    """Make an account whose owner chooses password and second factor by a one-time link."""
    body = request.body_struct
    company = request.db.get_one(Company, _company_id(request))
    vault = request.collaborators.vault
    user, _ = accounts.create_user(
        request.db, request.actor, vault, company, body.email, body.name, body.role, None, body.language
    )
    made = account_links.make(request.db, request.actor, request.settings, user, LinkKind.INVITATION)
    person = {"id": user.id, "name": user.name, "email": user.email, "role": user.role.value}
    return {"person": person, "link": present.link(request, made)}


def link(context: object, request: Request) -> dict[str, Any]:
    """Make a one-time link for a colleague."""
    user = _person(request)
    made = account_links.make(request.db, request.actor, request.settings, user, request.body_struct.kind)
    return {"link": present.link(request, made)}


def change_role(context: object, request: Request) -> dict[str, Any]:
    """Give a colleague another role."""
    staff_changes.change_role(request.db, request.actor, _person(request), request.body_struct.role)
    return {}


def disable(context: object, request: Request) -> dict[str, Any]:
    """Close an account."""
    staff_changes.disable(request.db, request.actor, _person(request))
    return {}


def enable(context: object, request: Request) -> dict[str, Any]:
    """Open a closed account again."""
    staff_changes.enable(request.db, request.actor, _person(request))
    return {}


def unlock(context: object, request: Request) -> dict[str, Any]:
    """Let somebody who was locked out try again."""
    staff_changes.unlock(request.db, request.actor, _person(request))
    return {}


def end_sessions(context: object, request: Request) -> dict[str, Any]:
    """End all log-ins of a colleague."""
    return {"ended": login_sessions.end_all(request.db, request.actor, _person(request))}


def notices_open(context: object, request: Request) -> dict[str, Any]:
    """Give what nobody has taken note of yet."""
    return {"notices": notices.listing(request.db, _company_id(request))}


def note(context: object, request: Request) -> dict[str, Any]:
    """Take note."""
    notices.note(request.db, request.actor, contexts.number(request, "id"), _company_id(request))
    return notices_open(context, request)
