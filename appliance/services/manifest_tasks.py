"""Signs manifests of sittings that are over, within a minute of their sealing and of whatever comes later."""

import structlog
from procrastinate import Blueprint, JobContext

from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.errors import VaultTampered
from appliance.evidence import EvidenceKey, sitting_manifest

log = structlog.get_logger(__name__)

manifest_tasks = Blueprint()


@manifest_tasks.periodic(cron="* * * * *")
@manifest_tasks.task(name="manifests.sign", queueing_lock="manifests.sign", pass_context=True)
def sign_manifests(context: JobContext, timestamp: int) -> None:
    """Sign what no manifest names yet."""
    collaborators: Collaborators = context.additional_context["collaborators"]
    sign_waiting(collaborators)


def sign_waiting(collaborators: Collaborators) -> int:
    """Sign each sitting in a transaction of its own and return how many were; one that does not open is logged."""
    with unit_of_work(collaborators.session_factory) as session:
        waiting = sitting_manifest.unsigned(session)
    if not waiting:
        return 0
    settings, done = collaborators.settings, 0
    key = EvidenceKey.load_or_create(settings.evidence_key_file, collaborators.vault)
    for sitting_id in waiting:
        try:
            with unit_of_work(collaborators.session_factory) as session:
                sitting_manifest.sign(session, collaborators.vault, key, settings.manifests, sitting_id)
            done += 1
        except VaultTampered as error:
            log.error("manifest not signed", sitting=sitting_id, error=error.message)
    return done
