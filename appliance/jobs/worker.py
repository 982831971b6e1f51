"""A worker: runs jobs, says that it lives, and takes over the jobs of those that no longer do."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import procrastinate
import psycopg
import structlog
from procrastinate import Blueprint, JobContext
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.worker import Worker

from appliance import logs
from appliance.db import libpq_url
from appliance.errors import DatabaseUnavailable
from appliance.jobs import figures
from appliance.jobs.audit_upkeep import audit_upkeep
from appliance.jobs.queue import make_app
from appliance.jobs.upkeep import upkeep
from appliance.metrics import exported
from appliance.readiness import announced
from appliance.settings import Settings

EXIT_DISPOSSESSED: Final = 75
"""Exit status of a worker that slept so long that others took its jobs (EX_TEMPFAIL: start me again)."""

_POLL_SECONDS: Final = 0.5
"""Asking beats listening here: a lost LISTEN connection would end the worker and with it its live analyses."""

_ABORT_SECONDS: Final = 60.0
"""How often it is asked whether a running job is to be aborted, which nothing here asks for: procrastinate's own
command could. At shutdown a job is told without asking."""

_HAND_OVER_SECONDS: Final = 3.0
"""What a job may use to end by itself at shutdown, before it is cancelled and handed over."""

_FINISH_SECONDS: Final = 10.0
"""The same where nobody watches a sitting: what is sealed or judged by then need not be begun anew elsewhere. Below
what supervisord and the units' TimeoutStopSec give."""

_WATCHING: Final = "analysis"
"""Queue of jobs that last as long as a sitting: each second until they are handed over nobody watches."""

_AGAIN_SECONDS: Final = 1.0

_REACH_SECONDS: Final = 5
"""How long the start waits for a database that does not answer at all."""

_TAKE_OVER: Final = """
SELECT procrastinate_retry_job_v2(job.id, now(), NULL, NULL, NULL), job.id, job.task_name
FROM (
    SELECT job.id, job.task_name
    FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing'
      AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(silence)s))
      AND pg_postmaster_start_time() < now() - make_interval(secs => %(silence)s)
    FOR UPDATE OF job SKIP LOCKED
) AS job
"""
"""One statement, so that no two workers take over the same job. After a restart of the database nobody could have
said that they live, so all get the time to say so first."""

log = structlog.get_logger(__name__)


def run_worker(
    settings: Settings,
    blueprints: Iterable[Blueprint],
    context: Mapping[str, Any] | None = None,
    queues: Sequence[str] = (),
) -> None:
    """Work until SIGTERM or SIGINT; jobs under way are then handed over to other workers.

    ``queues``: only jobs of these are taken, none named: of all.

    ``context`` reaches tasks made with ``pass_context=True`` as ``job_context.additional_context``. A task is a
    coroutine (cancelled at shutdown), or a function run in a thread that looks at ``job_context.should_abort()``.
    Raises ``DatabaseUnavailable`` when there is no database at the start; one lost later is waited for.
    """
    asyncio.run(_run(settings, [upkeep, audit_upkeep, *blueprints], dict(context or {}), queues))


async def _run(
    settings: Settings, blueprints: list[Blueprint], context: dict[str, Any], queues: Sequence[str]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    app = make_app(settings, blueprints, queues)
    try:
        await _reach_database(settings)
        await app.open_async()
    except (ConnectorException, psycopg.OperationalError) as error:
        raise DatabaseUnavailable from error
    try:
        with exported(settings.metrics_listen, *figures.of_worker()):
            async with announced(f"queues {', '.join(queues) or 'all'}"):
                while not stopping.is_set():
                    await _until_stopped_or_lost(app, settings, context, queues, stopping)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stopping.wait(), _AGAIN_SECONDS)
    finally:
        await app.close_async()


async def _reach_database(settings: Settings) -> None:
    """Connect once: the pool would try for half a minute before it said that there is nobody."""
    url = libpq_url(settings.database_url)
    connection = await psycopg.AsyncConnection.connect(url, connect_timeout=_REACH_SECONDS)
    await connection.close()


async def _until_stopped_or_lost(
    app: procrastinate.App,
    settings: Settings,
    context: dict[str, Any],
    queues: Sequence[str],
    stopping: asyncio.Event,
) -> None:
    """Work as one registered worker; return when asked to stop or when the database was lost."""
    worker = Worker(
        app,
        queues=list(queues) or None,  # psycopg makes an array of a list only
        concurrency=settings.worker_concurrency,
        fetch_job_polling_interval=_POLL_SECONDS,
        abort_job_polling_interval=_ABORT_SECONDS,
        shutdown_graceful_timeout=_HAND_OVER_SECONDS if not queues or _WATCHING in queues else _FINISH_SECONDS,
        update_heartbeat_interval=settings.takeover_seconds,  # _live says it more often
        stalled_worker_timeout=settings.takeover_seconds,
        listen_notify=False,
        # What succeeded is on the timeline and in the audit log; failed jobs stay a while for support.
        delete_jobs="successful",
        additional_context=context,
        install_signal_handlers=False,
        worker_middleware=[figures.count, _tell_failures],
    )
    work = asyncio.create_task(worker.run())
    beat = asyncio.create_task(_live(app, settings, worker))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    try:
        await work
    except ConnectorException as error:
        log.warning("worker.lost_database", error=str(error.__cause__ or error).strip())
    finally:
        beat.cancel()
        stop.cancel()
    log.info("worker.stopped", asked=stopping.is_set())


async def _tell_failures(call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
    """Log each attempt that fails: procrastinate itself tells only of the last one."""
    try:
        return await call_next()
    except JobAborted:
        raise
    except Exception as error:
        job = context.job
        log.warning(
            "worker.job_failed", job=job.id, task=job.task_name, attempt=job.attempts + 1, error=logs.words(error)
        )
        raise


async def _live(app: procrastinate.App, settings: Settings, worker: Worker) -> None:
    """Say that we live and take over from those who do not, every heartbeat, until cancelled.

    procrastinate's own heartbeat ends when a shutdown begins; jobs that end slowly would be taken over meanwhile.
    """
    silence = settings.takeover_seconds
    reached = time.monotonic()
    while True:
        await asyncio.sleep(settings.heartbeat_seconds)
        try:
            gap = time.monotonic() - reached
            if gap > silence - settings.heartbeat_seconds and not await _database_restarted_within(app, gap):
                _end_loudly(gap)
            if worker.worker_id is not None:
                await app.job_manager.update_heartbeat(worker.worker_id)
                figures.beats()
            reached = time.monotonic()
            for row in await app.connector.execute_query_all_async(_TAKE_OVER, silence=silence):
                log.warning("worker.took_over", job=row["id"], task=row["task_name"])
        except ConnectorException as error:
            # The worker itself finds out; the time without the database is judged when it is back.
            log.warning("worker.no_heartbeat", error=str(error.__cause__ or error).strip())


async def _database_restarted_within(app: procrastinate.App, seconds: float) -> bool:
    row = await app.connector.execute_query_one_async(
        "SELECT pg_postmaster_start_time() > now() - make_interval(secs => %(seconds)s) AS restarted", seconds=seconds
    )
    return bool(row["restarted"])


def _end_loudly(gap: float) -> None:
    """End without tidying up: our jobs may be others' by now, and finishing them here would spoil theirs."""
    log.error("worker.dispossessed", silent_seconds=round(gap, 1))
    os._exit(EXIT_DISPOSSESSED)
