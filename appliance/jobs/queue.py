"""The job app, and deferring a job in the transaction of the act that needs it."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import procrastinate
from procrastinate import BaseRetryStrategy, Blueprint, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from appliance.db import libpq_url
from appliance.settings import Settings

_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, :priority, :lock, :queueing_lock,"
    " CAST(:args AS jsonb), CAST(:schedule_at AS timestamptz))]::procrastinate_job_to_defer_v1[])"
)
_ALREADY_QUEUED = "procrastinate_jobs_queueing_lock_idx_v1"


class Retry(BaseRetryStrategy):
    """Try again after errors with growing pauses; hand over at once, however often, when the worker shuts down."""

    def __init__(self, attempts: int = 5, pause_seconds: int = 2) -> None:
        """Allow ``attempts`` runs that end in an error; the n-th pause is n times ``pause_seconds``."""
        self.attempts = attempts
        self.pause_seconds = pause_seconds

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to run the job again, None for not any more."""
        if isinstance(exception, JobAborted) or not isinstance(exception, Exception):
            return RetryDecision(retry_in={"seconds": 0})
        if job.attempts + 1 >= self.attempts:
            return None
        return RetryDecision(retry_in={"seconds": self.pause_seconds * (job.attempts + 1)})


def make_app(
    settings: Settings, blueprints: Iterable[Blueprint] = (), queues: Collection[str] = ()
) -> procrastinate.App:
    """Return the job app with the tasks of ``blueprints``, on a pool that ``app.open_async()`` opens.

    ``queues``: periodic tasks of others are not deferred, which whoever works on theirs does. None named: of all.
    Tasks keep their full names (``media.seal``): they are what ``defer`` is told, so no namespace is put before them.
    """
    # One connection fetches, one says that we live, two finish jobs; tasks have a pool of their own.
    connector = procrastinate.PsycopgConnector(
        conninfo=libpq_url(settings.database_url), min_size=1, max_size=4, kwargs={"application_name": "kustos jobs"}
    )
    app = procrastinate.App(connector=connector)
    for blueprint in blueprints:
        for task in blueprint.tasks.values():
            task.blueprint = app
        app.tasks.update(blueprint.tasks)
        for key, periodic in blueprint.periodic_registry.periodic_tasks.items():
            if not queues or periodic.task.queue in queues:
                app.periodic_registry.periodic_tasks[key] = periodic
    return app


def defer(
    session: Session,
    task: str,
    *,
    queue: str = "default",
    schedule_at: datetime | None = None,
    queueing_lock: str | None = None,
    lock: str | None = None,
    priority: int = 0,
    **args: Any,
) -> int | None:
    """Queue ``task`` in the caller's transaction, so that the job exists exactly when the act does.

    ``queueing_lock``: at most one job with it waits; a second is not queued and None is returned instead of the id.
    ``lock``: jobs with the same one run one after another. ``args`` are JSON values.
    """
    row = {
        "queue": queue,
        "task": task,
        "priority": priority,
        "lock": lock,
        "queueing_lock": queueing_lock,
        "args": json.dumps(args),
        "schedule_at": schedule_at,
    }
    try:
        with session.begin_nested():
            ids = session.execute(_DEFER, row).scalar_one()
    except IntegrityError as error:
        if _ALREADY_QUEUED in str(error.orig):
            return None
        raise
    return int(ids[0])
