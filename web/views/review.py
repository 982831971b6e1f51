"""What a reviewer reads: the timeline, photos and recordings. Each viewing is written to the audit log."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from pyramid.response import Response

from appliance import audit
from appliance.errors import NotFound
from appliance.models import VaultObject
from appliance.services import check_ins, recordings, reviews
from appliance.vault import SealedReader
from appliance.vocabulary import PartState
from web.contexts import PartContext, PhotoContext, SittingContext
from web.ranges import Unsatisfiable, asked_span
from web.services import Request

STREAM_BYTES = 256 * 1024
"""Read at once from the vault: four of its blocks, so that a range costs few decryptions more than it needs."""


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

    _once_a_viewing(request, ("sitting", sitting.id), record)


def photo(context: PhotoContext, request: Request) -> Response:
    """Give a check-in photo."""
    row = context.photo
    reader = _open(request, row.vault_object_id)
    _once_a_viewing(request, ("photo", row.id), lambda: check_ins.record_view(request.db, request.actor, row))
    with reader:
        return Response(body=reader.read(), content_type=row.content_type)


def media(context: PartContext, request: Request) -> Response:
    """Play a sealed part: the whole or one range of bytes (RFC 9110, 14), decrypted as it is sent."""
    part = context.part
    if part.state is not PartState.SEALED or part.vault_object_id is None:
        raise NotFound("This part is not sealed yet; try again in a moment.", state=part.state.value)
    etag = f'"{part.sha256}"'
    reader = _open(request, part.vault_object_id)
    _once_a_viewing(request, ("part", part.id), lambda: recordings.record_view(request.db, request.actor, part))
    container = (part.media or {}).get("container", "webm")  # parts sealed before there was H.264 do not say
    answer = Response(content_type=f"video/{container}", accept_ranges="bytes")
    answer.headers["ETag"] = etag
    try:
        # a player that goes on with an older copy says so by If-Range; a date there is never ours
        is_same = request.headers.get("If-Range", etag) == etag
        span = asked_span(request.headers.get("Range") if is_same else None, reader.size)
    except Unsatisfiable:
        reader.close()
        answer.status_int = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        answer.headers["Content-Range"] = f"bytes */{reader.size}"
        return answer
    if span is not None:
        answer.status_int = HTTPStatus.PARTIAL_CONTENT
        answer.headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{reader.size}"
    start, stop = span or (0, reader.size)
    answer.app_iter = SealedBody(reader, start, stop)
    answer.content_length = stop - start
    return answer


class SealedBody:
    """Bytes ``start`` to ``stop`` out of the vault as a response body; the file is closed with the response."""

    def __init__(self, reader: SealedReader, start: int, stop: int) -> None:
        """Take over the open reader."""
        self.reader = reader
        self.start = start
        self.stop = stop

    def __iter__(self) -> Iterator[bytes]:
        """Decrypt as the client takes it."""
        for offset in range(self.start, self.stop, STREAM_BYTES):
            yield self.reader.read(offset, min(STREAM_BYTES, self.stop - offset))

    def close(self) -> None:
        """Close the file; the server calls it however the response ended."""
        self.reader.close()


def _open(request: Request, vault_object_id: int) -> SealedReader:
    sealed = request.db.get(VaultObject, vault_object_id)
    if sealed is None:
        raise NotFound("This recording was erased.")
    return request.collaborators.vault.open(request.db, sealed)


def _once_a_viewing(request: Request, thing: tuple[str, int], record: Callable[[], None]) -> None:
    visitor = request.visitor
    key = (visitor.session_key if visitor else "", *thing)
    if not request.brakes.viewings.is_new(key):
        return
    record()

    def forget_if_failed(request: Request) -> None:
        if request.exception is not None:  # also when the commit failed: then nothing was written
            request.brakes.viewings.forget(key)

    request.add_finished_callback(forget_if_failed)
