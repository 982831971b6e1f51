"""Calls, broadcasts and conferences: beginning one, coming, leaving. What is said goes over the socket."""

from typing import Any

from appliance.errors import NotAllowed
from appliance.models import Conversation
from appliance.security.permission_map import Permission, permits
from appliance.security.predicates import require
from appliance.services import accounts, conversations, sittings
from appliance.vocabulary import Role
from web.contexts import ConversationContext, Nothing
from web.pages import ROLE_TITLES
from web.services import Request


def begin(context: Nothing, request: Request) -> dict[str, Any]:
    """Open a conversation; the asker is its host."""
    asked, visitor = request.body_struct, request.visitor
    assert visitor is not None  # noqa: S101 - the permission has seen to it
    company_id = visitor.identity.company_id
    found = [sittings.get(request.db, number, company_id) for number in dict.fromkeys(asked.sitting_ids)]
    for sitting in found:
        require(visitor.identity, Permission.CONVERSATION_HOLD, sitting)
    people = [accounts.get(request.db, number, company_id) for number in dict.fromkeys(asked.user_ids)]
    for person in people:
        if not permits(person.role, Permission.CONVERSATION_JOIN):
            raise NotAllowed(f"{person.name} cannot take part: their role has no live pages.")
    row = conversations.open_conversation(request.db, request.actor, asked.kind, people, found, asked.title)
    return {"conversation": conversations.payload(row)}


def mine(context: Nothing, request: Request) -> dict[str, Any]:
    """List the open conversations the asker has a seat in."""
    visitor = request.visitor
    assert visitor is not None  # noqa: S101 - as above
    rows = conversations.open_ones(request.db, user_id=visitor.identity.id)
    return {"conversations": [conversations.payload(row) for row in rows]}


def colleagues(context: Nothing, request: Request) -> dict[str, Any]:
    """List who may be asked into a conference."""
    visitor = request.visitor
    assert visitor is not None  # noqa: S101 - as above
    people = [
        {"id": person["id"], "name": person["name"], "role": person["role"], "role_title": _role(request, person)}
        for person in accounts.staff(request.db, visitor.identity.company_id)
        if person["id"] != visitor.identity.id
        and not person["disabled"]
        and permits(Role(person["role"]), Permission.CONVERSATION_JOIN)
    ]
    return {"colleagues": people}


def _role(request: Request, person: dict[str, Any]) -> str:
    return request.translate(ROLE_TITLES[Role(person["role"])])


def join(context: ConversationContext, request: Request) -> dict[str, Any]:
    """Come in."""
    return _told(conversations.join(request.db, request.actor, context.seat), context)


def decline(context: ConversationContext, request: Request) -> dict[str, Any]:
    """Do not come."""
    return _told(conversations.decline(request.db, request.actor, context.seat), context)


def leave(context: ConversationContext, request: Request) -> dict[str, Any]:
    """Go; the host's going ends it."""
    return _told(conversations.leave(request.db, request.actor, context.seat), context)


def _told(row: Conversation, context: ConversationContext) -> dict[str, Any]:
    return {"conversation": conversations.payload(row, context.sitting_id)}
