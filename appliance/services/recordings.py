"""What is recorded of a sitting: parts, the gaps between them, and what became of each."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, Select, func, select
from sqlalchemy.orm import Session

from appliance import bus
from appliance.audit import Actor, record
from appliance.db import to_ms, utcnow
from appliance.errors import ImpossibleStep, NotFound
from appliance.metrics import counter
from appliance.models import Gap, Part, Sitting, VaultObject
from appliance.services import sittings
from appliance.vocabulary import GapCause, PartSource, PartState, Track

EDGE: Final = timedelta(milliseconds=250)
"""How exactly recorders begin and end: no gap is left of a span so short beside a part that was supplied."""

ROUNDING: Final = timedelta(milliseconds=1)
"""Files and browsers know milliseconds, gaps are kept to the microsecond."""

_GAPS: Final = counter(
    "gaps_opened_total", "Spans of running sittings without evidence that began, by cause", ["cause"]
)


def count_gap(cause: GapCause) -> None:
    """Count a new gap for the figures, also where somebody else makes its row."""
    _GAPS.labels(cause.value).inc()


def get_part(session: Session, part_id: int, company_id: int | None = None) -> Part:
    """Return the part, of this company if one is given; raise ``NotFound``."""
    part = session.get(Part, part_id)
    if part is None:
        raise NotFound("There is no such part.", part_id=part_id)
    sittings.get(session, part.sitting_id, company_id)
    return part


def parts(session: Session, sitting_id: int) -> list[Part]:
    """Return the sitting's parts in the order they were begun."""
    return list(session.scalars(select(Part).where(Part.sitting_id == sitting_id).order_by(Part.started_at, Part.id)))


def newest_of_node(sitting_id: int | BindParameter[int], track: Track) -> Select[Part]:
    """Return the query of the newest part that a node recorded: where the track's record stands.

    What a browser handed in since has a later number, but lies in an earlier gap.
    """
    mine = (Part.sitting_id == sitting_id, Part.track == track, Part.source == PartSource.NODE)
    return select(Part).where(*mine).order_by(Part.sequence.desc()).limit(1)


def open_part(
    session: Session,
    sitting_id: int,
    track: Track,
    path_for: Callable[[int], str],
    node_url: str,
    started_at: datetime | None = None,
) -> Part:
    """Begin the track's next part; ``path_for(sequence)`` names its file. A gap of the track ends here."""
    sitting = sittings.get(session, sitting_id)
    sittings.lock(session, sitting)
    last = select(func.max(Part.sequence)).where(Part.sitting_id == sitting_id, Part.track == track)
    sequence = (session.scalar(last) or 0) + 1
    moment = started_at or utcnow()
    part = Part(
        sitting_id=sitting_id,
        track=track,
        sequence=sequence,
        path=path_for(sequence),
        node_url=node_url,
        started_at=moment,
        media={},
    )
    session.add(part)
    close_gap(session, sitting_id, track, moment)
    session.flush()
    _publish(session, sitting, track, "recording")
    return part


def close_part(session: Session, part_id: int, ended_at: datetime | None = None, cause: str = "") -> Part:
    """Note that nothing more is written to the part; a second time changes nothing."""
    part = _locked(session, part_id)
    if part.state is PartState.RECORDING:
        part.state = PartState.STOPPED
        part.ended_at = max(part.started_at, ended_at or utcnow())
        part.end_cause = cause
        _publish(session, sittings.get(session, part.sitting_id), part.track, "stopped", cause)
    return part


def open_gap(
    session: Session,
    sitting_id: int,
    track: Track,
    cause: GapCause,
    started_at: datetime | None = None,
    detail: str = "",
) -> Gap:
    """Note that there is no evidence of a track from here on; a gap that is open already stays as it is."""
    sitting = sittings.get(session, sitting_id)
    sittings.lock(session, sitting)
    gap = _open_gap(session, sitting_id, track)
    if gap is None:
        gap = Gap(
            sitting_id=sitting_id, track=track, cause=cause, started_at=started_at or utcnow(), detail=detail[:500]
        )
        session.add(gap)
        session.flush()
        count_gap(cause)
        _publish(session, sitting, track, "lost", cause.value)
    return gap


def close_gap(session: Session, sitting_id: int, track: Track, ended_at: datetime | None = None) -> Gap | None:
    """End the track's open gap and return it; None where there is none."""
    gap = _open_gap(session, sitting_id, track)
    if gap is not None:
        gap.ended_at = max(gap.started_at, ended_at or utcnow())
        _publish(session, sittings.get(session, sitting_id), track, "live")
    return gap


def close_gaps(session: Session, sitting_id: int, ended_at: datetime) -> int:
    """End all open gaps at the end of the exam, and return how many there were."""
    rows = session.scalars(select(Gap).where(Gap.sitting_id == sitting_id, Gap.ended_at.is_(None))).all()
    for gap in rows:
        gap.ended_at = max(gap.started_at, ended_at)
    return len(rows)


def mark_sealed(
    session: Session,
    actor: Actor,
    part_id: int,
    vault_object: VaultObject,
    duration_ms: int,
    media: dict[str, Any] | None = None,
) -> Part:
    """Note that the part lies in the vault: its plain file's path is forgotten, size and hash are the vault's."""
    part = _locked(session, part_id)
    if part.state is PartState.SEALED:
        raise ImpossibleStep("The part is sealed already.", part_id=part_id)
    session.flush()
    part.state, part.path, part.duration_ms = PartState.SEALED, "", duration_ms
    part.vault_object_id, part.size_bytes, part.sha256 = vault_object.id, vault_object.size_bytes, vault_object.sha256
    part.media = {**part.media, **(media or {})}
    part.ended_at = part.ended_at or utcnow()
    _record(session, actor, part, "recording.seal", sha256=part.sha256, duration_ms=duration_ms)
    return part


