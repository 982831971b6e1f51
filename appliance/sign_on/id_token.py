"""Whether an ID token may be believed (OpenID Connect Core 1.0, 3.1.3.7), or a log-out token.

The latter by OpenID Connect Back-Channel Logout 1.0, 2.6.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any, Final

import jwt

from appliance.sign_on.discovery import ALGORITHMS, SigningKey
from appliance.sign_on.failures import ProviderWrong

LEEWAY_SECONDS: Final = 60
"""Clocks of two well-kept servers differ less."""
OLDEST_SECONDS: Final = 600
"""A token that was issued longer ago belongs to no log-in that is under way."""
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"

KeyFor = Callable[[str | None, str], SigningKey]
"""From ``kid`` and ``alg`` of a token's header to the provider's key."""


def verify_id_token(
    token: str,
    key_for: KeyFor,
    algorithms: tuple[str, ...],
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
) -> dict[str, Any]:
    """Return the claims; raise ``ProviderWrong`` that names what does not fit."""
    claims, algorithm = _decode(token, key_for, algorithms, issuer, client_id, ("exp", "iat", "iss", "aud", "sub"))
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise _wrong("it was made for another log-in (nonce)")
    if float(claims["iat"]) < time.time() - OLDEST_SECONDS:
        raise _wrong("it is too old (iat)")
    if access_token is not None and "at_hash" in claims:
        expected = _half_hash(algorithm, access_token)
        if not hmac.compare_digest(str(claims["at_hash"]).encode(), expected.encode()):
            raise _wrong("it belongs to another access token (at_hash)")
    return claims


def verify_logout_token(
    token: str, key_for: KeyFor, algorithms: tuple[str, ...], issuer: str, client_id: str
) -> dict[str, Any]:
    """Return the claims of a log-out token; raise ``ProviderWrong``."""
    claims, _algorithm = _decode(
        token, key_for, algorithms, issuer, client_id, ("iat", "iss", "aud", "jti", "events")
    )
    events = claims["events"]
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict) or "nonce" in claims:
        raise _wrong("it is no log-out token")
    if not claims.get("sub") and not claims.get("sid"):
        raise _wrong("it names nobody")
    if not time.time() - OLDEST_SECONDS < float(claims["iat"]):
        raise _wrong("it is too old (iat)")
    return claims


def _decode(
    token: str, key_for: KeyFor, algorithms: tuple[str, ...], issuer: str, client_id: str, required: tuple[str, ...]
) -> tuple[dict[str, Any], str]:
    """Return the claims and the algorithm of the signature."""
    try:
        header = jwt.get_unverified_header(token)
        algorithm = str(header.get("alg"))
        if algorithm not in algorithms or algorithm not in ALGORITHMS:
            raise _wrong(f"its signature is of a kind that is not accepted ({algorithm[:20]})")
        key = key_for(header.get("kid"), algorithm)
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": list(required)},
        )
    except jwt.InvalidTokenError as error:
        raise _wrong(_words(error)) from error
    audience = claims["aud"]
    several = isinstance(audience, list) and len(audience) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise _wrong("it was made for another application (azp)")
    return claims, algorithm


def _half_hash(algorithm: str, access_token: str) -> str:
    """OpenID Connect Core 1.0, 3.1.3.6: the left half of the hash that the signature uses, base64url."""
    hashed = {"256": hashlib.sha256, "384": hashlib.sha384}.get(algorithm[-3:], hashlib.sha512)
    digest = hashed(access_token.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _words(error: jwt.InvalidTokenError) -> str:
    known: list[tuple[type[jwt.InvalidTokenError], str]] = [
        (jwt.ExpiredSignatureError, "it has expired (exp)"),
        (jwt.InvalidAudienceError, "it was made for another application (aud)"),
        (jwt.InvalidIssuerError, "it comes from another provider (iss)"),
        (jwt.ImmatureSignatureError, "it is not valid yet; the clocks differ (iat, nbf)"),
        (jwt.InvalidSignatureError, "its signature does not fit"),
        (jwt.MissingRequiredClaimError, f"it is incomplete ({getattr(error, 'claim', '')})"),
    ]
    return next((words for kind, words in known if isinstance(error, kind)), "it is malformed")


def _wrong(why: str) -> ProviderWrong:
    return ProviderWrong(f"The provider's token was refused: {why}.", step="token", why=why)
