"""Seals a finished sitting: each part remuxed, hashed, encrypted, its plain file gone; nothing missing is hidden.

May be killed at any point and run again: a part counts as sealed with the commit that says so, and plain files of
sealed parts are removed by every run.
"""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import from_ms, to_ms, unit_of_work, utcnow
from appliance.metrics import counter
from appliance.models import Gap, Part, Sitting
from appliance.services import recordings, sittings
from appliance.vocabulary import GapCause, PartState, SittingState, Track
from media.pipelines.coverage import Span, uncovered
from media.pipelines.evidence import last_written, part_path
from media.recordings.analyse import call_for_analysis
from media.recordings.remux import Remuxed, Unplayable, remux

SEALER = Actor.appliance("sealer")
GATEWAY_SILENCE = timedelta(minutes=5)
"""After the exam's end a gateway completes its files within a second; one that is gone so long will not any more
(the node ends its recorders after 4 minutes without their gateway)."""
TOLERANCE_MS = 250
"""Between the recorder's start and its first key frame, and between a file's last packet and its part's end."""
STILL_SCREEN_MS = 1250
"""Browsers repeat a still screen once a second: so long its last picture stands at an orderly end."""

_SEALED = counter("parts_sealed_total", "Parts that went into the vault here, or were found unreadable", ["outcome"])
_SEALED_BYTES = counter("parts_sealed_bytes_total", "What they hold")

log = structlog.get_logger(__name__)


def seal_sitting(collaborators: Collaborators, sitting_id: int) -> bool:
    """Seal what can be sealed; True when the sitting is complete, False while a recorder is still at work.

    A sitting that is not finished yet, or has been offered for review already, is left as it is.
    """
    with unit_of_work(collaborators.session_factory) as session:
        sitting = sittings.get(session, sitting_id)
        if sitting.state not in {SittingState.FINISHED, SittingState.PROCESSING}:
            return sitting.state not in {SittingState.RUNNING, SittingState.PAUSED, SittingState.INTERRUPTED}
        _end_abandoned(session, sitting)
        parts = recordings.parts(session, sitting_id)
        if any(part.state is PartState.RECORDING for part in parts):
            return False
        if sitting.state is SittingState.FINISHED:
            sittings.process(session, SEALER, sitting)
    folder = collaborators.settings.recordings.absolute()
    for part in parts:
        _seal_part(collaborators, part.id)
        if _is_settled(collaborators, part.id):
            _remove_plain(part_path(folder, sitting_id, part.track, part.sequence))
    with contextlib.suppress(OSError):  # not empty: a file nobody knows; it is left to be found
        (folder / str(sitting_id)).rmdir()
    with unit_of_work(collaborators.session_factory) as session:
        sitting = sittings.get(session, sitting_id)
        sittings.lock(session, sitting)
        if sitting.state is SittingState.PROCESSING and recordings.is_sealed(session, sitting_id):
            _note_holes(session, sitting)
            if not call_for_analysis(session, sitting):
                sittings.offer_for_review(session, SEALER, sitting)
    return True


def _end_abandoned(session: Session, sitting: Sitting) -> None:
    if sitting.finished_at is None or utcnow() - sitting.finished_at < GATEWAY_SILENCE:
        return
    for part in recordings.parts(session, sitting.id):
        if part.state is PartState.RECORDING:
            recordings.close_part(session, part.id, last_written(session, part.id), "gateway_lost")
    recordings.close_gaps(session, sitting.id, sitting.finished_at)


def _seal_part(collaborators: Collaborators, part_id: int) -> None:
    with unit_of_work(collaborators.session_factory) as session:
        part = session.get(Part, part_id, with_for_update={"key_share": True}, populate_existing=True)
        if part is None or part.state is not PartState.STOPPED:
            return
        purpose, plain = f"sitting:{part.sitting_id}", Path(part.path)
        seekable = plain.with_suffix(".sealing")
        try:
            found: Remuxed = remux(plain, seekable)
            sealed = collaborators.vault.seal(session, purpose, "part", seekable)
            recordings.mark_sealed(session, SEALER, part_id, sealed, found.duration_ms, found.media)
            log.info("part sealed", part=part_id, duration_ms=found.duration_ms, bytes=sealed.size_bytes)
            _SEALED.labels("sealed").inc()
            _SEALED_BYTES.inc(sealed.size_bytes)
        except Unplayable as error:
            log.error("part lost", part=part_id, error=error.message)
            _SEALED.labels("lost").inc()
            recordings.mark_lost(session, SEALER, part_id, error.message)
            if plain.exists() and plain.stat().st_size:  # unreadable, but not nothing: an expert may want it
                part.vault_object_id = collaborators.vault.seal(session, purpose, "part", plain).id
        finally:
            seekable.unlink(missing_ok=True)


def _is_settled(collaborators: Collaborators, part_id: int) -> bool:
    with unit_of_work(collaborators.session_factory) as session:
        return session.get_one(Part, part_id).state in {PartState.SEALED, PartState.LOST}


def _remove_plain(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".sealing").unlink(missing_ok=True)


def _note_holes(session: Session, sitting: Sitting) -> None:
    """Make a gap of every span that neither a sealed file's own length nor a known gap covers."""
    if sitting.started_at is None or sitting.finished_at is None:
        return
    whole = (to_ms(sitting.started_at), to_ms(sitting.finished_at))
    for track in sitting.exam.tracks:
        parts = session.scalars(select(Part).where(Part.sitting_id == sitting.id, Part.track == track)).all()
        gaps = session.scalars(select(Gap).where(Gap.sitting_id == sitting.id, Gap.track == track)).all()
        covered: list[Span] = [(to_ms(gap.started_at), to_ms(gap.ended_at or sitting.finished_at)) for gap in gaps]
        covered += [_covered_by(part) for part in parts]
        for hole in uncovered(whole, covered, TOLERANCE_MS):
            gap = _gap(sitting.id, track, hole, parts)
            session.add(gap)
            recordings.count_gap(gap.cause)


def _covered_by(part: Part) -> Span:
    started = to_ms(part.started_at)
    ended = started + (part.duration_ms or 0)
    if part.track is Track.SCREEN and part.end_cause == "finished" and part.ended_at is not None and part.duration_ms:
        ended = max(ended, min(to_ms(part.ended_at), ended + STILL_SCREEN_MS))
    return started, ended


def _gap(sitting_id: int, track: Track, hole: Span, parts: Sequence[Part]) -> Gap:
    inside = any(
        to_ms(part.started_at) <= hole[0] and part.ended_at is not None and hole[1] <= to_ms(part.ended_at)
        for part in parts
    )
    cause = GapCause.RECORDER_FAILED if inside else GapCause.UNKNOWN
    detail = "the file ends early" if inside else "found when the recording was sealed"
    log.warning("hole in the evidence", sitting=sitting_id, track=track.value, span=hole, detail=detail)
    started, ended = from_ms(hole[0]), from_ms(hole[1])
    return Gap(sitting_id=sitting_id, track=track, cause=cause, started_at=started, ended_at=ended, detail=detail)
