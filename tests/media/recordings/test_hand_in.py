"""What a browser hands in becomes evidence of a gap and of nothing else."""

import hashlib
import io
import itertools
import random
from datetime import timedelta

import av
import pytest

from appliance.audit import Actor
from appliance.db import from_ms, to_ms, unit_of_work, utcnow
from appliance.models import Gap, HandIn, Observation, Part, VaultObject
from appliance.services import hand_ins, sittings
from appliance.services.hand_ins import CHUNK_BYTES, Claim
from appliance.vocabulary import GapCause, HandInState, PartSource, PartState, SittingState, Track
from media.recordings import hand_in
from media.recordings.analyse import analyse_part
from media.recordings.join import Segment, join
from media.recordings.remux import Unplayable
from tests.media.recordings.conftest import webm

BEGAN_MS = to_ms(utcnow()) - 600_000
CANDIDATE = Actor("candidate", "1", "Ada")


@pytest.fixture(scope="session")
def segment_files(tmp_path_factory):
    """Three recordings of 3 s each, a key frame a second, with sound."""
    folder = tmp_path_factory.mktemp("segments")
    return [webm(folder / f"{number}.webm", 3).read_bytes() for number in range(3)]


@pytest.fixture
def lost(make, session, settings):
    """``lost((from, to), …, state=)``: a sitting whose camera has these gaps, in ms since it began."""

    def make_lost(*spans, track=Track.CAMERA, state=SittingState.RUNNING, cause=GapCause.CONNECTION_LOST):
        finished = from_ms(BEGAN_MS + 60_000) if state is not SittingState.RUNNING else None
        sitting = make.sitting(state, started_at=from_ms(BEGAN_MS), finished_at=finished)
        for start, end in spans:
            session.add(
                Gap(
                    sitting_id=sitting.id,
                    track=track,
                    cause=cause,
                    # gaps are kept to the microsecond, browsers know milliseconds
                    started_at=from_ms(BEGAN_MS + start) + timedelta(microseconds=400),
                    ended_at=from_ms(BEGAN_MS + end) - timedelta(microseconds=400),
                    detail="nothing came",
                )
            )
        session.commit()
        return sitting

    return make_lost


