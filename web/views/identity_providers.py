"""The administrators' page of identity providers."""

from typing import Any

import msgspec

from appliance.models import Company, IdentityProvider
from appliance.services import identity_providers, sign_on_checks
from appliance.services.identity_providers import Entered
from appliance.vocabulary import Role
from web.contexts import Nothing, number
from web.pages import ROLE_TITLES
from web.services import Request


def page(context: Nothing, request: Request) -> dict[str, Any]:
    """Show the page; its script asks for the rest."""
    titles = [{"value": role.value, "title": request.translate(ROLE_TITLES[role])} for role in Role]
    return {"page_data": {"roles": titles}}


def show(context: Nothing, request: Request) -> dict[str, Any]:
    """Tell all providers of the company."""
    company = _company(request)
    rows = identity_providers.of_company(request.db, company.id)
    return {
        "providers": [identity_providers.described(request.db, row, request.settings) for row in rows],
        "local_passwords": company.local_passwords.value,
        "login_url": f"{request.settings.public_url.rstrip('/')}/login?company={company.slug}",
        "loopback": identity_providers.allows_loopback(request.settings),
    }


def add(context: Nothing, request: Request) -> dict[str, Any]:
    """Add a provider."""
    body, vault = request.body_struct, request.collaborators.vault
    row = identity_providers.create(
        request.db, request.actor, vault, request.settings, _company(request), body.kind, _entered(body)
    )
    return {"provider": identity_providers.described(request.db, row, request.settings)}


def change(context: Nothing, request: Request) -> dict[str, Any]:
    """Change a provider."""
    vault = request.collaborators.vault
    row = identity_providers.change(
        request.db, request.actor, vault, request.settings, _provider(request), _entered(request.body_struct)
    )
    return {"provider": identity_providers.described(request.db, row, request.settings)}


def remove(context: Nothing, request: Request) -> dict[str, Any]:
    """Take a provider away."""
    identity_providers.remove(request.db, request.actor, _provider(request))
    return show(context, request)


def arrange(context: Nothing, request: Request) -> dict[str, Any]:
    """Put the providers in order."""
    identity_providers.arrange(request.db, request.actor, _company(request).id, request.body_struct.ids)
    return show(context, request)


def set_local_passwords(context: Nothing, request: Request) -> dict[str, Any]:
    """Say who may log in with a password kept here."""
    policy = request.body_struct.local_passwords
    identity_providers.set_local_passwords(request.db, request.actor, _company(request), policy)
    return show(context, request)


def test(context: Nothing, request: Request) -> dict[str, Any]:
    """Try a provider step by step."""
    return sign_on_checks.test(
        request.db,
        request.actor,
        request.collaborators.vault,
        request.settings,
        request.registry.oidc_client,
        _provider(request),
        request.body_struct.username,
    )


def _entered(body: Any) -> Entered:
    return Entered(
        name=body.name,
        settings=body.settings,
        role_rules=[msgspec.to_builtins(rule) for rule in body.role_rules],
        enabled=body.enabled,
        secret=body.secret or None,
        makes_accounts=body.makes_accounts,
        links_by_email=body.links_by_email,
    )


def _provider(request: Request) -> IdentityProvider:
    return identity_providers.get(request.db, number(request, "id"), _company(request).id)


def _company(request: Request) -> Company:
    found: Company = request.db.get_one(Company, request.actor.company_id)
    return found
