"""What every template finds, besides what its view gives it."""

from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from jinja2 import pass_context
from jinja2.runtime import Context
from pyramid.config import Configurator
from pyramid.events import BeforeRender, NewResponse

from appliance.security.permission_map import ROLE_PERMISSIONS, Permission
from appliance.vocabulary import Role
from web import csrf, i18n
from web.i18n import translatable as _
from web.policy import Side
from web.services import Request, now_ms


class PageLink(NamedTuple):
    """One of the staff's pages."""

    route: str
    title: str
    permission: Permission
    menu: str = ""
    """Of which menu of the bar; none: it stands there itself."""


ADMINISTRATION: Final = _("Administration")
OPERATION: Final = _("Operation")
SECURITY: Final = _("Security")

NAVIGATION: Final = (
    PageLink("room", _("Room"), Permission.ROOM_VIEW),
    PageLink("archive", _("Sittings"), Permission.SITTING_LIST),
    PageLink("conference", _("Conference"), Permission.CONVERSATION_JOIN),
    PageLink("exams", _("Exams"), Permission.EXAM_LIST),
    PageLink("findings", _("Findings"), Permission.SITTING_REVIEW),
    PageLink("staff", _("Staff"), Permission.STAFF_LIST, ADMINISTRATION),
    PageLink("access", _("Access"), Permission.ACCESS_VIEW, ADMINISTRATION),
    PageLink("sign_on", _("Single sign-on"), Permission.SIGN_ON_EDIT, ADMINISTRATION),
    PageLink("network", _("Network"), Permission.NETWORK_EDIT, ADMINISTRATION),
    PageLink("support", _("Support"), Permission.SUPPORT_VIEW, OPERATION),
    PageLink("nodes", _("Nodes"), Permission.NODE_VIEW, OPERATION),
    PageLink("audit", _("Audit log"), Permission.AUDIT_READ, SECURITY),
    PageLink("retention", _("Retention"), Permission.RETENTION_VIEW, SECURITY),
    PageLink("biometrics", _("Biometrics"), Permission.BIOMETRICS_VIEW, SECURITY),
    PageLink("keys", _("Keys"), Permission.KEYS_VIEW, SECURITY),
    PageLink("compliance", _("Compliance"), Permission.COMPLIANCE_VIEW, SECURITY),
)
"""The staff's pages in the order of the bar; the first allowed is a role's start page unless ``START_PAGES`` names
another. A menu of which a role may see one page only is that page."""

START_PAGES: Final[dict[Role, str]] = {
    Role.SECURITY_OFFICER: "audit",
    Role.AUDITOR: "audit",
    Role.SUPPORT: "support",
    Role.REVIEWER: "archive",
    Role.ORGANISER: "archive",
}

ROLE_TITLES: Final[dict[Role, str]] = {
    Role.ADMIN: _("Administrator"),
    Role.ORGANISER: _("Organiser"),
    Role.PROCTOR: _("Proctor"),
    Role.REVIEWER: _("Reviewer"),
    Role.SECURITY_OFFICER: _("Security officer"),
    Role.SUPPORT: _("Support engineer"),
    Role.AUDITOR: _("Auditor"),
}

LANGUAGE_SECONDS: Final = 365 * 24 * 3600


def start_page(role: Role) -> str:
    """Return the route that a role begins at."""
    if role in START_PAGES:
        return START_PAGES[role]
    return next(page.route for page in NAVIGATION if page.permission in ROLE_PERMISSIONS[role])


def add_page_context(event: BeforeRender) -> None:
    """Complete the names of an HTML template."""
    if not event["renderer_name"].endswith(".html"):
        return
    request: Request = event["request"]
    own = event.rendering_val
    user = _user(request)
    permissions = request.visitor_if_known.permissions if request.visitor_if_known else []
    token = _form_token(request)
    event.update(
        lang=request.language,
        languages=_languages(request),
        user=user,
        permissions=permissions,
        nav=_navigation(request),
        csrf_token=token,
        static=lambda path: f"/static/{path}",
        url=request.route_path,
        demo=request.settings.demo,
    )
    own["page_data"] = {
        "page": request.matched_route.name if request.matched_route else "error",
        "csrf": token,
        "lang": request.language,
        "i18n_url": f"/i18n/{request.language}.json",
        "server_ms": now_ms(),
        "live_path": "/live",
        "static_url": "/static/",
        "user": user,
        "permissions": permissions,
        "lock_ms": request.settings.lock_minutes * 60_000 if user else 0,
        **own.get("page_data", {}),
    }


def _form_token(request: Request) -> str:
    return csrf.pre_session_token(request) if request.side in {Side.OPEN, None} else csrf.token(request)


def _user(request: Request) -> dict[str, Any] | None:
    visitor = request.visitor_if_known
    if visitor is None or visitor.identity.role is None:
        return None
    role = visitor.identity.role
    return {
        "id": visitor.identity.id,
        "name": visitor.identity.name,
        "email": visitor.email,
        "role": role.value,
        "role_title": request.translate(ROLE_TITLES[role]),
    }


def _navigation(request: Request) -> list[dict[str, Any]]:
    visitor = request.visitor_if_known
    if visitor is None or visitor.identity.role is None:
        return []
    granted = ROLE_PERMISSIONS[visitor.identity.role]
    here = request.matched_route.name if request.matched_route else ""
    bar: dict[str, list[dict[str, Any]]] = {}
    for page in NAVIGATION:
        if page.permission in granted:
            link = {
                "title": request.translate(page.title),
                "url": request.route_path(page.route),
                "current": page.route == here,
            }
            bar.setdefault(page.menu or page.route, []).append(link)
    return [
        links[0]
        if len(links) == 1
        else {"title": request.translate(menu), "links": links, "current": any(link["current"] for link in links)}
        for menu, links in bar.items()
    ]


def _languages(request: Request) -> list[dict[str, Any]]:
    """Return the choice of languages; a page that was posted to is not asked for again."""
    path = request.environ.get("PATH_INFO", "/") if request.method in {"GET", "HEAD"} else "/"
    kept = {name: value for name, value in request.query.items() if name not in {"lang", "token"}}
    return [
        {
            "code": code,
            "name": name,
            "url": f"{path}?{urlencode({**kept, 'lang': code})}",
            "current": code == request.language,
        }
        for code, name in i18n.LANGUAGES.items()
    ]


def keep_language(event: NewResponse) -> None:
    """Remember a language that was asked for by ``?lang=``."""
    request = event.request
    if request.query.get("lang") in i18n.LANGUAGES:
        secure = request.scheme == "https"
        event.response.set_cookie(
            i18n.COOKIE, request.query["lang"], max_age=LANGUAGE_SECONDS, path="/", samesite="Lax", secure=secure
        )


@pass_context
def _gettext(context: Context, message: str) -> str:
    request: Request = context["request"]
    return i18n.translations(request.language).gettext(message)


@pass_context
def _ngettext(context: Context, singular: str, plural: str, n: int) -> str:
    request: Request = context["request"]
    return i18n.translations(request.language).ngettext(singular, plural, n)


def includeme(config: Configurator) -> None:
    """Set up Jinja2 for ``web/templates``."""
    config.include("pyramid_jinja2")
    config.add_jinja2_renderer(".html", settings_prefix="jinja2.")
    config.add_jinja2_search_path("web:templates", name=".html")
    config.commit()  # the environment exists only after it
    environment = config.get_jinja2_environment(name=".html")
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=False)
    config.add_subscriber(add_page_context, BeforeRender)
    config.add_subscriber(keep_language, NewResponse)
