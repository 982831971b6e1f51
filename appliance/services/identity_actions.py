"""What the appliance does by itself when another person is seen in the candidate's place, as the exam's rule says.

Only for what the detector's rule confirmed (several comparisons in a row), at most once an observation, and never for
what could not be told. A person may undo each: take the warning back, let the exam go on, dismiss the observation.
"""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.models import FaceTemplate, IdentityPhoto, Observation, Sitting
from appliance.services import check_ins, identity_checks, incidents, profiles, sittings
from appliance.vocabulary import (
    Decision,
    ExamMode,
    FinishedBy,
    IdentityAction,
    IdentityVerdict,
    ObservationType,
    PhotoKind,
    SittingState,
)

IDENTITY: Final = Actor.appliance("identity")
REASON: Final = "identity"
"""Of a pause and in ``sitting.changed``; the candidate's page words it."""
STOPPED: Final = "Ended by the exam's rule: another person was seen in the candidate's place."
SURE_ENOUGH_TO_STOP: Final = 0.625
"""Confidence, a mean distance of 0.65: ending cannot be undone; what is less sure pauses instead."""
UNATTENDED: Final = frozenset({ExamMode.AUTO, ExamMode.OFFLINE})
"""Nobody watches: a new photo that matches lets the exam go on."""


def follow_up(session: Session, row: Observation) -> IdentityAction | None:
    """Do what the exam's rule says of an observation just opened, and return it; None: nothing was to be done.

    In the transaction that opened it. Never raises for the state the sitting is in.
    """
    if row.type is not ObservationType.SUBSTITUTION_USER or row.source not in identity_checks.SEEN_BY:
        return None
    session.flush()
    sitting = sittings.get(session, row.sitting_id)
    action = _due(sitting, row)
    if action is IdentityAction.NOTE:
        return None
    sittings.lock(session, sitting)
    if sitting.state is not SittingState.RUNNING or row.decision is not Decision.PENDING or "action" in row.details:
        return None
    row.details = {**row.details, "action": {"taken": action.value, "at_ms": to_ms(utcnow())}}
    subject = ("observation", row.id)
    details: dict[str, Any] = {"sitting_id": sitting.id, "taken": action, "confidence": row.confidence}
    details["rule"] = sitting.exam.identity_action
    audit.record(session, IDENTITY, "identity.act", subject, company_id=sitting.company_id, **details)
    _act(session, sitting, row, action)
    incidents.publish_details(session, sitting, row)
    return action


def go_on(session: Session, sitting: Sitting, verdict: IdentityVerdict | None) -> bool:
    """Let an unattended exam that was paused for identity go on after a face photo that matches.

    ``verdict`` of the new photo against the check-in's face. The sitting is locked by the caller.
    """
    if verdict is not IdentityVerdict.MATCH or not is_paused_for_identity(session, sitting):
        return False
    if not _goes_on_by_photo(sitting):
        return False  # a proctor sees the photo, and decides
    sittings.resume(session, IDENTITY, sitting)
    return True


def pause_reason(session: Session, sitting: Sitting) -> str:
    """Return what the candidate's page is told of the pause that lasts: nothing, or what ends it.

    ``identity``: a proctor decides; ``identity_photo``: a new photo of the face lets the exam go on.
    """
    if not is_paused_for_identity(session, sitting):
        return ""
    return "identity_photo" if _goes_on_by_photo(sitting) else REASON


def _goes_on_by_photo(sitting: Sitting) -> bool:
    attended = sitting.exam.mode not in UNATTENDED or sitting.proctor_id is not None
    return not attended and PhotoKind.FACE in check_ins.required_photos(sitting.exam.identification)


def face_before_pause(session: Session, photo: IdentityPhoto) -> IdentityPhoto | None:
    """Return the check-in's face photo to hold a new one against, where that check-in's face is not enrolled."""
    sitting = sittings.get(session, photo.sitting_id)
    if not is_paused_for_identity(session, sitting):
        return None
    enrolled = (FaceTemplate.sitting_id == sitting.id, FaceTemplate.revoked_at.is_(None))
    if session.scalar(select(FaceTemplate.id).where(*enrolled).limit(1)) is not None:
        return None
    older = (IdentityPhoto.sitting_id == sitting.id, IdentityPhoto.kind == PhotoKind.FACE)
    query = select(IdentityPhoto).where(*older, IdentityPhoto.taken_at < sitting.paused_at)
    rows = session.scalars(query.order_by(IdentityPhoto.id.desc()))
    return next((row for row in rows if not row.hints), None)


def is_paused_for_identity(session: Session, sitting: Sitting) -> bool:
    """Say whether the pause that lasts was made here."""
    if sitting.state is not SittingState.PAUSED or sitting.paused_at is None:
        return False
    query = select(Observation).where(
        Observation.sitting_id == sitting.id,
        Observation.type == ObservationType.SUBSTITUTION_USER,
        Observation.details["action"]["taken"].astext == IdentityAction.PAUSE.value,
    )
    rows = session.scalars(query)
    near = timedelta(seconds=5) / timedelta(milliseconds=1)
    return any(abs(row.details["action"]["at_ms"] - to_ms(sitting.paused_at)) < near for row in rows)


def _due(sitting: Sitting, row: Observation) -> IdentityAction:
    """Return what the rule asks of this observation; less than the detector's own threshold asks nothing."""
    action = profiles.action_of(sitting.exam)
    if row.confidence < float(row.details.get("threshold", 1.0)):
        return IdentityAction.NOTE
    if action is IdentityAction.STOP and row.confidence < SURE_ENOUGH_TO_STOP:
        return IdentityAction.PAUSE
    return action


def _act(session: Session, sitting: Sitting, row: Observation, action: IdentityAction) -> None:
    if action is IdentityAction.STOP:
        sittings.finish(session, IDENTITY, sitting, FinishedBy.APPLIANCE, STOPPED)
        return
    if action is IdentityAction.WARN:
        incidents.warn_by_rule(session, IDENTITY, sitting, row)
    else:
        sittings.pause(session, IDENTITY, sitting, "identity_photo" if _goes_on_by_photo(sitting) else REASON)
        if PhotoKind.FACE in check_ins.required_photos(sitting.exam.identification):
            check_ins.ask_again(session, IDENTITY, sitting, PhotoKind.FACE)
