import os
import time

import pytest
from sqlalchemy import select

from appliance.audit import Actor
from appliance.models import AuditEntry, Part, StrayFile
from appliance.services import nodes
from appliance.vocabulary import PartState, SittingState, Track
from media.recordings import sweep

PERSON = Actor("cli", "root", "root")


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "recordings"
    path.mkdir()
    return path


@pytest.fixture
def put(folder):
    """``put("7/camera-1.webm", minutes=60)`` makes a file that was last written to so long ago."""

    def make_file(name, minutes=60):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 1000)
        then = time.time() - minutes * 60
        os.utime(path, (then, then))
        return path

    return make_file


@pytest.fixture
def part(session):
    def make_part(sitting, path, sequence=1, state=PartState.STOPPED):
        session.add(
            Part(
                sitting_id=sitting.id, track=Track.CAMERA, sequence=sequence, path=str(path), node_url="", state=state
            )
        )
        session.flush()

    return make_part


def actions(session):
    session.commit()
    return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_each_kind_of_stray_is_found_and_reported_once(session, make, folder, put, part):
    running, over = make.sitting(SittingState.RUNNING), make.sitting(SittingState.CONCLUDED)
    part(running, put(f"{running.id}/camera-1.webm"), 1)
    part(over, "", 1, PartState.SEALED)
    put(f"{running.id}/camera-9.webm", minutes=1)  # a recorder whose part is not written down yet
    wanted = {
        put(f"{running.id}/camera-2.webm"): ("no_part", False),
        put(f"{over.id}/camera-1.webm"): ("sealed", True),
        put(f"{over.id}/screen-1.webm"): ("no_part", True),
        put("999999/camera-1.webm"): ("unknown_sitting", True),
        put("notes.txt"): ("foreign", False),
    }
    found = sweep.find(session, folder)
    assert {one.path: (one.reason, one.deletable) for one in found} == wanted
    assert actions(session).count("recordings.strays_found") == 1
    sweep.find(session, folder)
    assert actions(session).count("recordings.strays_found") == 1
    told = nodes.stray_files(session)
    assert (told["count"], told["size_bytes"]) == (5, 5000)


def test_a_file_that_is_gone_is_reported_no_longer(session, folder, put):
    path = put("999999/camera-1.webm")
    sweep.find(session, folder)
    path.unlink()
    assert sweep.find(session, folder) == []
    session.flush()
    assert session.scalars(select(StrayFile)).all() == []


def test_deleting_leaves_what_may_be_evidence_and_audits_every_name(session, make, folder, put):
    running = make.sitting(SittingState.RUNNING)
    evidence = put(f"{running.id}/camera-2.webm")
    stray = put("999999/camera-1.webm")
    assert [one.path for one in sweep.delete(session, PERSON, folder)] == [stray]
    assert evidence.exists()
    assert not stray.parent.exists()
    session.commit()
    (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "recordings.delete_stray"))
    assert (entry.actor_kind, entry.subject_id, entry.details["size_bytes"]) == ("cli", str(stray), 1000)
    assert sweep.delete(session, PERSON, folder) == []


def test_without_a_folder_there_is_nothing(session, tmp_path):
    assert sweep.find(session, tmp_path / "none") == []
