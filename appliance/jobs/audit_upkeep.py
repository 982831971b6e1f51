"""Periodic tasks of the audit log: checkpoints, copies to a collector, what was counted, and asked-for proofs."""

import structlog
from procrastinate import Blueprint, JobContext

from appliance.audit import checkpoints, deliveries, forwarding, refusals, verification
from appliance.audit.statements import Signer
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.errors import AuditBroken

log = structlog.get_logger(__name__)

audit_upkeep = Blueprint()


def _collaborators(context: JobContext) -> Collaborators:
    collaborators: Collaborators = context.additional_context["collaborators"]
    return collaborators


@audit_upkeep.periodic(cron="* * * * *")
@audit_upkeep.task(name="audit.checkpoint", queueing_lock="audit.checkpoint", pass_context=True)
def checkpoint(context: JobContext, timestamp: int) -> None:
    """Write what was counted in the minute before, sign the chain, and put the signature beside the database."""
    own = _collaborators(context)
    signer = Signer.of(own.settings, own.vault)
    with unit_of_work(own.session_factory) as session:
        refusals.fold(session)
    try:
        with unit_of_work(own.session_factory) as session:
            checkpoints.sign(session, signer)
    except AuditBroken as error:  # the page says that none comes; a job that fails each minute says no more
        log.error("audit.checkpoint_refused", problem=error.message, due=timestamp)
    with unit_of_work(own.session_factory) as session:
        checkpoints.write_file(session, signer.folder)


@audit_upkeep.periodic(cron="*/10 * * * * *")
@audit_upkeep.task(name="audit.forward", queueing_lock="audit.forward", pass_context=True)
def forward(context: JobContext, timestamp: int) -> None:
    """Copy to the collector what it does not have yet."""
    own = _collaborators(context)
    target = forwarding.Target.of(own.settings)
    if target is not None and (count := forwarding.forward(own.session_factory, target)):
        log.info("audit.forwarded", count=count, due=timestamp)


@audit_upkeep.periodic(cron="*/2 * * * *")
@audit_upkeep.task(name="audit.tell_deliveries", queueing_lock="audit.tell_deliveries", pass_context=True)
def tell_deliveries(context: JobContext, timestamp: int) -> None:
    """Record what of recordings was sent out and not reported as played."""
    own = _collaborators(context)
    with unit_of_work(own.session_factory) as session:
        log.info("audit.deliveries_told", count=deliveries.settle(session), due=timestamp)


@audit_upkeep.task(name="audit.verify", queueing_lock="audit.verify", pass_context=True)
def verify(context: JobContext) -> None:
    """Walk the whole log, for the page that asked."""
    own = _collaborators(context)
    outcome = verification.run(own.session_factory, Signer.of(own.settings, own.vault))
    log.info("audit.verified", whole=outcome["whole"])
