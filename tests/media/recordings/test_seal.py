"""Sealing: evidence goes into the vault, nothing missing is hidden, and a killed run is harmless."""

from datetime import timedelta

import pytest

from appliance.db import from_ms, to_ms, unit_of_work, utcnow
from appliance.models import Gap, Part, Sitting, VaultObject
from appliance.vocabulary import GapCause, PartState, SittingState, Track
from media.pipelines.evidence import part_path
from media.recordings.seal import seal_sitting
from tests.media.recordings.conftest import seconds_and_seek, webm

BEGAN_MS = 1_800_000_000_000


@pytest.fixture
def finished(make, session, settings):
    """A finished sitting of 3 s; ``parts`` are (track, content, start and end in s)."""

    def make_finished(*parts, state=PartState.STOPPED):
        sitting = make.sitting(
            SittingState.FINISHED, started_at=from_ms(BEGAN_MS), finished_at=from_ms(BEGAN_MS + 3000)
        )
        counts = {}
        for track, content, start, end in parts:
            counts[track] = counts.get(track, 0) + 1
            path = part_path(settings.recordings.absolute(), sitting.id, track, counts[track])
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content)
            session.add(
                Part(
                    sitting_id=sitting.id,
                    track=track,
                    sequence=counts[track],
                    state=state,
                    path=str(path),
                    node_url="ws://n",
                    started_at=from_ms(BEGAN_MS + int(start * 1000)),
                    ended_at=from_ms(BEGAN_MS + int(end * 1000)) if state is PartState.STOPPED else None,
                    media={"analysed_until_ms": 5},
                )
            )
        session.commit()
        return sitting

    return make_finished


def rows(session_factory, model, sitting):
    with unit_of_work(session_factory) as session:
        return list(session.query(model).filter_by(sitting_id=sitting.id).order_by(model.id))


def state(session_factory, sitting):
    with unit_of_work(session_factory) as session:
        return session.get_one(Sitting, sitting.id).state


def test_sealed_readable_through_the_vault_only(collaborators, session_factory, finished, recorded):
    content = recorded.read_bytes()
    sitting = finished((Track.CAMERA, content, 0, 3), (Track.SCREEN, content, 0, 3))
    assert seal_sitting(collaborators, sitting.id)
    parts = rows(session_factory, Part, sitting)
    assert {part.state for part in parts} == {PartState.SEALED}
    assert not (collaborators.settings.recordings / str(sitting.id)).exists()
    assert rows(session_factory, Gap, sitting) == []
    assert state(session_factory, sitting) is SittingState.IN_REVIEW
    with unit_of_work(session_factory) as session:
        sealed = session.get_one(VaultObject, parts[0].vault_object_id)
        on_disk = (collaborators.vault.folder / sealed.path).read_bytes()
        assert b"webm" not in on_disk
        assert content[1000:1100] not in on_disk
        with collaborators.vault.open(session, sealed) as reader:
            assert reader.verify() == parts[0].sha256
            duration, first = seconds_and_seek(reader.read(0, reader.size), 2.2)
    assert abs(duration - 3) < 0.1
    assert 1.9 <= first <= 2.2
    assert abs(parts[0].duration_ms - 3000) < 60
    assert parts[0].media["video"]["codec"] == "vp8"
    assert parts[0].media["analysed_until_ms"] == 5


def test_sealing_again_changes_nothing(collaborators, session_factory, finished, recorded):
    content = recorded.read_bytes()
    sitting = finished((Track.CAMERA, content, 0, 3), (Track.SCREEN, content, 0, 3))
    assert seal_sitting(collaborators, sitting.id)
    before = [(part.sha256, part.vault_object_id) for part in rows(session_factory, Part, sitting)]
    assert seal_sitting(collaborators, sitting.id)
    assert [(part.sha256, part.vault_object_id) for part in rows(session_factory, Part, sitting)] == before


