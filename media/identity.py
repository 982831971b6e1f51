"""The faces of a check-in: photo judged, document compared, own earlier faces, others who look alike; then enrolled.

The job ``media.check_photo``. Only an exam of mode ``server`` gets past the judging of quality.
"""

from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.errors import KeyDestroyed, TooMany
from appliance.models import IdentityPhoto, Sitting
from appliance.services import check_ins, identity_actions, identity_checks, profiles, sittings, templates
from appliance.vault import Vault
from appliance.vocabulary import BiometricsMode, IdentityCheckKind, IdentityVerdict, PhotoKind, PhotoState
from media import watch_log
from media.biometrics.engines import engine_for
from media.biometrics.gallery import Search, galleries
from media.biometrics.matching import Thresholds, verdict_of
from media.biometrics.model_files import DESCRIPTOR
from media.biometrics.photos import PhotoCheck, check_photo

CHECKER: Final = Actor.appliance("photo_check")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A photo to judge, with what it is compared with."""

    content: bytes
    kind: PhotoKind
    mode: BiometricsMode
    face: bytes | None = None
    """What it is compared with: of a document the face photo; of a face photo asked for by a pause the check-in's,
    where that one could not be enrolled."""


def affected(session: Session, photo_id: int) -> list[int]:
    """Return the photo's id, and for a face photo that of the document, which is compared with it."""
    photo = session.get(IdentityPhoto, photo_id)
    if photo is None or photo.state is PhotoState.SUPERSEDED:
        return []
    document = check_ins.current_photo(session, photo.sitting_id, PhotoKind.DOCUMENT)
    again = photo.kind is PhotoKind.FACE and document is not None and document.state is PhotoState.SUBMITTED
    return [photo_id, document.id] if again and document is not None else [photo_id]


def read(session: Session, vault: Vault, photo_id: int) -> Submitted:
    """Return a photo and what it is compared with: a document with the face, a new face with the check-in's."""
    photo = check_ins.get_photo(session, photo_id)
    mode = profiles.mode_of(sittings.get(session, photo.sitting_id).exam)
    content = watch_log.read_photo(session, vault, photo)
    if mode is not BiometricsMode.SERVER:
        return Submitted(content, photo.kind, mode)
    if photo.kind is PhotoKind.DOCUMENT:
        face = watch_log.photo_content(session, vault, photo.sitting_id, PhotoKind.FACE)
    else:
        first = identity_actions.face_before_pause(session, photo)
        face = None if first is None else watch_log.read_photo(session, vault, first)
    return Submitted(content, photo.kind, mode, face)


def judge(submitted: Submitted) -> PhotoCheck:
    """Judge the photo; describes faces only where the exam's mode lets it."""
    engine = engine_for(submitted.mode)
    reference = None
    if submitted.face is not None:
        reference = check_photo(submitted.face, PhotoKind.FACE, engine=engine).descriptor
    return check_photo(submitted.content, submitted.kind, reference, engine)


def search(session: Session, vault: Vault, photo_id: int, found: PhotoCheck) -> Search | None:
    """Look for other people of the company who look like a face photo; None where there is nothing to look for.

    In a unit of work of its own: after a start all faces of the company are read first.
    """
    photo = check_ins.get_photo(session, photo_id)
    sitting = sittings.get(session, photo.sitting_id)
    if found.descriptor is None or photo.kind is not PhotoKind.FACE:
        return None
    profiles.demand_server(sitting.exam)
    model, person = DESCRIPTOR.sha256, sitting.candidate_id
    try:
        return galleries().search(session, vault, sitting.company_id, person, found.descriptor, model)
    except TooMany as error:
        log.error("not searched", sitting=sitting.id, error=error.message)
        return None


