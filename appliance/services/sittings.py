"""The sitting's way through its states: only this module changes ``Sitting.state``, and each step locks the row."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from appliance import audit, bus, jobs
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import BadInput, ImpossibleStep, NotFound
from appliance.models import Observation, Sitting
from appliance.services import approvals, incidents, payloads, reviews
from appliance.services.actors import user_id
from appliance.services.free_text import storable
from appliance.sitting_machine import LIVE, RETURN_STEP, next_state
from appliance.vocabulary import CheckInStep, Conclusion, ExamMode, FinishedBy, FourEyesAct
from appliance.vocabulary import SittingState as S

MAX_COMMENT = 4000
MAX_COMPENSATION_MS = 4 * 60 * 60 * 1000
"""More than any fault of the appliance costs; larger numbers are a mistake."""

TOUCH_EVERY = timedelta(seconds=5)
"""A ping more often than this writes nothing."""


def get(session: Session, sitting_id: int, company_id: int | None = None) -> Sitting:
    """Return the sitting, of this company if one is given; raise ``NotFound``."""
    sitting = session.get(Sitting, sitting_id)
    if sitting is None or (company_id is not None and sitting.company_id != company_id):
        raise NotFound("There is no such sitting.", sitting_id=sitting_id)
    return sitting


def lock(session: Session, sitting: Sitting) -> None:
    """Lock the row until the transaction ends and read it anew, so that of two acts the second sees the first.

    ``FOR NO KEY UPDATE``: rows that only refer to the sitting are still written meanwhile.
    """
    session.flush()
    session.refresh(sitting, with_for_update={"key_share": True})


def claim(session: Session, actor: Actor, sitting: Sitting) -> None:
    """Make the acting member of staff the sitting's proctor; a later claim takes over."""
    lock(session, sitting)
    if sitting.state not in LIVE:
        raise ImpossibleStep(f"A sitting that is {sitting.state} has no proctor to change.", state=sitting.state)
    previous, sitting.proctor_id = sitting.proctor_id, user_id(actor)
    _record(session, actor, sitting, "claim", previous_proctor=previous)
    publish_changed(session, sitting, "claim")


def open_check_in(session: Session, actor: Actor, sitting: Sitting) -> None:
    """Let the candidate begin the check-in."""
    _take(session, actor, sitting, "open_check_in")
    publish_changed(session, sitting, "open_check_in")


def wait(session: Session, actor: Actor, sitting: Sitting) -> None:
    """Take a complete check-in to the waiting room; ``check_ins.enter_waiting_room`` sees that it is complete."""
    _take(session, actor, sitting, "wait")
    sitting.step = CheckInStep.WAITING_ROOM
    sitting.waiting_at = utcnow()
    publish_changed(session, sitting, "wait")


def start(session: Session, actor: Actor, sitting: Sitting) -> None:
    """Start the exam's clock; the proctor who starts becomes the sitting's proctor if it has none."""
    _take(session, actor, sitting, "start")
    sitting.started_at = utcnow()
    sitting.deadline_at = _deadline(sitting)
    if actor.kind == "user" and sitting.proctor_id is None:
        sitting.proctor_id = user_id(actor)
    publish_changed(session, sitting, "start")


def pause(session: Session, actor: Actor, sitting: Sitting, reason: str = "") -> None:
    """Stop the clock."""
    _take(session, actor, sitting, "pause", reason=reason)
    sitting.paused_at = utcnow()
    sitting.deadline_at = None
    publish_changed(session, sitting, reason or "pause")


def resume(session: Session, actor: Actor, sitting: Sitting) -> None:
    """Let the clock go on; the pause is given back."""
    _take(session, actor, sitting, "resume")
    _leave_pause(session, sitting, utcnow())
    sitting.deadline_at = _deadline(sitting)
    publish_changed(session, sitting, "resume")


def interrupt(session: Session, actor: Actor, sitting: Sitting, reason: str = "connection_lost") -> None:
    """Note that the candidate is away. The clock goes on: time lost by the appliance is given by ``compensate``."""
    before = _take(session, actor, sitting, "interrupt", reason=reason)
    sitting.resume_state = before
    sitting.interrupted_at = utcnow()
    publish_changed(session, sitting, reason)


def return_(session: Session, actor: Actor, sitting: Sitting) -> None:
    """Take an interrupted sitting back to where it was."""
    _take(session, actor, sitting, RETURN_STEP)
    sitting.resume_state = None
    sitting.interrupted_at = None
    sitting.last_seen_at = utcnow()
    publish_changed(session, sitting, RETURN_STEP)


def compensate(session: Session, actor: Actor, sitting: Sitting, milliseconds: int, cause: str) -> None:
    """Give the candidate time back, for a fault that was not theirs."""
    lock(session, sitting)
    if not 0 < milliseconds <= MAX_COMPENSATION_MS:
        raise BadInput(f"The time to give back must be 1 to {MAX_COMPENSATION_MS} ms.", milliseconds=milliseconds)
    if sitting.started_at is None or sitting.state not in LIVE:
        raise ImpossibleStep(f"A sitting that is {sitting.state} cannot be given time.", state=sitting.state)
    sitting.extra_ms += milliseconds
    if sitting.paused_at is None:
        sitting.deadline_at = _deadline(sitting)
    _record(session, actor, sitting, "compensate", milliseconds=milliseconds, cause=cause)
    publish_changed(session, sitting, cause)


