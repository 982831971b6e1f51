"""The one place where an error becomes an HTTP answer: JSON for programs, a page with plain words for people."""

import secrets
import traceback
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import PredicateMismatch
from pyramid.httpexceptions import HTTPException, HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.renderers import render
from pyramid.response import Response
from sqlalchemy.exc import SQLAlchemyError

from appliance.audit import refusals
from appliance.db import unit_of_work
from appliance.errors import (
    ApplianceError,
    BadInput,
    ErrorCode,
    LinkInvalid,
    LoginRequired,
    MediaUnavailable,
    NotAllowed,
    NotFound,
)
from web.i18n import translatable
from web.policy import Side
from web.services import Request

log = structlog.get_logger()

STATUS: Final[dict[ErrorCode, HTTPStatus]] = {
    ErrorCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCode.BAD_INPUT: HTTPStatus.BAD_REQUEST,
    ErrorCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    ErrorCode.LOGIN_REQUIRED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.LOGIN_REFUSED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.LOCKED_OUT: HTTPStatus.LOCKED,
    ErrorCode.SIGN_ON_FAILED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.PROVIDER_AWAY: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.NO_ROLE: HTTPStatus.FORBIDDEN,
    ErrorCode.SIGN_ON_WANTED: HTTPStatus.FORBIDDEN,
    ErrorCode.PROOF_WANTED: HTTPStatus.FORBIDDEN,
    ErrorCode.SESSION_LOCKED: HTTPStatus.LOCKED,
    ErrorCode.ENROLMENT_WANTED: HTTPStatus.FORBIDDEN,
    ErrorCode.ACCOUNT_LINK_INVALID: HTTPStatus.GONE,
    ErrorCode.LINK_INVALID: HTTPStatus.UNAUTHORIZED,
    ErrorCode.LINK_EXPIRED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.TOKEN_INVALID: HTTPStatus.UNAUTHORIZED,
    ErrorCode.CSRF: HTTPStatus.FORBIDDEN,
    ErrorCode.IMPOSSIBLE_STEP: HTTPStatus.CONFLICT,
    ErrorCode.CONSENT_MISSING: HTTPStatus.CONFLICT,
    ErrorCode.CHECK_IN_INCOMPLETE: HTTPStatus.CONFLICT,
    ErrorCode.SUPERSEDED: HTTPStatus.CONFLICT,
    ErrorCode.PHOTO_REFUSED: HTTPStatus.BAD_REQUEST,
    ErrorCode.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ErrorCode.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.MEDIA_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.DATABASE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.SETTING_INVALID: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCode.VAULT_TAMPERED: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCode.KEY_DESTROYED: HTTPStatus.GONE,
    ErrorCode.ON_HOLD: HTTPStatus.CONFLICT,
    ErrorCode.AUDIT_BROKEN: HTTPStatus.CONFLICT,
    ErrorCode.AUDIT_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.HOST_NOT_READY: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.OUTGOING_FAILED: HTTPStatus.BAD_GATEWAY,
    ErrorCode.APPROVAL_WANTED: HTTPStatus.CONFLICT,
}

