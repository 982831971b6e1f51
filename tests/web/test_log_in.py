"""Log-in of staff: the form, its refusals, where it leads, what it leaves behind."""

import json

import pyotp
import pytest

from appliance.models import AuditEntry, LoginSession
from appliance.vocabulary import Role
from tests.factories import PASSWORD
from tests.web.conftest import TOTP_SECRET
from web.pages import start_page
from web.views.log_in import own_page


def submit(browser, email, password=PASSWORD, code=None, next_page="", status=303):
    form = browser.get("/login", params={"next": next_page}).forms[0]
    form["email"], form["password"] = email, password
    form["code"] = code or pyotp.TOTP(TOTP_SECRET).now()
    return form.submit(status=status)


@pytest.fixture
def proctor(session, make):
    user = make.user(Role.PROCTOR, totp_secret=TOTP_SECRET)
    session.commit()
    return user


def test_a_right_log_in_leads_to_the_roles_start_page(browser, proctor):
    answer = submit(browser, proctor.email)
    assert answer.location == "http://localhost/room"
    assert browser.get("/room").status_int == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser, proctor):
    answer = submit(browser, proctor.email)
    (cookie,) = [value for value in answer.headers.getall("Set-Cookie") if value.startswith("kustos_staff=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "secure" not in cookie.lower()


def test_the_cookie_is_secure_on_https(browser, proctor):
    browser.extra_environ.update({"wsgi.url_scheme": "https", "HTTP_HOST": "localhost:443"})
    answer = submit(browser, proctor.email)
    (cookie,) = [value for value in answer.headers.getall("Set-Cookie") if value.startswith("__Host-kustos_staff=")]
    assert "; secure" in cookie.lower()
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("wrong", [{"password": "not the password"}, {"code": "000000"}])
def test_a_wrong_log_in_shows_the_form_again_without_what_was_typed(browser, proctor, wrong):
    answer = submit(browser, proctor.email, **wrong, status=401)
    assert answer.forms[0]["email"].value == proctor.email
    assert "not the password" not in answer.text
    assert "is wrong" in answer.text


def test_an_account_is_locked_out_and_the_page_says_for_how_long(browser, proctor, settings):
    for _ in range(settings.login_attempts):
        submit(browser, proctor.email, "not the password", status=401)
    answer = submit(browser, proctor.email, status=423)
    assert "15 minutes" in answer.text


def test_log_in_needs_the_forms_own_token(browser, proctor):
    fields = {"email": proctor.email, "password": PASSWORD, "code": pyotp.TOTP(TOTP_SECRET).now()}
    browser.get("/login")
    assert "kustos_staff" not in browser.post("/login", fields, status=403).headers.get("Set-Cookie", "")
    browser.post("/login", {**fields, "csrf_token": "0" * 64}, status=403)


def test_log_in_from_another_sites_page_is_refused(browser, proctor):
    form = browser.get("/login").forms[0]
    form.submit(headers={"Origin": "https://evil.example"}, status=403)
    form.submit(headers={"Sec-Fetch-Site": "cross-site"}, status=403)


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("/sittings/3?x=1", "/sittings/3?x=1"),
        ("//evil.example", ""),
        ("https://evil.example/", ""),
        ("/\\evil.example", ""),
        ("/\t/evil.example", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_next_leads_only_to_this_origin(target, kept):
    assert own_page(target) == kept


def test_after_log_in_the_wanted_page_follows(browser, proctor):
    wanted = browser.get("/archive?state=running", status=303).location
    assert wanted == "http://localhost/login?next=/archive%3Fstate%3Drunning"
    form = browser.get(wanted).forms[0]
    form["email"], form["password"], form["code"] = proctor.email, PASSWORD, pyotp.TOTP(TOTP_SECRET).now()
    assert form.submit(status=303).location == "http://localhost/archive?state=running"


def test_log_out_ends_the_session_in_the_database(staff, session):
    browser = staff(Role.PROCTOR)
    token = browser.cookies["kustos_staff"]
    browser.post("/logout", {"csrf_token": browser.csrf}, status=303)
    session.expire_all()
    assert session.query(LoginSession).one().ended_at is not None
    browser.set_cookie("kustos_staff", token)
    assert browser.get("/api/v1/room", status=401).json["error"]["code"] == "login_required"


def test_a_second_log_in_in_the_same_browser_ends_the_first(staff, browser, session, make):
    first = make.user(Role.PROCTOR, totp_secret=TOTP_SECRET)
    second = make.user(Role.ADMIN, totp_secret=TOTP_SECRET)
    session.commit()
    submit(browser, first.email)
    browser.post("/login", log_in_fields(browser, second.email), status=303)
    session.expire_all()
    ended = {row.user_id: row.ended_at is not None for row in session.query(LoginSession)}
    assert ended == {first.id: True, second.id: False}


def log_in_fields(browser, email):
    """What the demo page posts while somebody is logged in: there is no form to take the token from."""
    page_data = json.loads(browser.get("/nowhere", status=404).html.find(id="page-data").string)
    code = pyotp.TOTP(TOTP_SECRET).now()
    return {"email": email, "password": PASSWORD, "code": code, "csrf_token": page_data["csrf"]}


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_a_start_page_it_may_open(staff, role):
    browser = staff(role)
    home = browser.get("/", status=303).location
    assert home.endswith(f"/{start_page(role)}")
    browser.get(home, status=200)


def test_the_failed_attempts_are_in_the_audit_log(browser, proctor, session):
    submit(browser, proctor.email, "not the password", status=401)
    rows = session.query(AuditEntry).filter_by(action="user.log_in").all()
    assert [row.result for row in rows] == ["refused"]
    assert rows[0].address == "192.0.2.7"
