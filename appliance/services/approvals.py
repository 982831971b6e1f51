"""Four eyes: acts that a company lets nobody do alone. Asked for by one, agreed to by another, used up once."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor, Subject
from appliance.db import make_session_factory, to_ms, unit_of_work, utcnow
from appliance.errors import ApprovalWanted, BadInput, ImpossibleStep, NotAllowed, NotFound
from appliance.models import ApiClient, Approval, Company
from appliance.services.actors import names, user_id
from appliance.services.free_text import storable, storable_json
from appliance.services.payloads import ms
from appliance.vocabulary import ApprovalState, FourEyesAct

ASKED_FOR: Final = timedelta(days=3)
"""How long a request waits for a second person: over a weekend."""

AGREED_FOR: Final = timedelta(hours=24)
"""How long an agreement can be used."""

MAX_REASON: Final = 1000
MAX_LISTED: Final = 100

SELECTABLE: Final = frozenset(FourEyesAct) - {FourEyesAct.FOUR_EYES_OFF}
"""What a company chooses from; to choose less than before takes two by itself."""

_OPEN: Final = (ApprovalState.WAITING, ApprovalState.AGREED)


@dataclass(frozen=True, slots=True)
class _Wish:
    """One act that somebody wants to do, as it is compared and kept."""

    actor: Actor
    act: FourEyesAct
    subject: Subject
    company_id: int
    details: dict[str, Any]

    @property
    def digest(self) -> str:
        """Return SHA-256 over all of it: to change any part of it takes another agreement."""
        who = [self.actor.kind, self.actor.id]
        kind, number = self.subject
        said = audit.canonical([self.company_id, who, self.act.value, [kind, str(number)], self.details])
        return hashlib.sha256(said.encode()).hexdigest()


def demand(
    session: Session, actor: Actor, act: FourEyesAct, subject: Subject, company_id: int, **details: object
) -> None:
    """Return when ``actor`` may do this now; raise ``ApprovalWanted`` when a second person must agree first.

    The request is kept and audited in a transaction of its own, because the act's rolls back. An agreement counts for
    the same asker, act, subject and ``details`` (JSON values) only, and the act's own transaction uses it up.
    """
    company = session.get_one(Company, company_id)
    if act in SELECTABLE and act.value not in company.four_eyes:
        return
    wish = _Wish(actor, act, subject, company_id, storable_json(msgspec.to_builtins(details)))
    agreed = select(Approval).where(
        Approval.digest == wish.digest, Approval.state == ApprovalState.AGREED, Approval.expires_at > utcnow()
    )
    row = session.scalars(agreed.with_for_update()).first()
    if row is None:
        number = _ask(session, wish)
        raise ApprovalWanted(approval_id=number, act=act.value)
    row.state, row.used_at = ApprovalState.USED, utcnow()
    _record(session, actor, row, "use", agreed_by=row.decided_by_id)


def decide(session: Session, actor: Actor, approval_id: int, agreed: bool, reason: str) -> Approval:
    """Agree to a request, or refuse it, for a reason; raise ``NotAllowed`` for one's own.

    Raises ``NotFound`` for another company's, ``ImpossibleStep`` for one that no longer waits.
    """
    said = storable(reason).strip()
    if not said or len(said) > MAX_REASON:
        raise BadInput(f"Give a reason of at most {MAX_REASON} characters.", field="reason")
    row = session.get(Approval, approval_id, with_for_update=True, populate_existing=True)
    if row is None or row.company_id != actor.company_id:
        raise NotFound("There is no such request.", approval_id=approval_id)
    person, now = user_id(actor), utcnow()
    if person == _asker(session, row):
        raise NotAllowed("Another person must agree to it: this is your own request.")
    if row.state is not ApprovalState.WAITING or row.expires_at <= now:
        raise ImpossibleStep("This request no longer waits for an answer.", state=row.state.value)
    row.state = ApprovalState.AGREED if agreed else ApprovalState.REFUSED
    row.decided_by_id, row.decided_at, row.reason = person, now, said
    row.expires_at = now + AGREED_FOR
    _record(session, actor, row, "agree" if agreed else "refuse", reason=said)
    return row


def set_wanted(session: Session, actor: Actor, company_id: int, acts: frozenset[FourEyesAct]) -> None:
    """Say which acts take two people in this company; to take one off takes two by itself."""
    company = session.get_one(Company, company_id, with_for_update={"key_share": True}, populate_existing=True)
    if acts - SELECTABLE:
        raise BadInput("This cannot be chosen.", field="acts")
    before, after = list(company.four_eyes), sorted(act.value for act in acts)
    if set(before) - set(after):
        subject = ("company", company_id)
        demand(session, actor, FourEyesAct.FOUR_EYES_OFF, subject, company_id, before=before, after=after)
    company.four_eyes = after
    audit.record(
        session,
        actor,
        "company.set_four_eyes",
        ("company", company_id),
        company_id=company_id,
        before=before,
        after=after,
    )


def listing(session: Session, company_id: int, asker: Actor | None = None) -> list[dict[str, Any]]:
    """Return the company's requests (or those of one asker), those that wait first, then the newest."""
    query = select(Approval).where(Approval.company_id == company_id)
    if asker is not None:
        query = query.where(Approval.requested_by.contains({"kind": asker.kind, "id": asker.id}))
    waits = Approval.state == ApprovalState.WAITING
    rows = session.scalars(query.order_by(waits.desc(), Approval.id.desc()).limit(MAX_LISTED)).all()
    people = names(session, [row.decided_by_id for row in rows])
    now = utcnow()
    return [payload(row, people.get(row.decided_by_id or 0, ""), now) for row in rows]


