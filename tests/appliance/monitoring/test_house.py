"""Figures of the whole appliance, out of a real database."""

from datetime import timedelta

import pytest
from prometheus_client.metrics_core import CounterMetricFamily
from sqlalchemy import create_engine, text

from appliance import audit, jobs
from appliance.db import make_session_factory, unit_of_work, utcnow
from appliance.errors import DatabaseUnavailable
from appliance.models import Gap, Node, Part
from appliance.monitoring.house import House
from appliance.settings import load_settings
from appliance.vocabulary import GapCause, PartState, SittingState, Track


@pytest.fixture
def house(settings, session_factory):
    return House(settings, session_factory)


def told(metrics):
    return {
        (sample.name.removeprefix("kustos_"), *sample.labels.values()): sample.value
        for family in metrics
        for sample in family.samples
    }


def test_sittings_parts_and_gaps_are_counted(house, session, make):
    sitting = make.sitting(state=SittingState.FINISHED)
    long_ago = utcnow() - timedelta(minutes=10)
    part = {"sitting_id": sitting.id, "track": Track.CAMERA, "path": "", "node_url": "", "ended_at": long_ago}
    session.add(Part(sequence=1, state=PartState.STOPPED, **part))
    session.add(Gap(sitting_id=sitting.id, track=Track.CAMERA, cause=GapCause.NODE_LOST, started_at=long_ago))
    session.commit()
    found = told(house.quick())
    assert found["sittings", "finished"] == 1
    assert found["sittings", "running"] == 0
    assert found["parts", "stopped"] == 1
    assert 600 <= found["part_waiting_seconds",] < 660
    assert found["gaps_open", "node_lost"] == 1


def test_queues_tell_their_length_and_age(house, session):
    jobs.defer(session, "media.seal", sitting_id=1)
    jobs.defer(session, "media.seal", sitting_id=2, schedule_at=utcnow() + timedelta(hours=1))
    session.commit()
    session.execute(text("UPDATE procrastinate_events SET at = now() - interval '5 minutes'"))
    session.commit()
    found = told(house.quick())
    assert found["queue_jobs", "default", "waiting"] == 1, "what is to run later does not wait"
    assert 300 <= found["queue_waiting_seconds", "default"] < 330
    assert found["queue_waiting_seconds", "analysis"] == 0
    assert found["workers_alive",] == 0


def test_nodes_are_told_by_name(house, session):
    session.add(
        Node(name="one", url="ws://one:8888/kurento", seen_at=utcnow(), cpu=50.0, memory_kb=1024, pipelines=2)
    )
    session.add(Node(name="two", url="ws://two:8888/kurento", failure="refused", seen_at=utcnow()))
    session.commit()
    found = told(house.quick())
    assert (found["node_up", "one"], found["node_up", "two"]) == (1, 0)
    assert (found["node_cpu_ratio", "one"], found["node_memory_bytes", "one"]) == (0.5, 2**20)
    assert ("node_cpu_ratio", "two") not in found


def test_the_audit_log_tells_what_no_checkpoint_vouches_for(house, session, make):
    audit.record(session, make.actor(), "exam.create", ("exam", 1))
    session.commit()
    found = told(house.quick())
    assert found["audit_entries_total",] == found["audit_entries_after_checkpoint",] > 0
    assert found["database_schema_current",] == 1


def test_a_database_that_lacks_tables_is_told(house, session):
    newest = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    session.commit()
    assert told(house.quick())["database_schema_current",] == 0
    session.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
    session.commit()
    assert told(house.quick())["database_schema_current",] == 1


def test_nothing_told_is_of_a_person(house, make):
    sitting = make.sitting()
    text_ = str(list(house.quick()) + list(house.slow()))
    for secret in (sitting.candidate.name, sitting.candidate.email, sitting.exam.name):
        assert secret not in text_


def test_a_database_that_is_away_is_told():
    settings = load_settings({"KUSTOS_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/nothing"})
    house = House(settings, make_session_factory(create_engine(settings.database_url)))
    assert told(house.quick()) == {("database_up",): 0}


def test_a_statement_that_takes_too_long_is_ended(house, session_factory, monkeypatch):
    monkeypatch.setattr("appliance.monitoring.house.STATEMENT_MS", 50)
    monkeypatch.setattr("appliance.monitoring.house._VAULT", "SELECT 1 AS objects, 2 AS bytes FROM pg_sleep(5)")
    monkeypatch.setattr("appliance.monitoring.house._GAPS", "SELECT 'x', 1 FROM pg_sleep(5)")
    for ask in (house.slow, house.quick):
        with pytest.raises(DatabaseUnavailable) as raised:  # and not "the database is away"
            list(ask())
        assert "statement timeout" in str(raised.value.__cause__)
    with unit_of_work(session_factory) as session:
        assert session.execute(text("SHOW statement_timeout")).scalar() == "0", "the pool's other users have none"


def test_the_audit_logs_length_is_a_counter(house):
    family = next(one for one in house.quick() if one.name == "kustos_audit_entries")
    assert isinstance(family, CounterMetricFamily)
