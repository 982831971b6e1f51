"""Legal holds: placed and released by named people; whoever destroys anything asks here first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, or_, select, text
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.errors import BadInput, NotFound, OnHold
from appliance.models import Candidate, Exam, LegalHold, Sitting
from appliance.services.free_text import storable
from appliance.services.payloads import ms
from appliance.vocabulary import HoldScope

GATE: Final = 0x6B75_7374_686F_6C64
"""Advisory lock ("kusthold"): shared by who destroys, alone for who places, so that no hold comes too late unseen."""

MAX_TEXT: Final = 1000

_MODELS: Final[dict[HoldScope, type[Sitting] | type[Candidate] | type[Exam]]] = {
    HoldScope.SITTING: Sitting,
    HoldScope.CANDIDATE: Candidate,
    HoldScope.EXAM: Exam,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a hold is placed on."""

    scope: HoldScope
    id: int


def place(
    session: Session, actor: Actor, company_id: int, subject: Subject, reason: str, owner: str, now: datetime
) -> LegalHold:
    """Place a hold; raise ``NotFound`` for what is not this company's, ``BadInput`` without reason or owner."""
    cleaned = storable(reason).strip(), storable(owner).strip()
    if not all(cleaned):
        raise BadInput("A hold needs a reason and an owner who answers for it.", field="reason")
    if max(len(one) for one in cleaned) > MAX_TEXT:
        raise BadInput(f"Reason and owner have at most {MAX_TEXT} characters.", field="reason")
    model: Any = _MODELS[subject.scope]
    row = session.get(model, subject.id)
    if row is None or row.company_id != company_id:
        raise NotFound(f"There is no {subject.scope.value} with the number {subject.id}.")
    session.execute(text("SELECT pg_advisory_xact_lock(:gate)"), {"gate": GATE})
    held = LegalHold(
        company_id=company_id,
        scope=subject.scope,
        **{f"{subject.scope.value}_id": subject.id},
        reason=cleaned[0],
        owner=cleaned[1],
        placed_by_id=int(actor.id) if actor.kind == "user" else None,
        placed_at=now,
        release_reason="",
    )
    session.add(held)
    session.flush()
    on = {"scope": subject.scope, "subject_id": subject.id}
    details: dict[str, Any] = {**on, "reason": cleaned[0], "owner": cleaned[1]}
    audit.record(session, actor, "hold.place", ("hold", held.id), company_id=company_id, **details)
    return held


def release(session: Session, actor: Actor, row: LegalHold, reason: str, now: datetime) -> LegalHold:
    """Release a hold; deletions it stopped are announced anew. A second time changes nothing."""
    said = storable(reason).strip()[:MAX_TEXT]
    if not said:
        raise BadInput("Say why the hold is no longer needed.", field="reason")
    session.refresh(row, with_for_update=True)
    if row.released_at is None:
        row.released_at, row.release_reason = now, said
        row.released_by_id = int(actor.id) if actor.kind == "user" else None
        audit.record(session, actor, "hold.release", ("hold", row.id), company_id=row.company_id, reason=said)
    return row


def get(session: Session, hold_id: int, company_id: int | None = None) -> LegalHold:
    """Return the hold, of this company if one is given; raise ``NotFound``."""
    row = session.get(LegalHold, hold_id)
    if row is None or company_id not in (None, row.company_id):
        raise NotFound("There is no such hold.", hold_id=hold_id)
    return row


def listing(session: Session, company_id: int, limit: int = 200) -> Sequence[LegalHold]:
    """Return the company's holds: those in force first, each newest first."""
    query = select(LegalHold).where(LegalHold.company_id == company_id)
    return session.scalars(query.order_by(LegalHold.released_at.isnot(None), LegalHold.id.desc()).limit(limit)).all()


def enter(session: Session) -> None:
    """Say that this transaction is going to destroy: no hold is placed before it ends."""
    session.execute(text("SELECT pg_advisory_xact_lock_shared(:gate)"), {"gate": GATE})


def demand_none(session: Session, sitting_id: int | None = None, candidate_id: int | None = None) -> None:
    """Raise ``OnHold`` when a hold is on the sitting, or on the candidate, any sitting or exam of theirs."""
    enter(session)
    if sitting_id is not None:
        held = select(Sitting.id).where(Sitting.id == sitting_id, on_sitting())
    else:
        held = select(Candidate.id).where(Candidate.id == candidate_id, on_candidate())
    if session.scalar(held) is not None:
        raise OnHold(sitting_id=sitting_id, candidate_id=candidate_id)


def on_sitting() -> ColumnElement[bool]:
    """Return the condition that a hold is in force on ``Sitting``, its candidate or its exam."""
    subject = or_(
        LegalHold.sitting_id == Sitting.id,
        LegalHold.candidate_id == Sitting.candidate_id,
        LegalHold.exam_id == Sitting.exam_id,
    )
    return exists().where(LegalHold.released_at.is_(None), subject).correlate(Sitting)


def on_candidate() -> ColumnElement[bool]:
    """Return the condition that a hold is in force on ``Candidate`` or on anything they sat."""
    own = LegalHold.candidate_id == Candidate.id
    sat = exists().where(Sitting.candidate_id == Candidate.id, on_sitting()).correlate(Candidate)
    return or_(exists().where(LegalHold.released_at.is_(None), own).correlate(Candidate), sat)


def payload(row: LegalHold, names: dict[int, str]) -> dict[str, Any]:
    """Return a hold for pages."""
    return {
        "id": row.id,
        "scope": row.scope.value,
        "subject_id": row.subject_id,
        "reason": row.reason,
        "owner": row.owner,
        "placed_by": names.get(row.placed_by_id or 0, ""),
        "placed_ms": ms(row.placed_at),
        "released_ms": ms(row.released_at),
        "released_by": names.get(row.released_by_id or 0, ""),
        "release_reason": row.release_reason,
    }
