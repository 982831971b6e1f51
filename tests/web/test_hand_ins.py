"""What a candidate's browser recorded itself, handed in by REST: resumable, bounded, for gaps only."""

import base64
import hashlib
import random

import pytest

from appliance.db import from_ms, to_ms, utcnow
from appliance.models import AuditEntry, Gap, HandIn
from appliance.rate_limits import RateLimit
from appliance.services.hand_ins import CHUNK_BYTES
from appliance.vocabulary import GapCause, HandInState, SittingState, Track
from web import limits
from web.limits import Brake

BEGAN_MS = to_ms(utcnow()) - 900_000
HUGE = 2**30
CONTENT = random.Random(5).randbytes(CHUNK_BYTES * 2 + 1000)
SEGMENT = {"start_ms": BEGAN_MS + 10_000, "end_ms": BEGAN_MS + 40_000, "size": len(CONTENT)}


@pytest.fixture
def lost(candidate, session):
    """``lost((from, to), …)``: a candidate's browser whose camera has these gaps, in ms since the exam began."""

    def make_lost(*spans, state=SittingState.RUNNING, cause=GapCause.CONNECTION_LOST, **fields):
        browser, sitting = candidate(state, started_at=from_ms(BEGAN_MS), **fields)
        for start, end in spans:
            ended = None if end is None else from_ms(BEGAN_MS + end)
            session.add(
                Gap(
                    sitting_id=sitting.id,
                    track=Track.CAMERA,
                    cause=cause,
                    started_at=from_ms(BEGAN_MS + start),
                    ended_at=ended,
                )
            )
        session.commit()
        return browser, sitting

    return make_lost


def claim(content=CONTENT, start=10_000, end=40_000, **changes):
    segment = {"start_ms": BEGAN_MS + start, "end_ms": BEGAN_MS + end, "size": len(content)}
    return {
        "track": "camera",
        "start_ms": BEGAN_MS + start,
        "end_ms": BEGAN_MS + end,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "mime": "video/webm;codecs=vp8,opus",
        "segments": [segment],
        **changes,
    }


def put(browser, hand_in, number, content=None, digest=None, status=200):
    piece = CONTENT[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES] if content is None else content
    told = base64.b64encode(hashlib.sha256(piece if digest is None else digest).digest()).decode()
    return browser.put(
        f"/api/v1/sitting/hand-ins/{hand_in}/chunks/{number}",
        piece,
        headers={
            "X-CSRF-Token": browser.csrf,
            "Content-Digest": f"sha-256=:{told}:",
            "Content-Type": "application/octet-stream",
        },
        status=status,
    ).json


def begin(browser, status=200, **changes):
    answer = browser.post_ok("/api/v1/sitting/hand-ins", claim(**changes), status)
    return answer["hand_in"] if status == 200 else answer["error"]


def test_what_is_missing_is_told(lost, session):
    browser, sitting = lost((10_000, 40_000), (50_000, 50_100), (60_000, None))
    session.add(
        Gap(
            sitting_id=sitting.id,
            track=Track.SCREEN,
            cause=GapCause.SHARE_STOPPED,
            started_at=from_ms(BEGAN_MS),
            ended_at=from_ms(BEGAN_MS + 5000),
        )
    )
    session.commit()
    told = browser.get("/api/v1/sitting/gaps").json
    assert told["accepts"]
    assert told["gaps"] == [
        {
            "track": "camera",
            "start_ms": BEGAN_MS + 10_000,
            "end_ms": BEGAN_MS + 40_000,
            "cause": "connection_lost",
        },
        {"track": "camera", "start_ms": BEGAN_MS + 60_000, "end_ms": None, "cause": "connection_lost"},
    ]


def test_in_chunks_resumed_after_a_break(lost, session, settings):
    browser, sitting = lost((10_000, 40_000))
    first = begin(browser)
    assert (first["state"], first["chunks"], first["received"]) == ("receiving", 3, [])
    put(browser, first["id"], 2)
    put(browser, first["id"], 0)
    again = begin(browser)  # the page was loaded anew
    assert (again["id"], again["received"]) == (first["id"], [0, 2])
    missing = browser.post_ok(f"/api/v1/sitting/hand-ins/{first['id']}/complete", status=400)["error"]
    assert missing["details"]["missing"] == [1]
    put(browser, first["id"], 1)
    put(browser, first["id"], 1)  # twice is once
    done = browser.post_ok(f"/api/v1/sitting/hand-ins/{first['id']}/complete")["hand_in"]
    assert (done["state"], done["received"]) == ("complete", [0, 1, 2])
    assert (settings.hand_ins / str(sitting.id) / f"{first['id']}.part").read_bytes() == CONTENT
    assert browser.get(f"/api/v1/sitting/hand-ins/{first['id']}").json["hand_in"]["state"] == "complete"
    actions = [row.action for row in session.query(AuditEntry).order_by(AuditEntry.id)]
    assert actions.count("hand_in.begin") == actions.count("hand_in.complete") == 1
    entry = session.query(AuditEntry).filter_by(action="hand_in.complete").one()
    assert (entry.actor_kind, entry.details["sha256"]) == ("candidate", hashlib.sha256(CONTENT).hexdigest())


def test_a_damaged_chunk_is_sent_again(lost):
    browser, _ = lost((10_000, 40_000))
    number = begin(browser)["id"]
    error = put(browser, number, 0, digest=b"something else", status=400)["error"]
    assert "damaged on its way" in error["message"]
    assert put(browser, number, 0)["received"] == [0]


