"""Exams of a company, and what the candidate answers in an exam without an LMS."""

from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.errors import BadInput, ImpossibleStep, NotFound
from appliance.models import Exam, Sitting
from appliance.scoring import checked_weights
from appliance.security import scopes
from appliance.security.identity import Identity
from appliance.security.permission_map import Permission
from appliance.services import profiles, reviews, sittings
from appliance.services.free_text import storable_json
from appliance.vocabulary import BiometricsMode, IdentityAction
from appliance.vocabulary import SittingState as S

MAX_ANSWER: Final = 20_000
"""An essay of 3000 words."""

MAX_CHOICES: Final = 50

Answer = str | int | list[int] | None
"""Words, the number of an option, several numbers, or nothing any more."""


def listing(session: Session, who: Identity) -> list[dict[str, Any]]:
    """Return the exams that ``who`` may see with the number of their sittings, newest first."""
    query = (
        select(Exam, func.count(Sitting.id))
        .outerjoin(Sitting, Sitting.exam_id == Exam.id)
        .where(scopes.exams(who, Permission.EXAM_LIST))
        .group_by(Exam.id)
        .order_by(Exam.created_at.desc(), Exam.id.desc())
        .limit(1000)
    )
    return [
        {
            "id": exam.id,
            "external_id": exam.external_id,
            "name": exam.name,
            "mode": exam.mode.value,
            "duration_minutes": exam.duration_minutes,
            "identification": exam.identification,
            "rules": exam.rules,
            "weights": exam.weights,
            "thresholds": exam.thresholds,
            **biometrics_of(exam),
            "questions": len(exam.questions),
            "sittings": count,
        }
        for exam, count in session.execute(query)
    ]


def get(session: Session, exam_id: int, company_id: int | None = None) -> Exam:
    """Return the exam, of this company if one is given; raise ``NotFound``."""
    exam = session.get(Exam, exam_id)
    if exam is None or (company_id is not None and exam.company_id != company_id):
        raise NotFound("There is no such exam.", exam_id=exam_id)
    return exam


def set_weights(session: Session, actor: Actor, exam: Exam, weights: dict[str, float]) -> int:
    """Set the exam's weights and compute the scores of its reviewed sittings anew; return how many those were."""
    before, exam.weights = exam.weights, dict(checked_weights(weights))
    details: dict[str, Any] = {"before": before, "after": exam.weights}
    audit.record(session, actor, "exam.set_weights", ("exam", exam.id), company_id=exam.company_id, **details)
    query = select(Sitting).where(
        Sitting.exam_id == exam.id, Sitting.state.in_([S.IN_REVIEW, S.CONCLUDED]), Sitting.started_at.is_not(None)
    )
    rows = session.scalars(query.order_by(Sitting.id).with_for_update(key_share=True)).all()
    for sitting in rows:
        reviews.rescore(session, actor, sitting)
    return len(rows)


def biometrics_of(exam: Exam) -> dict[str, Any]:
    """Return what an organiser sets of biometrics; ``forbidden``: what the organisation's profile does not allow."""
    profile = profiles.of(exam.company)
    modes, actions = set(BiometricsMode) - profile.modes, set(IdentityAction) - profile.actions
    return {
        "biometrics": profiles.mode_of(exam).value,
        "identity_action": profiles.action_of(exam).value,
        "liveness": exam.liveness,
        "gaze_calibration": exam.gaze_calibration,
        "forbidden": sorted(word.value for word in modes | actions),
    }


def set_biometrics(
    session: Session,
    actor: Actor,
    exam: Exam,
    biometrics: BiometricsMode,
    identity_action: IdentityAction,
    liveness: bool,
    gaze_calibration: bool,
) -> None:
    """Say where faces are measured, what follows on another person, and what the check-in asks for.

    Counts for check-ins and analyses that begin from now on. Raises ``BadInput`` for what the organisation's profile
    forbids. Faces enrolled before stay until they are revoked: the person may sit other exams.
    """
    profiles.check(exam.company, biometrics, identity_action)
    before = {name: value for name, value in biometrics_of(exam).items() if name != "forbidden"}
    exam.biometrics, exam.identity_action = biometrics, identity_action
    exam.liveness, exam.gaze_calibration = liveness, gaze_calibration
    after = {name: value for name, value in biometrics_of(exam).items() if name != "forbidden"}
    details: dict[str, Any] = {"before": before, "after": after}
    audit.record(session, actor, "exam.set_biometrics", ("exam", exam.id), company_id=exam.company_id, **details)


def answer(session: Session, actor: Actor, sitting: Sitting, index: int, value: Answer) -> None:
    """Keep the candidate's answer to one of the exam's own questions; a later one replaces it."""
    if not 0 <= index < len(sitting.exam.questions):
        raise BadInput("There is no such question.", field="index")
    if isinstance(value, str) and len(value) > MAX_ANSWER:
        raise BadInput(f"An answer has at most {MAX_ANSWER} characters.", field="answer")
    if isinstance(value, list) and len(value) > MAX_CHOICES:
        raise BadInput(f"An answer has at most {MAX_CHOICES} choices.", field="answer")
    sittings.lock(session, sitting)
    if sitting.state is not S.RUNNING:
        raise ImpossibleStep("Answers are taken only while the exam runs.", state=sitting.state)
    sitting.answers = {**sitting.answers, str(index): storable_json(value)}
    subject = ("sitting", sitting.id)
    audit.record(session, actor, "answer.give", subject, company_id=sitting.company_id, index=index)
