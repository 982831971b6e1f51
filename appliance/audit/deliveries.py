"""Who watched what of a recording: what the player reports, held against the bytes that really left the house.

A page can only report less than it was sent, and what it was sent it may have seen: so the log gets both, what was
played (``recording.watch``) and what was sent without being reported (``recording.deliver``), in the sitting's time.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from appliance.audit.chain import Actor, record
from appliance.db import to_ms, utcnow
from appliance.errors import BadInput, NotFound
from appliance.models import Delivery, Part, Sitting

SLACK_SHARE: Final = 0.05
SLACK_MS: Final = 10_000
"""How far bytes and time may be apart: a film's rate is not even. Share of the part's length, and at least this."""

SETTLED: Final = timedelta(minutes=2)
"""After this without a request the player has reported what it will."""

KEPT: Final = timedelta(hours=24)

MAX_SPANS: Final = 500

Span = tuple[int, int]


def note_served(session: Session, session_key: str, actor: Actor, part: Part, start: int, stop: int) -> None:
    """Note that these bytes of the part are being sent to this log-in."""
    if stop <= start:
        return
    sent = [Range(start, stop)]
    who = {"kind": actor.kind, "id": actor.id, "name": actor.name, "address": actor.address, "role": actor.role}
    row = upsert(Delivery).values(
        session_key=session_key, part_id=part.id, actor=who, served=sent, played=[], told=[], touched_at=utcnow()
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["session_key", "part_id"],
            set_={"served": Delivery.served.op("+")(row.excluded.served), "touched_at": row.excluded.touched_at},
        )
    )


def note_played(
    session: Session, session_key: str, actor: Actor, sitting: Sitting, spans: Sequence[tuple[int, int, int]]
) -> dict[str, list[Span]]:
    """Record what a player says it played: (part, from, to) in milliseconds of the part's own time.

    Only what can have been seen, for the bytes of it were sent, is believed; the rest is told as ``unserved_ms``.
    Returns what is new, by track, in UTC milliseconds. Raises ``BadInput``, ``NotFound`` for another sitting's part.
    """
    if len(spans) > MAX_SPANS or any(end < start for _, start, end in spans):
        raise BadInput(f"At most {MAX_SPANS} spans, each from its beginning to its end.")
    by_part: dict[int, list[Span]] = {}
    for part_id, start, end in spans:
        by_part.setdefault(part_id, []).append((start, end))
    seen: dict[str, list[Span]] = {}
    unserved = 0
    for part_id, claimed in sorted(by_part.items()):
        part = session.get(Part, part_id)
        if part is None or part.sitting_id != sitting.id:
            raise NotFound("There is no such part.", part_id=part_id)
        fresh, false = _believed(session, session_key, part, union(claimed))
        unserved += false
        seen.setdefault(part.track.value, []).extend(_of_sitting(part, fresh))
    told = {track: union(found) for track, found in seen.items() if found}
    if told or unserved:
        more: dict[str, Any] = {"spans": told} | ({"unserved_ms": unserved} if unserved else {})
        record(session, actor, "recording.watch", ("sitting", sitting.id), "success", sitting.company_id, **more)
    return told


def settle(session: Session, now: datetime | None = None) -> int:
    """Record what was sent and never reported as played; return how many log-ins and parts that was."""
    now = now or utcnow()
    rows = session.scalars(
        select(Delivery)
        .where(Delivery.touched_at < now - SETTLED, or_(Delivery.settled_at.is_(None), *_again(now)))
        .order_by(Delivery.touched_at)
        .limit(500)
        .with_for_update(skip_locked=True)
    ).all()
    told = 0
    for row in rows:
        part = session.get_one(Part, row.part_id)
        sent = spans_of_bytes(part, _pairs(row.served))
        new = without(sent, union([*_pairs(row.played), *_pairs(row.told)]))
        new = [(start, end) for start, end in new if end - start > SLACK_MS]
        if new:
            sitting = session.get_one(Sitting, part.sitting_id)
            spans = {part.track.value: _of_sitting(part, new)}
            actor = Actor(**row.actor, company_id=sitting.company_id)
            record(
                session,
                actor,
                "recording.deliver",
                ("sitting", sitting.id),
                company_id=sitting.company_id,
                spans=spans,
            )
            row.told = _ranges(union([*_pairs(row.told), *new]))
            told += 1
        if row.touched_at < now - KEPT:
            session.delete(row)
        else:
            row.settled_at = now
    return told


def _again(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (Delivery.settled_at < Delivery.touched_at, Delivery.touched_at < now - KEPT)


def spans_of_bytes(part: Part, sent: Iterable[Span], slack: int = 0) -> list[Span]:
    """Return which milliseconds of a part these bytes are about; a file's rate is taken as even, plus ``slack``."""
    size, length = part.size_bytes or 0, part.duration_ms or 0
    if not size or not length:
        return []
    found = [(start * length // size - slack, stop * length // size + slack) for start, stop in sent]
    return union([(max(0, start), min(length, end)) for start, end in found])


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that touch made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], cut: Sequence[Span]) -> list[Span]:
    """Return what of ``spans`` lies in none of ``cut``; both are unions."""
    found: list[Span] = []
    for start, end in spans:
        at = start
        for cut_start, cut_end in cut:
            if cut_end <= at or cut_start >= end:
                continue
            if cut_start > at:
                found.append((at, cut_start))
            at = max(at, cut_end)
        if at < end:
            found.append((at, end))
    return found


def common(spans: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """Return what lies in both; both are unions."""
    pairs = [(max(start, a), min(end, b)) for start, end in spans for a, b in others]
    return union(pairs)


def length(spans: Iterable[Span]) -> int:
    """Return how long they are together."""
    return sum(end - start for start, end in spans)


def _believed(session: Session, session_key: str, part: Part, claimed: list[Span]) -> tuple[list[Span], int]:
    """Keep what is new of the claimed spans and was sent; return it, and how many milliseconds were not."""
    query = select(Delivery).where(Delivery.session_key == session_key, Delivery.part_id == part.id)
    row = session.scalars(query.with_for_update()).first()
    if row is None:
        return [], length(claimed)
    slack = max(SLACK_MS, round((part.duration_ms or 0) * SLACK_SHARE))
    possible = spans_of_bytes(part, _pairs(row.served), slack)
    true = common(claimed, possible)
    known = _pairs(row.played)
    row.played = _ranges(union([*known, *true]))
    row.touched_at = utcnow()
    return without(true, union(known)), length(claimed) - length(true)


def _of_sitting(part: Part, spans: Iterable[Span]) -> list[Span]:
    zero = to_ms(part.started_at)
    return [(zero + start, zero + end) for start, end in spans]


def _pairs(ranges: Iterable[Any]) -> list[Span]:
    return [(found.lower or 0, found.upper or 0) for found in ranges]


def _ranges(spans: Iterable[Span]) -> list[Range[int]]:
    return [Range(start, end) for start, end in spans]
