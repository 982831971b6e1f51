"""The check-in: consent, system check, photos, waiting room, in this order and none left out."""

import json
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit, bus, jobs
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput, CheckInIncomplete, ConsentMissing, ImpossibleStep, NotFound, TooMany
from appliance.models import Consent, IdentityPhoto, Sitting, SystemCheck
from appliance.services import challenge_states, payloads, pictures, purposes, sittings
from appliance.services.actors import user_id
from appliance.services.consent_texts import CONSENT_TEXTS, ConsentText, consent_text
from appliance.services.free_text import storable, storable_json
from appliance.sitting_machine import LIVE
from appliance.vault import Vault
from appliance.vocabulary import BiometricsMode, CheckInStep, ExamMode, IdentityVerdict, PhotoKind, PhotoState
from appliance.vocabulary import SittingState as S

__all__ = [
    "CONSENT_TEXTS",
    "ConsentText",
    "advance",
    "answer_consent",
    "consent_text",
    "demand_step",
    "enter_waiting_room",
    "get_photo",
    "photos",
    "record_system_check",
    "record_view",
    "request_photo",
    "required_photos",
    "set_photo_verdict",
    "submit_photo",
]

REQUIRED_CHECKS: Final = ("camera", "microphone", "screen")
"""What must have passed; of the others (connection, displays, clock …) only ``failed`` stops the check-in."""

GOOD: Final = frozenset({"passed", "warning"})
MAX_CHECK_BYTES: Final = 64 * 1024
"""A system check with ICE candidates and versions has 2 to 5 KB."""

MAX_RUNS: Final = 50
MAX_PHOTOS: Final = 20
"""Of one kind in one sitting; more tries are a script."""

PHOTOS_OF: Final[dict[str, tuple[PhotoKind, ...]]] = {
    "skip": (),
    "face": (PhotoKind.FACE,),
    "passport": (PhotoKind.DOCUMENT,),
    "face_and_passport": (PhotoKind.FACE, PhotoKind.DOCUMENT),
}
"""``identification`` of an exam -> the photos it asks for."""

STEP_OF: Final = {PhotoKind.FACE: CheckInStep.FACE_PHOTO, PhotoKind.DOCUMENT: CheckInStep.DOCUMENT_PHOTO}
WITH_PHOTO: Final = LIVE
"""States in which a photo may be asked for and handed in again."""


def required_photos(identification: str) -> tuple[PhotoKind, ...]:
    """Return the photos an exam asks for; an unknown word asks for all."""
    return PHOTOS_OF.get(identification, PHOTOS_OF["face_and_passport"])


def answer_consent(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    accepted: bool,
    language: str,
    address: str = "",
    user_agent: str = "",
    version: str = "",
) -> Consent:
    """Keep the answer to the text; a refusal ends the sitting as ``declined``. Accepting twice is harmless.

    Raises ``BadInput`` when ``version`` is given and another text is in force by now.
    """
    text = consent_text(language, sitting.exam.biometrics)
    if version and version != text.version:
        raise BadInput("The consent text has changed; reload the page and read it again.", field="version")
    _begin(session, sitting, {S.CHECK_IN})
    earlier = _latest_consent(session, sitting)
    if earlier is not None and earlier.accepted and accepted:
        return earlier
    row = Consent(
        sitting_id=sitting.id,
        accepted=accepted,
        text_version=text.version,
        text_hash=text.hash,
        language=text.language,
        address=address[:100],
        user_agent=storable(user_agent[:500]),
    )
    session.add(row)
    details = {"version": text.version, "text_hash": text.hash, "language": text.language}
    _record(session, actor, sitting, "consent.accept" if accepted else "consent.refuse", **details)
    if accepted:
        advance(session, sitting, "consent")
    else:
        sittings.decline(session, actor, sitting)
    return row


