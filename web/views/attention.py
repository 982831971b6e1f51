"""The switch for judging emotion and engagement, of which Kustos has nothing."""

from typing import Any

from appliance.models import Company
from appliance.services import attention
from web.contexts import Nothing
from web.services import Request


def show(context: Nothing, request: Request) -> dict[str, Any]:
    """Tell whether it is on, and whether it may be."""
    return {"attention": attention.describe(_company(request))}


def switch(context: Nothing, request: Request) -> dict[str, Any]:
    """Switch it on or off."""
    attention.switch(request.db, request.actor, _company(request), request.body_struct.on)
    return show(context, request)


def _company(request: Request) -> Company:
    found: Company = request.db.get_one(Company, request.actor.company_id)
    return found
