"""Looks at sealed parts of a camera that nobody watched live, with the same Analyser: any host may take any part.

That is what a candidate's browser recorded itself, and the recordings of exams that are analysed after their end.
"""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import jobs
from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import to_ms, unit_of_work, utcnow
from appliance.errors import BadInput
from appliance.models import AuditEntry, Exam, Part, Sitting, VaultObject
from appliance.services import incidents, recordings, reviews, sittings
from appliance.vocabulary import (
    ObservationSource,
    ObservationType,
    PartSource,
    PartState,
    SittingState,
    Track,
)
from media import watch_log
from media.analysis import Analyser, Change, ObservationEvent
from media.evidence_pictures import seal_pictures
from media.recorded import tracks, watch

ANALYSER = Actor.appliance("analysis")
ANALYSED = "analysed"
"""Key in ``Part.media``: a job that is run twice finds its work done."""
PIECE_BYTES = 1024 * 1024
PATIENCE = timedelta(hours=6)
"""So long a finished sitting waits for a worker that analyses; then it is offered for review without, and scored
anew when one comes."""

log = structlog.get_logger(__name__)


def call_for_analysis(session: Session, sitting: Sitting) -> int:
    """Ask for the analysis of each part that waits for it; return how many do, 0 when waiting would be in vain."""
    if not watch_log.is_analysed_afterwards(sitting.exam):
        return 0
    waiting = [part for part in _camera_parts(session, sitting.id) if _is_due(sitting.exam, part)]
    for part in waiting:
        jobs.defer(
            session,
            "media.analyse_recording",
            queue="analysis",
            lock=f"analyse_recording:{part.id}",
            queueing_lock=f"analyse_recording:{part.id}",
            part_id=part.id,
        )
    late = sitting.finished_at is not None and utcnow() - sitting.finished_at > PATIENCE
    return 0 if late else len(waiting)


def analyse_part(collaborators: Collaborators, part_id: int) -> int:
    """Put on the timeline what is seen and heard in a part; return how many observations there were."""
    folder = collaborators.settings.hand_ins
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="analysed-", dir=folder) as place:
        with unit_of_work(collaborators.session_factory) as session:
            part = recordings.get_part(session, part_id)
            sitting = sittings.get(session, part.sitting_id)
            if not _is_due(sitting.exam, part):
                return 0
            path = _decrypted(session, collaborators, part, Path(place))
            assignment = watch_log.assignment(session, collaborators.vault, sitting)
        analyser = assignment.analyser()
        found = _looked_at(analyser, path, part)
    with unit_of_work(collaborators.session_factory) as session:
        sittings.lock(session, sittings.get(session, part.sitting_id))
        part = session.get_one(Part, part_id, with_for_update={"key_share": True}, populate_existing=True)
        if not _is_due(sittings.get(session, part.sitting_id).exam, part):
            return 0
        _write(session, collaborators, part, found)
    log.info("part analysed", part=part_id, observations=len(found))
    return len(found)


def _camera_parts(session: Session, sitting_id: int) -> list[Part]:
    query = select(Part).where(Part.sitting_id == sitting_id, Part.track == Track.CAMERA)
    return list(session.scalars(query.order_by(Part.id)))


def _is_due(exam: Exam, part: Part) -> bool:
    if part.state is not PartState.SEALED or part.track is not Track.CAMERA or ANALYSED in part.media:
        return False
    return part.source is PartSource.CANDIDATE or watch_log.is_analysed_afterwards(exam)


def _decrypted(session: Session, collaborators: Collaborators, part: Part, folder: Path) -> Path:
    path = folder / f"part.{part.media.get('container', 'webm')}"
    sealed = session.get_one(VaultObject, part.vault_object_id)
    with collaborators.vault.open(session, sealed) as reader, path.open("wb") as file:
        for offset in range(0, reader.size, PIECE_BYTES):
            file.write(reader.read(offset, PIECE_BYTES))
    return path


def _looked_at(analyser: Analyser, path: Path, part: Part) -> list[ObservationEvent]:
    start_ms = to_ms(part.started_at)
    try:
        return watch(analyser, path, start_ms, sound=tracks(path).sound).observations
    except BadInput as error:  # sealed, but no decoder takes it: known as not judged, and nobody waits for it
        log.error("not analysed", part=part.id, error=error.message)
        end_ms = to_ms(part.ended_at or part.started_at)
        details = {"reason": "analysis_failed"}
        unknown = ObservationType.UNDETERMINED
        return [ObservationEvent(Change.CLOSED, unknown, "", end_ms, start_ms, end_ms, 1.0, "analysis", details)]


def _pauses(session: Session, sitting_id: int) -> list[list[int]]:
    """Spans in which the exam stood still, of which there is no other record when nothing was observed live."""
    steps = select(AuditEntry.action, AuditEntry.at).where(
        AuditEntry.action.in_(("sitting.pause", "sitting.resume", "sitting.finish")),
        AuditEntry.subject_kind == "sitting",
        AuditEntry.subject_id == str(sitting_id),
    )
    pauses: list[list[int]] = []
    began: int | None = None
    for action, at in session.execute(steps.order_by(AuditEntry.id)):
        if action == "sitting.pause":
            began = to_ms(at)
        elif began is not None:
            pauses.append([began, to_ms(at)])
            began = None
    return pauses


def _write(session: Session, collaborators: Collaborators, part: Part, found: list[ObservationEvent]) -> None:
    supplied = {"supplied": True} if part.source is PartSource.CANDIDATE else {}
    pauses = _pauses(session, part.sitting_id)
    for event in found:
        end_ms = event.at_ms if event.end_ms is None else event.end_ms
        cut = [pause for pause in pauses if pause[0] < end_ms and event.start_ms < pause[1]]
        incidents.open_observation(
            session,
            part.sitting_id,
            event.type,
            ObservationSource.DETECTOR,
            event.start_ms,
            event.confidence,
            event.detector,
            {**event.details, **supplied, **({"pauses": cut} if cut else {})},
            end_ms=end_ms,
            pictures=seal_pictures(session, collaborators.vault, part.sitting_id, event),
        )
    part.media = {**part.media, ANALYSED: True}
    session.flush()
    _go_on(session, sittings.get(session, part.sitting_id))


def _go_on(session: Session, sitting: Sitting) -> None:
    """Offer the sitting for review when this was the last part, or score anew one that was offered before."""
    if sitting.state in incidents.REVIEWED:
        reviews.rescore(session, ANALYSER, sitting)
        return
    waits = any(_is_due(sitting.exam, part) for part in _camera_parts(session, sitting.id))
    is_whole = sitting.state is SittingState.PROCESSING and recordings.is_sealed(session, sitting.id)
    if is_whole and watch_log.is_analysed_afterwards(sitting.exam) and not waits:
        sittings.offer_for_review(session, ANALYSER, sitting)
