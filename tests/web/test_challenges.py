"""Movements and points of the check-in: over REST in, judged by what the worker runs, told to candidate and staff."""

from datetime import timedelta

import cv2
import pytest

from appliance.db import utcnow
from appliance.models import AuditEntry, Challenge, ChallengePictures, Consent, DataKey, Sitting, SystemCheck
from appliance.services import challenge_pictures, challenge_states, challenges
from appliance.services.challenge_pictures import TimedPicture, pack
from appliance.vocabulary import (
    BiometricsMode,
    ChallengeKind,
    ChallengeState,
    CheckInStep,
    Movement,
    Role,
    SittingState,
)
from media import challenges as worker
from media.biometrics.presentations import EVERY_MS, STEP_LOOKS, Posture, Sitter, Species, postures
from media.clips.drawn import portrait

HEADERS = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def sitter():
    return Sitter(portrait())


@pytest.fixture
def at_challenges(candidate, make, session):
    """``at_challenges(liveness=True)``: a candidate's browser whose check-in is done up to the challenges."""

    def enter(**exam):
        rows = {"identification": "skip", "biometrics": BiometricsMode.NONE, **exam}
        browser, sitting = candidate(SittingState.CHECK_IN, exam=make.exam(**rows), step=CheckInStep.LIVENESS)
        session.add(Consent(sitting_id=sitting.id, accepted=True, text_version="1", text_hash="", language="en"))
        session.add(SystemCheck(sitting_id=sitting.id, passed=True, results={}, client={}))
        session.commit()
        return browser, sitting

    return enter


def jpeg(image):
    return cv2.imencode(".jpg", image)[1].tobytes()


def batch_of(images, begin_ms=0, every_ms=EVERY_MS):
    return pack([TimedPicture(begin_ms + index * every_ms, jpeg(image)) for index, image in enumerate(images)])


def hand_in(browser, challenge, batch, step=None, status=200):
    number = challenge["step"]["index"] if step is None else step
    path = f"/api/v1/sitting/challenges/{challenge['id']}/steps/{number}"
    answer = browser.post(path, batch, headers={**HEADERS, "X-CSRF-Token": browser.csrf}, status=status).json
    return answer["challenge"] if status == 200 else answer["error"]


def perform(browser, session, challenge, show):
    """Do what is asked, step by step; ``show(step)`` gives the pictures."""
    while challenge["step"]:
        row = session.get(Challenge, challenge["id"])
        session.refresh(row)
        # as if the step had been shown for as long as it takes
        row.step_at = utcnow() - timedelta(milliseconds=challenge["step"]["ms"])
        session.commit()
        begin = challenge["step"]["index"] * STEP_LOOKS * EVERY_MS
        challenge = hand_in(browser, challenge, batch_of(show(challenge["step"]), begin))
    return challenge


def judged(session, vault, challenge):
    """What the worker's job does."""
    session.expire_all()
    handed = worker.read(session, vault, challenge["id"])
    found = worker.judge(handed)
    worker.keep(session, vault, challenge["id"], found)
    session.commit()
    session.expire_all()
    return session.get(Challenge, challenge["id"])


def head(sitter, species=Species.HEAD):
    def show(step):
        movement = None if step["movement"] == "straight" else Movement(step["movement"])
        return [sitter.picture(species, posture) for posture in postures(movement, species)]

    return show


def test_a_head_that_moves_as_asked_passes_and_its_pictures_are_gone(at_challenges, sitter, session, vault, staff):
    browser, sitting = at_challenges(liveness=True)
    told = browser.get("/api/v1/sitting").json
    assert told["challenges"]["liveness"]["state"] == "new" and told["step"] == "liveness"
    challenge = browser.post_ok("/api/v1/sitting/liveness")["challenges"]["liveness"]
    assert challenge["state"] == "open" and challenge["step"]["movement"] == "straight" and challenge["steps"] == 5
    challenge = perform(browser, session, challenge, head(sitter))
    assert challenge["state"] == "judging"
    row = judged(session, vault, challenge)
    assert row.state is ChallengeState.PASSED, (row.reasons, row.finding)
    assert not challenges.evidence(session, row.id)
    assert session.query(DataKey).filter_by(purpose=f"challenge:{row.id}").one().destroyed_at is not None
    told = browser.get("/api/v1/sitting").json
    assert told["challenges"]["liveness"]["done"] and told["step"] == "waiting_room"
    shown = staff(Role.REVIEWER).get(f"/api/v1/sittings/{sitting.id}/timeline").json["challenges"]
    assert [one["state"] for one in shown] == ["passed"] and len(shown[0]["steps"]) == 4
    actions = [entry.action for entry in session.query(AuditEntry).order_by(AuditEntry.id)]
    assert actions.count("liveness.begin") == actions.count("liveness.judge") == 1


