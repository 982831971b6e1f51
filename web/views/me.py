"""One's own account: profile, log-ins, password, second factors; and showing again who is there."""

from typing import Any

from appliance.models import LoginSession
from appliance.services import accounts, login_sessions, second_factors, security_keys
from appliance.services.security_keys import KeyAnswer
from web import contexts, i18n
from web.presenters import account as present
from web.services import Request
from web.views.log_in import own_page


def _login(request: Request) -> LoginSession:
    visitor = request.visitor
    return login_sessions.get(request.db, visitor.login_id if visitor else None)


def _answer(request: Request) -> KeyAnswer | None:
    credential = request.body_struct.key
    return present.key_answer(request, credential) if credential else None


def page(context: object, request: Request) -> dict[str, Any]:
    """Show one's own account."""
    next_page = own_page(request.body_struct.next)
    return {"page_data": {"languages": [*i18n.LANGUAGES.items()], "next": next_page}}


def locked(context: object, request: Request) -> dict[str, Any]:
    """Ask who is there."""
    return {"page_data": {"next": own_page(request.body_struct.next) or "/"}}


def show(context: object, request: Request) -> dict[str, Any]:
    """Give all that one may know of one's own account."""
    return present.own_account(request, _login(request))


def active(context: object, request: Request) -> dict[str, Any]:
    """Hear that somebody is at the page; the policy has noted it."""
    return {}


def language(context: object, request: Request) -> dict[str, Any]:
    """Set the language one is answered in."""
    accounts.set_language(
        request.db,
        _login(request).user,
        i18n.choose_language([request.body_struct.language], request.accept_language),
    )
    return {}


def end_session(context: object, request: Request) -> dict[str, Any]:
    """End one of one's log-ins."""
    login_sessions.end_one(request.db, request.actor, _login(request).user, contexts.number(request, "id"))
    return show(context, request)


def end_other_sessions(context: object, request: Request) -> dict[str, Any]:
    """End all one's log-ins but this one."""
    login = _login(request)
    login_sessions.end_all(request.db, request.actor, login.user, except_id=login.id)
    return show(context, request)


def password(context: object, request: Request) -> dict[str, Any]:
    """Change one's password."""
    body = request.body_struct
    login_sessions.change_password(
        request.db, request.actor, request.settings, _login(request), body.current, body.password
    )
    return show(context, request)


def set_up_authenticator(context: object, request: Request) -> dict[str, Any]:
    """Propose an authenticator's secret; it counts once it has shown a code."""
    return present.pending_authenticator(second_factors.set_up(request.collaborators.vault, _login(request).user))


def confirm_authenticator(context: object, request: Request) -> dict[str, Any]:
    """Take the authenticator over by its first code."""
    login, body = _login(request), request.body_struct
    second_factors.confirm(
        request.db, request.actor, request.collaborators.vault, login.user, body.pending, body.code
    )
    return _settled(request, login)


def remove_authenticator(context: object, request: Request) -> dict[str, Any]:
    """Go on with security keys alone."""
    second_factors.remove_authenticator(request.db, request.actor, _login(request).user)
    return show(context, request)


def key_options(context: object, request: Request) -> dict[str, Any]:
    """Give what the browser needs to ask a new security key."""
    place = security_keys.place_of(request.settings, request.host_url)
    return {"options": security_keys.registration_options(request.db, place, _login(request).user)}


def add_key(context: object, request: Request) -> dict[str, Any]:
    """Register a security key."""
    login, body = _login(request), request.body_struct
    answer = present.key_answer(request, body.credential)
    security_keys.register(request.db, request.actor, login.user, answer, body.name)
    return _settled(request, login)


def remove_key(context: object, request: Request) -> dict[str, Any]:
    """Forget a security key."""
    second_factors.remove_key(request.db, request.actor, _login(request).user, contexts.number(request, "id"))
    return show(context, request)


def new_recovery_codes(context: object, request: Request) -> dict[str, Any]:
    """Make new recovery codes; they are in this answer and nowhere else."""
    codes = second_factors.new_recovery_codes(request.db, request.actor, _login(request).user)
    return {**show(context, request), "codes": codes}


def proof_options(context: object, request: Request) -> dict[str, Any]:
    """Say what one may show oneself with, and ask one's security keys."""
    return present.proof_options(request, _login(request))


def prove(context: object, request: Request) -> dict[str, Any]:
    """Take a second factor as a fresh proof."""
    login, body = _login(request), request.body_struct
    until = login_sessions.prove(
        request.db,
        request.collaborators.vault,
        request.settings,
        login,
        code=body.code,
        answer=_answer(request),
        address=request.client_address,
    )
    return {"until_ms": present.ms(until)}


def lock(context: object, request: Request) -> dict[str, Any]:
    """Lock this log-in, because nobody is there or somebody asked for it."""
    login_sessions.lock(request.db, request.actor, _login(request))
    return {}


def unlock(context: object, request: Request) -> dict[str, Any]:
    """Open a locked log-in."""
    body = request.body_struct
    login_sessions.unlock(
        request.db,
        request.collaborators.vault,
        request.settings,
        _login(request),
        password=body.password,
        code=body.code,
        answer=_answer(request),
        address=request.client_address,
    )
    return {}


def _settled(request: Request, login: LoginSession) -> dict[str, Any]:
    """Answer after a second factor came: with the first of them come the codes for the day it is lost."""
    login_sessions.settle(request.db, login)
    codes: list[str] = []
    if not second_factors.recovery_codes_left(request.db, login.user):
        codes = second_factors.new_recovery_codes(request.db, request.actor, login.user)
    return {**present.own_account(request, login), "codes": codes}
