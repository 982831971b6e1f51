"""What web counts of requests, and what its readiness says."""

from dataclasses import replace

import pytest

from appliance.db import make_engine, make_session_factory
from appliance.metrics import REGISTRY
from web.serving import Readiness


def value(name, **labels):
    return REGISTRY.get_sample_value(f"kustos_{name}", labels) or 0


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/login", "/login", 200),
        ("/api/v1/sittings/123456/summary/none", "none", 404),
        ("/static/css/nothing.css", "/static/*subpath", 404),
        ("/room", "/room", 303),
    ],
)
def test_requests_are_counted_by_pattern_and_status(browser, path, route, status):
    labels = {"method": "GET", "route": route, "status": str(status)}
    before = value("http_requests_total", **labels)
    browser.get(path, status=status)
    assert value("http_requests_total", **labels) == before + 1
    assert value("http_request_duration_seconds_count", route=route) > 0


def test_a_method_nobody_knows_makes_no_new_line(browser):
    before = value("http_requests_total", method="other", route="none", status="404")
    browser.request("/nowhere", method="TRACE", status=404)
    assert value("http_requests_total", method="other", route="none", status="404") == before + 1


def test_readiness_names_a_database_that_is_away_without_its_address(collaborators):
    assert Readiness(collaborators)() == {"database": ""}
    engine = make_engine("postgresql+psycopg://nobody:secret@127.0.0.1:1/none?connect_timeout=2")
    away = Readiness(replace(collaborators, session_factory=make_session_factory(engine)))
    assert away() == {"database": "it does not answer, or has no tables yet"}
    engine.dispose()
