"""The description of the routes, and what requests made from it do to the application: never a 500.

``make fuzz`` asks each route by each role many times; ``make test`` each route by one role.
"""

import contextlib
import json
import os
import re
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import text

from appliance.models import User
from appliance.security import cookies
from appliance.security.permission_map import ROLE_PERMISSIONS
from appliance.services import accounts
from appliance.vocabulary import ProvedBy, Role, SittingState
from tests.web.conftest import CSRF, SITTING_TOKEN, TOTP_SECRET
from web.openapi import describe
from web.policy import Side
from web.routes import ROUTES

EXAMPLES = int(os.environ.get("KUSTOS_FUZZ_EXAMPLES", "0"))
ROWS = [(side, row) for side, rows in ROUTES.items() for row in rows]
PASSING = {502, 503}
"""What another system's or the node's absence is answered with; everything else above 499 is a fault."""

load_all_checks()


def test_every_route_is_described_and_nothing_else():
    found = {(method.upper(), path) for path, methods in describe()["paths"].items() for method in methods}
    assert found == {(row.method, re.sub(r"\{(\w+):[^}]*\}", r"{\1}", row.pattern)) for _, row in ROWS}


def test_it_says_who_may_and_how_often():
    paths = describe()["paths"]
    start = paths["/api/v1/sittings/{id}/start"]["post"]
    assert start["x-permission"] == "sitting.start"
    assert start["security"][0] == {"staff": []}
    assert paths["/login"]["post"]["x-rate-limits"][0]["name"] == "log_in.address"
    assert all(one["summary"] for methods in paths.values() for one in methods.values())
    assert len({one["operationId"] for methods in paths.values() for one in methods.values()}) == len(ROWS)


def test_staff_read_it_and_strangers_do_not(staff, browser):
    assert staff(Role.AUDITOR).get("/api/v1/openapi.json").json == json.loads(json.dumps(describe()))
    browser.get("/api/v1/openapi.json", status=401)


class Askers:
    """Who asks: a candidate, or staff of each role; put back in order before each route, as routes end log-ins."""

    def __init__(self, session, make, settings):
        self._session, self._settings = session, settings
        self.company = make.company()
        self._users = {role: make.user(role, company=self.company, totp_secret=TOTP_SECRET) for role in Role}
        self._exam = make.exam(company=self.company)
        make.user(Role.PROCTOR)  # another company's
        self._sitting = make.sitting(SittingState.WAITING, exam=self._exam, token=SITTING_TOKEN, csrf_token=CSRF)
        session.commit()

    def known(self, role, side):
        """Cookies and CSRF token of who asks."""
        self._session.rollback()
        self._session.execute(text("TRUNCATE rate_limit_state"))
        if side is Side.CANDIDATE:
            self._session.execute(text("UPDATE sitting SET state = 'check_in', finished_at = NULL"))
            self._session.commit()
            value = cookies.write_sitting_cookie(self._sitting.id, SITTING_TOKEN)
            return {"kustos_sitting": value}, CSRF
        self._session.execute(text("UPDATE \"user\" SET disabled_at = NULL, locked_until = NULL, language = 'en'"))
        user = self._session.get(User, self._users[role].id, populate_existing=True)
        user.role = role
        login, token = accounts.begin_session(
            self._session, user, self._settings, "192.0.2.7", "fuzzer", proved_by=ProvedBy.TOTP
        )
        login.wants = []
        self._session.commit()
        return {"kustos_staff": token}, login.csrf_token


@pytest.fixture
def askers(session, make, settings):
    return Askers(session, make, settings)


def ask(operation, known, csrf, examples, mode):
    """Send requests made from the description; fail on a 500 or an answer that is not as described."""
    seen = []
    small = strategies.sampled_from([1, 1, 2, 3, None])

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=not EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), small)
    def send(case, number):
        for name in ("id", "number", "step", "n"):
            if number is not None and name in (case.path_parameters or {}):
                case.path_parameters[name] = number  # things that exist, else everything is "not found"
        response = case.call(cookies=known, headers={"X-CSRF-Token": csrf, "X-Forwarded-For": "192.0.2.7"})
        seen.append(response.status_code)
        said = f"{case.as_curl_command()}\n{response.status_code} {response.content[:2000]!r}"
        assert response.status_code < 500 or response.status_code in PASSING, said
        wanted = [status_code_conformance]
        if operation.path.startswith("/api/v1"):
            wanted += [content_type_conformance, response_schema_conformance]
        case.validate_response(response, checks=wanted)

    with contextlib.suppress(Unsatisfiable):  # a route that takes nothing can be sent nothing wrong
        send()
    return seen


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fits", "does-not-fit"])
@pytest.mark.timeout(14_400 if EXAMPLES else 900)
def test_no_request_made_from_it_ends_in_a_500(application, askers, mode):
    schema = schemathesis.openapi.from_dict(describe())
    schema.app = application
    roles, seen, faults = list(Role), [], []
    for index, result in enumerate(schema.get_all_operations()):
        operation = result.ok()
        side, row = next(
            (side, row)
            for side, row in ROWS
            if row.method == operation.method.upper()
            and re.sub(r"\{(\w+):[^}]*\}", r"{\1}", row.pattern) == operation.path
        )
        # a role that gets in, else only its refusal is tried
        able = [role for role in roles if row.permission and row.permission in ROLE_PERMISSIONS[role]] or roles
        for role in able if EXAMPLES else [able[index % len(able)]]:
            try:
                seen += ask(operation, *askers.known(role, side), EXAMPLES or 2, mode)
            except Exception as fault:
                faults.append(f"{operation.label} by {role}: {str(fault)[:3000]}")
    assert not faults, "\n\n".join(faults)
    # else the doors were tried, not the rooms behind them
    assert sum(status not in {401, 403, 404, 429} for status in seen) > len(seen) / 3, Counter(seen)
    print(Counter(seen))  # noqa: T201 - shown when it is run alone
