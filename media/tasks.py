"""The worker's jobs: live analysis, sealing, photos, and the sweep that ends what the clock ends."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from procrastinate import Blueprint, JobContext
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import jobs
from appliance.audit import Actor, settings_changes
from appliance.collaborators import Collaborators, assemble
from appliance.db import utcnow
from appliance.models import Sitting
from appliance.retention.tasks import retention_tasks
from appliance.services import challenges, sittings
from appliance.services.manifest_tasks import manifest_tasks
from appliance.services.sign_on_tasks import sign_on_tasks
from appliance.settings import Settings
from appliance.vocabulary import SittingState
from media import challenges as judging
from media import identity
from media.biometrics import antispoof, objects
from media.biometrics.engines import demand_modes
from media.checks.tasks import check_tasks
from media.documents import document_tasks
from media.exports.tasks import export_tasks
from media.live_analysis import LiveAnalysis
from media.lookout import Lookout
from media.pipelines.store import Store
from media.recordings.analyse import analyse_part
from media.recordings.hand_in import forget_abandoned, take_in
from media.recordings.seal import GATEWAY_SILENCE, seal_sitting
from media.tiles import sweep as sweep_tiles

log = structlog.get_logger(__name__)

media_tasks = Blueprint()
ALL_TASKS = [media_tasks, document_tasks, export_tasks, check_tasks, retention_tasks, sign_on_tasks, manifest_tasks]


def run(settings: Settings, queues: Sequence[str] = ()) -> None:
    """Work off jobs until SIGTERM: the process ``kustos worker``. ``queues``: only these, none named: all."""
    collaborators = assemble(settings)
    settings_changes.note_start(collaborators.session_factory, settings, "worker")
    store = Store(collaborators.session_factory)
    objects.supply(settings.phone_model)
    demand_modes()  # a job that forgets to ask whether an exam's faces may be measured is refused
    jobs.run_worker(
        settings, ALL_TASKS, {"collaborators": collaborators, "store": store, "lookout": Lookout(store)}, queues
    )


@media_tasks.task(name="media.analyse_live", queue="analysis", pass_context=True, retry=jobs.Retry(attempts=100))
async def analyse_live(context: JobContext, sitting_id: int) -> None:
    """Watch a sitting's camera until the sitting is over. Cancelled or killed, it is taken over by another worker."""
    await LiveAnalysis(_collaborators(context), _store(context), sitting_id, _lookout(context)).run()


@media_tasks.task(name="media.seal", pass_context=True, retry=jobs.Retry(attempts=10, pause_seconds=10))
async def seal(context: JobContext, sitting_id: int) -> None:
    """Seal a finished sitting. While a recorder is still at work it is left: the gateway asks again after that."""
    done = await asyncio.to_thread(seal_sitting, _collaborators(context), sitting_id)
    log.info("sealing", sitting=sitting_id, complete=done)


@media_tasks.task(name="media.take_in", pass_context=True, retry=jobs.Retry(attempts=10, pause_seconds=10))
async def take_in_supplied(context: JobContext, hand_in_id: int) -> None:
    """Put what a candidate's browser recorded itself into the vault, where it fills a gap."""
    await asyncio.to_thread(take_in, _collaborators(context), hand_in_id)


@media_tasks.task(name="media.analyse_supplied", queue="analysis", pass_context=True, retry=jobs.Retry())
async def watch_supplied(context: JobContext, part_id: int) -> None:
    """Look at what a candidate's browser recorded itself."""
    await asyncio.to_thread(analyse_part, _collaborators(context), part_id)


@media_tasks.task(name="media.analyse_recording", queue="analysis", pass_context=True, retry=jobs.Retry(attempts=10))
async def analyse_recording(context: JobContext, part_id: int) -> None:
    """Look at a sealed part of an exam that nobody watched live; the last one offers the sitting for review."""
    await asyncio.to_thread(analyse_part, _collaborators(context), part_id)


