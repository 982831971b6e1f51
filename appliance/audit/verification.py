"""A proof of the whole log that the appliance makes by itself: begun by a page, kept for it."""

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from appliance.audit.statements import Signer
from appliance.audit.verify import Witnesses, verify_all
from appliance.db import SessionFactory, to_ms, unit_of_work, utcnow
from appliance.errors import AuditBroken
from appliance.models import AuditHead, AuditVerification

AT_ONCE: Final = 50_000
"""Entries that a page may wait for; more are walked by a job."""


def is_short(session: Session) -> bool:
    """Say whether the log can be walked while somebody waits."""
    return (session.scalar(select(AuditHead.entries)) or 0) <= AT_ONCE


def run(factory: SessionFactory, signer: Signer) -> dict[str, Any]:
    """Walk the log and keep the outcome: {whole, entries, head_hash, covered, …} or {whole, problem, entry}."""
    with unit_of_work(factory) as session:
        begin(session)
    try:
        with unit_of_work(factory) as session:
            outcome = walked(session, signer)
    except AuditBroken as error:
        outcome = {"whole": False, "problem": error.message, "entry": error.details.get("entry")}
    with unit_of_work(factory) as session:
        keep(session, outcome)
    return outcome


def keep(session: Session, outcome: dict[str, Any]) -> None:
    """Keep the outcome of the walk that was begun."""
    row = session.get_one(AuditVerification, 1, populate_existing=True)
    row.ended_at, row.outcome = utcnow(), outcome


def walked(session: Session, signer: Signer) -> dict[str, Any]:
    """Return the outcome of a log that verifies; raise ``AuditBroken``."""
    verdict = verify_all(session, Witnesses(signer.public_key, signer.folder, signer.vault))
    return {
        "whole": True,
        "entries": verdict.entries,
        "head_hash": verdict.head_hash,
        "segments": verdict.segments,
        "erased": verdict.erased,
        "checkpoints": verdict.checkpoints,
        "covered": verdict.covered,
        "covered_at": verdict.covered_at,
        "notes": verdict.notes,
    }


def begin(session: Session) -> None:
    """Note that a walk has begun."""
    row = upsert(AuditVerification).values(id=1, begun_at=utcnow(), ended_at=None, outcome={})
    session.execute(
        row.on_conflict_do_update(index_elements=["id"], set_={"begun_at": utcnow(), "ended_at": None, "outcome": {}})
    )


def newest(session: Session) -> dict[str, Any] | None:
    """Return the newest walk for the page; None where there was none."""
    row = session.get(AuditVerification, 1)
    if row is None:
        return None
    ended = None if row.ended_at is None else to_ms(row.ended_at)
    return {"begun_ms": to_ms(row.begun_at), "ended_ms": ended, **row.outcome}