def test_a_photo_fails_two_pictures_stay_and_after_three_tries_a_person_decides(
    at_challenges, sitter, session, vault, staff
):
    browser, sitting = at_challenges(liveness=True)
    for tries_left in (2, 1, 0):
        challenge = browser.post_ok("/api/v1/sitting/liveness")["challenges"]["liveness"]
        challenge = perform(browser, session, challenge, head(sitter, Species.STILL))
        row = judged(session, vault, challenge)
        assert row.state is ChallengeState.FAILED and row.reasons == ["not_done"]
        told = browser.get("/api/v1/sitting").json["challenges"]["liveness"]
        assert told["tries_left"] == tries_left and set(told["missed"]) == {movement.value for movement in Movement}
    assert browser.code_of("/api/v1/sitting/liveness", status=409) == "impossible_step"
    assert browser.get("/api/v1/sitting").json["step"] == "waiting_room"
    browser.post_ok("/api/v1/sitting/waiting-room")
    reviewer = staff(Role.REVIEWER)
    shown = reviewer.get(f"/api/v1/sittings/{sitting.id}/timeline").json["challenges"]
    assert [one["pictures"] for one in shown] == [2, 2, 2]
    picture = reviewer.get(f"/api/v1/challenges/{shown[0]['id']}/pictures/0")
    assert picture.content_type == "image/jpeg" and picture.body[:2] == b"\xff\xd8"
    reviewer.get(f"/api/v1/challenges/{shown[0]['id']}/pictures/5", status=404)
    assert session.query(AuditEntry).filter_by(action="challenge.view").count() == 1


def test_a_new_face_photo_asks_for_the_movements_again(at_challenges, make, session, sitter):
    browser, sitting = at_challenges(liveness=True, identification="face")
    photo = {"Content-Type": "image/jpeg", "X-CSRF-Token": browser.csrf}
    browser.post("/api/v1/sitting/photos/face", jpeg(sitter.image), headers=photo)
    session.add(Challenge(sitting_id=sitting.id, kind=ChallengeKind.LIVENESS, state=ChallengeState.PASSED))
    session.commit()
    assert browser.get("/api/v1/sitting").json["challenges"]["liveness"]["done"]
    told = browser.post("/api/v1/sitting/photos/face", jpeg(sitter.image), headers=photo).json
    assert not told["challenges"]["liveness"]["done"] and told["step"] == "liveness"


def test_who_cannot_move_asks_for_a_person(at_challenges, session):
    browser, sitting = at_challenges(liveness=True, gaze_calibration=True)
    told = browser.post_ok("/api/v1/sitting/liveness/leave-out")
    assert told["challenges"]["liveness"]["state"] == "person_asked" and told["step"] == "gaze_calibration"
    told = browser.post_ok("/api/v1/sitting/gaze-calibration/leave-out")
    assert told["challenges"]["gaze_calibration"]["state"] == "skipped" and told["step"] == "waiting_room"
    assert challenges.gaze_map(session, sitting.id) is None


def test_steps_cannot_be_left_out_repeated_or_come_too_late(at_challenges, sitter, session):
    browser, _ = at_challenges(liveness=True)
    challenge = browser.post_ok("/api/v1/sitting/liveness")["challenges"]["liveness"]
    still = batch_of([sitter.image] * 2)
    assert hand_in(browser, challenge, still, step=3, status=409)["code"] == "impossible_step"
    after = hand_in(browser, challenge, still)
    assert after["step"]["index"] == 1
    assert hand_in(browser, challenge, still, step=0)["step"] == after["step"]  # the answer was lost: the same again
    assert session.query(ChallengePictures).count() == 1
    film = batch_of([sitter.image] * 9, every_ms=2000)  # 16 s of pictures of a step that is shown since a moment
    late = hand_in(browser, after, film)
    assert late["state"] == "undetermined" and late["reasons"] == ["too_slow"]
    again = browser.post_ok("/api/v1/sitting/liveness", {"relaxed": True})["challenges"]["liveness"]
    assert again["id"] != challenge["id"] and again["step"]["ms"] == 2 * challenges.STRAIGHT_MS


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        (b"", "bad_input"),
        (b"\0\0\0\1\0\0\0\5abc", "bad_input"),
        (pack([TimedPicture(1, b"no picture at all")]), "bad_input"),
        (pack([TimedPicture(1, b"x" * 100_000)]), "too_large"),
        (b"x" * (challenge_pictures.BATCH_BYTES + 1), "too_large"),
    ],
)
def test_what_is_no_batch_of_pictures_is_refused(at_challenges, batch, code):
    browser, _ = at_challenges(liveness=True)
    challenge = browser.post_ok("/api/v1/sitting/liveness")["challenges"]["liveness"]
    status = 413 if code == "too_large" else 400
    assert hand_in(browser, challenge, batch, status=status)["code"] == code