def test_a_plain_file_left_by_a_killed_run_is_removed(collaborators, session_factory, finished, recorded):
    """Killed after the commit, before the removal: the part is sealed, its plain file still there."""
    content = recorded.read_bytes()
    sitting = finished((Track.CAMERA, content, 0, 3), (Track.SCREEN, content, 0, 3))
    seal_sitting(collaborators, sitting.id)
    with unit_of_work(session_factory) as session:
        session.get_one(Sitting, sitting.id).state = SittingState.PROCESSING
    left = part_path(collaborators.settings.recordings.absolute(), sitting.id, Track.CAMERA, 1)
    left.parent.mkdir(parents=True)
    left.write_bytes(content)
    left.with_suffix(".sealing").write_bytes(b"half")
    assert seal_sitting(collaborators, sitting.id)
    assert not left.parent.exists()
    assert state(session_factory, sitting) is SittingState.IN_REVIEW


@pytest.mark.parametrize("content", [None, b"", b"rubbish " * 500])
def test_what_cannot_be_played_is_lost_with_a_gap_and_its_reason(
    collaborators, session_factory, finished, recorded, content
):
    sitting = finished((Track.CAMERA, content, 0, 3), (Track.SCREEN, recorded.read_bytes(), 0, 3))
    assert seal_sitting(collaborators, sitting.id)
    camera, screen = rows(session_factory, Part, sitting)
    assert (camera.state, screen.state) == (PartState.LOST, PartState.SEALED)
    assert camera.end_cause.startswith("The file")
    (gap,) = rows(session_factory, Gap, sitting)
    assert (gap.track, gap.cause, gap.detail) == (Track.CAMERA, GapCause.RECORDER_FAILED, camera.end_cause)
    assert (to_ms(gap.started_at), to_ms(gap.ended_at)) == (BEGAN_MS, BEGAN_MS + 3000)
    assert (camera.vault_object_id is not None) is bool(content)
    assert not (collaborators.settings.recordings / str(sitting.id)).exists()
    assert state(session_factory, sitting) is SittingState.IN_REVIEW


def test_spans_that_no_file_covers_become_gaps(collaborators, session_factory, finished, tmp_path, recorded):
    short = webm(tmp_path / "short.webm", seconds=1.0).read_bytes()
    sitting = finished((Track.CAMERA, short, 0, 3), (Track.SCREEN, recorded.read_bytes(), 1.5, 3))
    assert seal_sitting(collaborators, sitting.id)
    camera, screen = rows(session_factory, Gap, sitting)
    assert (camera.track, camera.cause, camera.detail) == (
        Track.CAMERA,
        GapCause.RECORDER_FAILED,
        "the file ends early",
    )
    assert abs(to_ms(camera.started_at) - BEGAN_MS - 1000) < 60
    assert to_ms(camera.ended_at) == BEGAN_MS + 3000
    assert (screen.track, screen.cause) == (Track.SCREEN, GapCause.UNKNOWN)
    assert (to_ms(screen.started_at), to_ms(screen.ended_at)) == (BEGAN_MS, BEGAN_MS + 1500)


def test_a_recorder_at_work_is_waited_for_but_not_for_ever(collaborators, session_factory, finished, recorded):
    content = recorded.read_bytes()
    sitting = finished((Track.CAMERA, content, 0, 3), (Track.SCREEN, content, 0, 3), state=PartState.RECORDING)
    with unit_of_work(session_factory) as session:
        row = session.get_one(Sitting, sitting.id)
        row.finished_at = utcnow()
    assert not seal_sitting(collaborators, sitting.id)
    assert state(session_factory, sitting) is SittingState.FINISHED
    with unit_of_work(session_factory) as session:
        row = session.get_one(Sitting, sitting.id)
        row.finished_at = utcnow() - timedelta(minutes=6)
    assert seal_sitting(collaborators, sitting.id)
    parts = rows(session_factory, Part, sitting)
    assert {(part.state, part.end_cause) for part in parts} == {(PartState.SEALED, "gateway_lost")}


def test_a_sitting_without_any_recording_is_offered_with_its_gaps(collaborators, session_factory, finished):
    sitting = finished()
    assert seal_sitting(collaborators, sitting.id)
    assert {gap.track for gap in rows(session_factory, Gap, sitting)} == {Track.CAMERA, Track.SCREEN}
    assert state(session_factory, sitting) is SittingState.IN_REVIEW


def test_a_running_sitting_is_left_alone(collaborators, make, session):
    sitting = make.sitting(SittingState.RUNNING, started_at=utcnow())
    session.commit()
    assert not seal_sitting(collaborators, sitting.id)
