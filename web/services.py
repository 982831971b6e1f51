"""From a request to what services want: one transaction, the collaborators, the actor."""

import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pyramid.request
from pyramid.config import Configurator
from pyramid.tweens import EXCVIEW
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.errors import LoginRequired
from appliance.rate_limits import RateLimits
from appliance.settings import Settings
from web import i18n
from web.memory import Memory

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from webob import Response

    from appliance.security.identity import Identity
    from web.policy import Side, Visitor

Handler = Callable[["Request"], "Response"]


class Request(pyramid.request.Request):  # type: ignore[misc] # Pyramid is not typed
    """A request with what the house needs of it."""

    db: "Session"
    """Open for this request's one transaction; committed before the response leaves."""
    body_struct: Any
    """The checked body or query, of the type that the route's row names."""
    visitor_if_known: "Visitor | None" = None
    """Who asks, once that was found out; an error page must not ask the database again."""

    @cached_property
    def frame_origins(self) -> set[str]:
        """Return the origins that this response may frame; a view adds to it."""
        return set()

    @property
    def collaborators(self) -> Collaborators:
        """Return what the process made once."""
        return cast(Collaborators, self.registry.collaborators)

    @property
    def settings(self) -> Settings:
        """Return the appliance's settings (not Pyramid's)."""
        return self.collaborators.settings

    @property
    def memory(self) -> Memory:
        """Return what this process remembers."""
        return cast(Memory, self.registry.memory)

    @property
    def rate_limits(self) -> RateLimits:
        """Return the rate limits, which all processes share."""
        return RateLimits(self.collaborators.session_factory)

    @property
    def side(self) -> "Side | None":
        """Return whose route this is; None when no route matched."""
        route = self.matched_route
        return None if route is None else cast("Side | None", self.registry.sides.get(route.name))

    @cached_property
    def query(self) -> dict[str, str]:
        """Return the query's fields; none where it is no UTF-8, which an error page must survive."""
        try:
            return dict(self.GET.items())
        except UnicodeDecodeError:
            return {}

    @property
    def client_address(self) -> str:
        """Return the address of the browser (``web.proxy`` has seen to it that it is the real one)."""
        return self.remote_addr or ""

    @property
    def browser_name(self) -> str:
        """Return the User-Agent, cut to what is worth keeping."""
        return (self.user_agent or "")[:500]

    @property
    def is_api(self) -> bool:
        """Say whether the asker is a program, which wants JSON also when it goes wrong."""
        return self.raw_path.startswith(("/api/", "/i18n/", "/healthz"))

    @property
    def raw_path(self) -> str:
        """Return the path as the server gave it; ``path`` fails on bytes that are no UTF-8."""
        return cast(str, self.environ.get("PATH_INFO", ""))

    @property
    def visitor(self) -> "Visitor | None":
        """Return who asks, by the one cookie that counts on this side of the house."""
        return cast("Visitor | None", self.identity)

    @property
    def asker(self) -> "Identity":
        """Return who asks, where the route has a permission; raise ``LoginRequired`` for nobody."""
        visitor = self.visitor
        if visitor is None:
            raise LoginRequired
        return visitor.identity

    @property
    def actor(self) -> Actor:
        """Return who acts, for services and the audit log."""
        visitor = self.visitor
        return visitor.identity.actor if visitor else Actor("api", "", "", self.client_address)

    @cached_property
    def language(self) -> str:
        """Return the language to answer in: asked for, chosen before, one's own, the browser's."""
        visitor = self.visitor_if_known
        wanted = [self.query.get("lang"), self.cookies.get(i18n.COOKIE), visitor.language if visitor else None]
        return i18n.choose_language(wanted, self.accept_language)

    def translate(self, message: str) -> str:
        """Return a text of the catalogue in the asker's language."""
        return i18n.translations(self.language).gettext(message)


def transaction_tween(handler: Handler, registry: Any) -> Handler:
    """Open the request's unit of work; what a view returns is sent only after the commit."""

    def tween(request: Request) -> "Response":
        if request.raw_path.startswith("/static/"):
            return handler(request)
        with unit_of_work(registry.collaborators.session_factory) as session:
            request.db = session
            return handler(request)

    return tween


def database_answers(request: Request) -> bool:
    """Say whether the database can be asked something just now."""
    try:
        request.db.execute(text("SELECT 1"))
    except OperationalError:
        request.db.rollback()
        return False
    return True


def now_ms() -> int:
    """Return the server's clock for pages, in UTC milliseconds."""
    return round(time.time() * 1000)


class JsonRenderer:
    """Plain values to JSON by msgspec."""

    def __init__(self, info: object) -> None:
        """Take Pyramid's word about the view; nothing of it is needed."""

    def __call__(self, value: object, system: dict[str, Any]) -> bytes:
        """Return the body."""
        system["request"].response.content_type = "application/json"
        return msgspec.json.encode(value)


def includeme(config: Configurator) -> None:
    """Give requests their transaction and their own class."""
    config.set_request_factory(Request)
    config.add_renderer("json", JsonRenderer)
    config.add_tween("web.services.transaction_tween", under=EXCVIEW)
