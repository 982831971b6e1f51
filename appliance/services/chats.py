"""Words between a candidate and the proctors."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit, bus
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput, ImpossibleStep, NotAllowed, TooMany
from appliance.models import ChatMessage, Sitting
from appliance.services import payloads
from appliance.services.actors import names, user_id
from appliance.services.free_text import storable
from appliance.sitting_machine import LIVE
from appliance.vocabulary import ChatAuthor, ChatKind

MAX_TEXT: Final = 4000
MAX_REF: Final = 64
CANDIDATE_PER_MINUTE: Final = 30
"""Faster than a person types; more is a stuck key or a script."""

HISTORY: Final = 500


def send(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    author: ChatAuthor,
    text: str,
    kind: ChatKind = ChatKind.MESSAGE,
    client_ref: str = "",
) -> ChatMessage:
    """Keep a message and tell both sides; a repeat with the same ``client_ref`` is answered with the first one."""
    text, client_ref = storable(text).strip(), storable(client_ref)
    if not 0 < len(text) <= MAX_TEXT:
        raise BadInput(f"A message has 1 to {MAX_TEXT} characters.", field="text")
    if len(client_ref) > MAX_REF:
        raise BadInput(f"A message's ref has at most {MAX_REF} characters.", field="ref")
    _serialise(session, sitting)
    if client_ref:
        earlier = _by_ref(session, sitting.id, author, client_ref)
        if earlier is not None:
            return earlier
    if sitting.state not in LIVE:
        raise ImpossibleStep("The chat is closed: the sitting is not going on.", state=sitting.state)
    if author is ChatAuthor.CANDIDATE:
        _check_candidate(session, sitting, kind)
    row = ChatMessage(sitting_id=sitting.id, author=author, kind=kind, text=text, client_ref=client_ref)
    row.user_id = user_id(actor) if author is ChatAuthor.PROCTOR else None
    session.add(row)
    session.flush()
    details: dict[str, Any] = {"author": author, "kind": kind, "message_id": row.id, "characters": len(text)}
    audit.record(session, actor, "chat.send", ("sitting", sitting.id), company_id=sitting.company_id, **details)
    bus.publish_sitting(session, sitting, "chat.message", {"message": to_payload(session, sitting, row)})
    return row


def history(session: Session, sitting_id: int) -> list[ChatMessage]:
    """Return the sitting's last messages, oldest first."""
    query = select(ChatMessage).where(ChatMessage.sitting_id == sitting_id)
    return list(session.scalars(query.order_by(ChatMessage.id.desc()).limit(HISTORY)))[::-1]


def to_payload(session: Session, sitting: Sitting, row: ChatMessage) -> dict[str, object]:
    """Return one message as the bus tells it."""
    return payloads.message(row, sitting.candidate.name, names(session, [row.user_id]))


def to_payloads(session: Session, sitting: Sitting, rows: list[ChatMessage]) -> list[dict[str, object]]:
    """Return messages as REST gives them, with one query for the names."""
    people = names(session, [row.user_id for row in rows])
    return [payloads.message(row, sitting.candidate.name, people) for row in rows]


def _serialise(session: Session, sitting: Sitting) -> None:
    """Let one message of a sitting be stored after the other, so that a repeat sees the first."""
    session.flush()
    session.refresh(sitting, with_for_update={"key_share": True})


def _by_ref(session: Session, sitting_id: int, author: ChatAuthor, client_ref: str) -> ChatMessage | None:
    same = (ChatMessage.sitting_id == sitting_id, ChatMessage.author == author, ChatMessage.client_ref == client_ref)
    return session.scalars(select(ChatMessage).where(*same).limit(1)).first()


def _check_candidate(session: Session, sitting: Sitting, kind: ChatKind) -> None:
    if kind is not ChatKind.MESSAGE:
        raise NotAllowed("Only a proctor can block the exam with a message.")
    recent = select(func.count()).where(
        ChatMessage.sitting_id == sitting.id,
        ChatMessage.author == ChatAuthor.CANDIDATE,
        ChatMessage.sent_at > utcnow() - timedelta(minutes=1),
    )
    if (session.scalar(recent) or 0) >= CANDIDATE_PER_MINUTE:
        raise TooMany("Too many messages; wait a minute.", limit=CANDIDATE_PER_MINUTE)
