"""The candidate's way by REST: from the start link to the finish."""

import io
import time

import cv2
import jwt
import numpy as np
import pytest

from appliance.models import AuditEntry, Consent, IdentityPhoto
from appliance.security import live_tokens
from appliance.services import incidents
from appliance.services.consent_texts import VERSION
from appliance.vocabulary import ObservationType, SittingState
from tests.web.conftest import CSRF

SECRET = "integration secret of 32 bytes or more"
GOOD_CHECK = {
    "results": {name: {"state": "passed"} for name in ("camera", "microphone", "screen")},
    "client": {"browser": "Chromium 156"},
}


def jpeg(width=640, height=480):
    noise = np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", noise)[1].tobytes()


def claims(**more):
    return {
        "userId": "u1",
        "accountId": "uni",
        "accountName": "University",
        "examId": "e1",
        "examName": "Logic",
        "duration": 30,
        "schedule": False,
        "proctoring": "online",
        "startDate": "2020-01-01T00:00:00Z",
        "endDate": "2099-01-01T00:00:00Z",
        "sessionId": "s1",
        "sessionUrl": "https://lms.example/attempt/1",
        "exp": int(time.time()) + 60,
        **more,
    }


@pytest.fixture
def company(make, session):
    company = make.first_company()
    session.commit()
    return company


def start(browser, company, status=303, method="post", secret=SECRET, **more):
    token = jwt.encode(claims(**more), secret, "HS256")
    path = f"/integration/simple/{company.slug}/start/"
    return getattr(browser, method)(path, {"token": token}, status=status)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_start_link_leads_to_the_candidates_page(browser, company, method):
    answer = start(browser, company, method=method)
    assert answer.location == "http://localhost/sit"
    assert "token" not in answer.location
    page = browser.get("/sit")
    assert "frame-src https://lms.example;" in page.headers["Content-Security-Policy"]
    assert browser.get("/api/v1/sitting").json["exam"]["content_url"] == "https://lms.example/attempt/1"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"secret": "another secret, also of 32 bytes or more"}, "signature"),
        ({"exp": 1}, "expired"),
        ({"startDate": "2098-01-01T00:00:00Z"}, "opens at 2098-01-01 00:00:00 UTC"),
        ({"endDate": "2021-01-01T00:00:00Z"}, "until 2021-01-01"),
    ],
)
def test_a_wrong_start_link_says_why_on_a_page(browser, company, more, words):
    answer = start(browser, company, status=401, **more)
    assert answer.content_type == "text/html"
    assert words in answer.text
    assert "kustos_sitting" not in browser.cookies


def test_a_start_without_token_names_the_field(browser, company):
    assert browser.post(f"/integration/simple/{company.slug}/start/", {}, status=400).content_type == "text/html"


def test_a_newer_start_ends_the_older_browsers_cookie(open_browser, company):
    first, second = open_browser(), open_browser()
    start(first, company)
    start(second, company)
    assert first.get("/api/v1/sitting", status=401).json["error"]["code"] == "link_invalid"
    assert first.get("/sit", status=401).content_type == "text/html"
    second.get("/api/v1/sitting", status=200)


def test_the_check_in_from_consent_to_the_waiting_room(candidate, session):
    browser, _ = candidate()
    state = browser.get("/api/v1/sitting").json
    assert (state["step"], state["csrf"], state["consent"]["version"]) == ("consent", CSRF, VERSION)
    answer = {"accepted": True, "version": VERSION, "language": "en"}
    assert browser.post_ok("/api/v1/sitting/consent", answer)["step"] == "system_check"
    assert browser.post_ok("/api/v1/sitting/system-check", GOOD_CHECK)["step"] == "face_photo"
    assert send_photo(browser, "face").json["step"] == "document_photo"
    state = send_photo(browser, "document").json
    assert state["step"] == "waiting_room"
    assert state["photos"]["face"].keys() == {"state", "hints", "taken_ms"}
    assert browser.post_ok("/api/v1/sitting/waiting-room")["sitting"]["state"] == "waiting"
    consent = session.query(Consent).one()
    assert (consent.address, consent.accepted) == ("192.0.2.7", True)


def test_a_refused_consent_ends_politely(candidate):
    browser, _ = candidate()
    answer = {"accepted": False, "version": VERSION, "language": "ru"}
    assert browser.post_ok("/api/v1/sitting/consent", answer)["sitting"]["state"] == "declined"
    browser.get("/sit", status=200)
    assert browser.code_of("/api/v1/sitting/system-check", GOOD_CHECK, 409) == "impossible_step"


def test_steps_cannot_be_left_out(candidate):
    browser, _ = candidate()
    assert browser.code_of("/api/v1/sitting/system-check", GOOD_CHECK, 409) == "consent_missing"
    assert browser.code_of("/api/v1/sitting/waiting-room", {}, 409) == "consent_missing"


def test_a_photo_that_is_no_picture_is_refused(candidate, session):
    browser, _ = after_system_check(candidate)
    assert send_photo(browser, "face", b"GIF89a not really", 400).json["error"]["code"] == "photo_refused"
    assert session.query(IdentityPhoto).count() == 0


