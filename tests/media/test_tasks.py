"""The worker's jobs, in real worker processes, on real media."""

import time
from datetime import timedelta

import cv2
import numpy as np
import pytest
from sqlalchemy import text

from appliance import jobs
from appliance.audit import Actor
from appliance.db import to_ms, unit_of_work, utcnow
from appliance.models import Consent, IdentityPhoto, Observation, Part, Sitting, SystemCheck, VaultObject
from appliance.services import check_ins
from appliance.vocabulary import (
    FinishedBy,
    IdentityVerdict,
    ObservationSource,
    ObservationType,
    PartState,
    PhotoKind,
    SittingState,
    Track,
)
from media import watch_log
from media.analysis import Analyser
from media.clips.drawn import portrait_jpeg
from media.node.synthetic import Clip
from media.recorded import watch
from tests.live import until
from tests.media.record import publish_both

pytestmark = pytest.mark.timeout(120)

ABSENT = ObservationType.NO_USER_IN_FRAME


async def test_from_the_first_picture_to_the_sealed_recording(
    browser, sitting, clip, record, start, finish, worker, collaborators, session_factory
):
    """Published, started, watched by the worker, finished, sealed, offered for review; readable in the vault only."""
    worker()
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    (absence,) = await until(lambda: rec.observations(type=ABSENT), 30, "an absence: the clip shows a pattern")
    assert absence.source is ObservationSource.DETECTOR
    assert absence.ended_at is None
    finish(sitting)
    await until(lambda: rec.sitting().state is SittingState.IN_REVIEW, 20, "sealing")
    parts = rec.parts()
    assert {part.state for part in parts} == {PartState.SEALED}
    assert all(part.path == "" for part in parts)
    assert not (collaborators.settings.recordings / str(sitting.id)).exists()
    length = (rec.sitting().finished_at - rec.sitting().started_at).total_seconds() * 1000
    assert all(abs(part.duration_ms - length) < 500 for part in parts)
    assert all(row.ended_at for row in rec.observations())
    assert rec.sitting().score is not None
    with unit_of_work(session_factory) as session:
        for part in parts:
            with collaborators.vault.open(session, session.get_one(VaultObject, part.vault_object_id)) as reader:
                assert reader.read(0, 4) == b"\x1a\x45\xdf\xa3"
    assert rec.whole()


async def test_live_and_afterwards_the_same_is_seen(
    browser, sitting, drawn_recording, record, start, finish, worker, collaborators, session_factory, tmp_path
):
    """The same pictures through browser, node, tap and worker, and as the recording that came of them.

    Compared from the first absence's end on: a worker that was busy elsewhere comes to a sitting when it may
    already have begun, and sees then only the rest of it.
    """
    worker()
    clip = Clip.load(drawn_recording)
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)

    def two_absences():
        rows = rec.observations(type=ABSENT)[:2]
        return rows if len(rows) == 2 and rows[1].ended_at else None

    first, absence = await until(two_absences, 60, "the second absence's end")
    finish(sitting)
    await until(lambda: rec.sitting().state is SittingState.IN_REVIEW, 20, "sealing")
    (part,) = [row for row in rec.parts() if row.track is Track.CAMERA]
    film = tmp_path / "camera.webm"
    with unit_of_work(session_factory) as session:
        with collaborators.vault.open(session, session.get_one(VaultObject, part.vault_object_id)) as reader:
            film.write_bytes(reader.read(0, reader.size))
        shots = [(shot.number, to_ms(shot.taken_at)) for shot in session.get_one(Observation, absence.id).pictures]
    again = watch(Analyser(None), film, to_ms(part.started_at)).observations
    live = [
        row for row in rec.observations() if row.source is ObservationSource.DETECTOR and row.detector != "analysis"
    ]
    end = rec.sitting().finished_at - timedelta(milliseconds=200)
    whole = [row for row in live if first.ended_at < row.started_at and row.ended_at < end]
    assert absence.id in {row.id for row in whole}
    for row in whole:
        (same,) = [one for one in again if one.type is row.type and abs(one.start_ms - to_ms(row.started_at)) < 1000]
        assert abs(same.end_ms - to_ms(row.ended_at)) < 1000
        assert same.detector == row.detector
        assert {key: row.details[key] for key in FIXED} == {key: same.details[key] for key in FIXED}
    assert [number for number, _ in shots] == [1, 2]
    assert all(to_ms(absence.started_at) <= at_ms <= to_ms(absence.ended_at) for _, at_ms in shots)


FIXED = ("threshold", "min_duration_ms", "models")
"""Of a finding's details: what does not depend on the picture that was just looked at."""


async def test_a_killed_workers_watch_is_taken_over(browser, sitting, clip, record, start, worker):
    """What the dead one left open ends where it last looked; the span nobody watched is told; then it goes on."""
    first = worker("first")
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    (absence,) = await until(lambda: rec.observations(type=ABSENT), 30, "the first worker's absence")
    await until(lambda: any(watch_log.UNTIL in part.media for part in rec.parts()), 10, "progress")
    first.kill()
    killed = time.time() * 1000
    await until(lambda: time.time() * 1000 - killed > watch_log.UNWATCHED_MS, 10, "a span that is told")
    worker("second")
    again = await until(lambda: rec.observations(type=ABSENT)[1:], 40, "the second worker's absence")
    (first_seen,) = [row for row in rec.observations(type=ABSENT) if row.id == absence.id]
    assert first_seen.ended_at is not None
    assert to_ms(first_seen.ended_at) < killed + 500
    doubts = rec.observations(type=ObservationType.UNDETERMINED, detector="analysis")
    (unwatched,) = [row for row in doubts if row.details["reason"] == "analysis_interrupted"]
    assert unwatched.started_at == first_seen.ended_at
    assert unwatched.ended_at <= again[0].started_at
    assert unwatched.started_at < unwatched.ended_at


