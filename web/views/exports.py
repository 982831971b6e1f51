"""Exports of a sitting: asked for, listed, fetched, taken back."""

from typing import Any, Final

from pyramid.response import Response

from appliance.errors import NotFound
from appliance.services import exports
from appliance.vocabulary import ExportState
from web.contexts import ExportContext, SittingContext
from web.sealed import Window, once_a_viewing, open_sealed, ranged
from web.services import Request

TYPES: Final = {
    "zip": "application/zip",
    "webm": "video/webm",
    "mp4": "video/mp4",
    "csv": "text/csv",
    "txt": "text/plain",
    "json": "application/json",
}


def listing(context: SittingContext, request: Request) -> dict[str, Any]:
    """Give the sitting's exports, newest first, and how many there may be."""
    rows = exports.listing(request.db, context.sitting.id)
    settings = request.settings
    limits = {"most": settings.exports_per_sitting, "hours": settings.export_hours}
    return {"exports": [exports.payload(row) for row in rows], "limits": limits}


def ask(context: SittingContext, request: Request) -> dict[str, Any]:
    """Ask for an export; words in its pictures are in the asker's language."""
    wanted = request.body_struct
    row = exports.request(
        request.db,
        request.actor,
        request.settings,
        context.sitting,
        wanted.contents,
        container=wanted.container,
        with_records=wanted.with_records,
        language=request.language,
    )
    return {"export": exports.payload(row)}


def delete(context: ExportContext, request: Request) -> dict[str, Any]:
    """Destroy an export, or take back one that is not made yet."""
    row = exports.delete(request.db, request.actor, request.collaborators.vault, context.export)
    return {"export": exports.payload(row)}


def file(context: ExportContext, request: Request) -> Response:
    """Give the archive, or one file of it, whole or a range of it."""
    row, name = context.export, request.body_struct.name
    if row.state is not ExportState.READY:
        raise NotFound("This export is not there; it is being made, or its time is over.", state=row.state.value)
    member = next((file for file in row.files if file["name"] == name), None)
    if name and member is None:
        raise NotFound("There is no such file in this export.")
    reader = open_sealed(request, row.vault_object_id)
    once_a_viewing(
        request,
        ("export", f"{row.id}/{name}"),
        lambda: exports.record_download(request.db, request.actor, row, name),
    )
    called = name or exports.archive_name(row)
    content_type = TYPES.get(called.rpartition(".")[2], "application/octet-stream")
    window = None if member is None else Window(member["at"], member["size"])
    # the archive's own hash is not told to browsers: an export never changes, so its number names it as well
    answer = ranged(request, reader, content_type, member["sha256"] if member else f"export-{row.id}", window)
    answer.headers["Content-Disposition"] = f'attachment; filename="{called}"'
    return answer
