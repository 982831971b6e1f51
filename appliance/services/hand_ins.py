"""Taking in what a candidate's browser recorded while its connection was lost: bounded, resumable, only for gaps.

The bytes of a hand-in lie in one plain file, as recordings of nodes do, until the worker has put it into the vault.
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit, bus, jobs
from appliance.audit import Actor
from appliance.db import from_ms, to_ms, utcnow
from appliance.digests import sha256_of
from appliance.errors import BadInput, ImpossibleStep, MediaUnavailable, NotFound, TooLarge
from appliance.models import Gap, HandIn, HandInChunk, Sitting
from appliance.services import sittings
from appliance.settings import Settings
from appliance.vocabulary import GapCause, HandInState, Track
from appliance.vocabulary import SittingState as S

CHUNK_BYTES: Final = 1024 * 1024
"""Small enough to be sent again over a line that breaks every few seconds."""

HAND_IN_BYTES: Final = 64 * 1024 * 1024
"""Six minutes at the browser's highest rate; a longer gap comes as several."""

HAND_INS: Final = 500
"""Of one sitting; a hundred losses of both tracks are no network any more."""

SEGMENTS: Final = 200
"""Of one hand-in; a segment lasts about 10 s."""

BYTES_PER_MS: Final = 400
"""3.2 Mbit/s, four times what the page's recorder is told to use: more than that is no such recording."""

SHORTEST_MS: Final = 250
"""A shorter span is how exactly recorders begin and end, not a gap worth a file."""

TRACKS: Final = (Track.CAMERA, Track.SCREEN)

NOTHING_TO_SUPPLY: Final = frozenset({GapCause.SHARE_STOPPED, GapCause.CAMERA_STOPPED})
"""Causes that left the browser without a picture, too."""

MIMES: Final = frozenset({"video/webm", "video/mp4"})

OPEN_STATES: Final = frozenset({S.RUNNING, S.PAUSED, S.INTERRUPTED, S.FINISHED, S.PROCESSING, S.IN_REVIEW})
"""Not after a person has concluded: what they judged must not change behind them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the browser says it will hand in; times are the server's, in ms."""

    track: Track
    start_ms: int
    end_ms: int
    size: int
    sha256: str
    mime: str
    segments: Sequence[tuple[int, int, int]]
    """``(start_ms, end_ms, size)`` of each file, in order."""


def accepts(sitting: Sitting, settings: Settings, now: datetime | None = None) -> bool:
    """Say whether anything may still be handed in for this sitting."""
    if sitting.started_at is None or sitting.state not in OPEN_STATES:
        return False
    until = None if sitting.finished_at is None else sitting.finished_at + timedelta(hours=settings.hand_in_hours)
    return until is None or (now or utcnow()) <= until


def gaps(session: Session, sitting_id: int) -> list[Gap]:
    """Return the spans a browser may fill, open ones too, in order; neither covered ones nor too short ones."""
    query = select(Gap).where(
        Gap.sitting_id == sitting_id,
        Gap.covered_by_id.is_(None),
        Gap.cause.not_in(NOTHING_TO_SUPPLY),
        Gap.track.in_(TRACKS),
    )
    rows = session.scalars(query.order_by(Gap.started_at, Gap.id))
    return [row for row in rows if row.ended_at is None or to_ms(row.ended_at) - to_ms(row.started_at) >= SHORTEST_MS]


def spans(session: Session, hand_in: HandIn) -> list[tuple[int, int]]:
    """Return what of the hand-in's claim nothing shows yet: the parts of closed gaps within it, in ms."""
    found = []
    for gap in gaps(session, hand_in.sitting_id):
        if gap.track is hand_in.track and gap.ended_at is not None:
            start, end = max(gap.started_at, hand_in.started_at), min(gap.ended_at, hand_in.ended_at)
            if to_ms(end) - to_ms(start) >= SHORTEST_MS:
                found.append((to_ms(start), to_ms(end)))
    return found


def begin(session: Session, actor: Actor, sitting: Sitting, settings: Settings, claim: Claim) -> HandIn:
    """Return the hand-in for this claim; the same claim again is the same hand-in, so that it can be resumed.

    Raises ``BadInput`` for a claim that cannot be, or that no gap asks for, ``TooLarge``, ``MediaUnavailable`` when
    disk is short, ``ImpossibleStep`` when the sitting takes nothing in any more.
    """
    sittings.lock(session, sitting)
    _check_open(sitting, settings)
    known = session.scalars(
        select(HandIn).where(
            HandIn.sitting_id == sitting.id,
            HandIn.track == claim.track,
            HandIn.sha256 == claim.sha256,
            HandIn.started_at == from_ms(claim.start_ms),
            HandIn.state != HandInState.REFUSED,
        )
    ).first()
    if known is not None:
        return known
    _check_claim(claim)
    _check_room(session, sitting, settings, claim.size)
    row = HandIn(
        sitting_id=sitting.id,
        track=claim.track,
        started_at=from_ms(claim.start_ms),
        ended_at=from_ms(claim.end_ms),
        size_bytes=claim.size,
        sha256=claim.sha256,
        mime=claim.mime.partition(";")[0].strip(),
        segments=[{"start_ms": start, "end_ms": end, "size": size} for start, end, size in claim.segments],
    )
    if not spans(session, row):
        raise BadInput("Nothing is missing in this span; it is not needed.", field="start_ms", reason="no_gap")
    session.add(row)
    session.flush()
    _record(session, actor, row, "hand_in.begin", size=claim.size, sha256=claim.sha256)
    return row