def keep(session: Session, vault: Vault, photo_id: int, found: PhotoCheck, searched: Search | None) -> None:
    """Write down what was found, enrol the face, and let go on who was paused until it is theirs."""
    photo = check_ins.get_photo(session, photo_id)
    sitting = sittings.get(session, photo.sitting_id)
    sittings.lock(session, sitting)
    session.refresh(photo)  # a newer one may have come meanwhile
    if photo.state is PhotoState.SUPERSEDED:
        return
    verdict: IdentityVerdict | None = found.verdict
    distance, hints = found.distance, [hint.value for hint in found.hints]
    identity_checks.forget(session, photo)
    if profiles.mode_of(sitting.exam) is not BiometricsMode.SERVER:
        verdict, distance = None if found.usable else IdentityVerdict.UNDETERMINED, None
    elif photo.kind is PhotoKind.DOCUMENT:
        reason = "" if distance is not None else (hints or ["no_face_photo"])[0]
        _note(session, sitting, photo, IdentityCheckKind.DOCUMENT, found.verdict, distance, reason)
    elif found.descriptor is not None:
        verdict, distance = _recognise(session, vault, sitting, photo, found)
        _note_search(session, sitting, photo, searched)
    check_ins.set_photo_verdict(session, CHECKER, photo, verdict, distance, hints)
    if photo.kind is PhotoKind.FACE:
        identity_actions.go_on(session, sitting, verdict)


def renew(session: Session, vault: Vault, company_id: int, actor: dict[str, Any]) -> int:
    """Protect all of a company's enrolled faces anew; ``actor``: fields of who asked for it."""
    return templates.renew(session, Actor(**actor), vault, company_id)


def _recognise(
    session: Session, vault: Vault, sitting: Sitting, photo: IdentityPhoto, found: PhotoCheck
) -> tuple[IdentityVerdict | None, float | None]:
    """Compare with the candidate's own enrolled faces, and enrol it if nothing speaks against it.

    The first one ever has nothing to be compared with, and no verdict.
    """
    assert found.descriptor is not None  # noqa: S101 - the caller looked
    model = DESCRIPTOR.sha256
    try:
        own = templates.compare(session, vault, sitting, found.descriptor, model)
    except KeyDestroyed:
        return None, None  # the person was erased: nothing is compared, nothing is kept
    verdict, distance = (found.verdict, found.distance) if found.distance is not None else (None, None)
    if own and distance is None:
        distance = round(own[0].distance, 4)
        verdict = verdict_of(distance, Thresholds())
    if verdict is not None:
        _note(session, sitting, photo, IdentityCheckKind.ENROLLED, verdict, distance, "", compared=max(len(own), 1))
    if verdict in (None, IdentityVerdict.MATCH):
        templates.enrol(session, CHECKER, vault, sitting, found.descriptor, model)
    return verdict, distance


def _note_search(session: Session, sitting: Sitting, photo: IdentityPhoto, searched: Search | None) -> None:
    if searched is None:
        _note(session, sitting, photo, IdentityCheckKind.SIMILAR, IdentityVerdict.UNDETERMINED, None, "not_searched")
        return
    identity_checks.keep_similar(session, sitting, searched.found)
    verdict = IdentityVerdict.MATCH if searched.found else IdentityVerdict.MISMATCH
    nearest = round(searched.found[0].distance, 4) if searched.found else None
    figures = {"searched": searched.searched, "below": round(searched.below, 4), "found": len(searched.found)}
    _note(session, sitting, photo, IdentityCheckKind.SIMILAR, verdict, nearest, "", **figures)


def _note(
    session: Session,
    sitting: Sitting,
    photo: IdentityPhoto,
    kind: IdentityCheckKind,
    verdict: IdentityVerdict,
    distance: float | None,
    reason: str,
    **figures: Any,
) -> None:
    limits = Thresholds()
    details = {"model": DESCRIPTOR.sha256, **({"reason": reason} if reason else {}), **figures}
    if kind is not IdentityCheckKind.SIMILAR:
        details |= {"match_below": limits.match_below, "mismatch_from": limits.mismatch_from}
    identity_checks.keep(session, CHECKER, sitting, photo, kind, verdict, distance, details)
