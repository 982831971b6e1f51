"""The worker's job that reads the document of a check-in: beside the photo's own check, which must not wait."""

import asyncio
from typing import Any

import cv2
import numpy as np
import structlog
from procrastinate import Blueprint, JobContext
from sqlalchemy.orm import Session

from appliance import jobs
from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import utcnow
from appliance.models import IdentityPhoto
from appliance.services import documents, sittings
from appliance.vocabulary import IdentityVerdict, PhotoKind, PhotoState
from media import watch_log
from media.biometrics.documents.names import NameCheck
from media.biometrics.documents.read import DocumentReading, ReadingHint, engines, read
from media.biometrics.documents.transliteration import folded, is_cyrillic
from media.pipelines.store import Store

log = structlog.get_logger(__name__)

document_tasks = Blueprint()

READER = Actor.appliance("document_reader")
_one_at_a_time = asyncio.Lock()
"""In a worker: reading takes 200 MB besides the networks, and seconds of a core that faces and exams want, too."""


@document_tasks.task(name="media.read_document", queue="documents", pass_context=True, retry=jobs.Retry())
async def read_document(context: JobContext, photo_id: int) -> None:
    """Read a document photo, compare the names, keep the outcome. Not biometrics: done in every mode of an exam."""
    collaborators: Any = context.additional_context["collaborators"]
    store: Any = context.additional_context["store"]
    assert isinstance(collaborators, Collaborators)  # noqa: S101 - put there by run()
    assert isinstance(store, Store)  # noqa: S101 - put there by run()
    handed = await store.insist(_handed, collaborators, photo_id)
    if handed is None:
        return
    content, first_name, last_name = handed
    async with _one_at_a_time:
        found = await asyncio.to_thread(findings, content, first_name, last_name)
    await store.insist(_keep, collaborators, photo_id, found)
    log.info("document read", photo=photo_id, kind=found.kind, name=found.name_verdict.value)


def findings(content: bytes, first_name: str, last_name: str) -> documents.Findings:
    """Read an encoded photo against the declared name; about 3 s of a core."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return documents.Findings(
            "", IdentityVerdict.UNDETERMINED, None, (ReadingHint.NO_TEXT.value,), None, engines()
        )
    declared_in_cyrillic = is_cyrillic(folded(last_name + first_name))
    reading = read(np.asarray(image, np.uint8), True if declared_in_cyrillic else None)
    names = reading.names(first_name, last_name)
    hints = tuple(hint.value for hint in reading.hints)
    contents = _contents(reading, names) if reading.readable else None
    expired = reading.expired(utcnow().date())
    return documents.Findings(reading.kind, names.verdict, expired, hints, contents, engines())


def _contents(reading: DocumentReading, names: NameCheck) -> dict[str, Any]:
    fields = {
        name: {"value": each.value, "checked": each.checked, "source": each.source}
        for name, each in reading.fields.items()
    }
    name = {"reason": names.reason, "score": round(names.score, 3), "source": names.source}
    return {"fields": fields, "digits": dict(reading.digits), "name": name}


def _handed(session: Session, collaborators: Collaborators, photo_id: int) -> tuple[bytes, str, str] | None:
    photo = session.get(IdentityPhoto, photo_id)
    if photo is None or photo.kind is not PhotoKind.DOCUMENT or photo.state is PhotoState.SUPERSEDED:
        return None
    candidate = sittings.get(session, photo.sitting_id).candidate
    content = watch_log.read_photo(session, collaborators.vault, photo)
    return content, candidate.first_name, candidate.last_name


def _keep(session: Session, collaborators: Collaborators, photo_id: int, found: documents.Findings) -> None:
    photo = session.get(IdentityPhoto, photo_id, with_for_update=True, populate_existing=True)
    if photo is not None:
        documents.keep(session, READER, collaborators.vault, photo, found)