def hand(session, settings, sitting, files, span, track=Track.CAMERA, at=0, mime="video/webm"):
    """Hand segments of 3 s in, recorded from ``at`` on, for a span; return the hand-in's id."""
    whole = b"".join(files)
    start = BEGAN_MS + at
    segments = [(start + n * 3000, start + (n + 1) * 3000, len(one)) for n, one in enumerate(files)]
    claim = Claim(
        track,
        BEGAN_MS + span[0],
        BEGAN_MS + span[1],
        len(whole),
        hashlib.sha256(whole).hexdigest(),
        mime,
        segments,
    )
    row = hand_ins.begin(session, CANDIDATE, sitting, settings, claim)
    for number in range(hand_ins.chunks_of(row)):
        piece = whole[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
        hand_ins.put_chunk(session, row, settings, number, piece, hashlib.sha256(piece).digest())
    hand_ins.complete(session, CANDIDATE, row, settings)
    session.commit()
    return row.id


def rows(session_factory, model, sitting):
    with unit_of_work(session_factory) as session:
        return list(session.query(model).filter_by(sitting_id=sitting.id).order_by(model.id))


def decoded(collaborators, part):
    """Times in ms of a part's pictures and of its packets of sound, out of the vault."""
    with unit_of_work(collaborators.session_factory) as session:
        sealed = session.get_one(VaultObject, part.vault_object_id)
        with collaborators.vault.open(session, sealed) as reader:
            assert reader.verify() == part.sha256
            content = reader.read(0, reader.size)
    with av.open(io.BytesIO(content)) as container:
        pictures = [round(frame.time * 1000) for frame in container.decode(video=0)]
    with av.open(io.BytesIO(content)) as container:
        sound = [round(packet.pts * packet.time_base * 1000) for packet in container.demux(audio=0) if packet.size]
    return pictures, sound


def test_a_gap_within_one_recording_is_covered_exactly(
    collaborators, session, session_factory, settings, lost, segment_files
):
    sitting = lost((1400, 7200))
    number = hand(session, settings, sitting, segment_files, (1400, 7200))
    assert hand_in.take_in(collaborators, number)
    (part,) = rows(session_factory, Part, sitting)
    assert (part.source, part.state) == (PartSource.CANDIDATE, PartState.SEALED)
    assert (to_ms(part.started_at) - BEGAN_MS, to_ms(part.ended_at) - BEGAN_MS) == (1400, 7200)
    (gap,) = rows(session_factory, Gap, sitting)
    assert (gap.covered_by_id, gap.cause) == (part.id, GapCause.CONNECTION_LOST)
    pictures, sound = decoded(collaborators, part)
    # the pictures since the key frame at 1.0 s pass in the first milliseconds; then 15 a second to the end
    lead = [at for at in pictures if at < 20]
    assert len(lead) in {6, 7}
    assert pictures == sorted(pictures)
    assert 5700 <= pictures[-1] < 5800
    assert abs(len(pictures) - len(lead) - 87) <= 2
    assert sound == sorted(sound)
    assert sound[0] < 30
    assert 5700 < sound[-1] < 5800
    assert max(later - sooner for sooner, later in itertools.pairwise(sound)) < 100
    assert part.media["supplied"]["hand_in"] == number
    assert abs(part.duration_ms - 5800) < 100
    assert not list(settings.hand_ins.rglob("*.part"))


def test_what_is_not_shown_stays_a_gap(collaborators, session, session_factory, settings, lost, segment_files):
    sitting = lost((1000, 20_000))
    number = hand(session, settings, sitting, segment_files, (1000, 20_000), at=3000)
    assert hand_in.take_in(collaborators, number)
    (part,) = rows(session_factory, Part, sitting)
    gaps = sorted(rows(session_factory, Gap, sitting), key=lambda gap: gap.started_at)
    spans = [(to_ms(g.started_at) - BEGAN_MS, to_ms(g.ended_at) - BEGAN_MS, g.covered_by_id) for g in gaps]
    assert spans == [(1000, 3000, None), (3000, 12_000, part.id), (12_000, 20_000, None)]
    assert {gap.detail for gap in gaps} == {"nothing came"}


def test_a_screen_that_stood_still_is_as_long_as_its_span(tmp_path):
    """Its browser gave a picture before the gap and no other for a second."""
    still = webm(tmp_path / "still.webm", 1 / 15, audio=False).read_bytes()
    (made,) = join([Segment(0, 1400, still)], "video/webm", (300, 900), tmp_path)
    assert (made.start_ms, made.end_ms, made.duration_ms) == (300, 900, 600)
    with av.open(str(made.path)) as container:
        assert container.duration == 600_000
        assert [round(frame.time * 1000) for frame in container.decode(video=0)] == [0]


def test_two_gaps_of_one_claim_are_two_parts_and_nothing_recorded_is_touched(
    collaborators, session, session_factory, settings, lost, segment_files
):
    sitting = lost((1000, 2000), (5000, 6000))
    number = hand(session, settings, sitting, segment_files, (0, 9000))
    assert hand_in.take_in(collaborators, number)
    spans = [
        (to_ms(p.started_at) - BEGAN_MS, to_ms(p.ended_at) - BEGAN_MS) for p in rows(session_factory, Part, sitting)
    ]
    assert spans == [(1000, 2000), (5000, 6000)]


def test_covered_once_is_covered_for_good(collaborators, session, session_factory, settings, lost, segment_files):
    sitting = lost((1000, 2000))
    first = hand(session, settings, sitting, segment_files[:1], (1000, 2000))
    second = hand(session, settings, sitting, segment_files[1:2], (1000, 1900))
    assert hand_in.take_in(collaborators, first)
    assert not hand_in.take_in(collaborators, second)
    assert len(rows(session_factory, Part, sitting)) == 1
    refused = rows(session_factory, HandIn, sitting)[1]
    assert (refused.state, refused.reason) == (HandInState.REFUSED, "it shows nothing of what is missing")


def test_a_torn_segment_counts_as_far_as_it_goes(
    collaborators, session, session_factory, settings, lost, segment_files
):
    sitting = lost((0, 6000))
    torn = segment_files[1][: len(segment_files[1]) // 2]
    number = hand(session, settings, sitting, [segment_files[0], torn], (0, 6000))
    assert hand_in.take_in(collaborators, number)
    (part,) = rows(session_factory, Part, sitting)
    assert 3000 < to_ms(part.ended_at) - BEGAN_MS < 6000
    assert [gap.covered_by_id for gap in rows(session_factory, Gap, sitting)] == [part.id, None]


def test_strange_bytes_are_refused_and_the_gap_stays(collaborators, session, session_factory, settings, lost):
    sitting = lost((0, 3000))
    number = hand(session, settings, sitting, [random.Random(1).randbytes(20_000)], (0, 3000))
    assert not hand_in.take_in(collaborators, number)
    (row,) = rows(session_factory, HandIn, sitting)
    assert row.state is HandInState.REFUSED
    assert "cannot be read" in row.reason
    assert rows(session_factory, Part, sitting) == []
    assert rows(session_factory, Gap, sitting)[0].covered_by_id is None
    assert not list(settings.hand_ins.rglob("*.part"))


def test_a_recording_longer_than_its_time_is_none(segment_files, tmp_path):
    with pytest.raises(Unplayable, match="shows 3"):
        list(join([Segment(0, 500, segment_files[0])], "video/webm", (0, 500), tmp_path))


def test_run_again_nothing_more_happens(collaborators, session, session_factory, settings, lost, segment_files):
    sitting = lost((0, 3000))
    number = hand(session, settings, sitting, segment_files[:1], (0, 3000))
    assert hand_in.take_in(collaborators, number)
    assert not hand_in.take_in(collaborators, number)
    assert len(rows(session_factory, Part, sitting)) == 1


def test_a_reviewed_sitting_is_scored_anew_after_the_camera_was_looked_at(
    collaborators, session, session_factory, settings, lost, segment_files
):
    sitting = lost((0, 9000), state=SittingState.IN_REVIEW)
    number = hand(session, settings, sitting, segment_files, (0, 9000))
    assert hand_in.take_in(collaborators, number)
    (part,) = rows(session_factory, Part, sitting)
    found = analyse_part(collaborators, part.id)
    assert found > 0  # moving stripes, nobody there
    with unit_of_work(session_factory) as fresh:
        row = sittings.get(fresh, sitting.id)
        assert row.score is not None
        seen = fresh.query(Observation).filter_by(sitting_id=sitting.id).all()
        assert all(one.details["supplied"] for one in seen)
        assert all(BEGAN_MS <= to_ms(one.started_at) <= BEGAN_MS + 9000 for one in seen)
    assert analyse_part(collaborators, part.id) == 0


def test_never_completed_is_forgotten_after_days(
    collaborators, session, session_factory, settings, lost, segment_files
):
    sitting = lost((0, 3000))
    content = segment_files[0]
    claim = Claim(
        Track.CAMERA,
        BEGAN_MS,
        BEGAN_MS + 3000,
        len(content),
        hashlib.sha256(content).hexdigest(),
        "video/webm",
        [(BEGAN_MS, BEGAN_MS + 3000, len(content))],
    )
    row = hand_ins.begin(session, CANDIDATE, sitting, settings, claim)
    row.created_at = from_ms(BEGAN_MS - 80 * 3_600_000)
    hand_ins.file_of(settings, row).parent.mkdir(parents=True)
    hand_ins.file_of(settings, row).write_bytes(b"x")
    session.commit()
    assert hand_in.forget_abandoned(collaborators) == 1
    assert not hand_ins.file_of(settings, row).exists()
    assert rows(session_factory, HandIn, sitting)[0].state is HandInState.REFUSED