def finish(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    by: FinishedBy,
    comment: str = "",
    conclusion: Conclusion | None = None,
    at: datetime | None = None,
) -> None:
    """End the exam and have its parts sealed; of two who finish at once the second gets ``ImpossibleStep``.

    A member of staff may say the ``conclusion`` at once: it is taken over when the sitting comes up for review.
    """
    by_person = user_id(actor) if conclusion is not None else None
    comment = _comment(comment)
    _take(session, actor, sitting, "finish", by=by, comment=comment, conclusion=conclusion)
    moment = at or utcnow()
    _leave_pause(session, sitting, moment)
    sitting.resume_state = None
    sitting.finished_at, sitting.finished_by, sitting.finish_comment = moment, by, comment
    if conclusion is not None:
        _note_conclusion(sitting, conclusion, comment, by_person)
    incidents.close_open(session, sitting.id, None, to_ms(moment))
    jobs.defer(session, "media.seal", sitting_id=sitting.id)
    publish_changed(session, sitting, f"finish_by_{by}")


def complete_identification(session: Session, actor: Actor, sitting: Sitting) -> None:
    """End a sitting that is only a check-in, and offer it for review: it has no recording to seal."""
    if sitting.exam.mode is not ExamMode.IDENTIFICATION:
        raise ImpossibleStep("Only a sitting for identification ends with the check-in.", mode=sitting.exam.mode)
    _take(session, actor, sitting, "complete_identification")
    sitting.finished_at, sitting.finished_by = utcnow(), FinishedBy.CANDIDATE
    incidents.close_open(session, sitting.id, None, to_ms(sitting.finished_at))
    publish_changed(session, sitting, "complete_identification")
    offer_for_review(session, Actor.appliance("identification"), sitting)


def process(session: Session, actor: Actor, sitting: Sitting) -> None:
    """Note that sealing has begun."""
    _take(session, actor, sitting, "process")
    publish_changed(session, sitting, "process")


def offer_for_review(session: Session, actor: Actor, sitting: Sitting) -> None:
    """After sealing: compute the score and offer it. What a person concluded at the finish is taken over."""
    lock(session, sitting)
    if sitting.state is S.FINISHED:
        _take(session, actor, sitting, "process")
    _take(session, actor, sitting, "offer_for_review")
    if sitting.started_at is not None:
        reviews.rescore(session, actor, sitting)
    if sitting.concluded_by_id is not None:
        _take(session, actor, sitting, "conclude", conclusion=sitting.conclusion, said_at_finish=True)
    publish_changed(session, sitting, "offer_for_review")


def conclude(session: Session, actor: Actor, sitting: Sitting, conclusion: Conclusion, comment: str = "") -> None:
    """Give or change the conclusion; always in the name of a person.

    Raises ``ApprovalWanted`` for a change where the company wants a second person for it.
    """
    comment = _comment(comment)
    person = user_id(actor)
    lock(session, sitting)
    previous = sitting.conclusion
    if previous is not None and conclusion is not previous:
        subject, change = ("sitting", sitting.id), {"before": previous, "after": conclusion}
        approvals.demand(session, actor, FourEyesAct.CONCLUSION_CHANGE, subject, sitting.company_id, **change)
    _take(session, actor, sitting, "conclude", conclusion=conclusion, previous=previous, comment=comment)
    _note_conclusion(sitting, conclusion, comment, person)
    publish_changed(session, sitting, "conclude")


def refuse_identity(session: Session, actor: Actor, sitting: Sitting, reason: str = "") -> None:
    """Drop the sitting before its start: this is not the person, or cannot be told."""
    reason = _comment(reason)
    person = user_id(actor)
    _take(session, actor, sitting, "refuse_identity", reason=reason)
    _end(sitting, FinishedBy.PROCTOR, reason)
    sitting.proctor_id = sitting.proctor_id or person
    publish_changed(session, sitting, "refuse_identity")


def cancel(session: Session, actor: Actor, sitting: Sitting, reason: str = "") -> None:
    """Take back a sitting that has not begun."""
    reason = _comment(reason)
    _take(session, actor, sitting, "cancel", reason=reason)
    sitting.finish_comment = reason
    publish_changed(session, sitting, "cancel")


def decline(session: Session, actor: Actor, sitting: Sitting) -> None:
    """End the sitting because consent was refused: a valid outcome, without penalty."""
    _take(session, actor, sitting, "decline")
    _end(sitting, FinishedBy.CANDIDATE, "")
    publish_changed(session, sitting, "decline")


def touch(session: Session, sitting: Sitting, clock_offset_ms: int | None = None) -> None:
    """Note that the candidate is present, and how far the browser's clock is off."""
    now = utcnow()
    if sitting.last_seen_at is None or now - sitting.last_seen_at >= TOUCH_EVERY:
        sitting.last_seen_at = now
        if clock_offset_ms is not None:
            sitting.clock_offset_ms = clock_offset_ms


