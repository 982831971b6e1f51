"""Parts and gaps."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import ImpossibleStep, NotFound
from appliance.models import Gap, Part, Sitting
from appliance.services import recordings
from appliance.vault import Vault
from appliance.vocabulary import GapCause, PartState, Track
from tests.appliance.services.conftest import BOX, actions, events
from tests.factories import Factories

Running = Callable[..., Sitting]
CAMERA, SCREEN = Track.CAMERA, Track.SCREEN
NODE = "ws://127.0.0.1:8888/kurento"


def path_for(sequence: int) -> str:
    return f"camera-{sequence}.webm"


def test_parts_are_counted_by_track(session: Session, running: Running) -> None:
    sitting = running()
    parts = [recordings.open_part(session, sitting.id, track, path_for, NODE) for track in (CAMERA, CAMERA, SCREEN)]
    assert [part.sequence for part in parts] == [1, 2, 1] and parts[1].path == "camera-2.webm"
    session.commit()
    told = [event.payload for event in events(session, f"sitting:{sitting.id}", "media.state")]
    assert told[0] == {"track": "camera", "state": "recording", "cause": ""}


def test_closing_again_changes_nothing(session: Session, running: Running) -> None:
    sitting = running()
    part = recordings.open_part(session, sitting.id, CAMERA, path_for, NODE)
    ended = part.started_at + timedelta(seconds=9)
    recordings.close_part(session, part.id, ended, "node_lost")
    recordings.close_part(session, part.id, utcnow() + timedelta(hours=1), "finish")
    assert (part.state, part.ended_at, part.end_cause) == (PartState.STOPPED, ended, "node_lost")


def test_a_gap_lasts_until_the_next_part(session: Session, running: Running) -> None:
    sitting = running()
    lost = utcnow()
    gap = recordings.open_gap(session, sitting.id, CAMERA, GapCause.NODE_LOST, lost, "no answer")
    assert recordings.open_gap(session, sitting.id, CAMERA, GapCause.UNKNOWN) is gap
    other = recordings.open_gap(session, sitting.id, SCREEN, GapCause.SHARE_STOPPED)
    back = lost + timedelta(seconds=4)
    recordings.open_part(session, sitting.id, CAMERA, path_for, NODE, back)
    assert (gap.cause, gap.ended_at, other.ended_at) == (GapCause.NODE_LOST, back, None)
    assert recordings.close_gap(session, sitting.id, CAMERA) is None
    assert recordings.close_gaps(session, sitting.id, utcnow()) == 1 and other.ended_at is not None
    session.commit()
    told = [
        (event.payload["track"], event.payload["state"], event.payload["cause"])
        for event in events(session, f"sitting:{sitting.id}", "media.state")
    ]
    assert told == [
        ("camera", "lost", "node_lost"),
        ("screen", "lost", "share_stopped"),
        ("camera", "live", ""),
        ("camera", "recording", ""),
    ]


def test_a_sealed_part_forgets_its_plain_file(
    session: Session, running: Running, vault: Vault, proctor: Actor, make: Factories
) -> None:
    sitting = running()
    part = recordings.open_part(session, sitting.id, CAMERA, path_for, NODE)
    recordings.close_part(session, part.id)
    assert not recordings.is_sealed(session, sitting.id)
    sealed = vault.seal(session, f"sitting:{sitting.id}", "part", b"webm" * 1000)
    recordings.mark_sealed(session, BOX, part.id, sealed, 61_000, {"video": "V_VP8"})
    assert (part.state, part.path, part.size_bytes, part.sha256) == (PartState.SEALED, "", 4000, sealed.sha256)
    assert (part.duration_ms, part.media) == (61_000, {"video": "V_VP8"})
    assert recordings.is_sealed(session, sitting.id)
    with pytest.raises(ImpossibleStep):
        recordings.mark_sealed(session, BOX, part.id, sealed, 61_000)
    recordings.record_view(session, proctor, part)
    session.commit()
    assert actions(session)[-2:] == ["recording.seal", "recording.view"]
    assert recordings.get_part(session, part.id, sitting.company_id) is part
    with pytest.raises(NotFound):
        recordings.get_part(session, part.id, make.company().id)


def test_a_lost_part_leaves_a_gap(session: Session, running: Running) -> None:
    sitting = running()
    part = recordings.open_part(session, sitting.id, SCREEN, path_for, NODE)
    recordings.close_part(session, part.id, part.started_at + timedelta(seconds=30))
    recordings.mark_lost(session, BOX, part.id, "file is empty")
    session.commit()
    gap = session.scalars(select(Gap)).one()
    assert (gap.track, gap.cause, gap.detail) == (SCREEN, GapCause.RECORDER_FAILED, "file is empty")
    assert (gap.started_at, gap.ended_at) == (part.started_at, part.ended_at)
    assert recordings.is_sealed(session, sitting.id) and actions(session)[-1] == "recording.lose"


def test_of_two_parts_at_once_each_has_its_number(
    session: Session, session_factory: SessionFactory, running: Running
) -> None:
    number = running().id
    ready = threading.Barrier(3)

    def open_part() -> None:
        with unit_of_work(session_factory) as own:
            ready.wait(10)
            recordings.open_part(own, number, CAMERA, path_for, NODE)

    threads = [threading.Thread(target=open_part) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(session.scalars(select(Part.sequence))) == [1, 2, 3]
