"""One's own account for its page."""

from datetime import datetime
from typing import Any

import msgspec
import segno

from appliance.db import to_ms
from appliance.models import LoginSession, SecurityKey
from appliance.security import password_rules
from appliance.services import login_sessions, own_passwords, second_factors, security_keys
from appliance.services.account_links import MadeLink
from appliance.services.second_factors import PendingAuthenticator
from appliance.services.security_keys import KeyAnswer
from appliance.vocabulary import ProvedBy
from web.pages import ROLE_TITLES
from web.services import Request


def own_account(request: Request, login: LoginSession) -> dict[str, Any]:
    """Return all that a person may know of their own account."""
    user, session = login.user, request.db
    rules = own_passwords.rules_of(session, user)
    expires = password_rules.expires_at(user.password_changed_at, rules)
    return {
        "name": user.name,
        "email": user.email,
        "role": user.role.value,
        "role_title": request.translate(ROLE_TITLES[user.role]),
        "company": user.company.name,
        "language": user.language,
        "wants": login.wants,
        "password": {
            "set": user.password_hash is not None,
            "changed_ms": ms(user.password_changed_at) if user.password_hash else None,
            "expires_ms": ms(expires) if user.password_hash else None,
            "rules": own_passwords.described(rules),
        },
        "authenticator": user.totp_secret is not None,
        "keys": [_key(key) for key in security_keys.of_user(session, user.id)],
        "most_keys": security_keys.MOST,
        "recovery_codes_left": second_factors.recovery_codes_left(session, user),
        "sessions": [
            login_sessions.described(row, login.id)
            for row in login_sessions.open_of(session, user.id, request.settings)
        ],
    }


def pending_authenticator(pending: PendingAuthenticator) -> dict[str, Any]:
    """Return a secret for scanning and for typing in."""
    picture = segno.make(pending.uri).svg_data_uri(scale=4, border=2, dark="#000", light="#fff")
    return {"secret": pending.secret, "uri": pending.uri, "svg": picture, "pending": pending.pending}


def proof_options(request: Request, login: LoginSession) -> dict[str, Any]:
    """Return what this person can show, with a challenge for their security keys."""
    user = login.user
    options = None
    if security_keys.of_user(request.db, user.id) and security_keys.is_place(request.settings, request.host_url):
        place = security_keys.place_of(request.settings, request.host_url)
        options = security_keys.proof_options(request.db, place, user)
    return {
        "code": user.totp_secret is not None or second_factors.recovery_codes_left(request.db, user) > 0,
        "authenticator": user.totp_secret is not None,
        "password": user.password_hash is not None,
        "single_sign_on": login.proved_by is ProvedBy.SINGLE_SIGN_ON,
        "key": options,
    }


def key_answer(request: Request, credential: dict[str, Any]) -> KeyAnswer:
    """Return a security key's answer with the place it was asked at; raise ``BadInput`` at another place."""
    text = msgspec.json.encode(credential).decode()
    return KeyAnswer(text, security_keys.place_of(request.settings, request.host_url))


def link(request: Request, made: MadeLink) -> dict[str, Any]:
    """Return a one-time link to hand over; it is in this answer and nowhere else."""
    return {
        "url": made.url(request.settings),
        "kind": made.link.kind.value,
        "expires_ms": to_ms(made.link.expires_at),
    }


def ms(moment: datetime | None) -> int | None:
    """Return UTC milliseconds."""
    return None if moment is None else to_ms(moment)


def _key(key: SecurityKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "created_ms": to_ms(key.created_at),
        "used_ms": ms(key.last_used_at),
    }
