"""Buckets in the database: one count for all processes, whatever becomes of the caller's transaction."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance import rate_limits
from appliance.db import make_engine, make_session_factory
from appliance.errors import DatabaseUnavailable, TooMany
from appliance.rate_limits import RateLimit, RateLimits, of_address

SLOW = RateLimit("slow", burst=3, per_second=0.01)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def limits(session_factory):
    return RateLimits(session_factory)


def later(session, seconds):
    session.execute(text("UPDATE rate_limit_state SET full_at = full_at - make_interval(secs => :s)"), {"s": seconds})
    session.commit()


def test_a_burst_then_one_at_a_time(limits, session):
    for _ in range(3):
        limits.take(SLOW, "a")
    with pytest.raises(TooMany) as refused:
        limits.take(SLOW, "a")
    assert 95 <= refused.value.details["retry_seconds"] <= 100
    limits.take(SLOW, "b")
    limits.take(RateLimit("other", 1, 1), "a")
    later(session, 100)
    limits.take(SLOW, "a")
    with pytest.raises(TooMany):
        limits.take(SLOW, "a")


def test_knocking_at_a_closed_door_keeps_it_closed_no_longer(limits, session):
    for _ in range(3):
        limits.take(SLOW, "a")
    for _ in range(20):
        with pytest.raises(TooMany):
            limits.take(SLOW, "a")
    later(session, 101)
    limits.take(SLOW, "a")


def test_a_full_bucket_holds_no_more_than_its_burst(limits, session):
    limits.take(SLOW, "a")
    later(session, 100_000)
    for _ in range(3):
        limits.take(SLOW, "a")
    with pytest.raises(TooMany):
        limits.take(SLOW, "a")


def test_other_processes_count_the_same_knocks(limits, database_url):
    program = (
        "import sys; from appliance.db import *; from appliance.errors import TooMany;"
        "from appliance.rate_limits import *;"
        "limits = RateLimits(make_session_factory(make_engine(sys.argv[1])))\n"
        "taken = 0\n"
        "for _ in range(20):\n"
        "    try: limits.take(RateLimit('shared', 25, 0.001), 'a'); taken += 1\n"
        "    except TooMany: pass\n"
        "print(taken)"
    )
    command = [sys.executable, "-c", program, database_url]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(process.communicate(timeout=60)[0]) for process in running) == 25


def test_nobodys_name_is_kept_and_full_buckets_are_swept(limits, session):
    limits.take(SLOW, "person@example.org")
    assert "person" not in str(session.execute(text("SELECT key FROM rate_limit_state")).all())
    session.commit()
    assert rate_limits.sweep(session) == 0
    later(session, 200)
    assert rate_limits.sweep(session) == 1


def test_no_database_is_said():
    away = RateLimits(make_session_factory(make_engine("postgresql+psycopg://nobody@/none?host=/nonexistent")))
    with pytest.raises(DatabaseUnavailable):
        away.take(SLOW, "a")


def test_it_survives_without_the_disk(session):
    """An unlogged table: counting knocks must not make a flood a load on the disk."""
    kind = session.execute(text("SELECT relpersistence FROM pg_class WHERE relname = 'rate_limit_state'")).scalar()
    assert kind == "u"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_who_counts_as_one_place(address, counted):
    assert of_address(address) == counted
