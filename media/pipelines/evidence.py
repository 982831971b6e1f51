"""What the pipelines write down of a sitting, each function one unit of work: parts, gaps, time given back, end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import bus, jobs
from appliance.audit import Actor
from appliance.db import from_ms, utcnow
from appliance.errors import ImpossibleStep
from appliance.models import Gap, Part
from appliance.services import recordings, sittings
from appliance.sitting_machine import LIVE, OVER
from appliance.vocabulary import ExamMode, GapCause, PartState, SittingState, Track
from media.pipelines import ledger
from media.recordings.opening import opening_of

GATEWAY = Actor.appliance("gateway")
FINISHED = "finished"
"""How a part ends whose exam is over."""
RECORDED = frozenset({SittingState.RUNNING, SittingState.PAUSED, SittingState.INTERRUPTED})
"""States in which a started sitting is recorded. A pause too: what happens in it may matter later."""
ENDED_BY_BROWSER = frozenset({GapCause.SHARE_STOPPED, GapCause.CAMERA_STOPPED, GapCause.PAGE_CLOSED})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the pipelines need to know of a sitting."""

    id: int
    company_id: int
    state: SittingState
    mode: ExamMode
    started_at: datetime | None
    finished_at: datetime | None
    tracks: tuple[Track, ...] = (Track.CAMERA, Track.SCREEN)
    """What is evidence of it; nothing else is taken from its browser."""

    @property
    def live(self) -> bool:
        """Whether a candidate may publish."""
        return self.state in LIVE

    @property
    def recorded(self) -> bool:
        """Whether every moment now has to be in a part or in a gap."""
        return is_recorded(self.state, self.started_at)

    @property
    def over(self) -> bool:
        """Whether all must be stopped."""
        return self.state in OVER


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a track's record stands: up to when it is covered, and the gap that is open."""

    covered_until: datetime | None
    gap_cause: GapCause | None
    gap_since: datetime | None


def is_recorded(state: SittingState, started_at: datetime | None) -> bool:
    """Return whether every moment of such a sitting has to be in a part or in a gap now."""
    return started_at is not None and state in RECORDED


def facts(session: Session, sitting_id: int) -> Facts:
    """Return what the database says of the sitting; raise ``NotFound``."""
    row = sittings.get(session, sitting_id)
    return Facts(row.id, row.company_id, row.state, row.exam.mode, row.started_at, row.finished_at, row.exam.tracks)


def standing(session: Session, sitting_id: int, track: Track) -> Standing:
    """Return where a track's record stands: what a restarted gateway has to know."""
    part = session.scalars(recordings.newest_of_node(sitting_id, track)).one_or_none()
    covered = None if part is None else part.ended_at or part.started_at
    gap = session.scalars(
        select(Gap).where(Gap.sitting_id == sitting_id, Gap.track == track, Gap.ended_at.is_(None))
    ).first()
    return Standing(covered, None if gap is None else gap.cause, None if gap is None else gap.started_at)


def next_path(session: Session, sitting_id: int, track: Track, folder: Path) -> Path:
    """Return the file of the track's next part, its folder made: a recorder says nothing of a missing one."""
    query = select(func.max(Part.sequence)).where(Part.sitting_id == sitting_id, Part.track == track)
    path = part_path(folder, sitting_id, track, (session.scalar(query) or 0) + 1)
    if not path.parent.is_dir():  # on a disk that hangs only a look does not hang, too
        path.parent.mkdir(parents=True, exist_ok=True)
    return path


def part_path(folder: Path, sitting_id: int, track: Track, sequence: int) -> Path:
    """Return where a part lies until it is sealed."""
    return folder / str(sitting_id) / f"{track.value}-{sequence}.webm"


def begin_part(
    session: Session, sitting_id: int, track: Track, path: Path, node_url: str, recorder_id: str, at: datetime
) -> int:
    """Write that a recorder writes ``path`` since ``at``; return the part's id. The first one calls for analysis."""
    part = recordings.open_part(session, sitting_id, track, lambda _: str(path), node_url, at)
    session.flush()
    ledger.set_recorder(session, sitting_id, track, part.id, recorder_id)
    if track is Track.CAMERA:
        # One waits at most, one runs at most: a job that finds the sitting over ends at once.
        name = f"analyse_live:{sitting_id}"
        jobs.defer(
            session, "media.analyse_live", queue="analysis", lock=name, queueing_lock=name, sitting_id=sitting_id
        )
    return part.id


def end_part(session: Session, sitting_id: int, track: Track, part_id: int, at: datetime, cause: str) -> None:
    """Write that nothing more comes into a part."""
    recordings.close_part(session, part_id, at, cause)
    ledger.set_recorder(session, sitting_id, track, None, "")


def miss(
    session: Session,
    sitting_id: int,
    track: Track,
    cause: GapCause,
    since: datetime,
    detail: str,
    until: datetime | None = None,
) -> None:
    """Open a gap (and close it at once, with ``until``)."""
    recordings.open_gap(session, sitting_id, track, cause, since, detail)
    if until is not None:
        recordings.close_gap(session, sitting_id, track, until)


def cover(session: Session, sitting_id: int, track: Track, at: datetime) -> None:
    """Close the open gap of a track."""
    recordings.close_gap(session, sitting_id, track, at)


def path_of(session: Session, part_id: int) -> Path:
    """Return where a part is being written."""
    return Path(session.get_one(Part, part_id).path)


def last_written(session: Session, part_id: int) -> datetime:
    """Return when the part's file got its last bytes: what a dead node has saved.

    Its start where that is nothing: without the file, and without a picture that can be shown from it.
    """
    part = session.get_one(Part, part_id)
    if part.state is not PartState.RECORDING and part.ended_at is not None:
        return part.ended_at
    try:
        written = from_ms(round(Path(part.path).stat().st_mtime * 1000))
        if not opening_of(Path(part.path)).keyframe:
            return part.started_at
    except OSError:
        return part.started_at
    return min(max(part.started_at, written), utcnow())


def tell_state(session: Session, sitting_id: int, track: Track, state: str, cause: str) -> None:
    """Publish what became of a track that is not recorded yet; of recorded ones ``services.recordings`` tells."""
    payload = {"track": track.value, "state": state, "cause": cause}
    bus.publish_sitting(session, sittings.get(session, sitting_id), "media.state", payload)


def compensate(session: Session, sitting_id: int, since: datetime, cause: GapCause) -> None:
    """Give the candidate back the time from ``since`` to now; a sitting that is over needs none."""
    lost = (utcnow() - since) // timedelta(milliseconds=1)
    try:
        with session.begin_nested():
            sitting = sittings.get(session, sitting_id)
            given = min(max(lost, 1), sittings.MAX_COMPENSATION_MS)
            sittings.compensate(session, GATEWAY, sitting, given, cause.value)
    except ImpossibleStep:
        pass


def finish(session: Session, sitting_id: int) -> None:
    """All files are complete: end the gaps where the exam ended, empty the ledger, call for sealing."""
    sitting = sittings.get(session, sitting_id)
    recordings.close_gaps(session, sitting_id, sitting.finished_at or utcnow())
    ledger.remove(session, sitting_id)
    if sitting.state is SittingState.FINISHED:
        jobs.defer(session, "media.seal", queueing_lock=f"seal:{sitting_id}", sitting_id=sitting_id)
