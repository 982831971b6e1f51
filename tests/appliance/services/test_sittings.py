"""The sitting's way, its clock, and two acts at once."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor, verify_chain
from appliance.db import SessionFactory, to_ms, unit_of_work, utcnow
from appliance.errors import BadInput, ImpossibleStep, NotAllowed, NotFound
from appliance.models import AuditEntry, Observation, Score, Sitting
from appliance.services import sittings
from appliance.vocabulary import Conclusion, ExamMode, FinishedBy
from appliance.vocabulary import SittingState as S
from tests.appliance.services.conftest import BOX, actions, by_candidate, events, jobs_of
from tests.factories import Factories

Running = Callable[..., Sitting]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_start_sets_the_clock_and_tells_everybody(session: Session, running: Running, proctor: Actor) -> None:
    sitting = running(duration_minutes=45)
    assert sitting.state is S.RUNNING and sitting.proctor_id == int(proctor.id)
    assert sitting.started_at and sitting.deadline_at == sitting.started_at + minutes(45)
    (event,) = events(session, f"sitting:{sitting.id}", "sitting.changed")
    assert event.payload["state"] == "running" and event.payload["deadline_ms"] == to_ms(sitting.deadline_at)
    (copy,) = events(session, f"company:{sitting.company_id}", "sitting.changed")
    assert copy.payload["sitting_id"] == sitting.id
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor_name, entry.details["before"]) == ("sitting.start", proctor.name, "waiting")


def test_nothing_happens_when_the_act_fails(session: Session, make: Factories, proctor: Actor) -> None:
    sitting = make.sitting(S.CHECK_IN)
    session.commit()
    with pytest.raises(ImpossibleStep) as refused:
        sittings.start(session, proctor, sitting)
    session.rollback()
    assert refused.value.details == {"state": "check_in", "step": "start"}
    session.refresh(sitting)
    assert sitting.state is S.CHECK_IN and sitting.started_at is None
    assert actions(session) == [] and events(session, f"sitting:{sitting.id}") == []


def test_a_pause_stops_the_clock_and_is_given_back(session: Session, running: Running, proctor: Actor, seen) -> None:
    sitting = running(duration_minutes=10)
    away = seen(sitting, after=0, length=None)
    sittings.pause(session, proctor, sitting, "fire alarm")
    assert (sitting.state, sitting.deadline_at) == (S.PAUSED, None)
    sitting.paused_at -= minutes(3)
    sitting.started_at -= minutes(4)
    session.commit()
    sittings.resume(session, proctor, sitting)
    session.commit()
    assert 180_000 <= sitting.extra_ms < 185_000
    assert sitting.deadline_at == sitting.started_at + timedelta(minutes=10, milliseconds=sitting.extra_ms)
    ((begin, end),) = session.get_one(Observation, away.id).details["pauses"]
    assert end - begin == sitting.extra_ms and sitting.paused_at is None


def test_the_clock_does_not_end_a_pause(session: Session, running: Running, proctor: Actor) -> None:
    sitting = running(duration_minutes=1)
    sittings.pause(session, proctor, sitting)
    session.commit()
    assert sittings.end_overdue(session, BOX, utcnow() + minutes(20)) == []


def test_finish_closes_what_is_open_and_has_it_sealed(
    session: Session, running: Running, proctor: Actor, seen
) -> None:
    sitting = running()
    still_open = seen(sitting, length=None)
    sittings.finish(session, by_candidate(sitting), sitting, FinishedBy.CANDIDATE)
    session.commit()
    assert (sitting.state, sitting.finished_by) == (S.FINISHED, FinishedBy.CANDIDATE)
    assert session.get_one(Observation, still_open.id).ended_at is not None
    assert jobs_of(session, "media.seal") == [{"sitting_id": sitting.id}]
    kinds = [event.kind for event in events(session, f"sitting:{sitting.id}")][1:]
    assert kinds == ["observation.closed", "sitting.changed"]


def test_from_finish_to_conclusion(session: Session, running: Running, proctor: Actor, seen) -> None:
    sitting = running()
    seen(sitting, after=0, length=60_000)
    sittings.finish(session, proctor, sitting, FinishedBy.PROCTOR, at=sitting.started_at + minutes(2))
    sittings.process(session, BOX, sitting)
    sittings.offer_for_review(session, BOX, sitting)
    assert (sitting.state, sitting.score) == (S.IN_REVIEW, 0)  # 50 % absent at weight 2
    sittings.conclude(session, proctor, sitting, Conclusion.REJECTED, "absent for half of it")
    sittings.conclude(session, proctor, sitting, Conclusion.ACCEPTED, "was the fire alarm")
    session.commit()
    assert (sitting.state, sitting.conclusion) == (S.CONCLUDED, Conclusion.ACCEPTED)
    assert sitting.concluded_by_id == int(proctor.id)
    assert actions(session)[-4:] == [
        "sitting.offer_for_review",
        "sitting.score",
        "sitting.conclude",
        "sitting.conclude",
    ]
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert last.details["previous"] == "rejected"
    verify_chain(session)


def test_a_conclusion_said_at_the_finish_is_taken_over(session: Session, running: Running, proctor: Actor) -> None:
    sitting = running()
    sittings.finish(session, proctor, sitting, FinishedBy.PROCTOR, "talked all the time", Conclusion.SUSPICIOUS)
    session.commit()
    assert sitting.state is S.FINISHED
    sittings.offer_for_review(session, BOX, sitting)  # also when the sealer did not say that it began
    session.commit()
    assert (sitting.state, sitting.conclusion) == (S.CONCLUDED, Conclusion.SUSPICIOUS)
    assert sitting.conclusion_comment == "talked all the time" and sitting.concluded_by_id == int(proctor.id)


def test_auto_waits_for_a_named_person(session: Session, running: Running, make: Factories) -> None:
    sitting = running(mode=ExamMode.AUTO)
    sittings.finish(session, by_candidate(sitting), sitting, FinishedBy.CANDIDATE)
    sittings.offer_for_review(session, BOX, sitting)
    assert (sitting.state, sitting.conclusion, sitting.score) == (S.IN_REVIEW, None, 100)
    with pytest.raises(NotAllowed):
        sittings.conclude(session, BOX, sitting, Conclusion.ACCEPTED)
    with pytest.raises(NotAllowed):
        sittings.conclude(session, by_candidate(sitting), sitting, Conclusion.ACCEPTED)


def test_identification_is_complete_without_a_recording(session: Session, make: Factories) -> None:
    sitting = make.sitting(S.WAITING, mode=ExamMode.IDENTIFICATION)
    sittings.complete_identification(session, by_candidate(sitting), sitting)
    session.commit()
    assert (sitting.state, sitting.score) == (S.IN_REVIEW, None)
    assert jobs_of(session, "media.seal") == [] and session.scalars(select(Score)).all() == []


def test_only_identification_ends_with_the_check_in(session: Session, make: Factories) -> None:
    sitting = make.sitting(S.WAITING)
    with pytest.raises(ImpossibleStep):
        sittings.complete_identification(session, BOX, sitting)


@pytest.mark.parametrize("state", [S.CHECK_IN, S.WAITING, S.RUNNING, S.PAUSED])
def test_interrupted_returns_to_where_it_was(session: Session, make: Factories, state: S) -> None:
    sitting = make.sitting(state)
    sittings.interrupt(session, BOX, sitting)
    assert (sitting.state, sitting.resume_state) == (S.INTERRUPTED, state)
    sittings.return_(session, by_candidate(sitting), sitting)
    assert (sitting.state, sitting.resume_state, sitting.interrupted_at) == (state, None, None)


def test_the_clock_goes_on_while_interrupted(session: Session, running: Running) -> None:
    sitting = running()
    deadline = sitting.deadline_at
    sittings.interrupt(session, BOX, sitting)
    session.commit()
    assert sitting.deadline_at == deadline
    assert sittings.end_overdue(session, BOX, deadline + minutes(1), interrupted_minutes=600) == [sitting.id]
    assert (sitting.state, sitting.finished_by, sitting.finished_at) == (S.FINISHED, FinishedBy.CLOCK, deadline)


def test_time_is_given_back_after_a_fault(session: Session, running: Running, proctor: Actor) -> None:
    sitting = running()
    deadline = sitting.deadline_at
    sittings.compensate(session, BOX, sitting, 12_000, "node_lost")
    assert sitting.deadline_at == deadline + timedelta(seconds=12)
    sittings.pause(session, proctor, sitting)
    sittings.compensate(session, BOX, sitting, 5_000, "node_lost")
    assert (sitting.deadline_at, sitting.extra_ms) == (None, 17_000)
    for wrong in (0, -1, sittings.MAX_COMPENSATION_MS + 1):
        with pytest.raises(BadInput):
            sittings.compensate(session, BOX, sitting, wrong, "node_lost")
    session.commit()
    assert events(session, f"sitting:{sitting.id}")[1].payload["reason"] == "node_lost"


def test_no_time_for_what_does_not_run(session: Session, make: Factories) -> None:
    with pytest.raises(ImpossibleStep):
        sittings.compensate(session, BOX, make.sitting(S.WAITING), 1000, "node_lost")


@pytest.mark.parametrize(
    ("state", "fields", "ends"),
    [
        (S.RUNNING, {"deadline_at": -1}, S.FINISHED),
        (S.RUNNING, {"deadline_at": +1}, None),
        (S.INTERRUPTED, {"deadline_at": +60, "interrupted_at": -31}, S.FINISHED),
        (S.INTERRUPTED, {"deadline_at": +60, "interrupted_at": -29}, None),
        (S.CHECK_IN, {"last_seen_at": -31}, S.TIMED_OUT),
        (S.CHECK_IN, {"last_seen_at": -1}, None),
        (S.CHECK_IN, {"last_seen_at": -1, "closes_at": -1}, S.TIMED_OUT),
        (S.WAITING, {"last_seen_at": -31}, S.TIMED_OUT),
        (S.WAITING, {"last_seen_at": -1, "closes_at": -1}, None),
        (S.CREATED, {"closes_at": -1}, S.EXPIRED),
        (S.SCHEDULED, {"closes_at": -1}, S.EXPIRED),
        (S.CREATED, {"closes_at": +1}, None),
        (S.FINISHED, {"deadline_at": -1}, None),
    ],
)
def test_what_the_clock_ends(session: Session, make: Factories, state: S, fields: dict, ends: S | None) -> None:
    now = utcnow()
    moments: dict[str, datetime] = {name: now + minutes(count) for name, count in fields.items()}
    if state in {S.RUNNING, S.INTERRUPTED, S.FINISHED}:
        moments["started_at"] = now - minutes(59)
    sitting = make.sitting(state, **moments)
    session.commit()
    assert sittings.end_overdue(session, BOX, now, interrupted_minutes=30) == ([sitting.id] if ends else [])
    session.commit()
    assert sitting.state is (ends or state)
    if ends:
        assert sitting.finished_by is FinishedBy.CLOCK
        assert events(session, f"sitting:{sitting.id}")[-1].payload["state"] == ends


def test_an_interrupted_check_in_times_out(session: Session, make: Factories) -> None:
    sitting = make.sitting(S.WAITING)
    sittings.interrupt(session, BOX, sitting)
    session.commit()
    assert sittings.end_overdue(session, BOX, utcnow() + minutes(31)) == [sitting.id]
    assert sitting.state is S.TIMED_OUT


def test_the_clock_leaves_a_held_row_for_the_next_time(
    session: Session, session_factory: SessionFactory, running: Running
) -> None:
    held, free = running(duration_minutes=1), running(duration_minutes=1)
    with session_factory() as other:
        sittings.lock(other, other.get_one(Sitting, held.id))
        assert sittings.end_overdue(session, BOX, utcnow() + minutes(2)) == [free.id]
        session.commit()
    assert sittings.end_overdue(session, BOX, utcnow() + minutes(2)) == [held.id]


def test_of_two_who_finish_at_once_one_wins(
    session_factory: SessionFactory, running: Running, proctor: Actor
) -> None:
    number = running().id
    ready = threading.Barrier(2)
    outcomes: list[str] = []

    def finish(by: FinishedBy) -> None:
        try:
            with unit_of_work(session_factory) as own:
                sitting = own.get_one(Sitting, number)
                assert sitting.state is S.RUNNING  # both saw it run
                ready.wait(10)
                sittings.finish(own, proctor, sitting, by)
        except ImpossibleStep:
            outcomes.append("too late")
        else:
            outcomes.append(by.value)

    threads = [threading.Thread(target=finish, args=(by,)) for by in (FinishedBy.PROCTOR, FinishedBy.CANDIDATE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(outcomes) == 2 and outcomes.count("too late") == 1
    with session_factory() as after:
        assert after.get_one(Sitting, number).finished_by.value in outcomes
        assert actions(after).count("sitting.finish") == 1
        assert len(jobs_of(after, "media.seal")) == 1


def test_evidence_is_written_while_a_sitting_is_locked(
    session: Session, session_factory: SessionFactory, running: Running, seen
) -> None:
    sitting = running()
    with session_factory() as other:
        sittings.lock(other, other.get_one(Sitting, sitting.id))
        seen(sitting)  # would wait for ever if the lock were FOR UPDATE


def test_refused_identity(session: Session, make: Factories, proctor: Actor) -> None:
    sitting = make.sitting(S.WAITING)
    sittings.refuse_identity(session, proctor, sitting, "another face")
    assert (sitting.state, sitting.finish_comment) == (S.IDENTITY_REFUSED, "another face")
    assert sitting.proctor_id == int(proctor.id) and sitting.finished_by is FinishedBy.PROCTOR


def test_no_refusal_after_the_start(session: Session, running: Running, proctor: Actor) -> None:
    with pytest.raises(ImpossibleStep):
        sittings.refuse_identity(session, proctor, running())


def test_cancel(session: Session, make: Factories, proctor: Actor) -> None:
    sitting = make.sitting(S.SCHEDULED)
    sittings.cancel(session, proctor, sitting, "exam moved")
    assert sitting.state is S.CANCELLED


def test_a_later_claim_takes_over(session: Session, make: Factories, running: Running) -> None:
    sitting = running()
    other = make.user()
    sittings.claim(session, make.actor(other), sitting)
    assert sitting.proctor_id == other.id
    with pytest.raises(NotAllowed):
        sittings.claim(session, BOX, sitting)


def test_touch_writes_seldom(session: Session, running: Running) -> None:
    sitting = running()
    sittings.touch(session, sitting, clock_offset_ms=-1500)
    first = sitting.last_seen_at
    sittings.touch(session, sitting, clock_offset_ms=7)
    assert (sitting.last_seen_at, sitting.clock_offset_ms) == (first, -1500)
    sitting.last_seen_at -= sittings.TOUCH_EVERY
    sittings.touch(session, sitting, clock_offset_ms=7)
    assert sitting.clock_offset_ms == 7


def test_get_keeps_companies_apart(session: Session, make: Factories) -> None:
    sitting = make.sitting()
    assert sittings.get(session, sitting.id, sitting.company_id) is sitting
    for number, company in ((sitting.id, make.company().id), (sitting.id + 1, None)):
        with pytest.raises(NotFound):
            sittings.get(session, number, company)


def test_a_comment_has_an_end(session: Session, running: Running, proctor: Actor) -> None:
    with pytest.raises(BadInput):
        sittings.finish(session, proctor, running(), FinishedBy.PROCTOR, "x" * 4001)
