"""Taking the person out of what stays: a sitting's skeleton, its outcome, its findings' figures."""

import re
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CursorResult, Text, and_, cast, delete, or_, select, update
from sqlalchemy.orm import Session

from appliance import bus
from appliance.models import (
    Candidate,
    Consent,
    Conversation,
    IdentityCheck,
    Incident,
    LiveEvent,
    Observation,
    Seat,
    SimilarFace,
    Sitting,
)
from appliance.retention.removal import Removed

BLANKED: Final[dict[str, frozenset[str]]] = {
    "candidate": frozenset({"external_id", "first_name", "last_name", "email"}),
    "sitting": frozenset(
        {
            "external_id",
            "session_url",
            "token_hash",
            "csrf_token",
            "answers",
            "finish_comment",
            "conclusion_comment",
            "clock_offset_ms",
        }
    ),
    "consent": frozenset({"address", "user_agent"}),
    "conversation": frozenset({"title"}),
    "observation": frozenset({"details"}),
    "incident": frozenset({"comment"}),
    "identity_check": frozenset({"details", "photo_id"}),
    "gap": frozenset({"detail"}),
}
"""Columns that could say whose a row is, in tables whose rows stay."""

FIGURE: Final = re.compile(r"[0-9a-f]{64}|[a-z][a-z0-9_]{0,40}")
"""A model's hash or a word of ours; whatever else is text in a finding's details may have come from a person."""

SHORTEST: Final = 3
"""A shorter name says nobody by itself, and would be found in every text."""


def person(session: Session, candidate_id: int, now: datetime) -> Removed:
    """Make everything that stays of a person nobody's; again changes nothing."""
    row = session.get_one(Candidate, candidate_id, with_for_update=True)
    removed = Removed()
    sitting_ids = session.scalars(select(Sitting.id).where(Sitting.candidate_id == candidate_id)).all()
    removed.rows["live_event"] += _forget_events(session, row, list(sitting_ids))
    for sitting_id in sitting_ids:
        _sitting(session, sitting_id, removed)
    removed.rows["similar_face"] += _done(
        session, delete(SimilarFace).where(SimilarFace.candidate_id == candidate_id)
    )
    if row.erased_at is None:
        row.external_id, row.first_name, row.last_name, row.email = f"erased-{row.id}", "", "", ""
        row.erased_at = now
        removed.rows["candidate"] += 1
    session.flush()
    return removed


def identifying(row: Candidate) -> list[str]:
    """Return what names the person, for looking whether it stands anywhere."""
    words = {row.external_id, row.email, row.first_name, row.last_name, row.name}
    return sorted(word for word in words if len(word) >= SHORTEST)


def _sitting(session: Session, sitting_id: int, removed: Removed) -> None:
    row = session.get_one(Sitting, sitting_id, with_for_update={"key_share": True}, populate_existing=True)
    row.external_id, row.session_url, row.token_hash, row.csrf_token = f"erased-{row.id}", "", "", ""
    row.answers, row.finish_comment, row.conclusion_comment, row.clock_offset_ms = {}, "", "", 0
    removed.rows["sitting"] += 1
    own = and_(Consent.sitting_id == sitting_id, or_(Consent.address != "", Consent.user_agent != ""))
    removed.rows["consent"] += _done(session, update(Consent).where(own).values(address="", user_agent=""))
    said = (Incident.sitting_id == sitting_id, Incident.comment != "")
    removed.rows["incident"] += _done(session, update(Incident).where(*said).values(comment=""))
    models: tuple[Any, ...] = (Observation, IdentityCheck)
    for model in models:
        for found in session.scalars(select(model).where(model.sitting_id == sitting_id)):
            found.details = figures(found.details)
            removed.rows[model.__tablename__] += 1
    called = select(Seat.conversation_id).where(Seat.sitting_id == sitting_id)
    removed.rows["conversation"] += _done(
        session, update(Conversation).where(Conversation.id.in_(called)).values(title="")
    )
    removed.rows["seat"] += _done(session, delete(Seat).where(Seat.sitting_id == sitting_id))


def figures(value: Any) -> Any:
    """Return a finding's details with figures, hashes and words of ours alone: thresholds, scores, spans, models."""
    if isinstance(value, dict):
        return {key: figures(item) for key, item in value.items() if FIGURE.fullmatch(str(key))}
    if isinstance(value, list):
        return [figures(item) for item in value]
    if isinstance(value, str):
        return value if FIGURE.fullmatch(value) else ""
    return value


def _forget_events(session: Session, row: Candidate, sitting_ids: list[int]) -> int:
    """Take the person out of the live bus's memory: all of their sittings' events, and others that name them."""
    numbers = [str(number) for number in sitting_ids]
    topics = [bus.sitting_topic(number) for number in sitting_ids]
    where = [LiveEvent.topic.in_(topics), LiveEvent.payload["sitting_id"].astext.in_(numbers)]
    if row.erased_at is None:
        text = cast(LiveEvent.payload, Text)
        where += [text.icontains(word, autoescape=True) for word in identifying(row)]
    return _done(session, delete(LiveEvent).where(or_(*where)))


def _done(session: Session, statement: Any) -> int:
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)  # noqa: S101 - of a statement that changes
    return result.rowcount
