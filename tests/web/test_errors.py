"""How errors are worded at the border, and what is told of an incident."""

import json
from dataclasses import replace

import pytest
import structlog

from appliance.collaborators import Collaborators
from appliance.db import make_engine, make_session_factory
from appliance.errors import ErrorCode
from appliance.services import rooms
from appliance.vocabulary import Role
from tests.web.conftest import new_browser
from web.app import create_app
from web.errors import STATUS, words_for


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_a_status_and_words(code):
    title, sentence = words_for(code, STATUS[code])
    assert title
    assert sentence


def test_a_page_that_is_not_there_is_a_page(browser):
    answer = browser.get("/nowhere", status=404)
    assert answer.content_type == "text/html"
    assert "Nothing here" in answer.text


def test_an_address_of_the_api_that_is_not_there_is_json(browser):
    error = browser.get("/api/v1/nowhere", status=404).json["error"]
    assert error["code"] == "not_found"


def test_a_page_without_permission(staff):
    assert "no permission" in staff(Role.AUDITOR).get("/room", status=403).text


@pytest.mark.parametrize("path", ["/%ff", "/api/v1/%ff", "/login?next=%ff", "/api/v1/sittings/%ff/timeline"])
def test_bytes_that_are_no_text(browser, path):
    assert browser.get(path, expect_errors=True).status_int in {400, 401, 404}


def test_an_unforeseen_error_has_a_number_and_the_log_no_secrets(staff, monkeypatch):
    def broken(session, company_id):
        password = "a secret in a local variable"
        raise RuntimeError(f"broken with {len(password)} characters")

    browser = staff(Role.PROCTOR)
    monkeypatch.setattr(rooms, "entries", broken)
    with structlog.testing.capture_logs() as logs:
        error = browser.get("/api/v1/room?token=secret-in-the-query", status=500).json["error"]
    assert error["code"] == "internal"
    assert "broken" not in error["message"]
    (entry,) = logs
    assert entry["incident"] == error["details"]["incident"]
    assert "RuntimeError: broken" in entry["trace"]
    assert browser.csrf not in json.dumps(entry)
    assert "secret-in-the-query" not in json.dumps(entry)


def test_an_error_on_a_page_shows_its_number(staff, monkeypatch):
    browser = staff(Role.REVIEWER)
    monkeypatch.setattr("web.presenters.words.choices", lambda request, titles: 1 / 0)
    with structlog.testing.capture_logs() as logs:
        answer = browser.get("/archive", status=500)
    assert logs[0]["incident"] in answer.text


def test_what_fails_leaves_nothing_behind(staff, make, session, monkeypatch):
    sitting = make.sitting("waiting")
    browser = staff(Role.PROCTOR)
    monkeypatch.setattr("appliance.services.payloads.sitting", lambda *args: 1 / 0)
    browser.post_ok(f"/api/v1/sittings/{sitting.id}/start", status=500)
    session.expire_all()
    assert sitting.state == "waiting"


@pytest.fixture
def without_database(settings, vault):
    url = "postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2"
    engine = make_engine(url)
    yield new_browser(
        create_app(Collaborators(replace(settings, database_url=url), make_session_factory(engine), vault))
    )
    engine.dispose()


def test_without_a_database_pages_and_api_say_so(without_database):
    without_database.set_cookie("kustos_staff", "anything")
    page = without_database.get("/room", status=503)
    assert "database cannot be reached" in page.text
    assert page.headers["Retry-After"] == "10"
    answer = without_database.get("/api/v1/room", status=503)
    assert answer.json["error"]["code"] == "database_unavailable"


def test_health_tells_the_database_state(browser, without_database):
    assert browser.get("/healthz").json == {"status": "ok", "database": "up"}
    assert without_database.get("/healthz", status=503).json == {"status": "degraded", "database": "down"}