def record_system_check(
    session: Session, actor: Actor, sitting: Sitting, results: dict[str, Any], client: dict[str, Any]
) -> SystemCheck:
    """Keep one run of the browser's check, passed or not. Raises ``ConsentMissing`` before the consent."""
    if len(json.dumps([results, client])) > MAX_CHECK_BYTES:
        raise BadInput("The system check's report is too long.", field="results")
    if not all(isinstance(result, dict) for result in results.values()):
        raise BadInput("Each result of the system check must be an object with a state.", field="results")
    _begin(session, sitting, {S.CHECK_IN, S.WAITING})
    _demand_consent(session, sitting)
    _limit(session, SystemCheck, SystemCheck.sitting_id == sitting.id, MAX_RUNS)
    faults = check_faults(results)
    kept = {"results": storable_json(results), "client": storable_json(client)}
    row = SystemCheck(sitting_id=sitting.id, passed=not faults, **kept)
    session.add(row)
    _record(session, actor, sitting, "system_check.run", passed=row.passed, faults=faults)
    advance(session, sitting, "system_check")
    return row


def check_faults(results: dict[str, Any]) -> list[str]:
    """Return the names of the checks that stop the check-in: required ones not passed, any that failed."""
    faults = [name for name in REQUIRED_CHECKS if results.get(name, {}).get("state") not in GOOD]
    faults += [name for name, result in results.items() if result.get("state") == "failed" and name not in faults]
    surface = results.get("screen", {}).get("display_surface", "monitor")
    if surface != "monitor" and "screen" not in faults:
        faults.append("screen")  # a window or a tab hides the rest of the screen, whatever the page made of it
    return faults


def submit_photo(
    session: Session,
    actor: Actor,
    vault: Vault,
    sitting: Sitting,
    kind: PhotoKind,
    content: bytes,
    max_bytes: int = 8 * 1024 * 1024,
) -> IdentityPhoto:
    """Check, clean and seal the photo and have it compared; an older one is superseded."""
    if sitting.exam.biometrics is BiometricsMode.ON_DEVICE:
        raise BadInput("This exam leaves photos in the candidate's browser.", field="kind")
    _check_photo_wanted(session, sitting, kind)
    picture = pictures.clean(content, max_bytes)
    begin_photo(session, sitting, kind)
    sealed = vault.seal(session, purposes.pictures(sitting.id), "photo", picture.content)
    session.flush()
    row = IdentityPhoto(
        sitting_id=sitting.id,
        kind=kind,
        vault_object_id=sealed.id,
        width=picture.width,
        height=picture.height,
        hints=[],
    )
    keep_photo(session, actor, sitting, row, sha256=sealed.sha256)
    jobs.defer(session, "media.check_photo", photo_id=row.id)
    if kind is PhotoKind.DOCUMENT:
        jobs.defer(session, "media.read_document", queue="documents", photo_id=row.id)
    return row


def begin_photo(session: Session, sitting: Sitting, kind: PhotoKind) -> None:
    """See that a photo of this kind may be handed in now, and make way for it: older ones are superseded."""
    _begin(session, sitting, WITH_PHOTO)
    _check_photo_wanted(session, sitting, kind)
    of_kind = (IdentityPhoto.sitting_id == sitting.id) & (IdentityPhoto.kind == kind)
    _limit(session, IdentityPhoto, of_kind, MAX_PHOTOS)
    if kind is PhotoKind.FACE and sitting.state is S.CHECK_IN:
        challenge_states.void_liveness(session, sitting)
    for older in session.scalars(select(IdentityPhoto).where(of_kind)):
        older.state = PhotoState.SUPERSEDED


def keep_photo(session: Session, actor: Actor, sitting: Sitting, row: IdentityPhoto, **details: Any) -> None:
    """Keep a photo for which way was made, tell of it, and go on to the next step."""
    session.add(row)
    session.flush()
    _record(session, actor, sitting, "photo.submit", kind=row.kind, photo_id=row.id, source=row.source, **details)
    payload = {"kind": row.kind.value, "photo_id": row.id, "source": row.source.value}
    bus.publish_sitting(session, sitting, "photo.submitted", payload)
    advance(session, sitting, f"{row.kind}_photo")


def request_photo(session: Session, actor: Actor, sitting: Sitting, kind: PhotoKind) -> None:
    """Ask the candidate for a photo again; all other steps stay done, and a running exam goes on."""
    user_id(actor)
    ask_again(session, actor, sitting, kind)


