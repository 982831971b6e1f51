"""Checks that support asks for: asked on the page, taken by a gateway, filled step by step, kept for the ticket."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from appliance import audit, bus
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput, NotFound, TooMany
from appliance.models import PipelineCheck, Sitting, VaultObject
from appliance.services import purposes
from appliance.sitting_machine import LIVE
from appliance.vault import Vault

TOPIC: Final = "checks"
"""Of the bus; only gateways listen."""
REQUESTED: Final = "check.requested"

UNANSWERED: Final = timedelta(seconds=3)
"""A gateway that lives takes a check within some 100 ms; after this the page says that none answers."""
STALE: Final = timedelta(seconds=30)
"""What nobody took for so long is not begun any more: who asked has read that no gateway answers."""
LONGEST: Final = timedelta(minutes=3)
"""A check that runs for longer died with its process."""
AT_ONCE: Final = 4
"""Checks of a company under way: each walks through the nodes."""
HISTORY: Final = 20
EXPIRED_AT_ONCE: Final = 500
"""More are left to the next hour: each has a key to destroy."""


def request(session: Session, actor: Actor, sitting: Sitting | None) -> PipelineCheck:
    """Ask for a check of a sitting, or of the appliance; a gateway takes it after the commit.

    Raises ``BadInput`` for a sitting that is over, ``TooMany`` when enough checks are under way.
    """
    company_id = actor.company_id or 0
    if sitting is not None and sitting.state not in LIVE:
        raise BadInput("This sitting is over: there is nothing live to check.", state=sitting.state.value)
    now = utcnow()
    running = select(PipelineCheck.id).where(
        PipelineCheck.company_id == company_id,
        PipelineCheck.ended_at.is_(None),
        PipelineCheck.claimed_at > now - LONGEST,
    )
    if len(session.scalars(running).all()) >= AT_ONCE:
        raise TooMany("Enough checks are running; wait until one of them is done.")
    sitting_id = None if sitting is None else sitting.id
    row = PipelineCheck(company_id=company_id, sitting_id=sitting_id, requested_by_id=int(actor.id), requested_at=now)
    session.add(row)
    session.flush()
    subject = ("sitting", sitting_id) if sitting_id is not None else ("appliance", 0)
    audit.record(session, actor, "support.check", subject, company_id=company_id, check=row.id)
    bus.publish(session, TOPIC, REQUESTED, {"check_id": row.id})
    return row


def claim(session: Session, check_id: int) -> bool:
    """Take a check for this process; False when another has it, or when it waited for too long."""
    waiting = (PipelineCheck.id == check_id, PipelineCheck.claimed_at.is_(None))
    query = update(PipelineCheck).where(*waiting, PipelineCheck.requested_at > utcnow() - STALE)
    return bool(session.scalars(query.values(claimed_at=utcnow()).returning(PipelineCheck.id)).all())


def begin(session: Session, check_id: int, version: str) -> int | None:
    """Write which version looks; return the sitting's id, None for a check of the appliance."""
    row = session.get_one(PipelineCheck, check_id)
    row.version = version
    return row.sitting_id


def add_steps(session: Session, check_id: int, steps: Sequence[dict[str, Any]]) -> None:
    """Write down steps that are done."""
    row = session.get_one(PipelineCheck, check_id, with_for_update=True)
    row.steps = [*row.steps, *steps]


def end(session: Session, check_id: int, bundle_object_id: int | None = None, failure: str = "") -> None:
    """Write that the check is done, or why it broke off; one that ended already stays as it is."""
    row = session.get_one(PipelineCheck, check_id, with_for_update=True)
    if row.ended_at is None:
        row.ended_at, row.bundle_object_id, row.failure = utcnow(), bundle_object_id, failure


def purpose(row: PipelineCheck) -> str:
    """Return the key that a check's bundle is sealed under: that of its sitting's checks, or its own."""
    return f"check:{row.id}" if row.sitting_id is None else purposes.checks(row.sitting_id)


def expire(session: Session, actor: Actor, vault: Vault, days: int) -> list[int]:
    """Destroy checks of the appliance older than ``days`` with their bundles; return their numbers.

    Those of a sitting are kept with its other evidence, and end with it.
    """
    query = select(PipelineCheck).where(
        PipelineCheck.sitting_id.is_(None), PipelineCheck.requested_at < utcnow() - timedelta(days=days)
    )
    rows = session.scalars(query.order_by(PipelineCheck.id).limit(EXPIRED_AT_ONCE).with_for_update(skip_locked=True))
    gone, bundles = [], []
    for row in rows.all():
        vault.destroy(session, purpose(row))
        audit.record(session, actor, "check.expire", ("check", row.id), company_id=row.company_id, days=days)
        gone.append(row.id)
        bundles.append(row.bundle_object_id)
        session.delete(row)
    session.flush()
    session.execute(delete(VaultObject).where(VaultObject.id.in_([one for one in bundles if one is not None])))
    return gone


def get(session: Session, check_id: int, company_id: int) -> PipelineCheck:
    """Return a check of the company; raise ``NotFound``."""
    row = session.get(PipelineCheck, check_id)
    if row is None or row.company_id != company_id:
        raise NotFound("There is no such check.")
    return row


def history(session: Session, company_id: int, sitting_id: int | None) -> Sequence[PipelineCheck]:
    """Return the last checks of a sitting, or of the appliance, newest first."""
    query = select(PipelineCheck).where(PipelineCheck.company_id == company_id)
    mine = PipelineCheck.sitting_id.is_(None) if sitting_id is None else PipelineCheck.sitting_id == sitting_id
    return session.scalars(query.where(mine).order_by(PipelineCheck.id.desc()).limit(HISTORY)).all()


def unanswered(row: PipelineCheck) -> bool:
    """Whether no gateway took it in time."""
    return row.claimed_at is None and utcnow() - row.requested_at > UNANSWERED


def state(row: PipelineCheck) -> str:
    """Return ``waiting``, ``running``, ``done`` or ``broken`` (its process died or could not go on)."""
    if row.ended_at is not None:
        return "broken" if row.failure else "done"
    if row.claimed_at is None:
        return "done" if unanswered(row) else "waiting"
    return "broken" if utcnow() - row.claimed_at > LONGEST else "running"


def record_download(session: Session, actor: Actor, row: PipelineCheck) -> None:
    """Write to the audit log that somebody took the bundle away."""
    audit.record(
        session, actor, "support.bundle", ("check", row.id), company_id=row.company_id, sitting=row.sitting_id
    )