def end_overdue(
    session: Session, actor: Actor, now: datetime, interrupted_minutes: int = 30, besides: Collection[int] = ()
) -> list[int]:
    """End what the clock ends, and return the ids: exams past their deadline, candidates away for too long,
    check-ins nobody goes on with, links nobody used; ``besides`` those that are another's to end.

    Rows that another transaction holds are left for the next time.
    """
    away_since = now - timedelta(minutes=interrupted_minutes)
    overdue = _overdue(now, away_since).where(Sitting.id.not_in(besides))
    rows = session.scalars(overdue.with_for_update(skip_locked=True, key_share=True))
    ended = []
    for sitting in rows.all():
        _end_one(session, actor, sitting, now)
        ended.append(sitting.id)
    return ended


def publish_changed(session: Session, sitting: Sitting, reason: str) -> None:
    """Tell all who watch where the sitting stands now."""
    session.flush()
    bus.publish_sitting(session, sitting, "sitting.changed", payloads.sitting_changed(sitting, reason))


def _overdue(now: datetime, away_since: datetime) -> Select[Sitting]:
    """Select what the clock ends. Who waits is not ended by the closing of the window: the delay is the proctor's."""
    last_seen = func.coalesce(Sitting.last_seen_at, Sitting.created_at)
    overdue = or_(
        and_(Sitting.state.in_([S.RUNNING, S.INTERRUPTED]), Sitting.deadline_at <= now),
        and_(Sitting.state == S.INTERRUPTED, Sitting.interrupted_at <= away_since),
        and_(Sitting.state.in_([S.CHECK_IN, S.WAITING]), last_seen <= away_since),
        and_(Sitting.state.in_([S.CREATED, S.SCHEDULED, S.CHECK_IN]), Sitting.closes_at <= now),
    )
    return select(Sitting).where(overdue).order_by(Sitting.id).limit(500)


def _end_one(session: Session, actor: Actor, sitting: Sitting, now: datetime) -> None:
    if sitting.started_at is not None:
        overrun = sitting.deadline_at is not None and sitting.deadline_at <= now
        comment = "" if overrun else "The candidate was away for too long."
        finish(session, actor, sitting, FinishedBy.CLOCK, comment, at=sitting.deadline_at if overrun else now)
        return
    step = "expire" if sitting.state in {S.CREATED, S.SCHEDULED} else "time_out"
    _take(session, actor, sitting, step)
    _end(sitting, FinishedBy.CLOCK, "")
    publish_changed(session, sitting, step)


def _take(session: Session, actor: Actor, sitting: Sitting, step: str, **details: Any) -> S:
    """Take one step under the row's lock, write it to the audit log, and return the state before."""
    lock(session, sitting)
    before = sitting.state
    sitting.state = next_state(before, step, sitting.resume_state)
    given = {key: value for key, value in details.items() if value not in (None, "")}
    _record(session, actor, sitting, step, before=before, after=sitting.state, **given)
    return before


def _record(session: Session, actor: Actor, sitting: Sitting, verb: str, **details: Any) -> None:
    subject = ("sitting", sitting.id)
    audit.record(session, actor, f"sitting.{verb}", subject, company_id=sitting.company_id, **details)


def _deadline(sitting: Sitting) -> datetime | None:
    if sitting.started_at is None:
        return None
    return sitting.started_at + timedelta(minutes=sitting.duration_minutes, milliseconds=sitting.extra_ms)


def _leave_pause(session: Session, sitting: Sitting, now: datetime) -> None:
    """Give the pause back, and cut it out of what was seen meanwhile: nobody is scored for a break."""
    if sitting.paused_at is None:
        return
    began, sitting.paused_at = sitting.paused_at, None
    pause = [to_ms(began), to_ms(now)]
    sitting.extra_ms += max(0, pause[1] - pause[0])  # what is given back and what is not scored are the same span
    seen = select(Observation).where(
        Observation.sitting_id == sitting.id,
        Observation.started_at < now,
        or_(Observation.ended_at.is_(None), Observation.ended_at > began),
    )
    for row in session.scalars(seen):
        row.details = {**row.details, "pauses": [*row.details.get("pauses", []), pause]}


def _end(sitting: Sitting, by: FinishedBy, comment: str) -> None:
    sitting.finished_at, sitting.finished_by, sitting.finish_comment = utcnow(), by, comment
    sitting.resume_state = None


def _note_conclusion(sitting: Sitting, conclusion: Conclusion, comment: str, person: int | None) -> None:
    sitting.conclusion, sitting.conclusion_comment = conclusion, comment
    sitting.concluded_by_id, sitting.concluded_at = person, utcnow()


def _comment(comment: str) -> str:
    """Return the comment as it can be kept; raise ``BadInput`` when it is too long."""
    if len(comment) > MAX_COMMENT:
        raise BadInput(f"A comment has at most {MAX_COMMENT} characters.", field="comment")
    return storable(comment).strip()