def ask_again(session: Session, actor: Actor, sitting: Sitting, kind: PhotoKind) -> None:
    """Do that in the name of a person or of the exam's rule."""
    if kind not in required_photos(sitting.exam.identification):
        raise BadInput(f"This exam does not ask for a photo of the {kind}.", field="kind")
    _begin(session, sitting, WITH_PHOTO, present=False)
    current = current_photo(session, sitting.id, kind)
    if current is not None:
        current.state = PhotoState.RETAKE_REQUESTED
    _record(session, actor, sitting, "photo.request", kind=kind, photo_id=current.id if current else None)
    bus.publish_sitting(session, sitting, "photo.requested", {"kind": kind.value})
    advance(session, sitting, f"{kind}_photo_requested")


def set_photo_verdict(
    session: Session,
    actor: Actor,
    photo: IdentityPhoto,
    verdict: IdentityVerdict | None,
    distance: float | None = None,
    hints: list[str] | None = None,
) -> IdentityPhoto:
    """Keep what the comparison, or a person, said of the photo, with hints on its quality."""
    photo.verdict, photo.distance, photo.hints = verdict, distance, list(hints or [])
    sitting = sittings.get(session, photo.sitting_id)
    said = {"verdict": verdict.value if verdict else None, "hints": photo.hints}
    _record(session, actor, sitting, "photo.check", photo_id=photo.id, kind=photo.kind, distance=distance, **said)
    session.flush()
    session.refresh(photo, ["reading"])
    known = payloads.photo(photo)
    payload = {"kind": photo.kind.value, "photo_id": photo.id, "verdict": known["verdict"], "hints": known["hints"]}
    if known["document"] is not None:
        payload["document"] = known["document"]
    bus.publish_sitting(session, sitting, "photo.checked", payload)
    return photo


def enter_waiting_room(session: Session, actor: Actor, sitting: Sitting) -> None:
    """Take the complete check-in to the waiting room; an exam that is only identification ends here.

    Raises ``ConsentMissing`` or ``CheckInIncomplete`` that names the steps still missing.
    """
    _begin(session, sitting, {S.CHECK_IN, S.WAITING})
    if sitting.state is S.WAITING:
        return
    _demand_consent(session, sitting)
    missing = missing_steps(session, sitting)
    if missing:
        raise _incomplete(missing)
    sittings.wait(session, actor, sitting)
    if sitting.exam.mode is ExamMode.IDENTIFICATION:
        sittings.complete_identification(session, actor, sitting)


def missing_steps(session: Session, sitting: Sitting) -> list[CheckInStep]:
    """Return the steps before the waiting room that are not done, in their order."""
    session.flush()
    missing = []
    consent = _latest_consent(session, sitting)
    if consent is None or not consent.accepted:
        missing.append(CheckInStep.CONSENT)
    check = session.scalars(
        select(SystemCheck).where(SystemCheck.sitting_id == sitting.id).order_by(SystemCheck.id.desc()).limit(1)
    ).first()
    if check is None or not check.passed:
        missing.append(CheckInStep.SYSTEM_CHECK)
    done = {row.kind for row in photos(session, sitting.id) if row.state is PhotoState.SUBMITTED}
    missing += [STEP_OF[kind] for kind in required_photos(sitting.exam.identification) if kind not in done]
    return missing + challenge_states.missing(session, sitting)


def photos(session: Session, sitting_id: int) -> list[IdentityPhoto]:
    """Return the photos that were not superseded, at most one of a kind."""
    query = select(IdentityPhoto).where(
        IdentityPhoto.sitting_id == sitting_id, IdentityPhoto.state != PhotoState.SUPERSEDED
    )
    return list(session.scalars(query.order_by(IdentityPhoto.id)))


def current_photo(session: Session, sitting_id: int, kind: PhotoKind) -> IdentityPhoto | None:
    """Return the photo of this kind that counts now."""
    return next((row for row in reversed(photos(session, sitting_id)) if row.kind is kind), None)


