"""Whether a dangerous act may pass: a second factor was shown a moment ago."""

from datetime import timedelta

from appliance.db import utcnow
from appliance.errors import ProofWanted
from appliance.security.permission_map import DANGEROUS, Permission
from appliance.vocabulary import Wanted
from web.services import Request


def demand(request: Request, permission: Permission | str | None) -> None:
    """Raise ``ProofWanted`` unless the act is harmless or its asker has proved themselves within ``proof_minutes``.

    Programs (API clients) have no second factor: what they may do at all is another table.
    """
    if permission not in DANGEROUS or request.method in {"GET", "HEAD"}:
        return
    visitor = request.visitor
    if visitor is None or visitor.login_id is None or visitor.proved_at is None:
        return
    if permission is Permission.ACCOUNT_SECURE and Wanted.SECOND_FACTOR in visitor.wants:
        return  # there is none yet to show; nothing else is open to this log-in
    if utcnow() - visitor.proved_at >= timedelta(minutes=request.settings.proof_minutes):
        raise ProofWanted(minutes=request.settings.proof_minutes)
