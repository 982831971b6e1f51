"""Do the TURN servers that browsers are told of give a relay? The appliance's own, and those of companies."""

import socket
from dataclasses import replace
from time import monotonic
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from appliance.db import unit_of_work
from appliance.diagnostics import turn
from appliance.diagnostics.host import SECONDS, Host
from appliance.diagnostics.installed import own_host
from appliance.diagnostics.report import Step, failed, passed, skipped, warning
from appliance.errors import ApplianceError
from appliance.ice_servers import ice_servers
from appliance.models import Company, Sitting
from appliance.services import networks

NAME: Final = "check"
"""What the TURN server's log calls us."""
REFUSED: Final = frozenset({401, 403, 441})
"""RFC 8656: no or wrong credentials, forbidden, another user's."""


def check_turn(host: Host) -> list[Step]:
    """Each TURN server gives a relay to the credentials that browsers are told: a sitting's, or everybody's."""
    told = _told(host)
    if not told:
        return [skipped("turn", "no_turn")]
    return [_relay(url, name, password) for url, name, password in told]


def _told(host: Host) -> list[tuple[str, str, str]]:
    """Return address, name and password of every server, each once."""
    servers = [] if host.sitting_id is not None else ice_servers(host.settings, NAME)
    try:
        servers += _of_companies(host)
    except (ApplianceError, SQLAlchemyError):  # the database's own step tells it
        servers = ice_servers(host.settings, NAME)
    relays = [server for server in servers if "credential" in server]
    found = {(url, one["username"], one["credential"]) for one in relays for url in one["urls"]}
    return sorted(found)


def _of_companies(host: Host) -> list[dict[str, Any]]:
    if host.vault is None:
        return ice_servers(host.settings, NAME)
    query = select(Company)
    if host.sitting_id is not None:
        query = query.join(Sitting, Sitting.company_id == Company.id).where(Sitting.id == host.sitting_id)
    with unit_of_work(host.session_factory) as session:
        ways = [networks.for_browser(one, host.vault, host.settings, NAME) for one in session.scalars(query)]
    return [server for way in ways for server in way["ice_servers"]]


def _of_own(url: str, name: str, password: str) -> Step | None:
    """Ask the server of this very host, where there is one, whatever its name is."""
    own = own_host()
    if own is None or "turn" not in own.groups:
        return None
    server = turn.parse(url)
    place = f"{url.partition(':')[0]}:{own.address}:{server.port}{url[url.find('?') :] if '?' in url else ''}"
    return replace(_relay(place, name, password), scope=url)


def _relay(url: str, name: str, password: str) -> Step:
    begin = monotonic()
    try:
        relay = turn.allocate(turn.parse(url), name, password, SECONDS)
    except turn.Refused as refusal:
        cause = "turn_password" if refusal.code in REFUSED else "turn_no_relay"
        return failed("turn", cause, url, f"{refusal.code} {refusal.reason}")
    except socket.gaierror as error:
        return _of_own(url, name, password) or warning("turn", "turn_name_unknown", url, str(error))
    except (OSError, ValueError) as error:
        return failed("turn", "turn_unreachable", url, str(error))
    return passed("turn", url, relay=relay, answer_ms=round((monotonic() - begin) * 1000))
