"""What the appliance does by itself when another person is seen: each rule, once, and never in doubt."""

import pytest
from sqlalchemy import select

from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import NotAllowed
from appliance.models import AuditEntry, IdentityPhoto, Incident, LiveEvent, Observation
from appliance.services import check_ins, identity_actions, identity_checks, incidents, sittings
from appliance.vocabulary import (
    BiometricsMode,
    Decision,
    ExamMode,
    FinishedBy,
    IdentityAction,
    IdentityVerdict,
    ObservationSource,
    ObservationType,
    PhotoKind,
    PhotoState,
    SittingState,
)

OTHER = ObservationType.SUBSTITUTION_USER


@pytest.fixture
def running(make, session):
    """``running(action, mode=…)``: a sitting that runs, with a face photo."""

    def run(action, mode=ExamMode.AUTO, profile="none", **fields):
        company = make.company(profile=profile)
        exam = make.exam(mode, company=company, identity_action=action, **fields)
        now = utcnow()
        sitting = make.sitting(SittingState.RUNNING, exam=exam, started_at=now, deadline_at=now, last_seen_at=now)
        sealed = make.vault.seal(session, f"sitting:{sitting.id}", "photo", b"a picture")
        photo = IdentityPhoto(
            sitting_id=sitting.id, kind=PhotoKind.FACE, vault_object_id=sealed.id, width=1, height=1, hints=[]
        )
        session.add(photo)
        session.flush()
        return sitting

    return run


def seen(session, sitting, type=OTHER, confidence=0.7, threshold=0.55, source=ObservationSource.DETECTOR):
    now = to_ms(utcnow())
    details = {"threshold": threshold, "distance": 0.68}
    row = incidents.open_observation(session, sitting.id, type, source, now, confidence, "impostor", details)
    session.flush()
    return row, identity_actions.follow_up(session, row)


def test_note_only_notes(session, running):
    sitting = running(IdentityAction.NOTE)
    row, taken = seen(session, sitting)
    assert (taken, sitting.state, row.details.get("action")) == (None, SittingState.RUNNING, None)
    assert session.scalars(select(Incident)).all() == []


def test_warn_is_a_warning_by_the_appliance_that_a_person_may_take_back(make, session, running):
    sitting = running(IdentityAction.WARN)
    row, taken = seen(session, sitting)
    assert (taken, sitting.state) == (IdentityAction.WARN, SittingState.RUNNING)
    (warning,) = incidents.warnings(session, sitting.id)
    assert (warning.created_by_id, warning.observation_id, warning.type) == (None, row.id, OTHER)
    assert row.decision is Decision.PENDING  # people decide
    incidents.decide(session, make.actor(), row, Decision.DISMISSED)
    assert incidents.warnings(session, sitting.id) == []
    session.commit()
    acts = session.scalars(select(AuditEntry).where(AuditEntry.actor_kind == "appliance")).all()
    assert {entry.action for entry in acts} == {"identity.act", "incident.warn"}
    kinds = session.scalars(select(LiveEvent.kind).where(LiveEvent.topic == f"sitting:{sitting.id}")).all()
    assert "incident.warning" in kinds


def test_pause_stops_the_clock_and_asks_for_a_photo(session, running):
    sitting = running(IdentityAction.PAUSE)
    _, taken = seen(session, sitting)
    assert (taken, sitting.state, sitting.deadline_at) == (IdentityAction.PAUSE, SittingState.PAUSED, None)
    assert identity_actions.is_paused_for_identity(session, sitting)
    assert identity_actions.pause_reason(session, sitting) == "identity_photo"
    assert incidents.warnings(session, sitting.id) == []  # the page of the pause says it
    assert check_ins.current_photo(session, sitting.id, PhotoKind.FACE).state is PhotoState.RETAKE_REQUESTED
    assert not identity_actions.go_on(session, sitting, IdentityVerdict.MISMATCH)
    assert not identity_actions.go_on(session, sitting, IdentityVerdict.UNDETERMINED)
    assert not identity_actions.go_on(session, sitting, None)
    assert sitting.state is SittingState.PAUSED
    assert identity_actions.go_on(session, sitting, IdentityVerdict.MATCH)
    assert sitting.state is SittingState.RUNNING
    assert sitting.deadline_at is not None


