"""What a reviewer reads: the timeline, photos and recordings. Each viewing is written to the audit log."""

from collections.abc import Callable, Iterator
from typing import Any

from pyramid.response import Response

from appliance import audit
from appliance.errors import NotFound
from appliance.models import VaultObject
from appliance.services import check_ins, recordings, reviews
from appliance.vault import SealedReader
from appliance.vocabulary import PartState
from web.contexts import PartContext, PhotoContext, SittingContext
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
    reader = _open(request, part.vault_object_id)
    _once_a_viewing(request, ("part", part.id), lambda: recordings.record_view(request.db, request.actor, part))
    return Response(
        app_iter=SealedBody(reader),
        content_length=reader.size,
        content_type="video/webm",
        accept_ranges="bytes",
        etag=part.sha256,
        conditional_response=True,  # WebOb answers Range, If-Range, If-None-Match and HEAD
    )


class SealedBody:
    """A response body out of the vault, whole or a range of it; the file is closed with the response."""

    def __init__(self, reader: SealedReader) -> None:
        """Take over the open reader."""
        self.reader = reader

    def __iter__(self) -> Iterator[bytes]:
        """Give the whole."""
        return self.app_iter_range(0, self.reader.size)

    def app_iter_range(self, start: int, stop: int) -> Iterator[bytes]:
        """Give the bytes from ``start`` up to, not including, ``stop``; WebOb calls it for a range."""
        try:
            for offset in range(start, stop, STREAM_BYTES):
                yield self.reader.read(offset, min(STREAM_BYTES, stop - offset))
        finally:
            self.reader.close()

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
