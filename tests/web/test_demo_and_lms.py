"""The demo page plays all roles; the LMS asks about sessions by its own JWT."""

import time
from dataclasses import replace

import jwt
import pytest

from appliance.collaborators import Collaborators
from appliance.services import demo
from appliance.vocabulary import SittingState
from tests.web.conftest import new_browser
from tests.web.test_candidate import SECRET
from web.app import create_app


@pytest.fixture
def demo_browser(settings, session, session_factory, vault):
    settings = replace(settings, demo=True)
    demo.ensure(session, vault, settings)
    session.commit()
    return new_browser(create_app(Collaborators(settings, session_factory, vault)))


def test_without_the_setting_there_is_no_demo(browser):
    browser.get("/demo", status=404)
    browser.get("/demo/codes", status=404)


def test_the_demo_is_the_start_page_for_nobody(demo_browser):
    assert demo_browser.get("/", status=303).location.endswith("/demo")


@pytest.mark.parametrize("exam", ["online", "auto"])
def test_one_click_opens_an_exam(demo_browser, exam):
    page = demo_browser.get("/demo")
    (form,) = [form for form in page.forms.values() if form.action == "/demo/sit" and form["exam"].value == exam]
    form["name"], form["language"] = "Nora Newcomer", "ru"
    answer = form.submit(status=303).follow(status=303)
    assert answer.location.endswith("/sit")
    state = demo_browser.get("/api/v1/sitting").json
    assert (state["sitting"]["candidate"]["name"], state["language"]) == ("Nora Newcomer", "ru")
    assert state["sitting"]["mode"] == exam


def test_one_click_logs_in_as_every_role(demo_browser):
    page = demo_browser.get("/demo")
    forms = [form for form in page.forms.values() if form.action == "/login"]
    assert len(forms) == len(demo.STAFF)
    for form in forms:
        form.submit(status=303).follow(status=200)


def test_the_codes_stay_fresh(demo_browser):
    accounts = demo_browser.get("/demo/codes").json["accounts"]
    assert {"email", "code", "seconds_left"} == accounts[0].keys()
    assert 0 < accounts[0]["seconds_left"] <= 30


def test_an_unknown_exam_is_refused(demo_browser):
    form = next(form for form in demo_browser.get("/demo").forms.values() if form.action == "/demo/sit")
    form["exam"].force_value("nothing")
    form.submit(status=404)


@pytest.fixture
def lms(browser, make, session):
    sitting = make.sitting(SittingState.RUNNING)
    sitting.started_at = sitting.created_at
    session.commit()
    slug = sitting.exam.company.slug

    def call(verb, secret=SECRET, external_id=sitting.external_id, status=200, seconds=30):
        token = jwt.encode({"exp": int(time.time()) + seconds}, secret, "HS256")
        path = f"/api/v2/integration/simple/{slug}/sessions/{external_id}/{verb}/"
        headers = {"Authorization": f"JWT {token}"}
        if verb == "status":
            return browser.get(path, headers=headers, status=status).json
        return browser.post_json(path, {"sessionFinishUrl": "https://x"}, headers=headers, status=status).json

    return call


def test_the_lms_asks_and_finishes(lms):
    assert lms("status") == {"status": "started"}
    assert lms("finish") == {"status": "finished"}
    assert lms("finish") == {"status": "finished"}


def test_the_lms_is_refused_with_a_wrong_token(lms, browser):
    assert lms("status", secret="another secret, also of 32 bytes", status=401)["error"]["code"] == "token_invalid"
    lms("finish", seconds=-60, status=401)
    browser.get("/api/v2/integration/simple/nobody/sessions/1/status/", status=401)


def test_an_unknown_session_is_not_found(lms):
    assert lms("status", external_id="none", status=404)["error"]["code"] == "not_found"