def test_a_photo_too_large_is_refused_and_never_held_in_memory(candidate, settings):
    browser, _ = after_system_check(candidate)

    class InPieces(io.BytesIO):
        def read(self, size=-1):
            assert 0 < size <= 64 * 1024
            return super().read(size)

    body = InPieces(b"x" * (settings.photo_max_bytes + 1))

    headers = {"X-CSRF-Token": CSRF, "Content-Type": "image/jpeg"}
    environ = {"wsgi.input": body, "CONTENT_LENGTH": str(settings.photo_max_bytes + 1)}
    request = browser.RequestClass.blank("/api/v1/sitting/photos/face", environ, method="POST", headers=headers)
    answer = browser.do_request(request, expect_errors=True)
    assert answer.status_int == 413
    assert answer.json["error"]["details"]["max_bytes"] == settings.photo_max_bytes
    assert body.tell() == settings.photo_max_bytes + 1, "nginx would answer 502 while it still sends"


def test_a_chunked_photo_too_large_is_cut_off(candidate, settings):
    browser, _ = after_system_check(candidate)
    headers = {"X-CSRF-Token": CSRF, "Content-Type": "image/jpeg"}
    body = io.BytesIO(b"x" * (settings.photo_max_bytes + 100_000))
    environ = {"wsgi.input": body, "wsgi.input_terminated": True}
    request = browser.RequestClass.blank("/api/v1/sitting/photos/face", environ, method="POST", headers=headers)
    request.environ.pop("CONTENT_LENGTH", None)
    answer = browser.do_request(request, expect_errors=True)
    assert answer.status_int == 413
    assert body.tell() == settings.photo_max_bytes + 1


def test_answers_and_finish(candidate, session):
    browser, sitting = candidate(SittingState.RUNNING, started_at=None)
    sitting.exam.questions = [{"text": "Why?"}, {"text": "Which?", "options": ["a", "b"]}]
    sitting.started_at = sitting.created_at
    session.commit()
    browser.post_ok("/api/v1/sitting/answers", {"index": 0, "answer": "Because."})
    state = browser.post_ok("/api/v1/sitting/answers", {"index": 1, "answer": 1})
    assert state["answers"] == {"0": "Because.", "1": 1}
    state = browser.post_ok("/api/v1/sitting/finish")
    assert (state["sitting"]["state"], state["sitting"]["finished_by"]) == ("finished", "candidate")
    assert browser.code_of("/api/v1/sitting/answers", {"index": 0, "answer": "late"}, 409) == "impossible_step"


def test_a_warning_is_shown_and_seen(candidate, session, make):
    browser, sitting = candidate(SittingState.RUNNING)
    sitting.started_at = sitting.created_at
    sent = incidents.warn(session, make.actor(), sitting, ObservationType.PHONE, "Put it away")
    session.commit()
    (warning,) = browser.get("/api/v1/sitting").json["warnings"]
    assert (warning["id"], warning["seen_ms"]) == (sent.id, None)
    (warning,) = browser.post_ok(f"/api/v1/sitting/warnings/{sent.id}/seen")["warnings"]
    assert warning["seen_ms"]


def test_the_candidate_is_not_told_score_or_judge(candidate, session):
    browser, _ = candidate(SittingState.IN_REVIEW, score=3)
    shown = browser.get("/api/v1/sitting").json["sitting"]
    assert not {"score", "conclusion", "proctor"} & shown.keys()


def test_a_live_token_is_for_this_sitting(candidate, settings):
    browser, sitting = candidate()
    answer = browser.post_ok("/api/v1/sitting/live-token")
    assert live_tokens.read(settings, answer["token"]).sitting_id == sitting.id
    assert answer["url"] == "/live"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("consent", {"accepted": "yes", "version": "1", "language": "en"}, "accepted"),
        ("consent", {"accepted": True}, "version"),
        ("consent", {"accepted": True, "version": "1", "language": "en", "more": 1}, "more"),
        ("system-check", {"results": [], "client": {}}, "results"),
        ("answers", {"index": -1, "answer": "x"}, "index"),
        ("answers", {"index": 0, "answer": {"x": 1}}, "answer"),
    ],
)
def test_bad_input_names_the_field_and_reaches_no_service(candidate, session, path, body, field):
    browser, _ = candidate()
    before = session.query(AuditEntry).count()
    error = browser.post_ok(f"/api/v1/sitting/{path}", body, 400)["error"]
    assert (error["code"], error["details"]["field"]) == ("bad_input", field)
    assert session.query(AuditEntry).count() == before


def test_json_that_is_none_and_too_much_of_it(candidate):
    browser, _ = candidate()
    headers = {"X-CSRF-Token": CSRF, "Content-Type": "application/json"}
    path = "/api/v1/sitting/consent"
    assert browser.post(path, "{", headers=headers, status=400).json["error"]["code"] == "bad_input"
    assert browser.post(path, " " * 300_000, headers=headers, status=413).json["error"]["code"] == "too_large"


def after_system_check(candidate):
    browser, sitting = candidate()
    browser.post_ok("/api/v1/sitting/consent", {"accepted": True, "version": VERSION, "language": "en"})
    browser.post_ok("/api/v1/sitting/system-check", GOOD_CHECK)
    return browser, sitting


def send_photo(browser, kind, content=None, status=200):
    headers = {"X-CSRF-Token": CSRF, "Content-Type": "image/jpeg"}
    return browser.post(f"/api/v1/sitting/photos/{kind}", content or jpeg(), headers=headers, status=status)
