"""What the database knows of a sitting that is to be checked, read in one unit of work."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, cast, func, select, text
from sqlalchemy.orm import Session

from appliance.db import utcnow
from appliance.models import Gap, LiveMedia, Node, Part, SystemCheck
from appliance.services import browser_statistics, sittings
from appliance.settings import Settings
from appliance.vocabulary import PartState, SittingState, Track
from media.pipelines import evidence, ledger
from media.watch_log import UNTIL

Values = dict[str, str | int | float | bool | None]


@dataclass(frozen=True)
class BrowserSaid:
    """The candidate's browser's last report of itself."""

    age_s: float
    values: dict[str, Values]
    """By connection (``camera``, ``screen``, with ``_failed`` the last one that failed) and ``page``."""
    pairs: dict[str, list[dict[str, Any]]]
    ice_errors: list[dict[str, Any]]

    def of(self, name: str) -> Values:
        """Return the values of a connection or of the page; empty where there are none."""
        return self.values.get(name, {})


@dataclass(frozen=True)
class TrackFacts:
    """One track in the ledger and in the record."""

    track: Track
    live: LiveMedia | None = None
    part: Part | None = None
    """The one being recorded."""
    gap: Gap | None = None
    """The one that is open."""


@dataclass(frozen=True)
class AnalysisJob:
    """The job that watches the camera."""

    status: str
    worker_alive: bool


@dataclass(frozen=True)
class SittingFacts:
    """Everything but the node's own word."""

    id: int
    state: SittingState
    started_at: datetime | None
    seen_s: float | None
    """Seconds since the candidate's page was last heard."""
    clock_offset_ms: int
    browser: BrowserSaid | None
    checked_in: dict[str, Any]
    """``network`` of the check-in's last system check: state, detail, and which kinds of addresses were found."""
    tracks: dict[Track, TrackFacts]
    job: AnalysisJob | None
    analysed_until_ms: int | None = None
    """Up to when a worker has seen the camera."""
    ice_ports: str = ""
    """Those that the appliance's own nodes use; empty: any."""
    looked_at: datetime = field(default_factory=utcnow)

    @property
    def recorded(self) -> bool:
        """Whether every moment now has to be in a file."""
        return evidence.is_recorded(self.state, self.started_at)

    @property
    def node_urls(self) -> list[str]:
        """Return the nodes that have its media."""
        return sorted({track.live.node_url for track in self.tracks.values() if track.live is not None})


_JOB = text(
    """
SELECT job.status::text,
       coalesce(worker.last_heartbeat > now() - make_interval(secs => :silence), false) AS alive
FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.task_name = 'media.analyse_live' AND (job.args ->> 'sitting_id')::bigint = :sitting_id
ORDER BY (job.status = 'doing') DESC, job.id DESC LIMIT 1
"""
)


def read(session: Session, settings: Settings, sitting_id: int) -> SittingFacts:
    """Return what is known of a sitting; raise ``NotFound``."""
    sitting = sittings.get(session, sitting_id)
    now = utcnow()
    seen = sitting.last_seen_at
    job = session.execute(_JOB, {"sitting_id": sitting_id, "silence": settings.takeover_seconds}).first()
    return SittingFacts(
        id=sitting.id,
        state=sitting.state,
        started_at=sitting.started_at,
        seen_s=None if seen is None else (now - seen).total_seconds(),
        clock_offset_ms=sitting.clock_offset_ms,
        browser=_browser(session, sitting_id, now),
        checked_in=_checked_in(session, sitting_id),
        tracks={track: _track(session, sitting_id, track) for track in sitting.exam.tracks},
        job=None if job is None else AnalysisJob(str(job[0]), bool(job[1])),
        analysed_until_ms=_analysed(session, sitting_id),
        ice_ports=settings.ice_ports,
    )


def node_urls(session: Session, settings: Settings) -> list[str]:
    """Return the address of every media node there is: those registered and those of the settings."""
    known = list(session.scalars(select(Node.url).order_by(Node.id)))
    return [*known, *(url for url in settings.kurento_urls if url not in known)]


def _browser(session: Session, sitting_id: int, now: datetime) -> BrowserSaid | None:
    row = browser_statistics.last(session, sitting_id)
    if row is None:
        return None
    said = row.content
    age = (now - row.at).total_seconds()
    return BrowserSaid(age, said.get("values", {}), said.get("pairs", {}), said.get("ice_errors", []))


def _checked_in(session: Session, sitting_id: int) -> dict[str, Any]:
    query = select(SystemCheck.results).where(SystemCheck.sitting_id == sitting_id).order_by(SystemCheck.id.desc())
    found = (session.scalars(query.limit(1)).first() or {}).get("network")
    return found if isinstance(found, dict) else {}


def _analysed(session: Session, sitting_id: int) -> int | None:
    until = cast(Part.media[UNTIL].astext, BigInteger)
    query = select(func.max(until)).where(Part.sitting_id == sitting_id, Part.track == Track.CAMERA)
    return session.scalar(query)


def _track(session: Session, sitting_id: int, track: Track) -> TrackFacts:
    part = select(Part).where(Part.sitting_id == sitting_id, Part.track == track, Part.state == PartState.RECORDING)
    gap = select(Gap).where(Gap.sitting_id == sitting_id, Gap.track == track, Gap.ended_at.is_(None))
    return TrackFacts(
        track,
        ledger.find(session, sitting_id, track),
        session.scalars(part.order_by(Part.sequence.desc()).limit(1)).one_or_none(),
        session.scalars(gap.order_by(Gap.id.desc()).limit(1)).one_or_none(),
    )
