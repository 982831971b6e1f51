from datetime import timedelta

import pytest
from procrastinate import Blueprint
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance import jobs
from appliance.db import SessionFactory, utcnow
from appliance.settings import Settings

QUEUED = text("SELECT id, queue_name, task_name, args, status::text, scheduled_at FROM procrastinate_jobs")


def test_job_exists_when_the_act_does(session: Session, session_factory: SessionFactory):
    later = utcnow() + timedelta(minutes=5)
    number = jobs.defer(session, "media.seal", queue="seal", schedule_at=later, sitting_id=7)
    with session_factory() as other:
        assert other.execute(QUEUED).all() == []
    session.commit()
    assert session.execute(QUEUED).all() == [(number, "seal", "media.seal", {"sitting_id": 7}, "todo", later)]


def test_job_goes_with_the_act(session: Session):
    jobs.defer(session, "media.seal", sitting_id=7)
    session.rollback()
    assert session.execute(QUEUED).all() == []


def test_second_job_with_a_queueing_lock_is_not_queued_and_the_transaction_goes_on(session: Session):
    assert jobs.defer(session, "media.seal", queueing_lock="seal:7", sitting_id=7)
    assert jobs.defer(session, "media.seal", queueing_lock="seal:7", sitting_id=7) is None
    assert jobs.defer(session, "media.seal", queueing_lock="seal:8", sitting_id=8)
    session.commit()
    assert len(session.execute(QUEUED).all()) == 2


def test_arguments_must_be_json(session: Session):
    with pytest.raises(TypeError):
        jobs.defer(session, "media.seal", sitting_id=object())


@pytest.mark.parametrize(("queues", "periodic"), [((), {"a", "b"}), (("default",), {"a"}), (("analysis",), set())])
def test_periodic_tasks_are_deferred_by_who_works_on_their_queue_only(settings: Settings, queues, periodic):
    blueprint = Blueprint()
    for name, queue in (("a", "default"), ("b", "exports")):
        blueprint.periodic(cron="* * * * *")(blueprint.task(name=name, queue=queue)(lambda timestamp: None))
    app = jobs.make_app(settings, [blueprint], queues)
    assert {each.task.name for each in app.periodic_registry.periodic_tasks.values()} == periodic
    assert {"a", "b"} <= set(app.tasks)


def job(attempts: int) -> Job:
    return Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="t", attempts=attempts)


def test_errors_are_retried_with_growing_pauses_up_to_the_limit():
    retry = jobs.Retry(attempts=3, pause_seconds=10)
    first = retry.get_retry_decision(exception=ValueError(), job=job(0))
    second = retry.get_retry_decision(exception=ValueError(), job=job(1))
    assert first.retry_at < second.retry_at
    assert retry.get_retry_decision(exception=ValueError(), job=job(2)) is None


@pytest.mark.parametrize("exception", [JobAborted(), KeyboardInterrupt()])
def test_a_job_is_handed_over_however_often_it_ran(exception):
    decision = jobs.Retry(attempts=3).get_retry_decision(exception=exception, job=job(50))
    assert decision.retry_at <= utcnow()
