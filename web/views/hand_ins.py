"""The candidate's page asks what is missing of its recording, and hands in what it kept itself."""

import base64
import binascii
import re
from typing import Any

from appliance.errors import BadInput
from appliance.services import hand_ins, payloads
from web import contexts
from web.contexts import SittingContext
from web.guards import read_body
from web.services import Request

_SHA_256 = re.compile(r"(?:^|,)\s*sha-256=:(?P<value>[A-Za-z0-9+/=]{1,64}):")


def gaps(context: SittingContext, request: Request) -> dict[str, Any]:
    """Tell what no node recorded of this sitting, and what was handed in for it."""
    sitting = context.sitting
    accepts = hand_ins.accepts(sitting, request.settings)
    rows = hand_ins.gaps(request.db, sitting.id) if accepts else []
    shown = ("track", "start_ms", "end_ms", "cause")
    return {
        "accepts": accepts,
        "chunk_bytes": hand_ins.CHUNK_BYTES,
        "hand_in_bytes": hand_ins.HAND_IN_BYTES,
        "gaps": [{name: value for name, value in payloads.gap(row).items() if name in shown} for row in rows],
        "hand_ins": [hand_ins.payload(request.db, row) for row in hand_ins.listing(request.db, sitting.id)],
    }


def begin(context: SittingContext, request: Request) -> dict[str, Any]:
    """Take note of what is about to be handed in; the same again tells which chunks are there."""
    claim = request.body_struct.claim
    row = hand_ins.begin(request.db, request.actor, context.sitting, request.settings, claim)
    return {"hand_in": hand_ins.payload(request.db, row)}


def state(context: SittingContext, request: Request) -> dict[str, Any]:
    """Tell what became of a hand-in, and which of its chunks are here."""
    row = hand_ins.get(request.db, context.sitting.id, contexts.number(request, "id"))
    return {"hand_in": hand_ins.payload(request.db, row)}


def chunk(context: SittingContext, request: Request) -> dict[str, Any]:
    """Keep one chunk; its SHA-256 stands in ``Content-Digest`` (RFC 9530)."""
    row = hand_ins.get(request.db, context.sitting.id, contexts.number(request, "id"))
    number = contexts.number(request, "n")
    content = read_body(request, hand_ins.CHUNK_BYTES)
    hand_ins.put_chunk(request.db, row, request.settings, number, content, digest_of(request))
    return {"received": hand_ins.received(request.db, row)}


def chunk_limit(request: Request) -> int:
    """Return how large a chunk may be, in bytes."""
    return hand_ins.CHUNK_BYTES


def complete(context: SittingContext, request: Request) -> dict[str, Any]:
    """Everything was sent."""
    row = hand_ins.get(request.db, context.sitting.id, contexts.number(request, "id"))
    hand_ins.complete(request.db, request.actor, row, request.settings)
    return {"hand_in": hand_ins.payload(request.db, row)}


def digest_of(request: Request) -> bytes:
    """Return the body's SHA-256 as the sender tells it; raise ``BadInput`` without one."""
    found = _SHA_256.search(request.headers.get("Content-Digest", ""))
    try:
        return base64.b64decode(found["value"] if found else "", validate=True)
    except binascii.Error:
        raise BadInput("Content-Digest: sha-256=:<base64>: is expected.", field="Content-Digest") from None
