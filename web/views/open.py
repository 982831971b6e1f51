"""Routes for anybody: the start page, health, the texts of the pages' modules."""

from http import HTTPStatus
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from appliance.errors import NotFound
from appliance.security import cookies
from web import i18n
from web.pages import start_page
from web.policy import find_staff, read_cookie
from web.services import Request, database_answers


def home(context: object, request: Request) -> Any:
    """Send everybody to where their work begins."""
    visitor = find_staff(request)
    if visitor is not None and visitor.identity.role is not None:
        return HTTPSeeOther(request.route_path(start_page(visitor.identity.role)))
    if read_cookie(request, cookies.SITTING_COOKIE):
        return HTTPSeeOther(request.route_path("sit"))
    return HTTPSeeOther(request.route_path("demo" if request.settings.demo else "login"))


def health(context: object, request: Request) -> dict[str, Any]:
    """Tell a monitor, which has no account, whether this process and its database work; and nothing else."""
    database = database_answers(request)
    if not database:
        request.response.status_int = HTTPStatus.SERVICE_UNAVAILABLE
    return {"status": "ok" if database else "degraded", "database": "up" if database else "down"}


def catalogue(context: object, request: Request) -> Any:
    """Give the texts of one language to the pages' modules."""
    language = request.matchdict["lang"]
    if language not in i18n.LANGUAGES:
        raise NotFound
    request.response.headers["Cache-Control"] = "no-cache"
    request.response.conditional_response = True
    request.response.etag = i18n.fingerprint(language)
    return i18n.browser_catalogue(language)
