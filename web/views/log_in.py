"""Log-in and log-out of staff."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPSeeOther

from appliance.errors import ApplianceError, LockedOut, LoginRefused, LoginRequired
from appliance.security import cookies
from appliance.services import accounts
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
    return {"form": {"email": query.email, "next": own_page(query.next)}, "error": None}


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
        )
    except (LoginRefused, LockedOut) as error:
        return _again(request, error)
    _end_former(request)
    answer = HTTPSeeOther(own_page(body.next) or request.route_path(start_page(login.user.role)))
    set_cookie(request, answer, cookies.STAFF_COOKIE, token, request.settings.session_minutes * 60)
    return answer


def _again(request: Request, error: ApplianceError) -> dict[str, Any]:
    """Show the form with what is wrong; password and code are never sent back."""
    request.response.status_int = errors.STATUS[error.code]
    minutes, seconds = error.details.get("minutes"), error.details.get("retry_seconds")
    retry = int(str(minutes)) * 60 if minutes is not None else seconds
    body = request.body_struct
    return {
        "form": {"email": body.email, "next": own_page(body.next)},
        "error": {"code": error.code.value, "message": request.translate(error.message), "retry_seconds": retry},
    }


def _end_former(request: Request) -> None:
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
    """End the browser's log-in."""
    token = read_cookie(request, cookies.STAFF_COOKIE)
    accounts.log_out(request.db, request.actor, accounts.session_by_token(request.db, token, request.settings))
    answer = HTTPSeeOther(request.route_path("login"))
    delete_cookie(request, answer, cookies.STAFF_COOKIE)
    return answer


def own_page(target: str) -> str:
    """Return ``target`` if it is a path of this origin, else nothing: no stranger's link may lead on from here."""
    # a browser reads "\" as "/" and drops control characters, so that "/\t/host" leads away
    if not target.startswith("/") or target.startswith("//") or "\\" in target or not target.isprintable():
        return ""
    parts = urlsplit(target)
    return "" if parts.scheme or parts.netloc else target
