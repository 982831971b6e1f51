"""From a candidate's hand-in to sealed evidence of a gap, marked as what it is: supplied by the candidate.

May be killed at any point and run again: the parts are made in the transaction that says that it was taken.
"""

import contextlib
import hashlib
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from sqlalchemy.orm import Session

from appliance import jobs
from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import from_ms, to_ms, unit_of_work, utcnow
from appliance.models import HandIn
from appliance.services import hand_ins, recordings, sittings
from appliance.vocabulary import HandInState, Track
from media.recordings.join import Joined, Segment, join
from media.recordings.remux import Unplayable

INTAKE = Actor.appliance("intake")
WORK = "joined-"
LEFT_SECONDS = 3600
"""Joining takes seconds; a folder so old is nobody's."""

log = structlog.get_logger(__name__)


def take_in(collaborators: Collaborators, hand_in_id: int) -> bool:
    """Make parts of a complete hand-in, or refuse it; True when parts came of it. What it was made of is removed."""
    with unit_of_work(collaborators.session_factory) as session:
        row = session.get(HandIn, hand_in_id)
        if row is None:
            return False
        wanted = hand_ins.spans(session, row) if row.state is HandInState.COMPLETE else []
    plain = hand_ins.file_of(collaborators.settings, row)
    taken = row.state is HandInState.COMPLETE and _take(collaborators, row, plain, wanted)
    plain.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty: others are on their way
        plain.parent.rmdir()
    return taken


def forget_abandoned(collaborators: Collaborators) -> int:
    """Refuse what began days ago and was never completed, with its bytes; return how many there were."""
    with unit_of_work(collaborators.session_factory) as session:
        rows = hand_ins.abandoned(session, collaborators.settings)
        for row in rows:
            hand_ins.refuse(session, INTAKE, row, "it was never completed")
    for row in rows:
        hand_ins.file_of(collaborators.settings, row).unlink(missing_ok=True)
    for folder in collaborators.settings.hand_ins.glob(f"{WORK}*"):  # of a run that was killed
        if time.time() - folder.stat().st_mtime > LEFT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    return len(rows)


def _take(collaborators: Collaborators, row: HandIn, plain: Path, wanted: list[tuple[int, int]]) -> bool:
    root = collaborators.settings.hand_ins
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=WORK, dir=root) as folder, contextlib.ExitStack() as stack:
        try:
            segments = _segments(row, plain)
            joined = [
                one
                for number, span in enumerate(wanted)
                for one in join(segments, row.mime, span, _made(Path(folder) / str(number)))
            ]
            problem = "" if joined else "it shows nothing of what is missing"
        except (Unplayable, OSError) as error:
            joined, problem = [], str(getattr(error, "message", error))
        session = stack.enter_context(unit_of_work(collaborators.session_factory))
        current = session.get_one(HandIn, row.id, with_for_update={"key_share": True}, populate_existing=True)
        if current.state is not HandInState.COMPLETE:
            return False  # another run was quicker
        if problem:
            log.warning("hand-in refused", hand_in=row.id, sitting=row.sitting_id, reason=problem)
            hand_ins.refuse(session, INTAKE, current, problem)
            return False
        _supply(session, collaborators, current, joined)
    log.info("hand-in taken", hand_in=row.id, sitting=row.sitting_id, parts=len(joined))
    return True


def _supply(session: Session, collaborators: Collaborators, row: HandIn, joined: list[Joined]) -> None:
    sitting = sittings.get(session, row.sitting_id)
    sittings.lock(session, sitting)
    part_ids = []
    for one in joined:
        if not any(start <= one.start_ms and one.end_ms <= end for start, end in hand_ins.spans(session, row)):
            continue  # covered meanwhile by another hand-in
        sealed = collaborators.vault.seal(session, f"sitting:{sitting.id}", "part", one.path)
        span = (from_ms(one.start_ms), from_ms(one.end_ms))
        facts = {**one.media, "supplied": _supplied(row)}
        part = recordings.supply_part(session, INTAKE, sitting, row.track, span, sealed, one.duration_ms, facts)
        part_ids.append(part.id)
    left = sum(end - start for start, end in hand_ins.spans(session, row))
    hand_ins.take(session, INTAKE, row, part_ids, left)
    if row.track is Track.CAMERA:
        for part_id in part_ids:
            jobs.defer(session, "media.analyse_supplied", queue="analysis", part_id=part_id)


def _supplied(row: HandIn) -> dict[str, object]:
    return {
        "hand_in": row.id,
        "sha256": row.sha256,
        "mime": row.mime,
        "segments": len(row.segments),
        "handed_in_ms": to_ms(row.completed_at or utcnow()),
    }


def _segments(row: HandIn, plain: Path) -> list[Segment]:
    with plain.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != row.sha256:
            raise Unplayable("The received bytes changed on this server's disk.")
        file.seek(0)
        return [Segment(one["start_ms"], one["end_ms"], file.read(one["size"])) for one in row.segments]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
