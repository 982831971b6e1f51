"""The Pyramid application: everything that is asked for by HTTP but the socket."""

from typing import Any

from pyramid.config import Configurator
from pyramid.events import NewResponse

from appliance import logs
from appliance.audit import settings_changes
from appliance.collaborators import Collaborators, assemble
from appliance.services.identity_providers import allows_loopback
from appliance.settings import load_settings
from appliance.sign_on.fetch import Fetcher
from appliance.sign_on.oidc import OidcClient
from web import serving
from web.headers import add_headers
from web.memory import Memory
from web.policy import SecurityPolicy
from web.proxy import Application, ReadToTheEnd, TrustedProxy


def create_app(collaborators: Collaborators) -> Application:
    """Return the WSGI application over these collaborators; nothing is connected to before the first request."""
    config = Configurator(settings={"pyramid.reload_templates": collaborators.settings.demo})
    config.registry.collaborators = collaborators
    config.registry.oidc_client = OidcClient(Fetcher(loopback=allows_loopback(collaborators.settings)))
    config.registry.memory = Memory()
    config.set_security_policy(SecurityPolicy())
    config.include("web.services")
    config.include("web.guards")
    config.include("web.pages")
    config.include("web.routes")
    config.include("web.errors")
    # below a folder that is named after what is in it
    config.add_static_view("static/vendor", "web:static/vendor", cache_max_age=31_536_000)
    # nginx serves these in production; a browser asks each time whether its copy is still right
    config.add_static_view("static", "web:static", cache_max_age=0)
    config.add_subscriber(add_headers, NewResponse)
    config.include("web.figures")
    application: Any = config.make_wsgi_app()
    return TrustedProxy(ReadToTheEnd(application), collaborators.settings.proxy_addresses)


def make_wsgi() -> Application:
    """Return the application by the settings of this process, for gunicorn: ``web.app:make_wsgi()``."""
    logs.configure()
    collaborators = assemble(load_settings())
    settings_changes.note_start(collaborators.session_factory, collaborators.settings, "web")
    serving.tell_figures(collaborators)
    return create_app(collaborators)