async def test_a_lost_node_is_tapped_again(browser, sitting, clip, record, start, worker, node):
    worker()
    page, rec = browser().candidate_of(sitting), record(sitting)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    await until(lambda: rec.observations(type=ABSENT), 30, "the absence")
    node.kill()
    (missing,) = await until(
        lambda: rec.observations(type=ObservationType.CAMERA_NO_PICTURE), 20, "the missing picture"
    )
    await node.start()
    await until(rec.recording, 20, "new parts")
    await until(lambda: rec.observations(type=ObservationType.CAMERA_NO_PICTURE)[0].ended_at, 20, "pictures again")
    # The pictures are back through the new tap; a short loss lets the absence go on, a longer one begins another.
    await until(lambda: rec.observations(type=ABSENT)[-1].ended_at is None, 20, "an absence that goes on")
    assert missing.source is ObservationSource.DETECTOR


def passport():
    """The portrait printed small and pale on a page."""
    picture = cv2.imdecode(np.frombuffer(portrait_jpeg(), np.uint8), cv2.IMREAD_COLOR)
    page = np.full((600, 850, 3), 225, np.uint8)
    page[180:430, 40:290] = cv2.resize(picture, (250, 250), interpolation=cv2.INTER_AREA) // 2 + 110
    return cv2.imencode(".jpg", page)[1].tobytes()


def wall():
    return cv2.imencode(".jpg", np.full((480, 640, 3), 140, np.uint8))[1].tobytes()


@pytest.fixture
def checking_in(make, session):
    row = make.sitting(SittingState.CHECK_IN)
    session.add(Consent(sitting_id=row.id, accepted=True, text_version="1", text_hash="x", language="en"))
    session.add(SystemCheck(sitting_id=row.id, passed=True, results={}, client={}))
    session.commit()
    return row


async def test_photos_are_judged_and_compared(checking_in, collaborators, session_factory, worker):
    worker()

    def submit(kind, content):
        with unit_of_work(session_factory) as session:
            row = session.get_one(Sitting, checking_in.id)
            actor = Actor("candidate", str(row.id), "Ada")
            return check_ins.submit_photo(
                session, actor, collaborators.vault, row, kind, content, collaborators.settings.photo_max_bytes
            ).id

    def judged(photo_id):
        with unit_of_work(session_factory) as session:
            done = session.execute(
                text("SELECT count(*) FROM audit_entry WHERE action = 'photo.check' AND details->>'photo_id' = :id"),
                {"id": str(photo_id)},
            ).scalar()
            return session.get_one(IdentityPhoto, photo_id) if done else None

    blank = submit(PhotoKind.FACE, wall())
    seen = await until(lambda: judged(blank), 40, "the blank photo's verdict")
    assert (seen.verdict, seen.hints) == (IdentityVerdict.UNDETERMINED, ["no_face"])
    face = submit(PhotoKind.FACE, portrait_jpeg())
    seen = await until(lambda: judged(face), 20, "the face photo's verdict")
    assert (seen.verdict, seen.hints) == (None, [])
    document = submit(PhotoKind.DOCUMENT, passport())
    seen = await until(lambda: judged(document), 20, "the document's verdict")
    assert seen.verdict is IdentityVerdict.MATCH
    assert 0 < seen.distance < 0.55


def test_progress_and_the_unwatched_span(make, session, session_factory, vault):
    """A take-over soon after the last look tells nothing; a late one tells the span."""

    now = utcnow()
    sitting = make.sitting(SittingState.RUNNING, started_at=now)
    session.add(
        Part(sitting_id=sitting.id, track=Track.CAMERA, sequence=1, path="x", node_url="n", media={"kept": True})
    )
    session.commit()
    with unit_of_work(session_factory) as work:
        watch_log.saw(work, {sitting.id: to_ms(now) - 1000})
    with unit_of_work(session_factory) as work:
        watch_log.take_up(work, vault, sitting.id)
        assert work.query(Observation).filter_by(sitting_id=sitting.id).count() == 0
        assert work.query(Part).filter_by(sitting_id=sitting.id).one().media["kept"] is True
    with unit_of_work(session_factory) as work:
        watch_log.saw(work, {sitting.id: to_ms(now) - 20_000})
    with unit_of_work(session_factory) as work:
        watch_log.take_up(work, vault, sitting.id)
        (row,) = work.query(Observation).filter_by(sitting_id=sitting.id)
    assert to_ms(row.started_at) == to_ms(now) - 20_000
    assert to_ms(row.ended_at) >= to_ms(now)


async def test_the_sweep_ends_what_is_overdue_and_seals_what_was_forgotten(
    make, session, session_factory, collaborators, worker
):

    past = utcnow() - timedelta(minutes=10)
    overdue = make.sitting(SittingState.RUNNING, started_at=past, deadline_at=utcnow() - timedelta(seconds=1))
    forgotten = make.sitting(SittingState.FINISHED, started_at=past, finished_at=past)
    session.commit()
    with unit_of_work(session_factory) as work:  # what the minute's tick would do
        jobs.defer(work, "sittings.expire", timestamp=0)
    worker()

    def states():
        with unit_of_work(session_factory) as work:
            rows = [work.get_one(Sitting, row.id) for row in (overdue, forgotten)]
            return [row.state for row in rows] == [SittingState.IN_REVIEW] * 2 and rows

    (ended, _) = await until(states, 40, "both in review")
    assert ended.finished_by is FinishedBy.CLOCK
