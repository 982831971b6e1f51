"""What lies in the vault as a response: whole, a file within it, or one range of bytes, decrypted as it is sent."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import NamedTuple

from pyramid.response import Response

from appliance import audit
from appliance.errors import NotFound
from appliance.models import VaultObject
from appliance.vault import SealedReader
from web.ranges import Unsatisfiable, asked_span
from web.services import Request

STREAM_BYTES = 256 * 1024
"""Read at once from the vault: four of its blocks, which stay in the processor's cache from decryption to socket."""


class Window(NamedTuple):
    """A file within a sealed archive."""

    at: int
    size: int


def open_sealed(request: Request, vault_object_id: int | None) -> SealedReader:
    """Return the open reader; raise ``NotFound``, or ``KeyDestroyed`` for what was erased."""
    sealed = None if vault_object_id is None else request.db.get(VaultObject, vault_object_id)
    if sealed is None:
        raise NotFound("This recording was erased.")
    return request.collaborators.vault.open(request.db, sealed)


def ranged(
    request: Request, reader: SealedReader, content_type: str, sha256: str, window: Window | None = None
) -> Response:
    """Answer with the whole or the one range that was asked for (RFC 9110, 14); the reader is closed with it.

    ``sha256`` names this very content: a player that goes on with an older copy says so by If-Range.
    """
    at, size = window or Window(0, reader.size)
    etag = f'"{sha256}"'
    answer = Response(content_type=content_type, accept_ranges="bytes")
    answer.headers["ETag"] = etag
    try:
        is_same = request.headers.get("If-Range", etag) == etag  # a date there is never ours
        span = asked_span(request.headers.get("Range") if is_same else None, size)
    except Unsatisfiable:
        reader.close()
        answer.status_int = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        answer.headers["Content-Range"] = f"bytes */{size}"
        return answer
    if span is not None:
        answer.status_int = HTTPStatus.PARTIAL_CONTENT
        answer.headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    start, stop = span or (0, size)
    answer.app_iter = SealedBody(reader, at + start, at + stop)
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
        offset = self.start
        while offset < self.stop:
            end = min(self.stop, (offset // STREAM_BYTES + 1) * STREAM_BYTES)  # no block is decrypted twice
            yield self.reader.read(offset, end - offset)
            offset = end

    def close(self) -> None:
        """Close the file; the server calls it however the response ended."""
        self.reader.close()


def once_a_viewing(request: Request, thing: tuple[str, int | str], record: Callable[[], None]) -> None:
    """Call ``record`` unless this visitor was noted with the same thing a moment ago."""
    visitor = request.visitor
    key = (visitor.session_key if visitor else "", *thing)
    if not request.memory.viewings.is_new(key):
        return
    record()

    def forget_if_failed(request: Request) -> None:
        if request.exception is not None:  # also when the commit failed: then nothing was written
            request.memory.viewings.forget(key)

    request.add_finished_callback(forget_if_failed)


def note_search(request: Request, action: str, text: str) -> None:
    """Write to the audit log that people were looked for by a text; turning the pages is the same search."""
    if text.strip():
        subject = ("company", request.actor.company_id or 0)
        once_a_viewing(
            request, (action, text), lambda: audit.record(request.db, request.actor, action, subject, text=text)
        )
