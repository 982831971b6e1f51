"""Connections as PostgreSQL counts them, asked by a role that may not look at others' sessions."""

from contextlib import contextmanager

import pytest
from sqlalchemy import make_url, text

from appliance.db import make_engine, make_session_factory
from appliance.diagnostics.database import check_database_load
from appliance.diagnostics.host import Host
from appliance.diagnostics.report import StepState


@pytest.fixture
def plain(database_url, session):
    """A session factory of a role that is no superuser and reads nobody's statistics."""
    session.execute(text("CREATE ROLE plain LOGIN PASSWORD 'plain'"))
    session.commit()
    engine = make_engine(str(make_url(database_url).set(username="plain", password="plain").render_as_string(False)))
    yield make_session_factory(engine)
    engine.dispose()
    session.execute(text("DROP ROLE plain"))
    session.commit()


@contextmanager
def connected(database_url, count):
    engine = make_engine(database_url, pool_size=count)
    connections = [engine.connect() for _ in range(count)]
    yield
    for connection in connections:
        connection.close()
    engine.dispose()


def counted(settings, plain):
    (step,) = (one for one in check_database_load(Host(settings, plain)) if one.key == "connections")
    return step


def test_connections_of_other_roles_are_counted_too(settings, plain, database_url):
    before = counted(settings, plain)
    with connected(database_url, 4):
        after = counted(settings, plain)
    assert after.state is before.state is StepState.PASSED
    assert after.figures["connections"] >= before.figures["connections"] + 4
    assert after.figures["connections_most"] > after.figures["connections"]


def test_few_that_are_left_are_a_warning(settings, plain, database_url):
    most = counted(settings, plain).figures["connections_most"]
    with connected(database_url, int(most * 0.8)):
        step = counted(settings, plain)
    assert (step.state, step.cause) == (StepState.WARNING, "connections_few")
