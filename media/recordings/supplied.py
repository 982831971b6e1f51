"""Live analysis did not see what a candidate's browser recorded itself; the same Analyser looks at it afterwards."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import to_ms, unit_of_work
from appliance.models import Part, VaultObject
from appliance.services import incidents, recordings, reviews, sittings
from appliance.vocabulary import ObservationSource, PartSource, PartState
from media import watch_log
from media.analysis import Analyser, ObservationEvent
from media.frames.file_source import FileSource

ANALYSER = Actor.appliance("analysis")
ANALYSED = "analysed"
"""Key in ``Part.media``: a job that is run twice finds its work done."""
PIECE_BYTES = 1024 * 1024

log = structlog.get_logger(__name__)


def analyse_supplied(collaborators: Collaborators, part_id: int) -> int:
    """Put on the timeline what is seen in a supplied part; return how many observations there were."""
    folder = collaborators.settings.hand_ins
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="joined-", dir=folder) as place:
        with unit_of_work(collaborators.session_factory) as session:
            part = recordings.get_part(session, part_id)
            if not _is_due(part):
                return 0
            path = _decrypted(session, collaborators, part, Path(place))
            analyser = _analyser(session, collaborators, part)
        found = _watch(analyser, path, part)
    with unit_of_work(collaborators.session_factory) as session:
        part = session.get_one(Part, part_id, with_for_update={"key_share": True}, populate_existing=True)
        if not _is_due(part):
            return 0
        _write(session, part, found)
    log.info("supplied part analysed", part=part_id, observations=len(found))
    return len(found)


def _is_due(part: Part) -> bool:
    return part.source is PartSource.CANDIDATE and part.state is PartState.SEALED and ANALYSED not in part.media


def _decrypted(session: Session, collaborators: Collaborators, part: Part, folder: Path) -> Path:
    path = folder / f"part.{part.media.get('container', 'webm')}"
    sealed = session.get_one(VaultObject, part.vault_object_id)
    with collaborators.vault.open(session, sealed) as reader, path.open("wb") as file:
        for offset in range(0, reader.size, PIECE_BYTES):
            file.write(reader.read(offset, PIECE_BYTES))
    return path


def _analyser(session: Session, collaborators: Collaborators, part: Part) -> Analyser:
    assignment = watch_log.assignment(session, collaborators.vault, sittings.get(session, part.sitting_id))
    return Analyser(assignment.reference(), assignment.settings, engine=assignment.engine())


def _watch(analyser: Analyser, path: Path, part: Part) -> list[ObservationEvent]:
    end_ms = to_ms(part.ended_at or part.started_at)
    seen: dict[str, ObservationEvent] = {}
    for picture in FileSource(path, to_ms(part.started_at)).frames():
        _keep(seen, analyser.feed(picture))
    _keep(seen, analyser.finish(end_ms))
    return [event if event.end_ms is not None else replace(event, end_ms=end_ms) for event in seen.values()]


def _keep(seen: dict[str, ObservationEvent], events: Iterable[ObservationEvent]) -> None:
    for event in events:
        before = seen.get(event.key)
        details = {**(before.details if before else {}), **event.details}
        seen[event.key] = replace(event, details=details)


def _write(session: Session, part: Part, found: list[ObservationEvent]) -> None:
    for event in found:
        incidents.open_observation(
            session,
            part.sitting_id,
            event.type,
            ObservationSource.DETECTOR,
            event.start_ms,
            event.confidence,
            event.detector,
            {**event.details, "supplied": True},
            end_ms=event.end_ms,
        )
    part.media = {**part.media, ANALYSED: True}
    sitting = sittings.get(session, part.sitting_id)
    if sitting.state in incidents.REVIEWED:
        reviews.rescore(session, ANALYSER, sitting)
