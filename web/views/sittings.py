"""What proctors do to a sitting. Every act answers with what it changed."""

from typing import Any

from appliance.security import live_tokens
from appliance.services import chats, check_ins, incidents, payloads, reviews, sittings
from appliance.services.actors import names
from appliance.vocabulary import ChatAuthor, Decision, FinishedBy, PhotoKind
from web.contexts import IncidentContext, ObservationContext, SittingContext
from web.presenters import archive
from web.presenters.staff import incident_payload, observation_payload
from web.sealed import note_search
from web.services import Request


def _summary(context: SittingContext, request: Request) -> dict[str, Any]:
    sitting = context.sitting
    proctor = names(request.db, [sitting.proctor_id]).get(sitting.proctor_id or 0)
    return {"sitting": payloads.sitting(sitting, proctor)}


def live_token(context: object, request: Request) -> dict[str, Any]:
    """Give a staff page a token with which its socket says hello."""
    who = request.asker
    assert who.role is not None  # noqa: S101 - the permission has seen to it
    login_id = request.visitor.login_id if request.visitor else None
    token = live_tokens.for_user(request.settings, who.id, who.company_id, who.role, who.name, who.limited, login_id)
    return {"token": token, "url": "/live"}


def archive_page(context: object, request: Request) -> dict[str, Any]:
    """List the sittings that the asker may see."""
    query = request.body_struct
    states = archive.states_of(query.state)
    note_search(request, "sitting.search", query.q)
    found = reviews.archive(request.db, request.asker, states, query.q, query.page)
    return archive.page_of(found)


def claim(context: SittingContext, request: Request) -> dict[str, Any]:
    """Make the asker the sitting's proctor."""
    sittings.claim(request.db, request.actor, context.sitting)
    return _summary(context, request)


def start(context: SittingContext, request: Request) -> dict[str, Any]:
    """Let the candidate begin."""
    sittings.start(request.db, request.actor, context.sitting)
    return _summary(context, request)


def pause(context: SittingContext, request: Request) -> dict[str, Any]:
    """Stop the clock."""
    sittings.pause(request.db, request.actor, context.sitting, request.body_struct.reason)
    return _summary(context, request)


def resume(context: SittingContext, request: Request) -> dict[str, Any]:
    """Let the clock go on."""
    sittings.resume(request.db, request.actor, context.sitting)
    return _summary(context, request)


def refuse_identity(context: SittingContext, request: Request) -> dict[str, Any]:
    """Drop the sitting before its start."""
    sittings.refuse_identity(request.db, request.actor, context.sitting, request.body_struct.reason)
    return _summary(context, request)


def finish(context: SittingContext, request: Request) -> dict[str, Any]:
    """End the exam, perhaps with a conclusion."""
    body = request.body_struct
    sittings.finish(request.db, request.actor, context.sitting, FinishedBy.PROCTOR, body.comment, body.conclusion)
    return _summary(context, request)


def conclude(context: SittingContext, request: Request) -> dict[str, Any]:
    """Give the conclusion."""
    body = request.body_struct
    sittings.conclude(request.db, request.actor, context.sitting, body.conclusion, body.comment)
    return _summary(context, request)


def rescore(context: SittingContext, request: Request) -> dict[str, Any]:
    """Compute the score anew."""
    score = reviews.rescore(request.db, request.actor, context.sitting)
    computed = payloads.ms(score.computed_at)
    return {"score": {"value": score.value, "explanation": score.explanation, "computed_ms": computed}}


def request_photo(context: SittingContext, request: Request) -> dict[str, Any]:
    """Ask the candidate for a photo again."""
    kind = PhotoKind(request.matchdict["kind"])
    check_ins.request_photo(request.db, request.actor, context.sitting, kind)
    photo = check_ins.current_photo(request.db, context.sitting.id, kind)
    return {"photo": payloads.photo(photo) if photo else None}


def warn(context: SittingContext, request: Request) -> dict[str, Any]:
    """Send the candidate a warning."""
    body = request.body_struct
    company = context.sitting.company_id
    seen = incidents.get_observation(request.db, body.observation_id, company) if body.observation_id else None
    incident = incidents.warn(request.db, request.actor, context.sitting, body.type, body.comment, seen)
    return incident_payload(request.db, incident)


def mark(context: SittingContext, request: Request) -> dict[str, Any]:
    """Mark an incident on the timeline by hand."""
    body = request.body_struct
    incident = incidents.add(
        request.db, request.actor, context.sitting, body.type, body.start_ms, body.end_ms, body.comment
    )
    return incident_payload(request.db, incident)


def withdraw(context: IncidentContext, request: Request) -> dict[str, Any]:
    """Take an incident back."""
    return incident_payload(request.db, incidents.withdraw(request.db, request.actor, context.incident))


def confirm(context: ObservationContext, request: Request) -> dict[str, Any]:
    """Say that an observation counts."""
    row = incidents.decide(request.db, request.actor, context.observation, Decision.CONFIRMED)
    return observation_payload(request.db, row)


def dismiss(context: ObservationContext, request: Request) -> dict[str, Any]:
    """Say that an observation does not count."""
    row = incidents.decide(request.db, request.actor, context.observation, Decision.DISMISSED)
    return observation_payload(request.db, row)


def send(context: ObservationContext, request: Request) -> dict[str, Any]:
    """Confirm an observation and send it to the candidate as a warning."""
    seen = context.observation
    incidents.warn(request.db, request.actor, context.sitting, seen.type, observation=seen)
    return observation_payload(request.db, seen)


def messages(context: SittingContext, request: Request) -> dict[str, Any]:
    """Give the sitting's chat."""
    rows = chats.history(request.db, context.sitting.id)
    return {"messages": chats.to_payloads(request.db, context.sitting, rows)}


def send_message(context: SittingContext, request: Request) -> dict[str, Any]:
    """Write to the candidate."""
    body = request.body_struct
    row = chats.send(request.db, request.actor, context.sitting, ChatAuthor.PROCTOR, body.text, body.kind, body.ref)
    return {"message": chats.to_payload(request.db, context.sitting, row)}
