"""What a proctor does by REST, and what administration there is."""

import pytest

from appliance.db import to_ms
from appliance.models import AuditEntry
from appliance.security import live_tokens
from appliance.services import incidents
from appliance.vocabulary import ObservationSource, ObservationType, Role, SittingState


@pytest.fixture
def waiting(make, session):
    sitting = make.sitting(SittingState.WAITING)
    session.commit()
    return sitting


@pytest.fixture
def running(make, session):
    sitting = make.sitting(SittingState.RUNNING)
    sitting.started_at = sitting.created_at
    session.commit()
    return sitting


def test_the_room_shows_who_is_present(staff, waiting):
    room = staff(Role.PROCTOR).get("/api/v1/room").json
    assert [entry["id"] for entry in room["sittings"]] == [waiting.id]
    assert {"code", "text"} == room["quick_messages"][0].keys()
    assert "phone" in room["warning_types"]


def test_claim_start_pause_resume_finish(staff, waiting):
    browser, path = staff(Role.PROCTOR), f"/api/v1/sittings/{waiting.id}"
    assert browser.post_ok(f"{path}/claim")["sitting"]["proctor"]["name"].startswith("Proctor")
    assert browser.post_ok(f"{path}/start")["sitting"]["state"] == "running"
    assert browser.code_of(f"{path}/start", status=409) == "impossible_step"
    assert browser.post_ok(f"{path}/pause", {"reason": "fire alarm"})["sitting"]["state"] == "paused"
    assert browser.post_ok(f"{path}/resume")["sitting"]["state"] == "running"
    done = browser.post_ok(f"{path}/finish", {"conclusion": "suspicious", "comment": "Phone."})["sitting"]
    assert (done["state"], done["finished_by"]) == ("finished", "proctor")


def test_a_sitting_is_dropped_before_its_start(staff, waiting):
    body = {"reason": "Not the person in the document."}
    sitting = staff(Role.PROCTOR).post_ok(f"/api/v1/sittings/{waiting.id}/refuse-identity", body)["sitting"]
    assert sitting["state"] == "identity_refused"


def test_the_document_is_asked_for_again(staff, waiting):
    answer = staff(Role.PROCTOR).post_ok(f"/api/v1/sittings/{waiting.id}/photos/document/request")
    assert answer == {"photo": None}


def test_observations_are_confirmed_dismissed_and_sent(staff, running, session):
    def seen():
        row = incidents.open_observation(
            session,
            running.id,
            ObservationType.NO_USER_IN_FRAME,
            ObservationSource.DETECTOR,
            to_ms(running.started_at),
            0.9,
            "absence",
            {},
        )
        session.commit()
        return row.id

    browser = staff(Role.PROCTOR)
    assert browser.post_ok(f"/api/v1/observations/{seen()}/confirm")["observation"]["decision"] == "confirmed"
    dismissed = browser.post_ok(f"/api/v1/observations/{seen()}/dismiss")["observation"]
    assert dismissed["decided_by"].startswith("Proctor")
    browser.post_ok(f"/api/v1/observations/{seen()}/send")
    assert len(incidents.warnings(session, running.id)) == 1


def test_a_warning_by_hand(staff, running):
    path = f"/api/v1/sittings/{running.id}/warnings"
    incident = staff(Role.PROCTOR).post_ok(path, {"type": "phone", "comment": "Put it away."})["incident"]
    assert incident["sent_ms"]


def test_the_chat(staff, running):
    browser, path = staff(Role.PROCTOR), f"/api/v1/sittings/{running.id}/messages"
    body = {"text": "Hello", "kind": "incident", "ref": "m1"}
    first = browser.post_ok(path, body)["message"]
    assert browser.post_ok(path, body)["message"]["id"] == first["id"]
    assert [row["text"] for row in browser.get(path).json["messages"]] == ["Hello"]


def test_a_live_token_names_the_user_and_role(staff, settings):
    token = staff(Role.PROCTOR).post_ok("/api/v1/live-token")["token"]
    assert live_tokens.read(settings, token).role is Role.PROCTOR


def test_weights_are_set_within_their_range(staff, make, session):
    exam = make.exam()
    session.commit()
    browser, path = staff(Role.ORGANISER), f"/api/v1/exams/{exam.id}/weights"
    (metric,) = list(browser.get("/api/v1/exams").json["exams"][0]["weights"])[:1] or ["phone"]
    assert browser.post_ok(path, {"weights": {metric: 2}}) == {"rescored": 0}
    assert browser.code_of(path, {"weights": {metric: 11}}) == "bad_input"


def test_the_audit_log_is_read_and_proved(staff, session):
    browser = staff(Role.AUDITOR)
    found = browser.get("/api/v1/audit", {"action": "user.", "page": 1}).json
    assert {row["action"] for row in found["entries"]} == {"user.log_in"}
    proved = browser.post_ok("/api/v1/audit/verify")["entries"]
    assert proved == session.query(AuditEntry).count() - 1  # the proof is an act, too


def test_support_sees_stages_and_no_faces(staff, waiting):
    (entry,) = staff(Role.SUPPORT).get("/api/v1/support/sittings").json["sittings"]
    assert entry["id"] == waiting.id
    assert not {"photos", "observations", "messages"} & entry.keys()
