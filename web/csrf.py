"""Against forged requests: a token only our pages know, and the browser's own word of where it comes from."""

import hashlib
import hmac
import secrets
from typing import Any

from appliance.errors import CsrfRefused
from appliance.security.cookies import csrf_fits, name_on
from web.headers import origin_of
from web.policy import Side, read_cookie, set_cookie
from web.services import Request

HEADER = "X-CSRF-Token"
FIELD = "csrf_token"
PRE_SESSION_COOKIE = "kustos_pre"
"""Random. Before anybody is logged in a form's token is its HMAC, so that no stranger can log a browser in."""

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def check(request: Request) -> None:
    """Raise ``CsrfRefused`` unless an unsafe request comes from our own page."""
    if request.method not in UNSAFE or request.side is Side.LMS:
        return
    visitor = None if request.side is Side.OPEN else request.visitor  # also where no permission has asked
    if visitor is not None and visitor.identity.kind == "api":
        return  # known by a header that no other site's page can send; no cookie was read
    check_origin(request)
    given = request.headers.get(HEADER) or _form_token(request)
    if not csrf_fits(given, token(request)):
        raise CsrfRefused


def check_origin(request: Request) -> None:
    """Raise ``CsrfRefused`` when the browser says that another site's page sent this."""
    if request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        raise CsrfRefused("The request comes from another site.")
    told = request.headers.get("Origin")
    if told is None:
        return
    # The appliance is reached by several names at once (localhost, the LAN's address): the one asked for counts.
    if told not in {request.host_url, origin_of(request.settings.public_url)}:
        raise CsrfRefused("The request comes from another site.")


def token(request: Request) -> str:
    """Return the token that this browser's pages must show on this side of the house; empty where there is none."""
    visitor = request.visitor_if_known
    if visitor is not None:
        return visitor.csrf_token
    return _pre_token(request, read_cookie(request, PRE_SESSION_COOKIE))


def pre_session_token(request: Request) -> str:
    """Return the form token for somebody not yet known, giving the browser its pre-session cookie if it has none."""
    value = read_cookie(request, PRE_SESSION_COOKIE)
    if not value:
        value = secrets.token_urlsafe(32)
        request.cookies[name_on(request.scheme, PRE_SESSION_COOKIE)] = (
            value  # a second form on the same page gets the same token
        )

        def give(request: Request, response: Any) -> None:
            set_cookie(request, response, PRE_SESSION_COOKIE, value)

        request.add_response_callback(give)
    return _pre_token(request, value)


def _pre_token(request: Request, value: str) -> str:
    if not value:
        return ""
    key = request.settings.secret_key.encode()
    return hmac.new(key, b"pre-session:" + value.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _form_token(request: Request) -> str:
    if request.content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return ""
    return str(request.POST.get(FIELD, ""))
