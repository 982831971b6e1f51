"""The demo page: play every role of one exam. It exists only with ``settings.demo``."""

import secrets
import time
from typing import Any, Final

import pyotp
from pyramid.httpexceptions import HTTPSeeOther

from appliance.errors import NotFound
from appliance.security import totp
from appliance.services import demo
from appliance.services.demo_exams import EXAMS
from appliance.vocabulary import Role
from web.i18n import choose_language
from web.pages import ROLE_TITLES
from web.services import Request

FIRST_NUMBER: Final = 1000
LAST_NUMBER: Final = 1_000_000
"""Numbers of candidates who come by this page; those of `kustos demo candidates` are smaller."""


def page(context: object, request: Request) -> dict[str, Any]:
    """Show the exams to sit and the accounts to log in with."""
    return {
        "exams": [
            {
                "external_id": external_id,
                "name": fields["name"],
                "mode": fields["mode"].value,
                "duration_minutes": fields["duration_minutes"],
            }
            for external_id, fields in EXAMS.items()
        ],
        "accounts": [_account(request, account) for account in _demo(request).staff],
        "window_seconds": totp.STEP_SECONDS,
        "page_data": {"codes_url": request.route_path("demo.codes")},
    }


def codes(context: object, request: Request) -> dict[str, Any]:
    """Give the one-time codes of this moment."""
    shown = ("email", "code", "seconds_left")
    accounts = [_account(request, account) for account in _demo(request).staff]
    return {"accounts": [{name: account[name] for name in shown} for account in accounts]}


def sit(context: object, request: Request) -> Any:
    """Make a start link as an LMS would, and send the browser there."""
    _demo(request)
    body = request.body_struct
    number = FIRST_NUMBER + secrets.randbelow(LAST_NUMBER)
    language = choose_language([body.language, request.language], request.accept_language)
    token = demo.start_token(
        request.db, request.collaborators.vault, body.exam, number, name=body.name, language=language
    )
    return HTTPSeeOther(request.route_path("lms.start", company=demo.SLUG, _query={"token": token}))


def _demo(request: Request) -> demo.DemoAccounts:
    if not request.settings.demo:
        raise NotFound
    return demo.load(request.settings)


def _account(request: Request, account: demo.StaffAccount) -> dict[str, Any]:
    role = Role(account.role)
    return {
        "name": demo.STAFF[role][1],
        "email": account.email,
        "role": account.role,
        "role_title": request.translate(ROLE_TITLES[role]),
        "password": account.password,
        "code": pyotp.TOTP(account.totp_secret).now(),
        "seconds_left": totp.STEP_SECONDS - int(time.time()) % totp.STEP_SECONDS,
        "totp_secret": account.totp_secret,
    }
