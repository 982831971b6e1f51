"""The "simple integration": start links of candidates, and the LMS's server calls about a sitting."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from appliance.audit import Actor
from appliance.models import Sitting
from appliance.security import cookies
from appliance.services import admissions
from web.policy import set_cookie
from web.services import Request

COOKIE_SECONDS = 24 * 3600
"""The longest exam; the sitting's own state, not the cookie, says when it is over."""


def start(context: object, request: Request) -> Any:
    """Let a candidate in by the signed token of their course."""
    admission = admissions.admit(
        request.db,
        _lms(request),
        request.collaborators.vault,
        request.matchdict["company"],
        request.body_struct.token,
        request.settings.disk_reserve_mb,
    )
    # a redirect, so that neither a reload nor the history holds the token
    answer = HTTPSeeOther(request.route_path("sit"))
    value = cookies.write_sitting_cookie(admission.sitting.id, admission.cookie_token)
    set_cookie(request, answer, cookies.SITTING_COOKIE, value, COOKIE_SECONDS)
    return answer


def status(context: object, request: Request) -> dict[str, Any]:
    """Tell the LMS where a session stands."""
    return _status_of(_sitting(request))


def finish(context: object, request: Request) -> dict[str, Any]:
    """End a session because the candidate handed in at the LMS; its ``sessionFinishUrl`` is not used."""
    sitting = _sitting(request)
    admissions.finish_by_integration(request.db, _lms(request), sitting)
    return _status_of(sitting)


def _status_of(sitting: Sitting) -> dict[str, Any]:
    return {"status": admissions.integration_status(sitting)}


def _sitting(request: Request) -> Sitting:
    parts = request.matchdict
    authorization = request.headers.get("Authorization", "")
    vault = request.collaborators.vault
    return admissions.integration_sitting(request.db, vault, parts["company"], parts["id"], authorization)


def _lms(request: Request) -> Actor:
    company = request.matchdict["company"][:100]
    return Actor("api", company, f"LMS of {company}", request.client_address)
