"""The candidate's page and its REST. Every act is answered with the whole state, so that state flows one way."""

from typing import Any

from appliance.security import live_tokens
from appliance.services import check_ins, exams, incidents, on_device_photos, sittings
from appliance.services.on_device_photos import Judgement
from appliance.vocabulary import FinishedBy, PhotoKind
from web import contexts
from web.contexts import SittingContext
from web.guards import read_body
from web.headers import origin_of
from web.presenters import own_sitting
from web.services import Request


def page(context: SittingContext, request: Request) -> dict[str, Any]:
    """Show the candidate's one page; its steps are the script's."""
    sitting = context.sitting
    content = origin_of(own_sitting.content_url(sitting))
    if content:
        request.frame_origins.add(content)
    company = sitting.exam.company
    return {
        "sitting": own_sitting.summary(sitting),
        "page_data": {"sitting_id": sitting.id, "company": company.name, "support_email": company.support_email},
    }


def state(context: SittingContext, request: Request) -> dict[str, Any]:
    """Tell the candidate's page everything it shows."""
    return own_sitting.state(request.db, request.settings, request.collaborators.vault, context.sitting)


def consent(context: SittingContext, request: Request) -> dict[str, Any]:
    """Keep the answer to the consent text."""
    body = request.body_struct
    check_ins.answer_consent(
        request.db,
        request.actor,
        context.sitting,
        body.accepted,
        body.language,
        request.client_address,
        request.browser_name,
        body.version,
    )
    return state(context, request)


def system_check(context: SittingContext, request: Request) -> dict[str, Any]:
    """Keep one run of the browser's system check."""
    body = request.body_struct
    check_ins.record_system_check(request.db, request.actor, context.sitting, body.results, body.client)
    return state(context, request)


def photo(context: SittingContext, request: Request) -> dict[str, Any]:
    """Take in a photo; the body is the picture itself."""
    limit = photo_limit(request)
    content = read_body(request, limit)
    kind = PhotoKind(request.matchdict["kind"])
    vault = request.collaborators.vault
    check_ins.submit_photo(request.db, request.actor, vault, context.sitting, kind, content, limit)
    return state(context, request)


def photo_judged(context: SittingContext, request: Request) -> dict[str, Any]:
    """Keep what the candidate's browser says of a photo; the picture stays there."""
    body = request.body_struct
    kind = PhotoKind(request.matchdict["kind"])
    judged = Judgement(body.usable, tuple(body.hints), body.verdict, body.distance, body.models)
    on_device_photos.submit(request.db, request.actor, context.sitting, kind, judged)
    return state(context, request)


def photo_limit(request: Request) -> int:
    """Return how large a photo may be, in bytes."""
    return request.settings.photo_max_bytes


def waiting_room(context: SittingContext, request: Request) -> dict[str, Any]:
    """Take a complete check-in to the waiting room."""
    check_ins.enter_waiting_room(request.db, request.actor, context.sitting)
    return state(context, request)


def answer(context: SittingContext, request: Request) -> dict[str, Any]:
    """Keep an answer to one of the exam's own questions."""
    body = request.body_struct
    exams.answer(request.db, request.actor, context.sitting, body.index, body.answer)
    return state(context, request)


def finish(context: SittingContext, request: Request) -> dict[str, Any]:
    """End the exam on the candidate's wish."""
    sittings.finish(request.db, request.actor, context.sitting, FinishedBy.CANDIDATE)
    return state(context, request)


def warning_seen(context: SittingContext, request: Request) -> dict[str, Any]:
    """Note that a warning was shown."""
    incidents.mark_seen(request.db, contexts.number(request, "id"), context.sitting.id, request.client_address)
    return state(context, request)


def live_token(context: SittingContext, request: Request) -> dict[str, Any]:
    """Give the page a token with which its socket says hello."""
    sitting = context.sitting
    token = live_tokens.for_candidate(request.settings, sitting.id, sitting.company_id, sitting.candidate.name)
    return {"token": token, "url": "/live"}
