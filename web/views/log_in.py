"""Log-in and log-out of staff."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPSeeOther

from appliance.db import to_ms
from appliance.errors import ApplianceError, BadInput, LockedOut, LoginRefused, LoginRequired
from appliance.models import IdentityProvider, LoginSession
from appliance.security import cookies
from appliance.services import account_links, accounts, identity_providers, own_passwords, security_keys, sign_on
from appliance.services.security_keys import KeyAnswer
from web import errors
from web.pages import start_page
from web.policy import delete_cookie, find_staff, read_cookie, set_cookie
from web.services import Request


def form(context: object, request: Request) -> Any:
    """Show the log-in form, or go on for who is logged in already."""
    query = request.body_struct
    try:
        visitor = find_staff(request)
    except LoginRequired:
        visitor = None
    if visitor is not None and visitor.identity.role is not None:
        return HTTPSeeOther(own_page(query.next) or request.route_path(start_page(visitor.identity.role)))
    return log_in_page(request, username=query.email, next_page=own_page(query.next), company=query.company)


def log_in(context: object, request: Request) -> Any:
    """Check e-mail, password and code together; a refusal shows the form again."""
    body = request.body_struct
    try:
        login, token = accounts.log_in(
            request.db,
            request.collaborators.vault,
            body.email,
            body.password,
            body.code.replace(" ", ""),
            request.client_address,
            request.browser_name,
            request.settings,
            key_answer(request, body.key),
        )
    except (LoginRefused, LockedOut, BadInput) as error:
        return _again(request, error)
    end_former(request)
    answer = HTTPSeeOther(own_page(body.next) or request.route_path(first_page(login)))
    set_cookie(request, answer, cookies.STAFF_COOKIE, token, request.settings.session_minutes * 60)
    return answer


def _again(request: Request, error: ApplianceError) -> dict[str, Any]:
    """Show the form with what is wrong; password and code are never sent back."""
    request.response.status_int = errors.STATUS[error.code]
    body = request.body_struct
    return log_in_page(request, error=error, username=body.email, next_page=own_page(body.next))


def log_in_page(
    request: Request,
    *,
    error: ApplianceError | None = None,
    username: str = "",
    next_page: str = "",
    company: str = "",
    directory: IdentityProvider | None = None,
) -> dict[str, Any]:
    """Return what the log-in page shows; ``directory``: the form of this one instead of our own."""
    told = None
    if error is not None:
        minutes, seconds = error.details.get("minutes"), error.details.get("retry_seconds")
        retry = int(str(minutes)) * 60 if minutes is not None else seconds
        told = {"code": error.code.value, "message": request.translate(error.message), "retry_seconds": retry}
    return {
        "form": {"email": username, "next": next_page},
        "error": told,
        "sign_on": identity_providers.choices(request.db, company),
        "directory": {"id": directory.id, "name": directory.name} if directory is not None else None,
    }


def end_former(request: Request) -> None:
    """End the log-in that this browser had: its cookie is overwritten, so nobody could end it later."""
    former = read_cookie(request, cookies.STAFF_COOKIE)
    if not former:
        return
    try:
        session = accounts.session_by_token(request.db, former, request.settings)
    except LoginRequired:
        return
    visitor = find_staff(request)
    if visitor is not None:
        accounts.log_out(request.db, visitor.identity.actor, session)


def log_out(context: object, request: Request) -> Any:
    """End the browser's log-in, and go on to the identity provider it came through."""
    token = read_cookie(request, cookies.STAFF_COOKIE)
    login = accounts.session_by_token(request.db, token, request.settings)
    accounts.log_out(request.db, request.actor, login)
    vault, client = request.collaborators.vault, request.registry.oidc_client
    onward = sign_on.leave(request.db, vault, request.settings, client, login)
    if onward is not None:
        # by a page: a form's answer may not lead to another origin (form-action), and the page says what happens
        delete_cookie(request, request.response, cookies.STAFF_COOKIE)
        return {"onward": onward}
    answer = HTTPSeeOther(request.route_path("login"))
    delete_cookie(request, answer, cookies.STAFF_COOKIE)
    return answer


def key_options(context: object, request: Request) -> dict[str, Any]:
    """Give what the browser needs to ask a security key, whoever the e-mail is."""
    place = security_keys.place_of(request.settings, request.host_url)
    email = accounts.normal_email(request.body_struct.email)
    return {"options": security_keys.log_in_options(request.db, request.settings, place, email)}


def join(context: object, request: Request) -> dict[str, Any]:
    """Show the page behind a one-time link; its script reads the token, which no server's log sees."""
    return {}


def link(context: object, request: Request) -> dict[str, Any]:
    """Say whose account a link opens, and what its password must be."""
    found = account_links.find(request.db, request.body_struct.token)
    rules = own_passwords.rules_of(request.db, found.user)
    return {
        "kind": found.kind.value,
        "name": found.user.name,
        "email": found.user.email,
        "company": found.user.company.name,
        "made_by": found.made_by,
        "expires_ms": to_ms(found.expires_at),
        "rules": own_passwords.described(rules),
    }


def accept(context: object, request: Request) -> dict[str, Any]:
    """Take the password and let its owner in as far as the next step."""
    body, address = request.body_struct, request.client_address
    begun = account_links.follow(
        request.db, request.settings, body.token, body.password, address, request.browser_name
    )
    if begun is None:
        return {"next": request.route_path("login")}
    end_former(request)
    set_cookie(request, request.response, cookies.STAFF_COOKIE, begun[1], request.settings.session_minutes * 60)
    return {"next": request.route_path("account")}


def first_page(login: LoginSession) -> str:
    """Return the route that a log-in begins at."""
    return "account" if login.wants else start_page(login.user.role)


def key_answer(request: Request, credential: str) -> KeyAnswer | None:
    """Return what a security key said at the log-in; raise ``BadInput`` where none can be asked."""
    if not credential:
        return None
    if len(credential) > security_keys.MAX_ANSWER:
        raise BadInput("This is no answer of a security key.", field="key")
    return KeyAnswer(credential, security_keys.place_of(request.settings, request.host_url))


def own_page(target: str) -> str:
    """Return ``target`` if it is a path of this origin, else nothing: no stranger's link may lead on from here."""
    # a browser reads "\" as "/" and drops control characters, so that "/\t/host" leads away
    if not target.startswith("/") or target.startswith("//") or "\\" in target or not target.isprintable():
        return ""
    parts = urlsplit(target)
    return "" if parts.scheme or parts.netloc else target
