"""The worker's jobs about exports: they are made one after another, and destroyed after their time."""

import shutil

import structlog
from procrastinate import Blueprint, JobContext
from procrastinate.exceptions import JobAborted

from appliance import jobs
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work, utcnow
from appliance.errors import DatabaseUnavailable
from appliance.services import exports
from media.exports.make import EXPORTER, make_export, working_folder

log = structlog.get_logger(__name__)

export_tasks = Blueprint()


@export_tasks.task(name="media.export", queue=exports.QUEUE, pass_context=True, retry=jobs.Retry())
def export(context: JobContext, export_id: int) -> None:
    """Make an export. Where the worker ends meanwhile, another begins it anew."""

    def pause_point() -> None:
        if context.should_abort():
            raise JobAborted

    collaborators = _collaborators(context)
    try:
        make_export(collaborators, export_id, pause_point)
    except (JobAborted, DatabaseUnavailable):
        raise
    except Exception:
        # whoever waits for it must hear of it, whatever it was; a second run would meet it again
        log.exception("export broke", export=export_id)
        with unit_of_work(collaborators.session_factory) as session:
            exports.fail(session, EXPORTER, export_id, "Something unforeseen happened; the worker's log says what.")


@export_tasks.periodic(cron="* * * * *")
@export_tasks.task(name="exports.give_up", queueing_lock="exports.give_up", pass_context=True)
def give_up(context: JobContext, timestamp: int) -> None:
    """Tell who waits for an export that nobody makes any more."""
    collaborators = _collaborators(context)
    with unit_of_work(collaborators.session_factory) as session:
        gone = exports.give_up(session, EXPORTER)
    for export_id in gone:
        shutil.rmtree(working_folder(collaborators, export_id), ignore_errors=True)
    if gone:
        log.warning("exports given up", exports=gone, due=timestamp)


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
