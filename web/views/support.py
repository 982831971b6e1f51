"""What support engineers see and do: stages of sittings, and checks of their pipelines. No faces."""

from typing import Any

from pyramid.response import Response

from appliance.errors import NotFound
from appliance.models import VaultObject
from appliance.services import disk_guard, pipeline_checks, rooms, sittings
from appliance.services.actors import names
from web.contexts import CheckContext, SittingContext
from web.presenters import checks
from web.services import Request


def listing(context: object, request: Request) -> dict[str, Any]:
    """Give stages and media of present sittings, or of those that a search finds among them."""
    return {
        "sittings": rooms.support_entries(request.db, request.asker, request.body_struct.q),
        "disk": disk_guard.told(request.db),
    }


def page(context: object, request: Request) -> dict[str, Any]:
    """Show the table of present sittings."""
    return {"query": {"q": request.body_struct.q}}


def check_page(context: CheckContext, request: Request) -> dict[str, Any]:
    """Show one check; its steps come by REST."""
    sitting_id = context.check.sitting_id
    who = None if sitting_id is None else sittings.get(request.db, sitting_id).candidate.name
    return {
        "sitting_id": sitting_id,
        "candidate": who,
        "page_data": {"check_id": context.check.id, "sitting_id": sitting_id},
    }


def check_sitting(context: SittingContext, request: Request) -> dict[str, Any]:
    """Ask for a check of a sitting."""
    return _asked(request, context)


def check_appliance(context: object, request: Request) -> dict[str, Any]:
    """Ask for a check of the whole appliance."""
    return _asked(request, None)


def _asked(request: Request, context: SittingContext | None) -> dict[str, Any]:
    row = pipeline_checks.request(request.db, request.actor, None if context is None else context.sitting)
    return {"check": checks.check(request, row, request.actor.name)}


def check(context: CheckContext, request: Request) -> dict[str, Any]:
    """Give a check with what it found so far, and those before it."""
    row = context.check
    earlier = pipeline_checks.history(request.db, row.company_id, row.sitting_id)
    people = names(request.db, [one.requested_by_id for one in earlier] + [row.requested_by_id])
    return {
        "check": checks.check(request, row, people.get(row.requested_by_id, "")),
        "history": [checks.summary(request, one, people.get(one.requested_by_id, "")) for one in earlier],
    }


def text(context: CheckContext, request: Request) -> Response:
    """Give a check as text for a ticket."""
    return Response(text=checks.text(request, context.check), content_type="text/plain", charset="utf-8")


def bundle(context: CheckContext, request: Request) -> Response:
    """Give the ZIP for a ticket; taking it away is audited."""
    row = context.check
    sealed = None if row.bundle_object_id is None else request.db.get(VaultObject, row.bundle_object_id)
    if sealed is None:
        raise NotFound("This check has no bundle: it is not done, or nobody carried it out.")
    pipeline_checks.record_download(request.db, request.actor, row)
    with request.collaborators.vault.open(request.db, sealed) as reader:
        answer = Response(body=reader.read(), content_type="application/zip")
    answer.content_disposition = f'attachment; filename="kustos-check-{row.id}.zip"'
    return answer
