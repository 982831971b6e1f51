"""Take-over with real worker processes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance import jobs

pytestmark = pytest.mark.timeout(120)  # three interpreters start on a machine that may be busy

HEARTBEAT, TAKEOVER = 0.5, 2.0
Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(session: Session, database_url: str, tmp_path: Path) -> Iterator[Start]:
    session.execute(text("CREATE TABLE watched (id serial, worker text, sitting_id int)"))
    session.execute(text("CREATE TABLE finished (sitting_id int)"))
    session.commit()
    running = []

    def start(name: str, *queues: str) -> subprocess.Popen:
        script = Path(__file__).with_name("worker_process.py")
        command = [sys.executable, str(script), database_url, name, str(HEARTBEAT), str(TAKEOVER), *queues]
        log = (tmp_path / f"{name}.log").open("wb")
        running.append(subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=log))
        log.close()
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def watched(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(text("SELECT worker FROM watched ORDER BY id")))


def status(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(text("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'test.watch'")))


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    """Return how long it took until the condition held."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "it did not come true in time"
        time.sleep(0.05)
    return time.monotonic() - start


def test_killed_workers_job_is_taken_over_once_and_finished(session: Session, start: Start):
    jobs.defer(session, "test.watch", sitting_id=7)
    session.commit()
    first = start("first")
    wait_for(lambda: watched(session) == ["first"], 20)
    start("second")
    start("third")
    wait_for(lambda: session.scalar(text("SELECT count(*) FROM procrastinate_workers")) == 3, 20)
    first.kill()
    assert wait_for(lambda: len(watched(session)) > 1, 20) < 10
    session.execute(text("INSERT INTO finished VALUES (7)"))
    session.commit()
    wait_for(lambda: status(session) == [], 20)  # successful jobs are deleted
    assert len(watched(session)) == 2


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "asked"])
def test_job_is_handed_on_although_its_like_waits(session: Session, start: Start, end: signal.Signals):
    """As when a camera came back: its new part asked for analysis again while the first one goes on."""
    alike = {"lock": "watch:7", "queueing_lock": "watch:7", "sitting_id": 7}
    jobs.defer(session, "test.watch", **alike)
    session.commit()
    first = start("first")
    wait_for(lambda: watched(session) == ["first"], 20)
    assert jobs.defer(session, "test.watch", **alike) is not None
    assert jobs.defer(session, "test.watch", **alike) is None, "one waits already"
    session.commit()
    start("second")
    wait_for(lambda: session.scalar(text("SELECT count(*) FROM procrastinate_workers")) == 2, 20)
    first.send_signal(end)
    wait_for(lambda: watched(session) == ["first", "second"], 20)
    session.execute(text("INSERT INTO finished VALUES (7)"))
    session.commit()
    wait_for(lambda: status(session) == [], 20)


def test_living_workers_job_is_left_to_it(session: Session, start: Start):
    jobs.defer(session, "test.watch", sitting_id=7)
    session.commit()
    start("first")
    wait_for(lambda: watched(session) == ["first"], 20)
    start("second")
    beat = text("SELECT min(last_heartbeat) > now() - interval '1.5 s' AND count(*) = 2 FROM procrastinate_workers")
    until = time.monotonic() + 2 * TAKEOVER
    wait_for(lambda: bool(session.scalar(beat)) and time.monotonic() > until, 30)
    assert watched(session) == ["first"]
    assert status(session) == ["doing"]


def test_worker_hands_over_when_asked_to_stop(session: Session, start: Start):
    jobs.defer(session, "test.watch", sitting_id=7)
    session.commit()
    first = start("first")
    wait_for(lambda: watched(session) == ["first"], 20)
    start("second")
    wait_for(lambda: session.scalar(text("SELECT count(*) FROM procrastinate_workers")) == 2, 20)
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    wait_for(lambda: watched(session) == ["first", "second"], 20)
    until = time.monotonic() + 3 * HEARTBEAT  # long enough for a job handed over twice to be run again
    wait_for(lambda: status(session) == ["doing"] and time.monotonic() > until, 20)
    assert watched(session) == ["first", "second"]


def test_worker_that_is_asked_to_stop_finishes_what_it_seals(session: Session, start: Start):
    """It takes longer than a sitting that is watched would wait; nobody else begins with it."""
    jobs.defer(session, "test.seal", queue="default", sitting_id=7)
    session.commit()
    first = start("first", "default")
    wait_for(lambda: watched(session) == ["first"], 20)
    start("second", "default")
    wait_for(lambda: session.scalar(text("SELECT count(*) FROM procrastinate_workers")) == 2, 20)
    first.send_signal(signal.SIGTERM)
    jobs.defer(session, "test.seal", queue="default", sitting_id=8)
    session.commit()
    assert first.wait(20) == 0
    assert session.scalars(text("SELECT sitting_id FROM finished")).all()[:1] == [7]
    wait_for(lambda: watched(session) == ["first", "second"], 20)  # it took no more


def test_worker_that_slept_through_a_take_over_ends_without_spoiling_it(session: Session, start: Start):
    jobs.defer(session, "test.watch", sitting_id=7)
    session.commit()
    first = start("first")
    wait_for(lambda: watched(session) == ["first"], 20)
    start("second")
    first.send_signal(signal.SIGSTOP)
    wait_for(lambda: watched(session) == ["first", "second"], 20)
    first.send_signal(signal.SIGCONT)
    assert first.wait(20) == jobs.EXIT_DISPOSSESSED
    assert status(session) == ["doing"]
    assert watched(session) == ["first", "second"]


def test_each_failed_attempt_is_in_the_log_by_its_first_words(session: Session, start: Start, tmp_path: Path):
    jobs.defer(session, "test.fail", secret="correct horse")
    session.commit()
    start("first")
    log = tmp_path / "first.log"

    def failures() -> list[str]:  # of ours: the worker has periodic jobs of its own, each full minute
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if "worker.job_failed" in line and "task=test.fail" in line]

    wait_for(lambda: len(failures()) == 2, 20)
    told = failures()
    assert all("ValueError: no such thing" in line for line in told)
    assert [f"attempt={number}" in line for number, line in enumerate(told, 1)] == [True, True]
    assert "correct horse" not in log.read_text()
    assert "DETAIL" not in "".join(told)
