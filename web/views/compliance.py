"""How the company's measures stand, its profile, and the description of all routes."""

from typing import Any

from appliance.models import Company
from appliance.services import company_profiles, compliance
from web import openapi
from web.contexts import Nothing
from web.services import Request


def report(context: Nothing, request: Request) -> dict[str, Any]:
    """Give each measure with its setting, evidence, test and state as they are now."""
    company = _company(request)
    compliance.note_view(request.db, request.actor, company, "report")
    return {"report": compliance.report(request.db, request.settings, company)}


def settings(context: Nothing, request: Request) -> dict[str, Any]:
    """Give everything that is set; of secrets only whether they are."""
    company = _company(request)
    compliance.note_view(request.db, request.actor, company, "settings")
    request.response.content_disposition = f'attachment; filename="settings-{company.slug}.json"'
    return {"settings": compliance.settings_export(request.settings, company)}


def profile(context: Nothing, request: Request) -> dict[str, Any]:
    """Tell the company's profile, what counts by it, and what each other would change and refuse."""
    company = _company(request)
    told = company_profiles.describe(company, request.settings)
    for other in told["profiles"]:
        other["contradictions"] = company_profiles.contradictions(request.db, company, other["name"])
    return {"profile": told}


def change_profile(context: Nothing, request: Request) -> dict[str, Any]:
    """Put the company under another profile."""
    company = company_profiles.lock(request.db, _company(request).id)
    added = company_profiles.change(request.db, request.actor, company, request.body_struct.profile)
    return {**profile(context, request), "four_eyes_added": added}


def set_private_hosts(context: Nothing, request: Request) -> dict[str, Any]:
    """Say which private hosts may be asked in the company's name."""
    company = company_profiles.lock(request.db, _company(request).id)
    hosts = request.body_struct.private_hosts
    return {"private_hosts": company_profiles.set_private_hosts(request.db, request.actor, company, hosts)}


def description(context: Nothing, request: Request) -> dict[str, Any]:
    """Describe every route as OpenAPI 3.1."""
    return openapi.describe()


def _company(request: Request) -> Company:
    found: Company = request.db.get_one(Company, request.actor.company_id)
    return found
