"""Logging in through an organisation's own accounts: to the provider and back, or with a directory's password."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from pyramid.httpexceptions import HTTPSeeOther

from appliance.errors import ApplianceError, BadInput, LockedOut, LoginRefused
from appliance.models import IdentityProvider
from appliance.security import cookies
from appliance.services import identity_providers, sign_on
from appliance.services.sign_on import Client, Entered, FactorWanted
from appliance.sign_on.failures import SignOnFailed
from appliance.vocabulary import IdentityProviderKind
from web import errors
from web.contexts import number
from web.headers import origin_of
from web.policy import delete_cookie, read_cookie, set_cookie
from web.services import Request
from web.views.log_in import end_former, first_page, key_answer, log_in_page, own_page

STATE_COOKIE = "kustos_sign_on"
"""Random: only the browser that set out to a provider may come back from it."""
FACTOR_COOKIE = "kustos_factor"
"""Of who has still to show a second factor."""


def start(context: object, request: Request) -> Any:
    """Send the browser to the provider, or show the form of a directory."""
    provider = _provider(request)
    next_page = own_page(request.body_struct.next)
    if provider.kind is IdentityProviderKind.LDAP:
        return log_in_page(request, directory=provider, next_page=next_page)
    if (elsewhere := _at_public_url(request)) is not None:
        return HTTPSeeOther(elsewhere)
    return _set_out(request, provider, next_page, anew=False)


def again(context: object, request: Request) -> Any:
    """Have the provider ask once more who is there, as a fresh proof."""
    visitor = request.visitor
    provider = sign_on.provider_of(request.db, visitor.login_id if visitor else None)
    if provider is None:
        raise BadInput("You did not log in through an identity provider; log out and in again.")
    return _set_out(request, provider, own_page(request.body_struct.next), anew=True)


def callback(context: object, request: Request) -> Any:
    """Take the provider's answer."""
    body = request.body_struct
    answer = {"state": body.state, "code": body.code, "error": body.error}
    if body.iss is not None:
        answer["iss"] = body.iss
    try:
        result = sign_on.come_back(
            request.db,
            request.collaborators.vault,
            request.settings,
            request.registry.oidc_client,
            _provider(request),
            read_cookie(request, STATE_COOKIE),
            answer,
            _client(request),
        )
    except SignOnFailed as error:
        return _refused(request, error)
    return _go_on(request, result)


def log_in(context: object, request: Request) -> Any:
    """Take a name and a password of a directory."""
    body, provider = request.body_struct, _provider(request)
    next_page = own_page(body.next)
    try:
        result = sign_on.log_in_by_directory(
            request.db,
            request.collaborators.vault,
            request.settings,
            provider,
            body.username,
            body.password,
            _client(request),
            next_page,
        )
    except SignOnFailed as error:
        return _refused(request, error, directory=provider, username=body.username, next_page=next_page)
    return _go_on(request, result)


def factor(context: object, request: Request) -> Any:
    """Show the form for the second factor."""
    try:
        waiting = sign_on.pending(request.db, read_cookie(request, FACTOR_COOKIE))
    except SignOnFailed:
        return HTTPSeeOther(request.route_path("login"))
    return {"person": {"name": waiting.user.name, "email": waiting.user.email}, "error": None}


def show_factor(context: object, request: Request) -> Any:
    """Take the second factor."""
    body, token = request.body_struct, read_cookie(request, FACTOR_COOKIE)
    try:
        answer = key_answer(request, body.key)
        entered = sign_on.show_factor(
            request.db,
            request.collaborators.vault,
            request.settings,
            token,
            body.code.replace(" ", ""),
            answer,
            _client(request),
        )
    except SignOnFailed as error:
        return _refused(request, error)
    except (LoginRefused, LockedOut, BadInput) as error:
        request.response.status_int = errors.STATUS[error.code]
        waiting = sign_on.pending(request.db, token)
        person = {"name": waiting.user.name, "email": waiting.user.email}
        return {"person": person, "error": {"code": error.code.value, "message": request.translate(error.message)}}
    return _go_on(request, entered)


def logged_out_there(context: object, request: Request) -> dict[str, Any]:
    """Hear from a provider that somebody has logged out there."""
    try:
        ended = sign_on.logged_out_there(
            request.db,
            request.registry.oidc_client,
            _provider(request),
            request.body_struct.logout_token,
            request.client_address,
        )
    except SignOnFailed as error:
        raise BadInput(error.message) from error
    return {"ended": ended}


def _set_out(request: Request, provider: IdentityProvider, next_page: str, *, anew: bool) -> Any:
    token = read_cookie(request, STATE_COOKIE) or cookies.new_token()
    try:
        url = sign_on.set_out(
            request.db,
            request.collaborators.vault,
            request.settings,
            request.registry.oidc_client,
            provider,
            token,
            next_page,
            anew=anew,
        )
    except SignOnFailed as error:
        return _refused(request, error)
    answer = HTTPSeeOther(url)
    set_cookie(request, answer, STATE_COOKIE, token, int(sign_on.ON_THE_WAY.total_seconds()))
    return answer


def _go_on(request: Request, result: Entered | FactorWanted) -> Any:
    if isinstance(result, FactorWanted):
        answer = HTTPSeeOther(request.route_path("sign_on.factor"))
        set_cookie(request, answer, FACTOR_COOKIE, result.token, int(sign_on.SHOW_WITHIN.total_seconds()))
        return answer
    end_former(request)
    answer = HTTPSeeOther(own_page(result.next) or request.route_path(first_page(result.login)))
    set_cookie(request, answer, cookies.STAFF_COOKIE, result.cookie_token, request.settings.session_minutes * 60)
    delete_cookie(request, answer, FACTOR_COOKIE)
    return answer


def _refused(request: Request, error: ApplianceError, **form: Any) -> dict[str, Any]:
    request.response.status_int = errors.STATUS[error.code]
    return log_in_page(request, error=error, **form)


def _provider(request: Request) -> IdentityProvider:
    return identity_providers.get(request.db, number(request, "id"))


def _client(request: Request) -> Client:
    return Client(request.client_address, request.browser_name)


def _at_public_url(request: Request) -> str | None:
    """Return the same page at the address that providers send browsers back to, None when this is it.

    A cookie belongs to one host: who sets out from another name of this appliance could not come back.
    """
    public = origin_of(request.settings.public_url)
    if public is None or public == request.host_url:
        return None
    host = urlsplit(request.host_url).hostname
    return None if host == urlsplit(public).hostname else f"{public}{request.path}?{urlencode(request.query)}"