def photo_states(session: Session, sitting: Sitting) -> dict[str, dict[str, Any] | None]:
    """Return for each photo the exam asks for what the candidate's page shows of it."""
    current = {row.kind: row for row in photos(session, sitting.id)}
    return {
        kind.value: payloads.photo(current[kind]) if kind in current else None
        for kind in required_photos(sitting.exam.identification)
    }


def get_photo(session: Session, photo_id: int, company_id: int | None = None) -> IdentityPhoto:
    """Return the photo, of this company if one is given; raise ``NotFound``."""
    row = session.get(IdentityPhoto, photo_id)
    if row is None:
        raise NotFound("There is no such photo.", photo_id=photo_id)
    sittings.get(session, row.sitting_id, company_id)
    return row


def record_view(session: Session, actor: Actor, photo: IdentityPhoto) -> None:
    """Write to the audit log that a person looks at this photo."""
    sitting = sittings.get(session, photo.sitting_id)
    _record(session, actor, sitting, "photo.view", photo_id=photo.id, kind=photo.kind)


def _begin(session: Session, sitting: Sitting, states: set[S] | frozenset[S], present: bool = True) -> None:
    """Lock the sitting and see that the check-in may go on; the candidate's act shows that they are present."""
    sittings.lock(session, sitting)
    if sitting.state not in states:
        raise ImpossibleStep(f"The check-in of a sitting that is {sitting.state} is over.", state=sitting.state)
    if present:
        sitting.last_seen_at = utcnow()


def demand_step(session: Session, sitting: Sitting, step: CheckInStep) -> None:
    """Lock the sitting for a step of the check-in; raise when it is over or steps before this one are missing."""
    _begin(session, sitting, {S.CHECK_IN})
    _demand_consent(session, sitting)
    _demand_steps_before(session, sitting, step)


def advance(session: Session, sitting: Sitting, reason: str) -> None:
    """Set the step the candidate's page shows next, from what is there."""
    missing = missing_steps(session, sitting)
    step = missing[0] if missing else CheckInStep.WAITING_ROOM
    if step is not sitting.step:
        sitting.step = step
        sittings.publish_changed(session, sitting, reason)


def _demand_consent(session: Session, sitting: Sitting) -> None:
    if CheckInStep.CONSENT in missing_steps(session, sitting):
        raise ConsentMissing(missing=[CheckInStep.CONSENT.value])


def _check_photo_wanted(session: Session, sitting: Sitting, kind: PhotoKind) -> None:
    if kind not in required_photos(sitting.exam.identification):
        raise BadInput(f"This exam does not ask for a photo of the {kind}.", field="kind")
    _demand_consent(session, sitting)
    if sitting.state is S.CHECK_IN:
        _demand_steps_before(session, sitting, STEP_OF[kind])


def _demand_steps_before(session: Session, sitting: Sitting, wanted: CheckInStep) -> None:
    order = list(CheckInStep)
    before = [step for step in missing_steps(session, sitting) if order.index(step) < order.index(wanted)]
    if before:
        raise _incomplete(before)


def _incomplete(missing: list[CheckInStep]) -> CheckInIncomplete:
    words = ", ".join(step.value.replace("_", " ") for step in missing)
    return CheckInIncomplete(f"Still missing from the check-in: {words}.", missing=[step.value for step in missing])


def _latest_consent(session: Session, sitting: Sitting) -> Consent | None:
    query = select(Consent).where(Consent.sitting_id == sitting.id).order_by(Consent.id.desc()).limit(1)
    return session.scalars(query).first()


def _limit(session: Session, model: type[SystemCheck] | type[IdentityPhoto], condition: Any, limit: int) -> None:
    if (session.scalar(select(func.count()).select_from(model).where(condition)) or 0) >= limit:
        raise TooMany("This was tried too often; ask the proctor or the support for help.", limit=limit)


def _record(session: Session, actor: Actor, sitting: Sitting, action: str, **details: Any) -> None:
    audit.record(session, actor, action, ("sitting", sitting.id), company_id=sitting.company_id, **details)