def payload(row: Approval, decided_by: str, now: datetime) -> dict[str, Any]:
    """Return a request for the page; one whose time is over is ``expired`` whatever the row says."""
    over = row.state in _OPEN and row.expires_at <= now
    return {
        "id": row.id,
        "act": row.act.value,
        "subject": {"kind": row.subject_kind, "id": row.subject_id},
        "details": row.details,
        "state": ApprovalState.EXPIRED.value if over else row.state.value,
        "requested_by": row.requested_by,
        "requested_ms": to_ms(row.requested_at),
        "expires_ms": to_ms(row.expires_at),
        "decided_by": decided_by,
        "decided_ms": ms(row.decided_at),
        "reason": row.reason,
        "used_ms": ms(row.used_at),
    }


def _ask(session: Session, wish: _Wish) -> int:
    """Keep the request where the act's roll-back does not reach it, and return its number; asked again it is one."""
    factory, now = make_session_factory(session.get_bind().engine), utcnow()
    with unit_of_work(factory) as own:
        own.execute(text("SET LOCAL lock_timeout = '5s'"))  # the act's transaction waits here for this one
        same = Approval.digest == wish.digest, Approval.state.in_(_OPEN)
        late = update(Approval).where(*same, Approval.expires_at <= now).values(state=ApprovalState.EXPIRED)
        own.execute(late)
        kind, number = wish.subject
        values = {
            "company_id": wish.company_id,
            "act": wish.act,
            "subject_kind": kind,
            "subject_id": str(number),
            "details": wish.details,
            "digest": wish.digest,
            "requested_by": {"kind": wish.actor.kind, "id": wish.actor.id, "name": wish.actor.name},
            "requested_at": now,
            "expires_at": now + ASKED_FOR,
        }
        new = insert(Approval).values(values).on_conflict_do_nothing().returning(Approval)
        row = own.scalars(new).one_or_none()
        if row is None:
            return own.scalars(select(Approval.id).where(*same)).one()
        _record(own, wish.actor, row, "request")
        return row.id


def _asker(session: Session, row: Approval) -> int | None:
    """Return the person who asked, or who has the token of the program that did; None for the command line."""
    kind, number = row.requested_by["kind"], row.requested_by["id"]
    if kind == "user":
        return int(number)
    maker = select(ApiClient.created_by_id).where(ApiClient.id == int(number)) if kind == "api" else None
    return None if maker is None else session.scalar(maker)


def _record(session: Session, actor: Actor, row: Approval, verb: str, **details: object) -> None:
    said: dict[str, Any] = {
        "act": row.act,
        "thing": [row.subject_kind, row.subject_id],
        "wanted": row.details,
        **details,
    }
    audit.record(session, actor, f"approval.{verb}", ("approval", row.id), company_id=row.company_id, **said)