@pytest.mark.parametrize(
    ("chunk", "content", "status", "words"),
    [
        (0, b"short", 400, "should have"),
        (3, b"x", 400, "chunks 0 to 2"),
        (0, b"x" * (CHUNK_BYTES + 1), 413, "at most"),
    ],
)
def test_chunks_of_a_wrong_size(lost, chunk, content, status, words):
    browser, _ = lost((10_000, 40_000))
    number = begin(browser)["id"]
    assert words in put(browser, number, chunk, content, status=status)["error"]["message"]


def test_without_a_digest_nothing_is_taken(lost):
    browser, _ = lost((10_000, 40_000))
    number = begin(browser)["id"]
    headers = {"X-CSRF-Token": browser.csrf}
    answer = browser.put(f"/api/v1/sitting/hand-ins/{number}/chunks/0", b"x", headers=headers, status=400)
    assert answer.json["error"]["details"]["field"] in {"Content-Digest", "body"}


def test_the_whole_must_be_what_was_claimed(lost, session):
    browser, sitting = lost((10_000, 40_000))
    number = begin(browser, sha256="0" * 64)["id"]
    for chunk in range(3):
        put(browser, number, chunk)
    done = browser.post_ok(f"/api/v1/sitting/hand-ins/{number}/complete")["hand_in"]
    assert done["state"] == "refused"
    assert session.query(Gap).filter_by(sitting_id=sitting.id).one().covered_by_id is None


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"start": 100_000, "end": 130_000}, 400, "Nothing is missing"),
        ({"start": 40_000, "end": 39_000}, 400, "later than"),
        ({"start": 10_000, "end": 2_000_000}, 400, "future"),
        ({"size": 5}, 400, "add up"),
        ({"mime": "application/x-mpegurl"}, 400, "video/webm"),
        ({"track": "aux"}, 400, "camera and screen"),
        ({"sha256": "../../etc"}, 400, "sha256"),
        ({"segments": []}, 400, "segments"),
        ({"segments": [{**SEGMENT, "start_ms": BEGAN_MS, "end_ms": BEGAN_MS + 1}]}, 400, "outside"),
        ({"size": HUGE, "segments": [{**SEGMENT, "size": HUGE}]}, 413, "at most"),
    ],
)
def test_claims_that_cannot_be(lost, changes, status, words):
    browser, _ = lost((10_000, 40_000))
    assert words in begin(browser, status, **changes)["message"]


def test_too_large_for_its_time(lost):
    browser, _ = lost((10_000, 40_000))
    assert "too large" in begin(browser, 413, start=10_000, end=10_500)["message"]


def test_no_more_than_the_sitting_may(lost, session):
    browser, sitting = lost((10_000, 40_000))
    filled = HandIn(
        sitting_id=sitting.id,
        track=Track.SCREEN,
        state=HandInState.TAKEN,
        started_at=from_ms(BEGAN_MS),
        ended_at=from_ms(BEGAN_MS + 1),
        size_bytes=600 * 1024 * 1024,
        sha256="0" * 64,
        mime="video/webm",
        segments=[],
    )
    session.add(filled)
    session.commit()
    assert "600 MB" in begin(browser, 413)["message"]


def test_a_gap_without_a_picture_is_not_filled(lost):
    browser, _ = lost((10_000, 40_000), cause=GapCause.CAMERA_STOPPED)
    assert "Nothing is missing" in begin(browser, 400)["message"]


def test_another_sittings_is_not_found(lost, session, make):
    browser, _ = lost((10_000, 40_000))
    other = HandIn(
        sitting_id=make.sitting(SittingState.RUNNING, started_at=from_ms(BEGAN_MS)).id,
        track=Track.CAMERA,
        started_at=from_ms(BEGAN_MS),
        ended_at=from_ms(BEGAN_MS + 1),
        size_bytes=len(CONTENT),
        sha256="0" * 64,
        mime="video/webm",
        segments=[],
    )
    session.add(other)
    session.commit()
    put(browser, other.id, 0, status=404)
    browser.get(f"/api/v1/sitting/hand-ins/{other.id}", status=404)
    browser.post_ok(f"/api/v1/sitting/hand-ins/{other.id}/complete", status=404)


@pytest.mark.parametrize(
    ("state", "hours_ago", "open_"),
    [
        (SittingState.IN_REVIEW, 1, True),
        (SittingState.FINISHED, 71, True),
        (SittingState.IN_REVIEW, 73, False),
        (SittingState.CONCLUDED, 1, False),
    ],
)
def test_after_the_exam_for_some_days(lost, state, hours_ago, open_):
    browser, _ = lost((10_000, 40_000), state=state, finished_at=from_ms(to_ms(utcnow()) - hours_ago * 3_600_000))
    assert browser.get("/api/v1/sitting/gaps").json["accepts"] is open_
    begin(browser, 200 if open_ else 409)


def test_a_flood_is_slowed_down(lost, monkeypatch):
    tight = (Brake(RateLimit("hand_in.account", burst=2, per_second=0.001), limits.account),)
    for route in [route for route, brakes in limits.BRAKES.items() if brakes is limits.HAND_IN]:
        monkeypatch.setitem(limits.BRAKES, route, tight)
    browser, _ = lost((10_000, 40_000))
    number = begin(browser)["id"]
    put(browser, number, 0)
    assert put(browser, number, 1, status=429)["error"]["details"]["retry_seconds"] > 1
