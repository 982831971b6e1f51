"""The day's run: announce what comes near, delete what was announced, sign what was deleted.

In small transactions, each of which leaves things in order: a run that is killed anywhere is taken up by the next.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from appliance import audit, bus
from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import to_ms, unit_of_work
from appliance.models import Disposal
from appliance.retention import anonymise, certificate, due
from appliance.retention.due import OF_PEOPLE, Subject
from appliance.retention.removal import Removed, Remover, remove_files
from appliance.retention.schedule import Case, Decision, Step, decide
from appliance.services import holds
from appliance.vocabulary import DataClass

RETENTION: Final = Actor.appliance("retention")

BATCH: Final = 50
"""Of one transaction: the audit log's lock is held at its end, and everybody else's acts wait for it."""

MOST: Final = 20_000
"""Announcements of one run; more are for the next, so that a run ends."""

RUN_LOCK: Final = 0x6B75_7374_7275_6E73
"""Advisory lock ("kustruns"): one run at a time."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Outcome:
    """What a run did."""

    announced: int = 0
    moved: int = 0
    withdrawn: int = 0
    deleted: Counter[DataClass] = field(default_factory=Counter)
    certificates: list[int] = field(default_factory=list)


def run(
    own: Collaborators, now: datetime, actor: Actor = RETENTION, pause_point: Callable[[], None] = lambda: None
) -> Outcome:
    """Do what is due at ``now``. ``pause_point`` is called between transactions and may raise to stop.

    A second run at the same time does nothing. Raises ``OSError`` when a file cannot be removed: nothing is certified
    before it is.
    """
    outcome = Outcome()
    with own.session_factory() as gate:  # its transaction is the lock: it ends with the process, too
        if not gate.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": RUN_LOCK}):
            return outcome
        _take_up(own, outcome, now, actor, pause_point)
        for data_class in DataClass:
            _announce(own, data_class, now, outcome, pause_point)
        _settle(own, now, actor, outcome, pause_point)
        certificate.certify_disposals(own, now, outcome.certificates)
        gate.rollback()
    if outcome != Outcome():
        log.info("retention ran", announced=outcome.announced, deleted=outcome.deleted.total(), now=now.isoformat())
    return outcome


def _announce(
    own: Collaborators, data_class: DataClass, now: datetime, outcome: Outcome, pause: Callable[[], None]
) -> None:
    for _batch in range(MOST // BATCH):
        pause()
        with unit_of_work(own.session_factory) as session:
            coming = due.coming(session, data_class, now, BATCH)
            told: Counter[int] = Counter()
            for subject in coming:
                decision = decide(_case(subject, None), now)
                if decision.step is not Step.WARN:
                    continue
                session.add(_announcement(data_class, subject, decision, now))
                told[subject.company_id] += 1
            for company_id, count in told.items():
                _tell(session, company_id, data_class, count, now)
            outcome.announced += told.total()
        if len(coming) < BATCH:
            return


def _announcement(data_class: DataClass, subject: Subject, decision: Decision, now: datetime) -> Disposal:
    whose = {"candidate_id" if data_class in OF_PEOPLE else "sitting_id": subject.id}
    return Disposal(
        company_id=subject.company_id,
        data_class=data_class,
        **whose,
        ended_at=subject.ended_at,
        days=subject.days or 0,
        warned_at=now,
        delete_at=decision.delete_at,
        removed={},
        files=[],
    )


def _tell(session: Session, company_id: int, data_class: DataClass, count: int, now: datetime) -> None:
    """Tell the company's staff, and the log, that deletions were announced."""
    details: dict[str, Any] = {"data_class": data_class, "announced": count}
    audit.record(session, RETENTION, "retention.announce", ("company", company_id), company_id=company_id, **details)
    payload = {"data_class": data_class.value, "announced": count, "at_ms": to_ms(now)}
    bus.publish(session, bus.company_topic(company_id), "retention.announced", payload)


def _settle(own: Collaborators, now: datetime, actor: Actor, outcome: Outcome, pause: Callable[[], None]) -> None:
    """Go through all open announcements once, in the order of their numbers."""
    last = 0
    while True:
        pause()
        with unit_of_work(own.session_factory) as session:
            holds.enter(session)
            query = select(Disposal).where(Disposal.deleted_at.is_(None), Disposal.id > last)
            rows = session.scalars(query.order_by(Disposal.id).limit(BATCH).with_for_update(skip_locked=True)).all()
            if not rows:
                return
            last = rows[-1].id
            known = {each: due.subjects(session, each, _ids(rows, each)) for each in {row.data_class for row in rows}}
            for row in rows:
                subject = known[row.data_class].get(row.sitting_id or row.candidate_id or 0)
                _act(session, own, actor, row, subject, now, outcome)
        for row in rows:
            if row.files and row.deleted_at is not None:
                _remove(own, row.id)


def _ids(rows: Any, data_class: DataClass) -> list[int]:
    return [row.sitting_id or row.candidate_id for row in rows if row.data_class is data_class]


def _act(
    session: Session,
    own: Collaborators,
    actor: Actor,
    row: Disposal,
    subject: Subject | None,
    now: datetime,
    outcome: Outcome,
) -> None:
    decision = Decision(Step.WITHDRAW) if subject is None else decide(_case(subject, row.delete_at), now)
    if decision.step is Step.WITHDRAW:
        session.delete(row)
        outcome.withdrawn += 1
    elif decision.step is Step.MOVE and subject is not None:
        if decision.delete_at is not None and decision.delete_at < row.delete_at:
            row.warned_at = now
        row.delete_at, row.days, row.ended_at = decision.delete_at or now, subject.days or 0, subject.ended_at
        outcome.moved += 1
    elif decision.step is Step.DELETE:
        removed = _removed(session, own, actor, row)
        row.deleted_at, row.removed, row.files = now, removed.to_json(), removed.files
        outcome.deleted[row.data_class] += 1
        details: dict[str, Any] = {
            "data_class": row.data_class,
            "sitting_id": row.sitting_id,
            "candidate_id": row.candidate_id,
        }
        subject_ = ("disposal", row.id)
        audit.record(
            session, actor, "retention.delete", subject_, company_id=row.company_id, **details, **removed.to_json()
        )


def _removed(session: Session, own: Collaborators, actor: Actor, row: Disposal) -> Removed:
    remover = Remover(session, own, actor)
    if row.sitting_id is not None:
        return remover.sitting(row.data_class, row.sitting_id)
    candidate_id = row.candidate_id or 0
    if row.data_class is DataClass.TEMPLATE:
        return remover.template(candidate_id)
    return remover.person_exports(candidate_id).add(anonymise.person(session, candidate_id, row.delete_at))


def _remove(own: Collaborators, disposal_id: int) -> None:
    """Remove the files of a deletion that is committed, and forget their names."""
    with unit_of_work(own.session_factory) as session:
        row = session.get_one(Disposal, disposal_id, with_for_update=True)
        remove_files(own, row.files)
        row.files = []


def _take_up(own: Collaborators, outcome: Outcome, now: datetime, actor: Actor, pause: Callable[[], None]) -> None:
    """Finish what a run that was killed left behind: files whose rows are gone."""
    with own.session_factory() as session:
        left = Disposal.certificate_id.is_(None), Disposal.deleted_at.is_not(None), Disposal.files != []
        ids = session.scalars(select(Disposal.id).where(*left).order_by(Disposal.id)).all()
    for number in ids:
        pause()
        _remove(own, number)


def _case(subject: Subject, announced: datetime | None) -> Case:
    return Case(subject.due_at, due.warn_of(subject), subject.held, announced)
