"""How a company's browsers reach the media nodes: their ICE policy, and STUN and TURN servers of their own."""

import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.errors import BadInput
from appliance.ice_servers import ice_servers, told
from appliance.models import Company
from appliance.settings import Settings
from appliance.vault import Vault, row_secrets
from appliance.vocabulary import IcePolicy

MOST_URLS: Final = 8
"""A browser asks each of them at every connection."""
EXAMPLES: Final = {"stun_urls": "stun:stun.example.org:3478", "turn_urls": "turns:turn.example.org:443?transport=tcp"}
_HOST: Final = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?"
_STUN: Final = re.compile(rf"stuns?:{_HOST}")
"""RFC 7064."""
_TURN: Final = re.compile(rf"turns?:{_HOST}(\?transport=(udp|tcp))?")
"""RFC 7065."""


def describe(company: Company, settings: Settings) -> dict[str, Any]:
    """Return what an administrator sees; never the secret."""
    return {
        "ice_policy": company.ice_policy.value,
        "stun_urls": company.stun_urls,
        "turn_urls": company.turn_urls,
        "has_secret": company.turn_secret is not None,
        "appliance": {"stun_urls": list(settings.stun_urls), "turn_urls": list(settings.turn_urls)},
    }


def change(
    session: Session,
    actor: Actor,
    vault: Vault,
    settings: Settings,
    company: Company,
    policy: IcePolicy,
    stun_urls: Sequence[str],
    turn_urls: Sequence[str],
    turn_secret: str | None = None,
) -> Company:
    """Set all of it; ``turn_secret`` None keeps the one that is there. Raises ``BadInput`` naming what is wrong."""
    stun, turn = _checked(stun_urls, _STUN, "stun_urls"), _checked(turn_urls, _TURN, "turn_urls")
    if turn and not turn_secret and company.turn_secret is None:
        raise BadInput("TURN servers need their static-auth-secret.", field="turn_secret")
    if policy is IcePolicy.RELAY and not (turn or settings.turn_urls):
        raise BadInput("“Relay only” needs a TURN server: nobody could connect without one.", field="turn_urls")
    company.ice_policy, company.stun_urls, company.turn_urls = policy, stun, turn
    if not turn:
        company.turn_secret = None
    elif turn_secret:
        row_secrets.keep(session, vault, company, Company.turn_secret, turn_secret.encode())
    details: dict[str, Any] = {
        "ice_policy": policy.value,
        "stun_urls": stun,
        "turn_urls": turn,
        "new_secret": bool(turn_secret),
    }
    audit.record(session, actor, "company.network", ("company", company.id), company_id=company.id, **details)
    return company


def for_browser(company: Company, vault: Vault, settings: Settings, name: str) -> dict[str, Any]:
    """Return ``{"ice_servers": [RTCIceServer…], "ice_policy": "all" | "relay"}``; a TURN server logs ``name``."""
    if company.turn_urls and company.turn_secret is not None:
        secret = row_secrets.read(vault, company, Company.turn_secret).decode()
        servers = told(company.stun_urls or settings.stun_urls, company.turn_urls, secret, name)
    elif company.stun_urls:
        servers = told(company.stun_urls, settings.turn_urls, settings.turn_secret, name)
    else:
        servers = ice_servers(settings, name)
    return {"ice_servers": servers, "ice_policy": company.ice_policy.value}


def _checked(urls: Sequence[str], pattern: re.Pattern[str], field: str) -> list[str]:
    kept = [url.strip() for url in urls if url.strip()]
    if len(kept) > MOST_URLS:
        raise BadInput(f"At most {MOST_URLS} servers of a kind.", field=field)
    for url in kept:
        if not pattern.fullmatch(url):
            example = (
                "stun:stun.example.org:3478" if field == "stun_urls" else "turns:turn.example.org:443?transport=tcp"
            )
            raise BadInput(f"“{url[:100]}” is no such address; write it like {example}.", field=field)
    return kept
