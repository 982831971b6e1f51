"""The token with which a socket says hello: short-lived, signed, made by the web process and read by the gateway."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from appliance.db import utcnow
from appliance.errors import TokenInvalid
from appliance.settings import Settings
from appliance.vocabulary import Role

AUDIENCE = "live"
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class LiveIdentity:
    """Who stands behind a socket: a candidate in one sitting, or a member of staff (``sitting_id`` None)."""

    kind: str
    """``candidate`` or ``user``."""
    id: int
    """Of the sitting for a candidate, of the user for staff."""
    company_id: int
    name: str
    sitting_id: int | None = None
    role: Role | None = None
    limited: bool = False
    """Whether the account reaches only exams it is assigned to."""
    login_id: int | None = None
    """The log-in that asked for the token: when it ends, its sockets end."""


def for_candidate(settings: Settings, sitting_id: int, company_id: int, name: str) -> str:
    """Return a token for the candidate of ``sitting_id``."""
    return _encode(settings, LiveIdentity("candidate", sitting_id, company_id, name, sitting_id))


def for_user(
    settings: Settings,
    user_id: int,
    company_id: int,
    role: Role,
    name: str,
    limited: bool = False,
    login_id: int | None = None,
) -> str:
    """Return a token for a member of staff."""
    return _encode(settings, LiveIdentity("user", user_id, company_id, name, None, role, limited, login_id))


def read(settings: Settings, token: str) -> LiveIdentity:
    """Return who the token was made for; raise ``TokenInvalid`` for a wrong, foreign or expired one."""
    try:
        claims = jwt.decode(
            token,
            settings.secret_key,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["exp", "sub", "aud"]},
        )
        return _identity(claims)
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
        raise TokenInvalid from error


def _identity(claims: dict[str, Any]) -> LiveIdentity:
    kind, number = str(claims["sub"]).split(":")
    subject, company_id, name = int(number), int(claims["company"]), str(claims["name"])
    if kind == "candidate" and claims["role"] is None and claims["sitting"] == subject:
        return LiveIdentity(kind, subject, company_id, name, sitting_id=subject)
    if kind == "user" and claims["sitting"] is None:
        login_id = None if claims["login"] is None else int(claims["login"])
        role, limited = Role(claims["role"]), bool(claims["limited"])
        return LiveIdentity(kind, subject, company_id, name, None, role, limited, login_id)
    raise ValueError("neither a candidate's token nor a user's")


def _encode(settings: Settings, identity: LiveIdentity) -> str:
    claims = {
        "aud": AUDIENCE,
        "sub": f"{identity.kind}:{identity.id}",
        "sitting": identity.sitting_id,
        "company": identity.company_id,
        "role": None if identity.role is None else identity.role.value,
        "name": identity.name,
        "limited": identity.limited,
        "login": identity.login_id,
        "exp": utcnow() + timedelta(seconds=settings.live_token_seconds),
    }
    return jwt.encode(claims, settings.secret_key, _ALGORITHM)
