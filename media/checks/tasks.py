"""The worker's job about checks of the appliance: they are forgotten after their time."""

import structlog
from procrastinate import Blueprint, JobContext

from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.services import pipeline_checks

log = structlog.get_logger(__name__)

check_tasks = Blueprint()


@check_tasks.periodic(cron="47 * * * *")
@check_tasks.task(name="checks.expire", queueing_lock="checks.expire", pass_context=True)
def expire(context: JobContext, timestamp: int) -> None:
    """Destroy checks that had their time; a sitting's own stay as long as it does."""
    collaborators: Collaborators = context.additional_context["collaborators"]
    days = collaborators.settings.check_days
    with unit_of_work(collaborators.session_factory) as session:
        gone = pipeline_checks.expire(session, Actor.appliance("upkeep"), collaborators.vault, days)
    if gone:
        log.info("checks expired", count=len(gone), due=timestamp)
