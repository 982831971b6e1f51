"""The worker's jobs about retention: the day's run, erasures, what is made up for a person."""

from collections.abc import Callable

import structlog
from procrastinate import Blueprint, JobContext
from procrastinate.exceptions import JobAborted

from appliance import jobs
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work, utcnow
from appliance.errors import ImpossibleStep, OnHold
from appliance.retention import erasure, log_term, person_export, purge

log = structlog.get_logger(__name__)

retention_tasks = Blueprint()


@retention_tasks.periodic(cron="7 2 * * *")
@retention_tasks.task(name="retention.run", queueing_lock="retention.run", pass_context=True, retry=jobs.Retry())
def run(context: JobContext, timestamp: int) -> None:
    """Announce, delete and sign what is due; take up erasures that were left half done."""
    collaborators = _collaborators(context)
    purge.run(collaborators, utcnow(), pause_point=_pause_point(context))
    sealed, destroyed = log_term.run(collaborators, utcnow(), purge.RETENTION)
    if sealed or destroyed:
        log.info("audit log's term", entries_sealed=sealed, segments_destroyed=destroyed)
    with unit_of_work(collaborators.session_factory) as session:
        left = erasure.undone(session)
    for number in left:
        _erase(collaborators, number)


@retention_tasks.task(name=erasure.JOB, pass_context=True, retry=jobs.Retry())
def erase(context: JobContext, erasure_id: int) -> None:
    """Erase one person."""
    _erase(_collaborators(context), erasure_id)


@retention_tasks.task(name=person_export.JOB, queue="exports", pass_context=True, retry=jobs.Retry())
def export_person(context: JobContext, person_export_id: int) -> None:
    """Make up what is stored of one person."""
    person_export.make(_collaborators(context), person_export_id, utcnow(), _pause_point(context))


@retention_tasks.periodic(cron="*/10 * * * *")
@retention_tasks.task(
    name="retention.expire_person_exports", queueing_lock="retention.expire_person_exports", pass_context=True
)
def expire_person_exports(context: JobContext, timestamp: int) -> None:
    """Destroy what was made up for a person and has had its time."""
    collaborators = _collaborators(context)
    gone = person_export.expire(collaborators, utcnow())
    if gone:
        log.info("person exports expired", exports=gone, due=timestamp)


def _erase(collaborators: Collaborators, erasure_id: int) -> None:
    try:
        row = erasure.carry_out(collaborators, erasure_id, utcnow())
    except (OnHold, ImpossibleStep) as error:  # something came between; the daily run tries again
        log.warning("erasure waits", erasure=erasure_id, why=error.message)
    else:
        log.info("erased", erasure=erasure_id, certificate=row.certificate_id)


def _pause_point(context: JobContext) -> Callable[[], None]:
    def pause_point() -> None:
        if context.should_abort():
            raise JobAborted

    return pause_point


def _collaborators(context: JobContext) -> Collaborators:
    found: Collaborators = context.additional_context["collaborators"]
    return found