def get(session: Session, sitting_id: int, hand_in_id: int) -> HandIn:
    """Return a hand-in of this sitting; raise ``NotFound``."""
    row = session.get(HandIn, hand_in_id)
    if row is None or row.sitting_id != sitting_id:
        raise NotFound("There is no such hand-in.", hand_in_id=hand_in_id)
    return row


def chunks_of(row: HandIn) -> int:
    """Return of how many chunks a hand-in is."""
    return -(-row.size_bytes // CHUNK_BYTES)


def received(session: Session, row: HandIn) -> list[int]:
    """Return the numbers of the chunks that are here."""
    query = select(HandInChunk.number).where(HandInChunk.hand_in_id == row.id)
    return list(session.scalars(query.order_by(HandInChunk.number)))


def put_chunk(session: Session, row: HandIn, settings: Settings, number: int, content: bytes, sha256: bytes) -> None:
    """Keep one chunk; the same again is harmless.

    Raises ``BadInput`` for a wrong number, size or hash, ``ImpossibleStep`` when nothing more is received.
    """
    sitting = sittings.get(session, row.sitting_id)
    _check_open(sitting, settings)
    _check_disk(settings)
    if row.state is not HandInState.RECEIVING:
        raise ImpossibleStep("This hand-in is complete already.", state=row.state.value)
    if not 0 <= number < chunks_of(row):
        raise BadInput(f"There are chunks 0 to {chunks_of(row) - 1}.", field="n")
    expected = min(CHUNK_BYTES, row.size_bytes - number * CHUNK_BYTES)
    if len(content) != expected:
        raise BadInput(f"Chunk {number} has {len(content)} bytes and should have {expected}.", field="body")
    digest = hashlib.sha256(content)
    if digest.digest() != sha256:
        raise BadInput(
            f"Chunk {number} was damaged on its way; send it again.", field="Content-Digest", reason="hash"
        )
    session.get(HandIn, row.id, with_for_update={"key_share": True}, populate_existing=True)
    path = file_of(settings, row)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        file.seek(number * CHUNK_BYTES)
        file.write(content)
    if number not in received(session, row):
        session.add(HandInChunk(hand_in_id=row.id, number=number, size_bytes=len(content), sha256=digest.hexdigest()))
        session.flush()


def complete(session: Session, actor: Actor, row: HandIn, settings: Settings) -> HandIn:
    """All chunks are sent: check the whole and call for the worker; a second time changes nothing.

    It is refused when the whole has another hash than claimed. Raises ``BadInput`` naming chunks that are missing.
    """
    session.get(HandIn, row.id, with_for_update={"key_share": True}, populate_existing=True)
    if row.state is not HandInState.RECEIVING:
        return row
    missing = sorted(set(range(chunks_of(row))) - set(received(session, row)))
    if missing:
        raise BadInput(f"{len(missing)} chunks are missing.", missing=missing[:100])
    if sha256_of(file_of(settings, row)) != row.sha256:
        refuse(session, actor, row, "the whole has another hash than was claimed")
    else:
        row.state, row.completed_at = HandInState.COMPLETE, utcnow()
        _record(session, actor, row, "hand_in.complete", size=row.size_bytes, sha256=row.sha256)
    jobs.defer(session, "media.take_in", hand_in_id=row.id)  # it also removes the file of what was refused
    return row


def take(session: Session, actor: Actor, row: HandIn, part_ids: Sequence[int], left_ms: int) -> None:
    """Note that the worker made parts of it; ``left_ms`` of what was asked for still nothing shows."""
    _decide(row, HandInState.TAKEN, "")
    _record(session, actor, row, "hand_in.take", part_ids=list(part_ids), left_ms=left_ms, sha256=row.sha256)


def refuse(session: Session, actor: Actor, row: HandIn, reason: str) -> None:
    """Note that it is not what it was said to be; the gap stays."""
    _decide(row, HandInState.REFUSED, reason)
    _record(session, actor, row, "hand_in.refuse", "failed", reason=row.reason)
    sitting = sittings.get(session, row.sitting_id)
    payload = {"track": row.track.value, "hand_in_id": row.id, "reason": row.reason}
    bus.publish_sitting(session, sitting, "recording.supply_refused", payload)


def abandoned(session: Session, settings: Settings, now: datetime | None = None) -> list[HandIn]:
    """Return the hand-ins that began so long ago that nothing more will come."""
    before = (now or utcnow()) - timedelta(hours=settings.hand_in_hours)
    query = select(HandIn).where(HandIn.state == HandInState.RECEIVING, HandIn.created_at < before)
    return list(session.scalars(query.order_by(HandIn.id).limit(100)))


def listing(session: Session, sitting_id: int) -> list[HandIn]:
    """Return the sitting's hand-ins, oldest first."""
    return list(session.scalars(select(HandIn).where(HandIn.sitting_id == sitting_id).order_by(HandIn.id)))


def payload(session: Session, row: HandIn) -> dict[str, Any]:
    """Return what its browser may know of a hand-in."""
    return {
        "id": row.id,
        "track": row.track.value,
        "state": row.state.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": to_ms(row.ended_at),
        "size": row.size_bytes,
        "chunks": chunks_of(row),
        "received": received(session, row),
        "reason": row.reason,
    }


def file_of(settings: Settings, row: HandIn) -> Path:
    """Return where the received bytes lie."""
    return settings.hand_ins / str(row.sitting_id) / f"{row.id}.part"


def _decide(row: HandIn, state: HandInState, reason: str) -> None:
    row.state, row.reason, row.decided_at = state, reason[:500], utcnow()


def _check_open(sitting: Sitting, settings: Settings) -> None:
    if not accepts(sitting, settings):
        message = "The recording of this sitting is closed; nothing more is taken in."
        raise ImpossibleStep(message, state=sitting.state.value)


def _check_claim(claim: Claim) -> None:
    if claim.track not in TRACKS:
        raise BadInput("track: only camera and screen can be handed in.", field="track")
    if claim.mime.partition(";")[0].strip() not in MIMES:
        raise BadInput(f"mime: {' or '.join(sorted(MIMES))} is expected.", field="mime")
    if claim.size > HAND_IN_BYTES:
        message = f"A hand-in may have at most {HAND_IN_BYTES} bytes; send a longer gap as several."
        raise TooLarge(message, max_bytes=HAND_IN_BYTES)
    if claim.start_ms >= claim.end_ms:
        raise BadInput("end_ms: must be later than start_ms.", field="end_ms")
    if claim.end_ms > to_ms(utcnow()) + 1000:
        raise BadInput("end_ms: lies in the future; the page's clock is wrong.", field="end_ms")
    _check_segments(claim)


def _check_segments(claim: Claim) -> None:
    segments = claim.segments
    if not 0 < len(segments) <= SEGMENTS:
        raise BadInput(f"segments: 1 to {SEGMENTS} are expected.", field="segments")
    if sum(size for _, _, size in segments) != claim.size:
        raise BadInput("segments: their sizes must add up to size.", field="segments")
    for index, (start, end, size) in enumerate(segments):
        if not start < end or size <= 0 or (index and start < segments[index - 1][0]):
            raise BadInput(f"segments: number {index} is not in order.", field="segments")
        if end <= claim.start_ms or start >= claim.end_ms:
            raise BadInput(f"segments: number {index} lies outside the span.", field="segments")
        if size > (end - start) * BYTES_PER_MS + CHUNK_BYTES:
            raise TooLarge(f"segments: number {index} is too large for its length.", field="segments")


def _check_room(session: Session, sitting: Sitting, settings: Settings, size: int) -> None:
    _check_disk(settings)
    query = select(func.sum(HandIn.size_bytes), func.count()).where(HandIn.sitting_id == sitting.id)
    total, count = session.execute(query).one()
    limit = settings.hand_in_mb * 1024 * 1024
    if int(total or 0) + size > limit or count >= HAND_INS:
        raise TooLarge(f"At most {settings.hand_in_mb} MB may be handed in for one sitting.", max_bytes=limit)


def _check_disk(settings: Settings) -> None:
    """The candidate keeps the recording; running recorders could not."""
    folder = next(path for path in (settings.hand_ins, *settings.hand_ins.parents) if path.exists())
    if shutil.disk_usage(folder).free < settings.disk_reserve_mb * 1024 * 1024:
        raise MediaUnavailable("The server is short of disk space; the recording is kept here and sent later.")


def _record(
    session: Session, actor: Actor, row: HandIn, action: str, result: str = "success", **details: Any
) -> None:
    sitting = sittings.get(session, row.sitting_id)
    more: dict[str, Any] = {"sitting_id": sitting.id, "track": row.track, **details}
    more |= {"start_ms": to_ms(row.started_at), "end_ms": to_ms(row.ended_at)}
    audit.record(session, actor, action, ("hand_in", row.id), result, company_id=sitting.company_id, **more)