_ = translatable
PAGES: Final[dict[ErrorCode, tuple[str, str]]] = {
    ErrorCode.INTERNAL: (
        _("Something went wrong"),
        _("This was our fault. Try again; if it stays, tell support the number below."),
    ),
    ErrorCode.BAD_INPUT: (_("This was not understood"), _("Go back and check what was entered.")),
    ErrorCode.NOT_FOUND: (_("Nothing here"), _("This page does not exist, or it belongs to somebody else.")),
    ErrorCode.NOT_ALLOWED: (_("Not allowed"), _("Your account has no permission for this page.")),
    ErrorCode.LOGIN_REQUIRED: (_("Please log in"), _("You are not logged in, or your session has ended.")),
    ErrorCode.PROOF_WANTED: (_("Please show your second factor again"), _("Go back and try again from the page.")),
    ErrorCode.SESSION_LOCKED: (_("This page is locked"), _("Nobody was here for a while. Unlock it first.")),
    ErrorCode.ENROLMENT_WANTED: (_("Almost there"), _("Finish setting up your account first.")),
    ErrorCode.ACCOUNT_LINK_INVALID: (
        _("This link does not work"),
        _("It was used already or has expired. Ask your administrator for a new one."),
    ),
    ErrorCode.LINK_INVALID: (_("This link does not open an exam"), _("Please open the exam from your course again.")),
    ErrorCode.LINK_EXPIRED: (_("This link has expired"), _("Please open the exam from your course again.")),
    ErrorCode.CSRF: (_("The page is out of date"), _("Go back, reload the page and try again.")),
    ErrorCode.IMPOSSIBLE_STEP: (_("This is not possible now"), _("The exam has moved on since. Reload the page.")),
    ErrorCode.TOO_LARGE: (_("Too large"), _("What was sent is larger than allowed.")),
    ErrorCode.TOO_MANY: (_("Too many requests"), _("Wait a moment and try again.")),
    ErrorCode.DATABASE_UNAVAILABLE: (
        _("One moment, please"),
        _("The database cannot be reached just now. Running exams are still being recorded; try again in a minute."),
    ),
    ErrorCode.OUTGOING_FAILED: (_("Another system did not answer"), _("Try again in a minute.")),
    ErrorCode.AUDIT_UNAVAILABLE: (
        _("Nothing was done"),
        _("The audit log cannot be written just now, and without it nothing may be done. Please tell support."),
    ),
    ErrorCode.ON_HOLD: (_("On hold"), _("A legal hold forbids destroying this; release it first.")),
    ErrorCode.KEY_DESTROYED: (_("Erased"), _("This data was erased for good, as its retention rules demand.")),
    ErrorCode.MEDIA_UNAVAILABLE: (_("No room just now"), _("Try again in a minute.")),
    ErrorCode.HOST_NOT_READY: (
        _("Not ready"),
        _("The appliance cannot take new exams just now. Please tell the organiser."),
    ),
}
"""Title and sentence for people; codes that are not here are shown under the first whose status is the same."""

ELSEWHERE: Final[dict[ErrorCode, str]] = {
    ErrorCode.SESSION_LOCKED: "/locked",
    ErrorCode.ENROLMENT_WANTED: "/account",
}
"""Pages that help somebody who asked for another page."""

RETRY_SECONDS: Final = 10
"""When to come back after a 503: the embedded database restarts within this time."""

_REFUSALS: Final = frozenset({ErrorCode.NOT_ALLOWED, ErrorCode.CSRF})
"""What a known person is refused is in the audit log, folded by the minute."""

_NEEDS_INCIDENT: Final = HTTPStatus.INTERNAL_SERVER_ERROR


def appliance_error(error: ApplianceError, request: Request) -> Response:
    """Answer an error of the house."""
    if error.code is ErrorCode.LOGIN_REQUIRED and request.method in {"GET", "HEAD"} and not request.is_api:
        return HTTPSeeOther(location="/login?next=" + quote(request.path_qs, safe="/"))
    if error.code in ELSEWHERE and request.method in {"GET", "HEAD"} and not request.is_api:
        return HTTPSeeOther(location=f"{ELSEWHERE[error.code]}?next=" + quote(request.path_qs, safe="/"))
    status = STATUS[error.code]
    if error.code in _REFUSALS:
        _note_refusal(error, request)
    incident = _log_incident(error, request) if status >= _NEEDS_INCIDENT and not _is_passing(status) else None
    return _answer(request, status, error, incident)


def http_error(error: HTTPException, request: Request) -> Any:
    """Answer Pyramid's own: no such address, not that method, no permission. Redirects pass."""
    if isinstance(error, HTTPNotFound):
        if isinstance(error, PredicateMismatch) and request.matched_route is not None:
            allowed = request.registry.methods[request.matched_route.name]
            response = _answer(request, HTTPStatus.METHOD_NOT_ALLOWED, BadInput(f"Use {' or '.join(allowed)} here."))
            response.allow = allowed
            return response
        return _answer(request, HTTPStatus.NOT_FOUND, NotFound())
    if isinstance(error, HTTPForbidden):
        nobody = request.side is Side.STAFF and request.visitor_if_known is None
        return appliance_error(LoginRequired() if nobody else NotAllowed(), request)
    if error.status_code < HTTPStatus.BAD_REQUEST:
        return error
    problem = BadInput() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else ApplianceError()
    return _answer(request, HTTPStatus(error.status_code), problem)


