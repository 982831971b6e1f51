"""Who watched a candidate: the spans of a sitting that each person saw, out of the log itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from appliance import audit
from appliance.audit import Actor
from appliance.audit.deliveries import Span, length, union
from appliance.db import to_ms
from appliance.models import AuditEntry, Part, Sitting
from appliance.services import payloads, recordings
from appliance.services.reviews import mentions
from appliance.vocabulary import Track

SPANS: Final = {"recording.watch": "played", "recording.deliver": "sent", "media.unwatch": "live"}
"""Action -> what its spans are: played from the recording, sent without being reported as played, live."""

LOOKS: Final = ("sitting.view", "photo.view", "document.view", "challenge.view", "recording.view", "media.watch")
"""Views without spans: counted."""

MAX_SITTINGS: Final = 20
MAX_ENTRIES: Final = 5000


@dataclass(slots=True)
class _Viewer:
    kind: str
    id: str
    name: str
    first_ms: int
    last_ms: int
    spans: dict[str, dict[str, list[Span]]] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)


def of_text(session: Session, actor: Actor, company_id: int, wanted: str) -> list[dict[str, Any]]:
    """Return the newest sittings that a number or a name means, each with its viewers; to ask is an act."""
    query = select(Sitting).join(Sitting.candidate).join(Sitting.exam).where(Sitting.company_id == company_id)
    number = wanted.strip().removeprefix("#")
    fits = mentions(wanted.strip())
    if number.isdecimal() and len(number) < 19:
        fits = or_(fits, Sitting.id == int(number))
    newest = query.where(fits).order_by(Sitting.created_at.desc(), Sitting.id.desc()).limit(MAX_SITTINGS)
    rows = session.scalars(newest.options(joinedload(Sitting.candidate), joinedload(Sitting.exam))).all()
    audit.record(
        session, actor, "audit.watchers", ("audit", "entries"), text=wanted, sittings=[row.id for row in rows]
    )
    return [of_sitting(session, row) for row in rows]


def of_sitting(session: Session, sitting: Sitting) -> dict[str, Any]:
    """Return the sitting, its recorded spans, and who saw what of it."""
    parts = recordings.parts(session, sitting.id)
    recorded = {track: _recorded(parts, track) for track in Track}
    start = min((spans[0][0] for spans in recorded.values() if spans), default=None)
    end = max((spans[-1][1] for spans in recorded.values() if spans), default=None)
    summary = payloads.sitting(sitting)
    return {
        "sitting": {
            name: summary[name] for name in ("id", "state", "exam", "candidate", "started_ms", "finished_ms")
        },
        "start_ms": start,
        "end_ms": end,
        "recorded": {track.value: spans for track, spans in recorded.items()},
        "viewers": [_payload(viewer, recorded) for viewer in _viewers(session, sitting, [part.id for part in parts])],
    }


def _viewers(session: Session, sitting: Sitting, part_ids: list[int]) -> list[_Viewer]:
    own = (AuditEntry.subject_kind == "sitting") & (AuditEntry.subject_id == str(sitting.id))
    parts = (AuditEntry.subject_kind == "part") & AuditEntry.subject_id.in_([str(number) for number in part_ids])
    query = select(AuditEntry).where(
        AuditEntry.company_id == sitting.company_id,
        or_(own, parts),
        AuditEntry.action.in_([*SPANS, *LOOKS]),
        AuditEntry.actor_kind != "candidate",
        AuditEntry.result == "success",
    )
    found: dict[tuple[str, str], _Viewer] = {}
    for row in session.scalars(query.order_by(AuditEntry.id.desc()).limit(MAX_ENTRIES)):
        _take(found, row)
    return sorted(found.values(), key=lambda viewer: -viewer.last_ms)


def _take(found: dict[tuple[str, str], _Viewer], row: AuditEntry) -> None:
    at = to_ms(row.at)
    blank = _Viewer(row.actor_kind, row.actor_id, row.actor_name, at, at)
    viewer = found.setdefault((row.actor_kind, row.actor_id), blank)
    viewer.first_ms = min(viewer.first_ms, at)
    viewer.addresses.add(row.address)
    if row.action not in SPANS:
        viewer.looks[row.action] = viewer.looks.get(row.action, 0) + 1
        return
    kind = viewer.spans.setdefault(SPANS[row.action], {})
    for track, spans in (row.details.get("spans") or {}).items():
        kind.setdefault(track, []).extend((span[0], span[1]) for span in spans)


def _payload(viewer: _Viewer, recorded: dict[Track, list[Span]]) -> dict[str, Any]:
    spans = {kind: {track: union(found) for track, found in tracks.items()} for kind, tracks in viewer.spans.items()}
    played = length(union(_all(spans.get("played", {}).values())))
    whole = length(union(_all(recorded.values())))
    return {
        "kind": viewer.kind,
        "id": viewer.id,
        "name": viewer.name,
        "addresses": sorted(viewer.addresses - {""}),
        "first_ms": viewer.first_ms,
        "last_ms": viewer.last_ms,
        "spans": spans,
        "looks": viewer.looks,
        "played_ms": played,
        "live_ms": length(union(_all(spans.get("live", {}).values()))),
        "sent_ms": length(union(_all(spans.get("sent", {}).values()))),
        "share": round(min(1.0, played / whole), 3) if whole else None,
    }


def _all(groups: Iterable[Iterable[Span]]) -> list[Span]:
    return [span for spans in groups for span in spans]


def _recorded(parts: list[Part], track: Track) -> list[Span]:
    spans = []
    for part in parts:
        if part.track is track and part.duration_ms:
            start = to_ms(part.started_at)
            spans.append((start, start + part.duration_ms))
    return union(spans)