def mark_lost(session: Session, actor: Actor, part_id: int, cause: str) -> Part:
    """Note that nothing of the part can be read; its span becomes a gap, so that no evidence vanishes silently.

    A part that ended with its beginning has none: the gap after it says all.
    """
    part = _locked(session, part_id)
    part.state, part.end_cause = PartState.LOST, cause[:500]
    part.ended_at = part.ended_at or utcnow()
    if part.ended_at > part.started_at:
        gap = Gap(sitting_id=part.sitting_id, track=part.track, cause=GapCause.RECORDER_FAILED, detail=cause[:500])
        gap.started_at, gap.ended_at = part.started_at, part.ended_at
        session.add(gap)
        count_gap(gap.cause)
    _record(session, actor, part, "recording.lose", cause=cause[:500])
    return part


def supply_part(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    track: Track,
    span: tuple[datetime, datetime],
    vault_object: VaultObject,
    duration_ms: int,
    media: dict[str, Any],
) -> Part:
    """Add a part that the candidate's browser recorded, sealed already; the gap it lies in is split and covered.

    Raises ``ImpossibleStep`` where no single closed gap without a part contains the span: what a node recorded, and
    what was supplied before, stands.
    """
    sittings.lock(session, sitting)
    started, ended = span
    gap = _gap_around(session, sitting.id, track, started, ended)
    if gap is None:
        raise ImpossibleStep("This span is no gap any more.", track=track.value)
    started, ended = max(started, gap.started_at), min(ended, gap.ended_at or ended)
    last = select(func.max(Part.sequence)).where(Part.sitting_id == sitting.id, Part.track == track)
    part = Part(
        sitting_id=sitting.id,
        track=track,
        sequence=(session.scalar(last) or 0) + 1,
        source=PartSource.CANDIDATE,
        state=PartState.SEALED,
        path="",
        node_url="",
        started_at=started,
        ended_at=ended,
        duration_ms=duration_ms,
        size_bytes=vault_object.size_bytes,
        sha256=vault_object.sha256,
        vault_object_id=vault_object.id,
        media=media,
    )
    session.add(part)
    session.flush()
    _cover(session, gap, part)
    _record(session, actor, part, "recording.supply", sha256=part.sha256, duration_ms=duration_ms)
    payload = {"track": track.value, "start_ms": to_ms(started), "end_ms": to_ms(ended), "part_id": part.id}
    bus.publish_sitting(session, sitting, "recording.supplied", payload)
    return part


def _gap_around(session: Session, sitting_id: int, track: Track, started: datetime, ended: datetime) -> Gap | None:
    query = select(Gap).where(
        Gap.sitting_id == sitting_id,
        Gap.track == track,
        Gap.covered_by_id.is_(None),
        Gap.started_at <= started + ROUNDING,
        Gap.ended_at >= ended - ROUNDING,
    )
    return session.scalars(query.order_by(Gap.id).limit(1)).first()


def _cover(session: Session, gap: Gap, part: Part) -> None:
    """Give the gap's row the part's span, and what is left before and after it rows of their own."""
    assert gap.ended_at is not None and part.ended_at is not None  # noqa: S101 - only closed ones are found
    started, ended = part.started_at, part.ended_at
    for start, end in ((gap.started_at, started), (ended, gap.ended_at)):
        if end - start > EDGE:
            rest = Gap(sitting_id=gap.sitting_id, track=gap.track, cause=gap.cause, detail=gap.detail)
            rest.started_at, rest.ended_at = start, end
            session.add(rest)
    if started - gap.started_at > EDGE:
        gap.started_at = started
    if gap.ended_at - ended > EDGE:
        gap.ended_at = ended
    gap.covered_by_id = part.id


def record_view(session: Session, actor: Actor, part: Part) -> None:
    """Write to the audit log that a person plays this part."""
    _record(session, actor, part, "recording.view")


def is_sealed(session: Session, sitting_id: int) -> bool:
    """Say whether nothing of the sitting is left to seal."""
    waiting = (PartState.RECORDING, PartState.STOPPED)
    query = select(func.count()).where(Part.sitting_id == sitting_id, Part.state.in_(waiting))
    return not session.scalar(query)


def _locked(session: Session, part_id: int) -> Part:
    session.flush()
    part = session.get(Part, part_id, with_for_update={"key_share": True}, populate_existing=True)
    if part is None:
        raise NotFound("There is no such part.", part_id=part_id)
    return part


def _open_gap(session: Session, sitting_id: int, track: Track) -> Gap | None:
    query = select(Gap).where(Gap.sitting_id == sitting_id, Gap.track == track, Gap.ended_at.is_(None))
    return session.scalars(query.order_by(Gap.id).limit(1)).first()


def _publish(session: Session, sitting: Sitting, track: Track, state: str, cause: str = "") -> None:
    bus.publish_sitting(session, sitting, "media.state", {"track": track.value, "state": state, "cause": cause})


def _record(session: Session, actor: Actor, part: Part, action: str, **details: Any) -> None:
    sitting = sittings.get(session, part.sitting_id)
    more: dict[str, Any] = {"sitting_id": sitting.id, "track": part.track, **details}
    record(session, actor, action, ("part", part.id), company_id=sitting.company_id, **more)
