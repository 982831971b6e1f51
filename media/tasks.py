"""The worker's jobs: live analysis, sealing, photos, and the sweep that ends what the clock ends."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from procrastinate import Blueprint, JobContext
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import jobs
from appliance.audit import Actor
from appliance.collaborators import Collaborators, assemble
from appliance.db import utcnow
from appliance.models import IdentityPhoto, Sitting
from appliance.services import check_ins, sittings
from appliance.settings import Settings
from appliance.vocabulary import IdentityVerdict, PhotoKind, PhotoState, SittingState
from media import watch_log
from media.biometrics.photos import PhotoCheck, check_photo
from media.checks.tasks import check_tasks
from media.exports.tasks import export_tasks
from media.live_analysis import LiveAnalysis
from media.pipelines.store import Store
from media.recordings.hand_in import forget_abandoned, take_in
from media.recordings.seal import GATEWAY_SILENCE, seal_sitting
from media.recordings.supplied import analyse_supplied
from media.tiles import sweep as sweep_tiles

log = structlog.get_logger(__name__)

media_tasks = Blueprint()


def run(settings: Settings, queues: Sequence[str] = ()) -> None:
    """Work off jobs until SIGTERM: the process ``kustos worker``. ``queues``: only these, none named: all."""
    collaborators = assemble(settings)
    store = Store(collaborators.session_factory)
    tasks = [media_tasks, export_tasks, check_tasks]
    jobs.run_worker(settings, tasks, {"collaborators": collaborators, "store": store}, queues)


@media_tasks.task(name="media.analyse_live", queue="analysis", pass_context=True, retry=jobs.Retry(attempts=100))
async def analyse_live(context: JobContext, sitting_id: int) -> None:
    """Watch a sitting's camera until the sitting is over. Cancelled or killed, it is taken over by another worker."""
    await LiveAnalysis(_collaborators(context), _store(context), sitting_id).run()


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
    """Look at a part that nobody watched live."""
    await asyncio.to_thread(analyse_supplied, _collaborators(context), part_id)


@media_tasks.task(name="media.check_photo", pass_context=True, retry=jobs.Retry())
async def check_submitted_photo(context: JobContext, photo_id: int) -> None:
    """Judge a photo of the check-in; a face photo has the document's compared with it anew, too."""
    collaborators, store = _collaborators(context), _store(context)
    for number in await store.insist(_affected, photo_id):
        content, kind, face = await store.insist(_contents, collaborators, number)
        found = await asyncio.to_thread(_judge, content, kind, face)
        await store.insist(_keep_verdict, number, found)


@media_tasks.periodic(cron="* * * * *")
@media_tasks.task(name="sittings.expire", queueing_lock="sittings.expire", pass_context=True)
async def expire(context: JobContext, timestamp: int) -> None:
    """End what the clock ends and no gateway did; call again for sealings that were asked for in vain."""
    minutes = _collaborators(context).settings.interrupted_minutes
    ended, stuck = await _store(context).insist(_sweep, minutes)
    await asyncio.to_thread(forget_abandoned, _collaborators(context))
    dropped = await _store(context).insist(sweep_tiles)
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


def _affected(session: Session, photo_id: int) -> list[int]:
    """Return the photo's id, and for a face photo that of the document, which is compared with it."""
    photo = session.get(IdentityPhoto, photo_id)
    if photo is None or photo.state is PhotoState.SUPERSEDED:
        return []
    document = check_ins.current_photo(session, photo.sitting_id, PhotoKind.DOCUMENT)
    again = photo.kind is PhotoKind.FACE and document is not None and document.state is PhotoState.SUBMITTED
    return [photo_id, document.id] if again and document is not None else [photo_id]


def _contents(session: Session, collaborators: Collaborators, photo_id: int) -> tuple[bytes, PhotoKind, bytes | None]:
    """Return a photo, its kind, and for a document the face photo to compare it with."""
    photo = check_ins.get_photo(session, photo_id)
    content = watch_log.read_photo(session, collaborators.vault, photo)
    face = None
    if photo.kind is PhotoKind.DOCUMENT:
        face = watch_log.photo_content(session, collaborators.vault, photo.sitting_id, PhotoKind.FACE)
    return content, photo.kind, face


def _judge(content: bytes, kind: PhotoKind, face: bytes | None) -> PhotoCheck:
    reference = check_photo(face, PhotoKind.FACE).descriptor if face is not None else None
    return check_photo(content, kind, reference)


def _keep_verdict(session: Session, photo_id: int, found: PhotoCheck) -> None:
    """A face photo that is good has no verdict: it is what others are compared with."""
    photo = check_ins.get_photo(session, photo_id)
    if photo.state is PhotoState.SUPERSEDED:
        return
    nothing_to_say = photo.kind is PhotoKind.FACE and found.usable
    verdict: IdentityVerdict | None = None if nothing_to_say else found.verdict
    hints = [hint.value for hint in found.hints]
    check_ins.set_photo_verdict(session, Actor.appliance("photo_check"), photo, verdict, found.distance, hints)


def _collaborators(context: JobContext) -> Collaborators:
    found: Any = context.additional_context["collaborators"]
    assert isinstance(found, Collaborators)  # noqa: S101 - put there by run()
    return found


def _store(context: JobContext) -> Store:
    found: Any = context.additional_context["store"]
    assert isinstance(found, Store)  # noqa: S101 - put there by run()
    return found
