"""What a reviewer reads: the timeline, photos and recordings. Each viewing is written to the audit log."""

from typing import Any

from pyramid.response import Response

from appliance import audit
from appliance.audit import deliveries
from appliance.errors import NotFound
from appliance.services import check_ins, documents, evidence_pictures, recordings, reviews
from appliance.vocabulary import PartState
from web.contexts import ObservationContext, PartContext, PhotoContext, SittingContext
from web.sealed import SealedBody, once_a_viewing, open_sealed, ranged
from web.services import Request


def overview(context: SittingContext, request: Request) -> dict[str, Any]:
    """Give one sitting without its timeline."""
    found = reviews.timeline(request.db, context.sitting)
    return {name: found[name] for name in ("sitting", "photos", "consent", "system_check")}


def timeline(context: SittingContext, request: Request) -> dict[str, Any]:
    """Give everything there is of one sitting."""
    note_review(context, request)
    return reviews.timeline(request.db, context.sitting)


def note_review(context: SittingContext, request: Request) -> None:
    """Write to the audit log that this sitting is looked at."""
    sitting = context.sitting

    def record() -> None:
        subject = ("sitting", sitting.id)
        audit.record(request.db, request.actor, "sitting.view", subject, company_id=sitting.company_id)

    once_a_viewing(request, ("sitting", sitting.id), record)


def photo(context: PhotoContext, request: Request) -> Response:
    """Give a check-in photo."""
    row = context.photo
    reader = open_sealed(request, row.vault_object_id)
    once_a_viewing(request, ("photo", row.id), lambda: check_ins.record_view(request.db, request.actor, row))
    with reader:
        return Response(body=reader.read(), content_type=row.content_type)


def document(context: PhotoContext, request: Request) -> dict[str, Any]:
    """Give what was read on a document."""
    row = context.photo
    with open_sealed(request, documents.sealed(request.db, row).id) as reader:
        plain = reader.read()
    once_a_viewing(request, ("document", row.id), lambda: documents.record_view(request.db, request.actor, row))
    return {"document": documents.contents(request.db, row, plain)}


def picture(context: ObservationContext, request: Request) -> Response:
    """Give a picture that shows why an observation was made."""
    row = evidence_pictures.get(request.db, context.observation, int(request.matchdict["number"]))
    reader = open_sealed(request, row.vault_object_id)

    def record() -> None:
        evidence_pictures.record_view(request.db, request.actor, context.sitting, context.observation, row.number)

    once_a_viewing(request, ("evidence_picture", row.id), record)
    with reader:
        return Response(body=reader.read(), content_type="image/jpeg")


def media(context: PartContext, request: Request) -> Response:
    """Play a sealed part: the whole or one range of bytes (RFC 9110, 14), decrypted as it is sent."""
    part = context.part
    if part.state is not PartState.SEALED or part.vault_object_id is None:
        raise NotFound("This part is not sealed yet; try again in a moment.", state=part.state.value)
    reader = open_sealed(request, part.vault_object_id)
    once_a_viewing(request, ("part", part.id), lambda: recordings.record_view(request.db, request.actor, part))
    container = (part.media or {}).get("container", "webm")  # parts sealed before there was H.264 do not say
    answer = ranged(request, reader, f"video/{container}", part.sha256)
    if request.method == "GET" and isinstance(answer.app_iter, SealedBody):
        key = request.visitor.session_key if request.visitor else ""
        deliveries.note_served(request.db, key, request.actor, part, answer.app_iter.start, answer.app_iter.stop)
    return answer
