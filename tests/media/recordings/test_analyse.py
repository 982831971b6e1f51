"""Recordings of exams that nobody watched: analysed after sealing, before the review, once."""

from datetime import timedelta

import pytest

from appliance import jobs
from appliance.db import from_ms, to_ms, unit_of_work, utcnow
from appliance.models import Observation, Part, Sitting
from appliance.services import evidence_pictures, sittings
from appliance.vocabulary import ExamMode, IdentityAction, ObservationType, PartState, SittingState, Track
from media.analysis import Analyser
from media.pipelines.evidence import part_path
from media.recorded import watch
from media.recordings.analyse import analyse_part
from media.recordings.seal import seal_sitting

LENGTH_MS = 13_000


@pytest.fixture
def began_ms():
    return to_ms(utcnow()) - 60_000


@pytest.fixture
def finished(make, session, settings, drawn_recording, began_ms):
    def make_finished(began_ms=began_ms, **fields):
        exam = make.exam(ExamMode.AUTO, **fields)
        ended = from_ms(began_ms + LENGTH_MS)
        sitting = make.sitting(SittingState.FINISHED, exam=exam, started_at=from_ms(began_ms), finished_at=ended)
        path = part_path(settings.recordings.absolute(), sitting.id, Track.CAMERA, 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn_recording.read_bytes())
        session.add(
            Part(sitting_id=sitting.id, track=Track.CAMERA, sequence=1, state=PartState.STOPPED, path=str(path),
                 node_url="ws://n", started_at=from_ms(began_ms), ended_at=ended)
        )  # fmt: skip
        session.commit()
        return sitting

    return make_finished


@pytest.fixture
def deferred(monkeypatch):
    asked = []
    real = jobs.defer
    monkeypatch.setattr(
        jobs, "defer", lambda session, task, **given: asked.append((task, given)) or real(session, task, **given)
    )
    return asked


def standing(session_factory, sitting):
    with unit_of_work(session_factory) as session:
        row = session.get_one(Sitting, sitting.id)
        return row.state, row.score


def test_the_review_waits_for_the_analysis_and_the_score_is_right_from_the_first(
    finished, collaborators, session_factory, began_ms, drawn_recording, deferred
):
    sitting = finished()
    assert seal_sitting(collaborators, sitting.id)
    assert standing(session_factory, sitting) == (SittingState.PROCESSING, None)
    ((_, given),) = [asked for asked in deferred if asked[0] == "media.analyse_recording"]
    assert given["queue"] == "analysis"
    assert analyse_part(collaborators, given["part_id"]) == 1
    assert analyse_part(collaborators, given["part_id"]) == 0  # a job that runs twice
    state, score = standing(session_factory, sitting)
    assert state is SittingState.IN_REVIEW
    assert score < 40  # away for 6 of 13 s, at the weight of 2
    same = watch(Analyser(None), drawn_recording, began_ms).observations
    with unit_of_work(session_factory) as session:
        (row,) = session.query(Observation).filter_by(sitting_id=sitting.id)
        assert row.type is ObservationType.NO_USER_IN_FRAME
        assert [(to_ms(row.started_at), to_ms(row.ended_at))] == [(one.start_ms, one.end_ms) for one in same]
        assert {"score", "threshold", "min_duration_ms", "models"} <= set(row.details)
        assert [shot.number for shot in row.pictures] == [1, 2]
        for shot, of_file in zip(row.pictures, same[0].pictures, strict=True):
            picture = evidence_pictures.get(session, row, shot.number)
            sealed = session.get_one(type(row.pictures[0]), picture.id).vault_object_id
            assert sealed
            assert to_ms(picture.taken_at) == of_file.at_ms
            assert of_file.jpeg[:3] == b"\xff\xd8\xff"


def test_a_pause_is_cut_out_of_what_is_seen_afterwards(finished, collaborators, session, session_factory, make):
    sitting = finished(began_ms=to_ms(utcnow()) - 8000)  # the pause is now: three seconds into the absence
    sitting.state = SittingState.RUNNING
    sittings.pause(session, make.actor(), sitting)
    session.commit()
    sittings.resume(session, make.actor(), sitting)
    sitting.state = SittingState.FINISHED
    session.commit()
    assert seal_sitting(collaborators, sitting.id)
    with unit_of_work(session_factory) as fresh:
        (part,) = fresh.query(Part).filter_by(sitting_id=sitting.id)
    assert analyse_part(collaborators, part.id) == 1
    with unit_of_work(session_factory) as fresh:
        (row,) = fresh.query(Observation).filter_by(sitting_id=sitting.id)
        ((pause, resumed),) = row.details["pauses"]
        assert to_ms(row.started_at) < pause <= resumed < to_ms(row.ended_at)


def test_a_part_that_no_decoder_takes_holds_up_nothing_and_is_told(
    finished, collaborators, session_factory, make, monkeypatch
):
    sitting = finished()
    assert seal_sitting(collaborators, sitting.id)
    with unit_of_work(session_factory) as session:
        (part,) = session.query(Part).filter_by(sitting_id=sitting.id)
        part.vault_object_id = collaborators.vault.seal(session, f"sitting:{sitting.id}", "part", b"no media").id
    assert analyse_part(collaborators, part.id) == 1
    with unit_of_work(session_factory) as session:
        (row,) = session.query(Observation).filter_by(sitting_id=sitting.id)
        assert (row.type, row.details["reason"]) == (ObservationType.UNDETERMINED, "analysis_failed")
    assert standing(session_factory, sitting) == (SittingState.IN_REVIEW, 100)


def test_an_exam_that_must_be_watched_live_is_not_analysed_again(finished, collaborators, session_factory, deferred):
    sitting = finished(identity_action=IdentityAction.PAUSE)
    assert seal_sitting(collaborators, sitting.id)
    assert standing(session_factory, sitting)[0] is SittingState.IN_REVIEW
    assert not [task for task, _ in deferred if task == "media.analyse_recording"]


def test_a_sitting_does_not_wait_for_ever_for_a_worker_that_analyses(
    finished, collaborators, session, session_factory
):
    sitting = finished()
    sitting.started_at -= timedelta(hours=7)
    sitting.finished_at -= timedelta(hours=7)
    session.commit()
    assert seal_sitting(collaborators, sitting.id)
    assert standing(session_factory, sitting)[0] is SittingState.IN_REVIEW
    with unit_of_work(session_factory) as fresh:
        (part,) = fresh.query(Part).filter_by(sitting_id=sitting.id)
    assert analyse_part(collaborators, part.id) == 1
