"""What the live room and the support's page show: present sittings, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from appliance.db import Base, utcnow
from appliance.models import (
    ChatMessage,
    Exam,
    Gap,
    IdentityPhoto,
    Incident,
    LiveMedia,
    Observation,
    Sitting,
    SystemCheck,
)
from appliance.security import scopes
from appliance.security.identity import Identity
from appliance.security.permission_map import Permission
from appliance.services import challenges, incidents, payloads, reviews
from appliance.services.actors import names
from appliance.sitting_machine import LIVE
from appliance.vocabulary import BiometricsMode, ChatAuthor, PhotoState, Track

MAX_SITTINGS: Final = 60
"""Two proctors' screens of 30 tiles; what goes beyond waits until a place is free."""

LAST_OBSERVATIONS: Final = 20
LAST_MESSAGES: Final = 50

Row = TypeVar("Row", bound=Base)


def entries(session: Session, who: Identity, sitting_ids: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """Return the room entries of the present sittings that ``who`` watches (or of those asked for), oldest first."""
    sittings = _present(session, scopes.sittings(who, Permission.ROOM_VIEW), sitting_ids)
    ids = [sitting.id for sitting in sittings]
    photos = _grouped(_rows(session, IdentityPhoto, ids, IdentityPhoto.state != PhotoState.SUPERSEDED))
    observations = _grouped(_last(session, Observation, ids, LAST_OBSERVATIONS))
    messages = _grouped(_last(session, ChatMessage, ids, LAST_MESSAGES))
    sent = _grouped(_rows(session, Incident, ids, Incident.sent_at.is_not(None), Incident.withdrawn_at.is_(None)))
    tries = challenges.staff_payloads(session, ids)
    tracks = _tracks(session, ids)
    people = _people(session, sittings, observations, messages, sent)
    now = utcnow()
    return [
        {
            **payloads.sitting(sitting, people.get(sitting.proctor_id or 0), now),
            "rules": sitting.exam.rules,
            "custom_rules": str(sitting.exam.rules.get("custom_rules", "")),
            "photos": [payloads.photo(row) for row in photos[sitting.id]],
            "challenges": tries[sitting.id],
            "unread": _unread(messages[sitting.id]),
            "observations": [payloads.observation(row, people) for row in observations[sitting.id]],
            "messages": [payloads.message(row, sitting.candidate.name, people) for row in messages[sitting.id]],
            "warnings": [payloads.incident(row, people) for row in sent[sitting.id]],
            "tracks": tracks[sitting.id],
            "cheater_suggested": incidents.cheater_suggested(
                (row.type, payloads.ms(row.sent_at) or 0) for row in sent[sitting.id]
            ),
        }
        for sitting in sittings
    ]


def support_entries(session: Session, who: Identity, text: str = "") -> list[dict[str, Any]]:
    """Return stage, media and last system check of present sittings; no faces, no photos, no chat.

    ``text`` is looked for in names, e-mails, ids and the exam.
    """
    sittings = _present(session, scopes.sittings(who, Permission.SUPPORT_VIEW), None, text)
    ids = [sitting.id for sitting in sittings]
    checks = _grouped(_last(session, SystemCheck, ids, 1))
    gaps = _grouped(_rows(session, Gap, ids))
    tracks = _tracks(session, ids)
    people = names(session, [sitting.proctor_id for sitting in sittings])
    now = utcnow()
    return [
        {
            **payloads.sitting(sitting, people.get(sitting.proctor_id or 0), now),
            "last_seen_ms": payloads.ms(sitting.last_seen_at),
            "clock_offset_ms": sitting.clock_offset_ms,
            "tracks": tracks[sitting.id],
            "gaps": [payloads.gap(row) for row in gaps[sitting.id]],
            "system_check": next((payloads.system_check(row) for row in checks[sitting.id]), None),
        }
        for sitting in sittings
    ]


def _present(
    session: Session, reached: scopes.Condition, sitting_ids: Sequence[int] | None, text: str = ""
) -> Sequence[Sitting]:
    query = (
        select(Sitting)
        .where(reached)
        .options(joinedload(Sitting.exam), joinedload(Sitting.candidate))
        .order_by(Sitting.created_at, Sitting.id)
        .limit(MAX_SITTINGS)
    )
    chosen = Sitting.state.in_(LIVE) if sitting_ids is None else Sitting.id.in_(sitting_ids)
    if text.strip():
        query = query.join(Sitting.exam).join(Sitting.candidate).where(_found(text.strip()))
    return session.scalars(query.where(chosen)).all()


def _found(text: str) -> Any:
    number = text.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < 19:
        return or_(Sitting.id == int(number), reviews.mentions(text))
    return reviews.mentions(text)


def _rows(session: Session, model: type[Row], ids: Sequence[int], *conditions: Any) -> Sequence[Row]:
    columns = model.__table__.c
    return session.scalars(select(model).where(columns.sitting_id.in_(ids), *conditions).order_by(columns.id)).all()


def _last(session: Session, model: type[Row], ids: Sequence[int], count: int) -> Sequence[Row]:
    """Return the newest ``count`` rows of each sitting, oldest first."""
    columns = model.__table__.c
    place = func.row_number().over(partition_by=columns.sitting_id, order_by=columns.id.desc()).label("place")
    numbered = select(model, place).where(columns.sitting_id.in_(ids)).subquery()
    newest = aliased(model, numbered)
    return session.scalars(select(newest).where(numbered.c.place <= count).order_by(numbered.c.id)).all()


def _grouped(rows: Iterable[Any]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.sitting_id].append(row)
    return groups


def _tracks(session: Session, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return ``live``, ``lost`` or ``none`` for camera and screen of each; ``stays`` for one that is never sent."""
    shown = (Track.CAMERA, Track.SCREEN)
    tracks: dict[int, dict[str, str]] = {number: {track.value: "none" for track in shown} for number in ids}
    for live in _rows(session, LiveMedia, ids, LiveMedia.track.in_(shown)):
        tracks[live.sitting_id][live.track.value] = "live"
    kept = select(Sitting.id).join(Exam).where(Sitting.id.in_(ids), Exam.biometrics == BiometricsMode.ON_DEVICE)
    for number in session.scalars(kept):
        tracks[number][Track.CAMERA.value] = "stays"
    for gap in _rows(session, Gap, ids, Gap.ended_at.is_(None), Gap.track.in_(shown)):
        tracks[gap.sitting_id][gap.track.value] = "lost"
    return tracks


def _people(
    session: Session,
    sittings: Sequence[Sitting],
    observations: dict[int, list[Observation]],
    messages: dict[int, list[ChatMessage]],
    sent: dict[int, list[Incident]],
) -> dict[int, str]:
    ids: list[int | None] = [sitting.proctor_id for sitting in sittings]
    ids += [row.decided_by_id for rows in observations.values() for row in rows]
    ids += [row.user_id for rows in messages.values() for row in rows]
    ids += [row.created_by_id for rows in sent.values() for row in rows]
    return names(session, ids)


def _unread(messages: Sequence[ChatMessage]) -> int:
    """Count what the candidate wrote since a proctor last answered."""
    count = 0
    for row in messages:
        count = (
            count + 1 if row.author is ChatAuthor.CANDIDATE else (0 if row.author is ChatAuthor.PROCTOR else count)
        )
    return count
