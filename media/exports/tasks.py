"""The worker's jobs about exports: they are made one after another, and destroyed after their time."""

import structlog
from procrastinate import Blueprint, JobContext
from procrastinate.exceptions import JobAborted

from appliance import jobs
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work, utcnow
from appliance.services import exports
from media.exports.make import EXPORTER, make_export

log = structlog.get_logger(__name__)

export_tasks = Blueprint()


@export_tasks.task(name="media.export", queue=exports.QUEUE, pass_context=True, retry=jobs.Retry())
def export(context: JobContext, export_id: int) -> None:
    """Make an export. Where the worker ends meanwhile, another begins it anew."""

    def pause_point() -> None:
        if context.should_abort():
            raise JobAborted

    make_export(_collaborators(context), export_id, pause_point)


@export_tasks.periodic(cron="*/5 * * * *")
@export_tasks.task(name="exports.expire", queueing_lock="exports.expire", pass_context=True)
def expire(context: JobContext, timestamp: int) -> None:
    """Destroy what has had its time."""
    collaborators = _collaborators(context)
    with unit_of_work(collaborators.session_factory) as session:
        gone = exports.expire(session, EXPORTER, collaborators.vault, utcnow())
    if gone:
        log.info("exports expired", exports=gone, due=timestamp)


def _collaborators(context: JobContext) -> Collaborators:
    found: Collaborators = context.additional_context["collaborators"]
    return found
