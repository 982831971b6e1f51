"""Jobs: the queue in the database, deferred with the act, run by workers, taken over when a worker dies."""

import json
from datetime import datetime
from typing import Any

import procrastinate
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from appliance.db import libpq_url
from appliance.settings import Settings

_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, :priority, :lock, :queueing_lock,"
    " CAST(:args AS jsonb), CAST(:schedule_at AS timestamptz))]::procrastinate_job_to_defer_v1[])"
)


def make_app(settings: Settings) -> procrastinate.App:
    """Return the job app on a psycopg pool that is opened by ``app.open_async()``."""
    connector = procrastinate.PsycopgConnector(conninfo=libpq_url(settings.database_url))
    return procrastinate.App(connector=connector)


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
        if "queueing_lock" in str(error.orig):
            return None
        raise
    return int(ids[0])