def test_who_is_paused_may_hand_in(session, running):
    sitting = running(IdentityAction.PAUSE)
    seen(session, sitting)
    sittings.finish(session, Actor("candidate", "1", "Ada"), sitting, FinishedBy.CANDIDATE)
    assert sitting.state is SittingState.FINISHED


def test_with_a_proctor_the_proctor_lets_go_on(make, session, running):
    sitting = running(IdentityAction.PAUSE, mode=ExamMode.ONLINE)
    seen(session, sitting)
    assert not identity_actions.go_on(session, sitting, IdentityVerdict.MATCH)
    sittings.resume(session, make.actor(), sitting)
    assert sitting.state is SittingState.RUNNING


def test_a_pause_of_a_proctor_is_not_lifted_by_a_photo(make, session, running):
    sitting = running(IdentityAction.PAUSE)
    sittings.pause(session, make.actor(), sitting, "a break")
    assert not identity_actions.is_paused_for_identity(session, sitting)
    assert not identity_actions.go_on(session, sitting, IdentityVerdict.MATCH)


def test_what_the_candidates_browser_found_is_followed_too(session, running):
    sitting = running(IdentityAction.WARN, biometrics=BiometricsMode.ON_DEVICE)
    row = Observation(
        sitting_id=sitting.id,
        type=OTHER,
        source=ObservationSource.ON_DEVICE,
        started_at=utcnow(),
        confidence=0.8,
        details={"threshold": 0.55},
    )
    session.add(row)
    assert identity_actions.follow_up(session, row) is IdentityAction.WARN
    assert identity_checks.report(session, sitting)["colour"] == "red"


def test_stop_ends_with_reason_and_evidence(session, running):
    sitting = running(IdentityAction.STOP)
    row, taken = seen(session, sitting)
    assert (taken, sitting.state, sitting.finished_by) == (
        IdentityAction.STOP,
        SittingState.FINISHED,
        FinishedBy.APPLIANCE,
    )
    assert "another person" in sitting.finish_comment
    assert row.ended_at is not None
    report = identity_checks.report(session, sitting)
    assert (report["colour"], report["reason"]) == ("red", "substitution")


def test_not_sure_enough_to_stop_pauses(session, running):
    sitting = running(IdentityAction.STOP)
    _, taken = seen(session, sitting, confidence=0.58)
    assert (taken, sitting.state) == (IdentityAction.PAUSE, SittingState.PAUSED)


def test_where_a_person_must_decide_nothing_is_ended(session, running):
    sitting = running(IdentityAction.STOP, profile="eu")
    _, taken = seen(session, sitting, confidence=0.9)
    assert (taken, sitting.state) == (IdentityAction.PAUSE, SittingState.PAUSED)


@pytest.mark.parametrize(
    "what",
    [
        {"type": ObservationType.UNDETERMINED},
        {"type": ObservationType.NO_USER_IN_FRAME},
        {"confidence": 0.5},
        {"source": ObservationSource.HUMAN},
    ],
)
def test_nothing_follows_on_doubt_or_on_anything_else(session, running, what):
    sitting = running(IdentityAction.STOP)
    assert seen(session, sitting, **what)[1] is None
    assert sitting.state is SittingState.RUNNING


def test_once_an_observation(session, running):
    sitting = running(IdentityAction.WARN)
    row, _ = seen(session, sitting)
    assert identity_actions.follow_up(session, row) is None
    assert len(incidents.warnings(session, sitting.id)) == 1


def test_what_is_not_running_is_left(make, session, running):
    sitting = running(IdentityAction.STOP)
    sittings.pause(session, make.actor(), sitting, "a break")
    assert seen(session, sitting)[1] is None
    assert sitting.state is SittingState.PAUSED


def test_only_the_appliance_marks_without_a_name(session, running):
    sitting = running(IdentityAction.WARN)
    row, _ = seen(session, sitting)
    session.query(Incident).delete()
    with pytest.raises(NotAllowed):
        incidents.warn_by_rule(session, Actor("candidate", "1", "Ada"), sitting, row)
