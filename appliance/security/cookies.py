"""Tokens in cookies: random, of which the database keeps only the hash.

A candidate's cookie ``kustos_sitting`` is ``ID.TOKEN`` of the sitting; ``kustos_staff`` is the token.
"""

import hashlib
import hmac
import secrets
from typing import NamedTuple

SITTING_COOKIE = "kustos_sitting"
STAFF_COOKIE = "kustos_staff"

_MAX_LENGTH = 128
"""A cookie of ours has 43 characters and an id; anything longer is not looked at."""


_ID_LIMIT = 2**63


class SittingCookie(NamedTuple):
    """The two halves of a candidate's cookie."""

    sitting_id: int
    token: str


def name_on(scheme: str, name: str) -> str:
    """Return the cookie's name in the browser. By https: no other host, path or plain connection can set or overwrite
    a ``__Host-`` cookie (RFC 6265bis, 4.1.3.2); by http: a browser would not take one."""
    return f"__Host-{name}" if scheme == "https" else name


def new_token() -> str:
    """Return 256 random bits as 43 characters that are safe in a cookie and a URL."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what the database keeps: SHA-256 in hex (the token is random, so no salt and no slow hash is needed)."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def token_fits(token: str, kept_hash: str) -> bool:
    """Compare in constant time; an empty ``kept_hash`` (no token was given out) never fits."""
    return bool(kept_hash) and hmac.compare_digest(token_hash(token), kept_hash)


def csrf_fits(given: str, kept: str) -> bool:
    """Compare CSRF tokens in constant time; an empty one never fits."""
    return bool(kept) and hmac.compare_digest(given.encode("utf-8", "replace"), kept.encode())


def write_sitting_cookie(sitting_id: int, token: str) -> str:
    """Return the value of the candidate's cookie."""
    return f"{sitting_id}.{token}"


def read_sitting_cookie(value: str) -> SittingCookie | None:
    """Return the halves, or None for anything that is not such a cookie."""
    number, dot, token = value.partition(".")
    if len(value) > _MAX_LENGTH or not dot or not token or not (number.isascii() and number.isdigit()):
        return None
    if int(number) >= _ID_LIMIT:
        return None
    return SittingCookie(int(number), token)
