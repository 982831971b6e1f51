"""The worker's job about single sign-on."""

import structlog
from procrastinate import Blueprint, JobContext

from appliance import jobs
from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.services import sign_on_recheck

log = structlog.get_logger(__name__)

sign_on_tasks = Blueprint()


@sign_on_tasks.periodic(cron="7 * * * *")
@sign_on_tasks.task(name="sign_on.recheck", queueing_lock="sign_on.recheck", pass_context=True, retry=jobs.Retry())
def recheck(context: JobContext, timestamp: int) -> None:
    """Disable the accounts of people whom their directory no longer has; one transaction a directory."""
    collaborators: Collaborators = context.additional_context["collaborators"]
    with unit_of_work(collaborators.session_factory) as session:
        numbers = sign_on_recheck.directories(session)
    for number in numbers:
        if context.should_abort():
            return
        with unit_of_work(collaborators.session_factory) as session:
            actor = Actor.appliance("sign_on")
            sign_on_recheck.recheck(session, actor, collaborators.vault, collaborators.settings, number)
