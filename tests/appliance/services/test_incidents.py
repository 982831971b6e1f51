"""Observations, decisions, warnings, marks."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import SessionFactory, to_ms, unit_of_work, utcnow
from appliance.errors import BadInput, ImpossibleStep, NotAllowed, NotFound, TooMany
from appliance.models import AuditEntry, Incident, Observation, Score, Sitting
from appliance.services import browser_reports, incidents, sittings
from appliance.vocabulary import Decision, FinishedBy, ObservationSource
from appliance.vocabulary import ObservationType as T
from tests.appliance.services.conftest import BOX, actions, by_candidate, events
from tests.factories import Factories

Running = Callable[..., Sitting]
DETECTOR, BROWSER = ObservationSource.DETECTOR, ObservationSource.BROWSER
MINUTE = 60_000


def now_ms() -> int:
    return to_ms(utcnow())


@pytest.fixture
def reviewed(session: Session, running: Running, proctor: Actor) -> Sitting:
    """A sitting of ten minutes that is up for review."""
    sitting = running()
    sitting.started_at = utcnow() - timedelta(minutes=10)
    sittings.finish(session, proctor, sitting, FinishedBy.PROCTOR)
    sittings.offer_for_review(session, BOX, sitting)
    session.commit()
    return sitting


def test_an_observation_opens_grows_and_closes(session: Session, running: Running) -> None:
    sitting = running()
    start = now_ms()
    row = incidents.open_observation(
        session, sitting.id, T.NO_USER_IN_FRAME, DETECTOR, start, 0.6, "absence", {"a": 1}
    )
    incidents.update_observation(session, row.id, 0.9, {"b": 2})
    incidents.update_observation(session, row.id, 0.7)
    incidents.close_observation(session, row.id, start + 4000, 0.8)
    session.commit()
    told = events(session, f"sitting:{sitting.id}")[1:]
    assert [event.kind.split(".")[1] for event in told] == ["opened", "updated", "updated", "closed"]
    last = told[-1].payload["observation"]
    assert last["id"] == row.id and last["end_ms"] - last["start_ms"] == 4000
    assert (last["confidence"], last["details"], last["detector"]) == (0.9, {"a": 1, "b": 2}, "absence")
    assert last["technical"] is False and last["decision"] == "pending"
    assert len(events(session, f"company:{sitting.company_id}")) == 5


def test_closing_again_changes_nothing(session: Session, running: Running) -> None:
    sitting = running()
    row = incidents.open_observation(session, sitting.id, T.AVERT_EYES, DETECTOR, now_ms())
    first = incidents.close_observation(session, row.id, now_ms() + 1000).ended_at
    assert incidents.close_observation(session, row.id, now_ms() + 9000, 0.1).ended_at == first
    incidents.update_observation(session, row.id, 1.0, {"late": True})
    assert row.details == {}
    session.commit()
    assert len(events(session, f"sitting:{sitting.id}", "observation.closed")) == 1


def test_an_end_before_the_start_is_the_start(session: Session, running: Running) -> None:
    row = incidents.open_observation(session, running().id, T.AVERT_EYES, DETECTOR, now_ms())
    incidents.close_observation(session, row.id, now_ms() - MINUTE)
    assert row.ended_at == row.started_at


def test_a_start_in_the_future_is_now(session: Session, running: Running) -> None:
    row = incidents.open_observation(session, running().id, T.CLIPBOARD, BROWSER, now_ms() + 60 * MINUTE)
    assert row.started_at <= utcnow()


def test_close_open_of_one_source(session: Session, running: Running, seen) -> None:
    sitting = running()
    seen(sitting, length=None, source=DETECTOR)
    seen(sitting, T.FULL_SCREEN_LEFT, length=None, source=BROWSER)
    assert incidents.close_open(session, sitting.id, DETECTOR, now_ms()) == 1
    assert incidents.close_open(session, sitting.id, None, now_ms()) == 1
    assert incidents.close_open(session, sitting.id, None, now_ms()) == 0


def test_a_browser_reports_only_of_itself(session: Session, running: Running) -> None:
    with pytest.raises(BadInput):
        incidents.open_observation(session, running().id, T.SUBSTITUTION_USER, BROWSER, now_ms())


def test_a_browser_reports_nothing_after_the_end(session: Session, reviewed: Sitting) -> None:
    with pytest.raises(ImpossibleStep):
        incidents.open_observation(session, reviewed.id, T.CLIPBOARD, BROWSER, now_ms())


def test_what_is_open_is_not_opened_twice(session: Session, running: Running) -> None:
    sitting = running()
    first = incidents.open_observation(session, sitting.id, T.FULL_SCREEN_LEFT, BROWSER, now_ms())
    assert incidents.open_observation(session, sitting.id, T.FULL_SCREEN_LEFT, BROWSER, now_ms()) is first
    again = incidents.open_observation(session, sitting.id, T.FULL_SCREEN_LEFT, BROWSER, now_ms(), end_ms=now_ms())
    assert again is first and first.ended_at is not None


def test_a_flood_is_refused_and_the_detector_is_not(session: Session, running: Running) -> None:
    sitting = running()
    for _ in range(browser_reports.PER_MINUTE):
        incidents.open_observation(session, sitting.id, T.CLIPBOARD, BROWSER, now_ms(), end_ms=now_ms())
    with pytest.raises(TooMany):
        incidents.open_observation(session, sitting.id, T.CLIPBOARD, BROWSER, now_ms(), end_ms=now_ms())
    incidents.open_observation(session, sitting.id, T.NO_USER_IN_FRAME, DETECTOR, now_ms())


def test_a_browser_cannot_cut_its_own_time_out(session: Session, running: Running) -> None:
    details = {"pauses": [[0, now_ms() * 2]], "title": "x" * 9999, "list": [1], "displays": 2, "nul": "a\0b"}
    row = incidents.open_observation(
        session, running().id, T.CHANGE_ACTIVE_WINDOW_ON_COMPUTER, BROWSER, now_ms(), details=details
    )
    incidents.update_observation(session, row.id, 1.0, {"pauses": [[0, 1]], "more": True})
    session.commit()
    assert row.details == {"title": "x" * 500, "displays": 2, "nul": "a\N{REPLACEMENT CHARACTER}b", "more": True}


def test_confirming_makes_an_incident_and_dismissing_withdraws_it(
    session: Session, running: Running, proctor: Actor, seen
) -> None:
    sitting = running()
    row = seen(sitting)
    incidents.decide(session, proctor, row, Decision.CONFIRMED)
    incidents.decide(session, proctor, row, Decision.CONFIRMED)
    (incident,) = session.scalars(select(Incident)).all()
    assert incident.observation_id == row.id and incident.withdrawn_at is None and incident.sent_at is None
    incidents.decide(session, proctor, row, Decision.DISMISSED)
    assert incident.withdrawn_at is not None
    incidents.decide(session, proctor, row, Decision.CONFIRMED)
    assert incident.withdrawn_at is None
    session.commit()
    kinds = [event.kind for event in events(session, f"sitting:{sitting.id}")][1:]
    decided = "observation.decided"
    assert kinds == ["incident.added", decided, "incident.changed", decided, "incident.changed", decided]
    assert events(session, f"sitting:{sitting.id}", decided)[0].payload["observation"]["decided_by"] == proctor.name
    assert actions(session).count("observation.decide") == 3


def test_an_incident_ends_with_its_observation(session: Session, running: Running, proctor: Actor, seen) -> None:
    sitting = running()
    row = seen(sitting, length=None)
    incidents.decide(session, proctor, row, Decision.CONFIRMED)
    incidents.close_observation(session, row.id, now_ms() + 2000)
    (incident,) = session.scalars(select(Incident)).all()
    assert incident.ended_at == row.ended_at


def test_machines_and_candidates_decide_nothing(session: Session, running: Running, seen) -> None:
    sitting = running()
    row = seen(sitting)
    for actor in (BOX, by_candidate(sitting)):
        with pytest.raises(NotAllowed):
            incidents.decide(session, actor, row, Decision.DISMISSED)
        with pytest.raises(NotAllowed):
            incidents.warn(session, actor, sitting, T.PHONE)
        with pytest.raises(NotAllowed):
            incidents.add(session, actor, sitting, T.PHONE, to_ms(sitting.started_at))


def test_a_warning_from_an_observation_is_sent_once(session: Session, running: Running, proctor: Actor, seen) -> None:
    sitting = running()
    row = seen(sitting, T.PHONE)
    sent = incidents.warn(session, proctor, sitting, T.PHONE, "put it away", row)
    assert incidents.warn(session, proctor, sitting, T.PHONE, "again", row) is sent
    session.commit()
    assert (row.decision, sent.comment) == (Decision.CONFIRMED, "put it away")
    (warning,) = events(session, f"sitting:{sitting.id}", "incident.warning")
    assert warning.payload["incident"]["sent_ms"] == to_ms(sent.sent_at)
    assert incidents.warnings(session, sitting.id) == [sent]


def test_a_warning_is_seen_once_by_its_own_candidate(session: Session, running: Running, proctor: Actor) -> None:
    sitting, other = running(), running()
    sent = incidents.warn(session, proctor, sitting, T.BOOKS)
    mark = incidents.add(session, proctor, sitting, T.BOOKS, to_ms(sitting.started_at))
    first = incidents.mark_seen(session, sent.id, sitting.id).seen_at
    assert incidents.mark_seen(session, sent.id, sitting.id).seen_at == first
    for number, owner in ((sent.id, other.id), (mark.id, sitting.id), (sent.id + 99, sitting.id)):
        with pytest.raises(NotFound):
            incidents.mark_seen(session, number, owner)
    session.commit()
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "incident.see")).one()
    assert entry.actor_kind == "candidate"


def test_no_warning_before_or_after_the_exam(
    session: Session, make: Factories, proctor: Actor, reviewed: Sitting
) -> None:
    for sitting in (make.sitting(), reviewed):
        with pytest.raises(ImpossibleStep):
            incidents.warn(session, proctor, sitting, T.PHONE)


def test_an_observation_of_another_sitting_is_refused(
    session: Session, running: Running, proctor: Actor, seen
) -> None:
    with pytest.raises(BadInput):
        incidents.warn(session, proctor, running(), T.PHONE, "", seen(running()))


@pytest.mark.parametrize("type", [T.MIC_MUTED, T.UNDETERMINED])
def test_faults_are_not_marked_by_hand(session: Session, running: Running, proctor: Actor, type: T) -> None:
    with pytest.raises(BadInput):
        incidents.warn(session, proctor, running(), type)


def test_decisions_in_review_change_the_score(session: Session, reviewed: Sitting, proctor: Actor, seen) -> None:
    row = seen(reviewed, T.EXTRA_USER_IN_FRAME, after=0, length=MINUTE)
    mark = incidents.add(
        session, proctor, reviewed, T.PHONE, to_ms(reviewed.started_at), to_ms(reviewed.started_at) + 2 * MINUTE
    )
    assert reviewed.score == 70  # 10 % and 20 % of ten minutes
    incidents.decide(session, proctor, row, Decision.DISMISSED)
    assert reviewed.score == 80
    incidents.withdraw(session, proctor, mark)
    assert reviewed.score == 100
    assert [kept.value for kept in session.scalars(select(Score).order_by(Score.id))] == [100, 70, 80, 100]


def test_withdrawing_dismisses_what_is_behind(session: Session, running: Running, proctor: Actor, seen) -> None:
    row = seen(running())
    incidents.decide(session, proctor, row, Decision.CONFIRMED)
    incident = session.scalars(select(Incident)).one()
    incidents.withdraw(session, proctor, incident)
    incidents.withdraw(session, proctor, incident)
    session.commit()
    assert row.decision is Decision.DISMISSED and actions(session).count("incident.withdraw") == 1


def test_a_mark_lies_within_the_exam(session: Session, reviewed: Sitting, proctor: Actor) -> None:
    start, end = to_ms(reviewed.started_at), to_ms(reviewed.finished_at)
    for first, last in ((start - 1, None), (start, end + 1), (end, start)):
        with pytest.raises(BadInput):
            incidents.add(session, proctor, reviewed, T.BOOKS, first, last)
    assert to_ms(incidents.add(session, proctor, reviewed, T.BOOKS, start, end).ended_at) == end


def test_of_two_who_decide_both_are_written_down_and_no_point_is_lost(
    session: Session, session_factory: SessionFactory, reviewed: Sitting, make: Factories, seen
) -> None:
    rows = [seen(reviewed, T.PHONE, after=index * 2 * MINUTE, length=MINUTE) for index in range(2)]
    people = [make.actor(), make.actor()]
    session.commit()
    ready = threading.Barrier(2)

    def dismiss(number: int, actor: Actor) -> None:
        with unit_of_work(session_factory) as own:
            row = own.get_one(Observation, number)
            ready.wait(10)
            incidents.decide(own, actor, row, Decision.DISMISSED)

    threads = [
        threading.Thread(target=dismiss, args=(row.id, person)) for row, person in zip(rows, people, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    session.rollback()
    session.refresh(reviewed)
    assert reviewed.score == 100  # the second saw the first's decision
    assert actions(session).count("observation.decide") == 2


def test_of_two_who_confirm_at_once_one_incident_comes(
    session: Session, session_factory: SessionFactory, running: Running, proctor: Actor, seen
) -> None:
    number = seen(running()).id
    ready = threading.Barrier(2)

    def confirm() -> None:
        with unit_of_work(session_factory) as own:
            row = own.get_one(Observation, number)
            ready.wait(10)
            incidents.decide(own, proctor, row, Decision.CONFIRMED)

    threads = [threading.Thread(target=confirm) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(session.scalars(select(Incident)).all()) == 1
    assert actions(session).count("observation.decide") == 1


@pytest.mark.parametrize(
    ("sent", "suggested"),
    [
        ([(T.PHONE, 0), (T.PHONE, 2), (T.PHONE, 4)], True),
        ([(T.PHONE, 4), (T.PHONE, 0), (T.PHONE, 2)], True),
        ([(T.PHONE, 0), (T.PHONE, 1), (T.PHONE, 2)], False),
        ([(T.PHONE, 0), (T.PHONE, 1), (T.PHONE, 2), (T.PHONE, 3), (T.PHONE, 4)], True),
        ([(T.PHONE, 0), (T.BOOKS, 2), (T.PHONE, 4)], False),
        ([], False),
    ],
)
def test_when_cheater_is_offered(sent: list, suggested: bool) -> None:
    assert incidents.cheater_suggested((type, minute * MINUTE) for type, minute in sent) is suggested


def test_companies_are_kept_apart(session: Session, make: Factories, running: Running, proctor: Actor, seen) -> None:
    sitting = running()
    row = seen(sitting)
    sent = incidents.warn(session, proctor, sitting, T.PHONE)
    other = make.company().id
    assert incidents.get_observation(session, row.id, sitting.company_id) is row
    assert incidents.get_incident(session, sent.id, sitting.company_id) is sent
    with pytest.raises(NotFound):
        incidents.get_observation(session, row.id, other)
    with pytest.raises(NotFound):
        incidents.get_incident(session, sent.id, other)
