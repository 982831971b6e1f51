"""Cookies, caches and frames: what holds at every address, by http and by https."""

import pyotp
import pytest

from appliance.security import cookies
from appliance.vocabulary import Role
from tests.factories import PASSWORD
from tests.web.conftest import CSRF, SITTING_TOKEN, TOTP_SECRET, new_browser
from web.headers import PERMISSIONS_POLICY
from web.policy import Side
from web.routes import ROUTES

HTTPS = {"wsgi.url_scheme": "https", "HTTP_HOST": "exam.example:443"}


@pytest.fixture
def secure(application):
    browser = new_browser(application)
    browser.extra_environ.update(HTTPS)
    return browser


def given(answer):
    return {text.partition("=")[0]: text for text in answer.headers.getall("Set-Cookie")}


def log_in(browser, user):
    form = browser.get("/login").forms[0]
    form["email"], form["password"], form["code"] = user.email, PASSWORD, pyotp.TOTP(TOTP_SECRET).now()
    return form.submit(status=303)


def test_by_https_no_other_host_can_set_our_cookies(secure, make, session):
    user = make.user(Role.PROCTOR, totp_secret=TOTP_SECRET)
    session.commit()
    assert "__Host-kustos_pre" in given(secure.get("/login"))
    cookie = given(log_in(secure, user))["__Host-kustos_staff"]
    for part in ("; HttpOnly", "; secure", "; SameSite=Lax", "; Path=/"):
        assert part.lower() in cookie.lower()
    assert "domain" not in cookie.lower()
    assert secure.get("/api/v1/room").status_int == 200


def test_by_https_a_cookie_that_a_plain_connection_may_have_set_opens_nothing(application, secure, candidate, staff):
    plain = staff(Role.PROCTOR)
    stolen = plain.cookies["kustos_staff"].strip('"')
    answer = secure.get("/api/v1/room", headers={"Cookie": f"kustos_staff={stolen}"}, status=401)
    assert answer.json["error"]["code"] == "login_required"
    assert secure.get("/api/v1/room", headers={"Cookie": f"__Host-kustos_staff={stolen}"}).status_int == 200
    _, sitting = candidate()
    value = cookies.write_sitting_cookie(sitting.id, SITTING_TOKEN)
    secure.get("/api/v1/sitting", headers={"Cookie": f"kustos_sitting={value}"}, status=401)
    told = secure.get("/api/v1/sitting", headers={"Cookie": f"__Host-kustos_sitting={value}"}).json
    assert told["csrf"] == CSRF


@pytest.mark.parametrize("value", ["9" * 40 + ".x", "1.", ".x", "1", "-1.x", "1.\xff", "1." + "x" * 500])
def test_a_cookie_that_is_none_of_ours_is_an_expired_link(browser, value):
    answer = browser.get("/api/v1/sitting", headers={"Cookie": f"kustos_sitting={value}"}, expect_errors=True)
    assert answer.status_int == 401


def test_hsts_by_https_alone(secure, browser):
    assert secure.get("/login").headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in browser.get("/login").headers


@pytest.mark.parametrize("side", [Side.STAFF, Side.CANDIDATE, Side.OPEN, Side.LMS])
def test_nothing_that_may_be_personal_is_kept_by_a_cache(browser, staff, candidate, side):
    known = {Side.STAFF: lambda: staff(Role.ADMIN), Side.CANDIDATE: lambda: candidate()[0]}
    asking = known.get(side, lambda: browser)()
    for row in ROUTES[side]:
        if row.method != "GET" or row.pattern.startswith("/i18n/"):
            continue
        path = row.pattern.replace("{company}", "none")
        if "{" in path:
            path = path.replace("{id}", "1").partition("{")[0]
        control = asking.get(path, expect_errors=True).headers["Cache-Control"]
        assert "no-store" in control or "private" in control, row.pattern


def test_a_page_frames_the_content_of_its_exam_and_nobody_frames_us(candidate, make):
    browser, _ = candidate(exam=make.exam(content_url="https://lms.example/quiz?id=1"))
    policy = browser.get("/sit").headers["Content-Security-Policy"]
    assert "frame-src https://lms.example;" in policy
    assert "frame-ancestors 'none'" in policy
    assert browser.get("/sit").headers["X-Frame-Options"] == "DENY"


def test_what_is_not_needed_is_switched_off():
    for feature in ("geolocation", "usb", "serial", "hid", "payment"):
        assert f"{feature}=()" in PERMISSIONS_POLICY
