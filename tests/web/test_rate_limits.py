"""Which routes have brakes, and what who is too fast is told."""

import pytest
from webtest import TestApp

from appliance.rate_limits import RateLimit
from appliance.vocabulary import Role
from web import limits, policy
from web.limits import BRAKES, Brake, brakes_of
from web.policy import Side
from web.routes import ROUTES

ROWS = {(row.method, row.pattern): (side, row) for side, rows in ROUTES.items() for row in rows}


def tight(monkeypatch, method, pattern):
    """Let each of a route's limits through once, then no more."""
    brakes = [
        Brake(RateLimit(b.limit.name, 1, 0.01), b.subject)
        for b in brakes_of(method, pattern, ROWS[method, pattern][0])
    ]
    monkeypatch.setitem(BRAKES, (method, pattern), tuple(brakes))


def test_every_brake_is_of_a_route_there_is():
    assert set(BRAKES) <= set(ROWS)


def test_whatever_anybody_may_send_has_a_brake():
    for (method, pattern), (side, _row) in ROWS.items():
        if side in {Side.OPEN, Side.LMS} and method != "GET":
            assert any(b.subject is limits.address for b in brakes_of(method, pattern, side)), pattern


def test_every_upload_has_a_brake():
    for (method, pattern), (side, row) in ROWS.items():
        if row.limit is not None:
            assert brakes_of(method, pattern, side), pattern


def test_one_name_is_one_limit():
    known = {}
    for brakes in (*BRAKES.values(), limits.OPEN):
        for brake in brakes:
            assert known.setdefault(brake.limit.name, brake.limit) == brake.limit


def submit(browser, email, status):
    form = browser.get("/login").forms[0]
    form["email"], form["password"], form["code"] = email, "x", "000000"
    return form.submit(status=status)


def test_log_in_is_slowed_by_address_and_told_in_words(browser, monkeypatch):
    tight(monkeypatch, "POST", "/login")
    submit(browser, "nobody@example.org", 401)
    answer = submit(browser, "another@example.org", 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 100
    assert "Too many requests" in answer.text


def test_log_in_is_slowed_by_account_wherever_it_comes_from(open_browser, monkeypatch):
    tight(monkeypatch, "POST", "/login")
    for number, (email, status) in enumerate([("a@b.example", 401), ("A@b.example ", 429), ("c@b.example", 401)]):
        browser = open_browser()
        browser.extra_environ["REMOTE_ADDR"] = f"192.0.2.{number + 20}"
        submit(browser, email, status)


def test_programs_are_told_in_json(candidate, monkeypatch):
    pattern = "/api/v1/sitting/photos/{kind:face|document}"
    tight(monkeypatch, "POST", pattern)
    browser, _ = candidate()
    headers = {"X-CSRF-Token": browser.csrf}
    browser.post("/api/v1/sitting/photos/face", b"x", headers=headers, status=(400, 409))
    answer = browser.post("/api/v1/sitting/photos/face", b"x", headers=headers, status=429)
    assert answer.json["error"]["code"] == "too_many"
    assert answer.json["error"]["details"]["retry_seconds"] == int(answer.headers["Retry-After"])


@pytest.mark.parametrize("path", ["start/?token=x", "start/?token=y"])
def test_start_links_are_slowed(browser, monkeypatch, path):
    tight(monkeypatch, "GET", "/integration/simple/{company}/start/")
    browser.get(f"/integration/simple/nowhere/{path}", status=401)
    browser.get(f"/integration/simple/nowhere/{path}", status=429)


@pytest.fixture
def program(staff, application):
    """``program()``: a new API client that may list exams, and a way to ask with its token or another."""

    def create():
        body = {"name": "Campus", "permissions": ["exam.list"], "days": 30, "exam_ids": None}
        token = staff(Role.ADMIN).post_ok("/api/v1/api-clients", body)["token"]

        def ask(status, path="/api/v1/exams", token=token):
            return TestApp(application).get(path, headers={"Authorization": f"Bearer {token}"}, status=status)

        return ask

    return create


def test_a_program_has_a_brake_of_its_own_on_every_route(program, monkeypatch):
    one, other = program(), program()
    monkeypatch.setattr(policy, "PROGRAM", RateLimit("program.token", 3, 0.01))
    one(200)
    one(403, "/api/v1/sittings")  # what is refused counts, too
    one(200)
    refused = one(429)
    assert refused.json["error"]["code"] == "too_many"
    assert 1 <= int(refused.headers["Retry-After"]) <= 100
    assert refused.json["error"]["details"]["retry_seconds"] == int(refused.headers["Retry-After"])
    one(429, "/api/v1/sittings")
    other(200)


def test_wrong_tokens_are_counted_by_address(program, monkeypatch):
    ask = program()
    monkeypatch.setattr(policy, "WRONG_TOKEN", RateLimit("program.address", 2, 0.01))
    for number, status in enumerate((401, 401, 429, 429)):
        ask(status, token=f"kustos_{number}")
    ask(200)