@media_tasks.task(name="media.check_photo", pass_context=True, retry=jobs.Retry())
async def check_submitted_photo(context: JobContext, photo_id: int) -> None:
    """Judge a photo of the check-in; a face photo has the document's compared with it anew, too."""
    collaborators, store = _collaborators(context), _store(context)
    for number in await store.insist(identity.affected, photo_id):
        submitted = await store.insist(identity.read, collaborators.vault, number)
        found = await asyncio.to_thread(identity.judge, submitted)
        searched = await store.insist(identity.search, collaborators.vault, number, found)
        await store.insist(identity.keep, collaborators.vault, number, found, searched)


@media_tasks.task(name="media.renew_templates", pass_context=True, retry=jobs.Retry())
async def renew_templates(context: JobContext, company_id: int, actor: dict[str, Any]) -> None:
    """Protect all of a company's enrolled faces anew, in the name of who asked for it."""
    await _store(context).insist(identity.renew, _collaborators(context).vault, company_id, actor)


@media_tasks.task(name="media.judge_liveness", pass_context=True, retry=jobs.Retry())
async def judge_liveness(context: JobContext, challenge_id: int) -> None:
    """Judge the movements a candidate was asked for."""
    await _judge_challenge(context, challenge_id)


@media_tasks.task(name="media.calibrate_gaze", pass_context=True, retry=jobs.Retry())
async def calibrate_gaze(context: JobContext, challenge_id: int) -> None:
    """Learn from the points a candidate looked at where on the screen the eyes are."""
    await _judge_challenge(context, challenge_id)


async def _judge_challenge(context: JobContext, challenge_id: int) -> None:
    collaborators, store = _collaborators(context), _store(context)
    handed = await store.insist(judging.read, collaborators.vault, challenge_id)
    if handed is None:
        return
    network = await asyncio.to_thread(antispoof.supplied, collaborators.settings.antispoof_model)
    judged = await asyncio.to_thread(judging.judge, handed, network)
    await store.insist(judging.keep, collaborators.vault, challenge_id, judged)
    log.info("challenge judged", challenge=challenge_id, kind=handed.kind, state=judged.state)


@media_tasks.periodic(cron="* * * * *")
@media_tasks.task(name="sittings.expire", queueing_lock="sittings.expire", pass_context=True)
async def expire(context: JobContext, timestamp: int) -> None:
    """End what the clock ends and no gateway did; call again for sealings that were asked for in vain."""
    minutes = _collaborators(context).settings.interrupted_minutes
    ended, stuck = await _store(context).insist(_sweep, minutes)
    await asyncio.to_thread(forget_abandoned, _collaborators(context))
    dropped = await _store(context).insist(sweep_tiles)
    await _store(context).insist(challenges.give_up, _collaborators(context).vault)
    if ended or stuck or dropped:
        log.info("swept", ended=ended, sealing_again=stuck, tiles=dropped, due=timestamp)


def _sweep(session: Session, interrupted_minutes: int) -> tuple[list[int], list[int]]:
    ended = sittings.end_overdue(session, Actor.appliance("clock"), utcnow(), interrupted_minutes)
    unsealed = (SittingState.FINISHED, SittingState.PROCESSING)
    query = select(Sitting.id).where(Sitting.state.in_(unsealed), Sitting.finished_at < utcnow() - GATEWAY_SILENCE)
    stuck = list(session.scalars(query.order_by(Sitting.id).limit(100)))
    for sitting_id in stuck:
        jobs.defer(session, "media.seal", queueing_lock=f"seal:{sitting_id}", sitting_id=sitting_id)
    return ended, stuck


def _collaborators(context: JobContext) -> Collaborators:
    found: Any = context.additional_context["collaborators"]
    assert isinstance(found, Collaborators)  # noqa: S101 - put there by run()
    return found


def _store(context: JobContext) -> Store:
    found: Any = context.additional_context["store"]
    assert isinstance(found, Store)  # noqa: S101 - put there by run()
    return found


def _lookout(context: JobContext) -> Lookout:
    found: Any = context.additional_context["lookout"]
    assert isinstance(found, Lookout)  # noqa: S101 - put there by run()
    return found
