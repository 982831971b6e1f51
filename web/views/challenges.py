"""The challenges of the check-in: the candidate's page answers them, staff look at the evidence of failed ones."""

from typing import Any

from pyramid.response import Response

from appliance.services import challenge_pictures, challenge_states
from appliance.services import challenges as runs
from appliance.vocabulary import ChallengeKind
from web import contexts
from web.contexts import ChallengePictureContext, SittingContext
from web.guards import read_body
from web.sealed import once_a_viewing, open_sealed
from web.services import Request
from web.views.candidate import state


def begin(context: SittingContext, request: Request) -> dict[str, Any]:
    """Draw a new try and show its first step."""
    relaxed = request.body_struct.relaxed
    runs.begin(request.db, request.actor, context.sitting, kind_of(request), relaxed)
    return state(context, request)


def pictures(context: SittingContext, request: Request) -> dict[str, Any]:
    """Take in the pictures of one step; the body is the batch, the answer the next step."""
    row = runs.get(request.db, context.sitting.id, contexts.number(request, "id"))
    batch = read_body(request, challenge_pictures.BATCH_BYTES)
    vault, step = request.collaborators.vault, contexts.number(request, "step")
    row = runs.take_pictures(request.db, request.actor, vault, context.sitting, row, step, batch)
    return {"challenge": challenge_states.own_of(request.db, row)}


def batch_limit(request: Request) -> int:
    """Return how large the pictures of a step may be, in bytes."""
    return challenge_pictures.BATCH_BYTES


def leave_out(context: SittingContext, request: Request) -> dict[str, Any]:
    """Go on without: a person decides, or the usual direction is learned."""
    runs.leave_out(request.db, request.actor, context.sitting, kind_of(request))
    return state(context, request)


def evidence(context: ChallengePictureContext, request: Request) -> Response:
    """Give a picture of a try that was not passed."""
    row, number = context.challenge, context.number
    reader = open_sealed(request, context.vault_object_id)
    key = ("challenge", row.id * 10 + number)
    once_a_viewing(request, key, lambda: runs.record_view(request.db, request.actor, row, number))
    with reader:
        return Response(body=reader.read(), content_type="image/jpeg")


def kind_of(request: Request) -> ChallengeKind:
    """Return which challenge the address names."""
    return ChallengeKind(request.matchdict["kind"].replace("-", "_"))