def unreadable(error: UnicodeError, request: Request) -> Response:
    """Answer a path, query or form that is no UTF-8."""
    return _answer(request, HTTPStatus.BAD_REQUEST, BadInput("The address or the form is not valid UTF-8."))


def unexpected(error: Exception, request: Request) -> Response:
    """Answer what nobody foresaw: an incident number for support, the traceback for the log."""
    return _answer(request, _NEEDS_INCIDENT, ApplianceError(), _log_incident(error, request))


def _note_refusal(error: ApplianceError, request: Request) -> None:
    """Write to the audit log that somebody known was refused; the request has failed, whatever becomes of this."""
    visitor = request.visitor_if_known
    if visitor is None or request.matched_route is None:
        return
    what = f"{request.method} {request.matched_route.pattern}"
    try:
        with unit_of_work(request.collaborators.session_factory) as session:
            refusals.note(session, visitor.identity.actor, what, error.code.value)
    except (ApplianceError, SQLAlchemyError) as problem:
        log.error("refusal not recorded", problem=type(problem).__name__)


def _is_passing(status: HTTPStatus) -> bool:
    return status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.BAD_GATEWAY}


def _log_incident(error: Exception, request: Request) -> str:
    """Log with a number that support can look for. No query, body, header or local variable: they hold secrets."""
    incident = secrets.token_hex(4).upper()
    route = request.matched_route.name if request.matched_route else None
    log.error("request failed", incident=incident, method=request.method, route=route, trace=_trace(error))
    return incident


def _trace(error: Exception) -> str:
    """Return the traceback as text, so that no log formatter adds the values of variables to it."""
    return "".join(traceback.format_exception(error))


def _answer(request: Request, status: HTTPStatus, error: ApplianceError, incident: str | None = None) -> Response:
    if request.is_api:
        details = {**error.details, **({"incident": incident} if incident else {})}
        body = {"error": {"code": error.code.value, "message": error.message, "details": details}}
        response = Response(body=render("json", body, request), content_type="application/json", charset="utf-8")
    else:
        response = _page(request, status, error, incident)
    response.status_int = status
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.retry_after = RETRY_SECONDS
    if "retry_seconds" in error.details:
        response.retry_after = int(str(error.details["retry_seconds"]))
    return response


def _page(request: Request, status: HTTPStatus, error: ApplianceError, incident: str | None) -> Response:
    title, sentence = words_for(error.code, status)
    value = {
        "status": int(status),
        "code": error.code.value,
        "title": request.translate(title),
        "message": link_message(request, error) or request.translate(sentence),
        "incident": incident,
        "home_url": "/sit" if request.side is Side.CANDIDATE and request.visitor_if_known else "/",
    }
    try:
        return Response(render("error.html", value, request), charset="utf-8")
    except Exception as broken:  # the page of errors itself failed: say it without a page
        log.error("error page failed", trace=_trace(broken))
        return Response(f"{title}\n{sentence}\n{incident or ''}", content_type="text/plain", charset="utf-8")


def link_message(request: Request, error: ApplianceError) -> str | None:
    """Return why a candidate is not let in: a start has many ways to fail, and only this page can say which."""
    if not isinstance(error, LinkInvalid | MediaUnavailable):
        return None
    when = str(error.details.get("opens_at") or error.details.get("closes_at") or "")
    sentence = {
        "expired": _("Please open the exam from your course again."),
        "early": _("The exam opens at %(when)s; come back then."),
        "late": _("The exam could be started until %(when)s."),
    }.get(str(error.details.get("reason")), error.message)
    return request.translate(sentence).replace("%(when)s", when.replace("T", " ").replace("+00:00", " UTC"))


def words_for(code: ErrorCode, status: HTTPStatus) -> tuple[str, str]:
    """Return title and sentence of an error for people."""
    if code in PAGES:
        return PAGES[code]
    same = [pages for known, pages in PAGES.items() if STATUS[known] is status]
    return same[0] if same else PAGES[ErrorCode.INTERNAL]


def includeme(config: Configurator) -> None:
    """Register the translations."""
    config.add_exception_view(appliance_error, context=ApplianceError)
    config.add_exception_view(http_error, context=HTTPException)
    config.add_exception_view(unreadable, context=UnicodeError)
    config.add_exception_view(unexpected, context=Exception)
