"""The company's network: ICE policy, STUN and TURN servers, and what a test from the asker's browser needs."""

from typing import Any

from appliance.models import Company
from appliance.services import networks
from web.contexts import Nothing
from web.services import Request


def show(context: Nothing, request: Request) -> dict[str, Any]:
    """Tell the settings, and ``ways`` by which this very browser would connect."""
    company = _company(request)
    vault, settings = request.collaborators.vault, request.settings
    ways = networks.for_browser(company, vault, settings, f"user-{request.actor.id}")
    return {"network": networks.describe(company, settings), "ways": ways}


def change(context: Nothing, request: Request) -> dict[str, Any]:
    """Change them; connections that stand are not touched."""
    asked = request.body_struct
    networks.change(
        request.db,
        request.actor,
        request.collaborators.vault,
        request.settings,
        _company(request),
        asked.ice_policy,
        asked.stun_urls,
        asked.turn_urls,
        asked.turn_secret,
    )
    return show(context, request)


def _company(request: Request) -> Company:
    found: Company = request.db.get_one(Company, request.actor.company_id)
    return found
