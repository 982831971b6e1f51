"""The staff's pages. Their data comes by REST and socket; a page only says what its script starts from."""

from typing import Any

from appliance.services import payloads
from appliance.services.actors import names
from web.contexts import SittingContext
from web.presenters import words
from web.services import Request
from web.views.review import note_review


def plain(context: object, request: Request) -> dict[str, Any]:
    """Show a page that starts from nothing of its own."""
    return {}


def archive(context: object, request: Request) -> dict[str, Any]:
    """Show the table of sittings."""
    query = {"state": request.body_struct.state, "q": request.body_struct.q, "page": request.body_struct.page}
    return {"states": words.choices(request, words.STATES), "query": query, "page_data": {"query": query}}


def review(context: SittingContext, request: Request) -> dict[str, Any]:
    """Show one sitting to who judges it."""
    note_review(context, request)
    sitting = context.sitting
    proctor = names(request.db, [sitting.proctor_id]).get(sitting.proctor_id or 0)
    return {
        "sitting": payloads.sitting(sitting, proctor),
        "page_data": {
            "sitting_id": sitting.id,
            "warning_types": words.warnings(request),
            "conclusions": words.choices(request, words.CONCLUSIONS),
        },
    }


def staff(context: object, request: Request) -> dict[str, Any]:
    """Show the staff's accounts."""
    roles = words.roles(request)
    return {"roles": roles, "page_data": {"roles": roles}}