def test_pictures_that_are_too_small_too_many_or_out_of_order_are_refused(sitter):
    fine = jpeg(sitter.image)
    for pictures in (
        [TimedPicture(1, jpeg(sitter.image[:60, :60]))],
        [TimedPicture(5, fine), TimedPicture(5, fine)],
        [TimedPicture(index, fine) for index in range(challenge_pictures.MOST + 1)],
    ):
        with pytest.raises(Exception) as refused:
            challenge_pictures.unpack(pack(pictures)[: challenge_pictures.BATCH_BYTES])
        assert refused.value.code in {"bad_input", "too_many"}


def test_orders_are_drawn_anew_each_time():
    drawn = {tuple(step["movement"] for step in challenges.draw(ChallengeKind.LIVENESS)) for _ in range(200)}
    assert len(drawn) > 20 and all(order[0] == "straight" and len(set(order)) == 5 for order in drawn)


def test_others_challenges_are_not_found_and_exams_without_them_refuse(at_challenges, candidate, session):
    browser, _ = at_challenges(liveness=True)
    challenge = browser.post_ok("/api/v1/sitting/liveness")["challenges"]["liveness"]
    assert browser.code_of("/api/v1/sitting/gaze-calibration") == "bad_input"
    other, _ = at_challenges(liveness=True)
    assert hand_in(other, challenge, b"", status=404)["code"] == "not_found"
    device, sitting = at_challenges(liveness=True, biometrics=BiometricsMode.ON_DEVICE)
    assert device.get("/api/v1/sitting").json["challenges"] == {}
    assert challenge_states.missing(session, session.get(Sitting, sitting.id)) == []


def test_what_nobody_goes_on_with_is_given_up(at_challenges, session, vault):
    browser, _ = at_challenges(liveness=True)
    challenge = browser.post_ok("/api/v1/sitting/liveness")["challenges"]["liveness"]
    row = session.get(Challenge, challenge["id"])
    row.step_at = utcnow() - timedelta(seconds=challenges.JUDGING_SECONDS + 1)
    session.commit()
    assert challenges.give_up(session, vault) == 1
    assert row.state is ChallengeState.ABANDONED


def test_a_calibration_of_somebody_who_does_not_follow_is_refused_and_can_be_left_out(
    at_challenges, sitter, session, vault
):
    browser, _ = at_challenges(gaze_calibration=True)
    challenge = browser.post_ok("/api/v1/sitting/gaze-calibration")["challenges"]["gaze_calibration"]
    assert (challenge["step"]["x"], challenge["step"]["y"]) == (0.5, 0.5)
    picture = sitter.picture(Species.HEAD, Posture())
    challenge = perform(browser, session, challenge, lambda step: [picture] * STEP_LOOKS)
    row = judged(session, vault, challenge)
    assert row.state is ChallengeState.FAILED and row.reasons == ["not_looking"]


def test_a_calibration_by_turning_the_head_is_learned(at_challenges, sitter, session, vault):
    browser, sitting = at_challenges(gaze_calibration=True)
    challenge = browser.post_ok("/api/v1/sitting/gaze-calibration")["challenges"]["gaze_calibration"]

    def look(step):
        # who looks to the right of the screen turns to the picture's left
        yaw, pitch = (0.5 - step["x"]) * 40, (step["y"] - 0.5) * 24
        return [sitter.picture(Species.HEAD, Posture(yaw=yaw, pitch=pitch))] * STEP_LOOKS

    row = judged(session, vault, perform(browser, session, challenge, look))
    assert row.state is ChallengeState.PASSED, row.reasons
    assert challenges.gaze_map(session, sitting.id)["error"] < 0.3
    told = browser.get("/api/v1/sitting").json
    assert told["step"] == "waiting_room" and "gaze_map" not in told["challenges"]["gaze_calibration"]
