"""Periodic tasks of the foundations themselves."""

from datetime import timedelta

import structlog
from procrastinate import Blueprint, JobContext

from appliance import bus, rate_limits
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work

KEEP_EVENTS = timedelta(hours=24)
"""Longer than any exam: a browser that was away reloads its state by REST anyway once it missed 1000 events."""

KEEP_JOBS_HOURS = 24 * 14
"""Failed jobs, for the support engineer."""

log = structlog.get_logger(__name__)

upkeep = Blueprint()


@upkeep.periodic(cron="17 * * * *")
@upkeep.task(name="upkeep.prune_events", queueing_lock="upkeep.prune_events", pass_context=True)
def prune_events(context: JobContext, timestamp: int) -> None:
    """Forget old events of the live bus."""
    collaborators: Collaborators = context.additional_context["collaborators"]
    with unit_of_work(collaborators.session_factory) as session:
        log.info("upkeep.events_pruned", count=bus.prune(session, KEEP_EVENTS), due=timestamp)


@upkeep.periodic(cron="27 * * * *")
@upkeep.task(name="upkeep.sweep_vault", queueing_lock="upkeep.sweep_vault", pass_context=True)
def sweep_vault(context: JobContext, timestamp: int) -> None:
    """Delete sealed files that nothing can open any more."""
    collaborators: Collaborators = context.additional_context["collaborators"]
    with unit_of_work(collaborators.session_factory) as session:
        collaborators.vault.adopt(session)  # of an appliance that is not started by `kustos up`
    with unit_of_work(collaborators.session_factory) as session:
        log.info("upkeep.vault_swept", count=collaborators.vault.sweep(session), due=timestamp)


@upkeep.periodic(cron="*/10 * * * *")
@upkeep.task(name="upkeep.sweep_rate_limits", queueing_lock="upkeep.sweep_rate_limits", pass_context=True)
def sweep_rate_limits(context: JobContext, timestamp: int) -> None:
    """Forget who has not knocked for so long that it does not matter any more."""
    collaborators: Collaborators = context.additional_context["collaborators"]
    with unit_of_work(collaborators.session_factory) as session:
        log.info("upkeep.rate_limits_swept", count=rate_limits.sweep(session), due=timestamp)


@upkeep.periodic(cron="37 3 * * *")
@upkeep.task(name="upkeep.forget_jobs", queueing_lock="upkeep.forget_jobs", pass_context=True)
async def forget_jobs(context: JobContext, timestamp: int) -> None:
    """Delete jobs that ended long ago."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEEP_JOBS_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
    log.info("upkeep.jobs_forgotten", due=timestamp)
