"""Where the challenges of a check-in stand: which the exam asks for, which are done, what the pages show of them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.db import to_ms
from appliance.models import Challenge, Exam, Sitting
from appliance.services import payloads, profiles
from appliance.vocabulary import BiometricsMode, ChallengeKind, ChallengeState, CheckInStep

MOST_TRIES: Final = 3
"""Judged tries after which a challenge is left to a person."""
TRIES_BEFORE_SKIP: Final = 2

JUDGED: Final = frozenset({ChallengeState.FAILED, ChallengeState.UNDETERMINED})
"""Tries that were not passed."""
SETTLED: Final = frozenset({ChallengeState.PASSED, ChallengeState.PERSON_ASKED, ChallengeState.SKIPPED})
"""States that end the step whatever came before."""

STEP_OF: Final = {
    ChallengeKind.LIVENESS: CheckInStep.LIVENESS,
    ChallengeKind.GAZE_CALIBRATION: CheckInStep.GAZE_CALIBRATION,
}
TOLD: Final = frozenset(
    {
        "face_not_seen",
        "several_faces",
        "too_dark",
        "too_few_pictures",
        "too_slow",
        "not_done",
        "wrong_order",
        "no_face",
        "turned_away",
        "eyes_shut",
        "not_looking",
    }
)
"""Reasons that help the candidate; the others would teach how to get past, and are told as ``not_done``."""


def wanted(exam: Exam) -> list[ChallengeKind]:
    """Return the challenges the exam asks for; none where no face may leave the candidate's computer."""
    if profiles.mode_of(exam) is BiometricsMode.ON_DEVICE:
        return []
    asked = {ChallengeKind.LIVENESS: exam.liveness, ChallengeKind.GAZE_CALIBRATION: exam.gaze_calibration}
    return [kind for kind, is_asked in asked.items() if is_asked]


def rows(session: Session, sitting_id: int) -> list[Challenge]:
    """Return all tries, oldest first."""
    return list(session.scalars(select(Challenge).where(Challenge.sitting_id == sitting_id).order_by(Challenge.id)))


def is_done(tries: Sequence[Challenge]) -> bool:
    """Say whether a challenge holds the check-in up no longer: passed, left out, or left to a person."""
    if any(row.state in SETTLED for row in tries):
        return True
    return sum(row.state in JUDGED for row in tries) >= MOST_TRIES


def missing(session: Session, sitting: Sitting) -> list[CheckInStep]:
    """Return the steps of challenges that are not done, in their order."""
    kinds = wanted(sitting.exam)
    if not kinds:
        return []
    tries = rows(session, sitting.id)
    return [STEP_OF[kind] for kind in kinds if not is_done([row for row in tries if row.kind is kind])]


def void_liveness(session: Session, sitting: Sitting) -> None:
    """A new face photo before the exam: the movements were compared with another one, and are asked for again."""
    for row in rows(session, sitting.id):
        if row.kind is ChallengeKind.LIVENESS and row.state is ChallengeState.PASSED:
            row.state = ChallengeState.ABANDONED


def own(session: Session, sitting: Sitting) -> dict[str, dict[str, Any]]:
    """Return for each challenge of the exam what the candidate's page shows."""
    tries = rows(session, sitting.id)
    return {kind.value: _own([row for row in tries if row.kind is kind]) for kind in wanted(sitting.exam)}


def own_of(session: Session, row: Challenge) -> dict[str, Any]:
    """Return the same of the challenge that this try is one of."""
    return _own([other for other in rows(session, row.sitting_id) if other.kind is row.kind])


def _own(tries: Sequence[Challenge]) -> dict[str, Any]:
    failed = sum(row.state in JUDGED for row in tries)
    last = tries[-1] if tries else None
    step = _step(last) if last is not None and last.state is ChallengeState.OPEN else None
    told = [] if last is None else [reason if reason in TOLD else "not_done" for reason in last.reasons]
    return {
        "id": last.id if last else None,
        "state": last.state.value if last else "new",
        "step": step,
        "steps": len(last.steps) if last else 0,
        "reasons": list(dict.fromkeys(told)),
        "missed": _missed(last),
        "failed": failed,
        "tries_left": max(MOST_TRIES - failed, 0),
        "may_skip": failed >= TRIES_BEFORE_SKIP,
        "done": is_done(tries),
    }


def _step(row: Challenge) -> dict[str, Any] | None:
    return {"index": row.shown, **row.steps[row.shown]} if row.shown < len(row.steps) else None


def _missed(row: Challenge | None) -> list[str]:
    """Movements that were not seen: the candidate knows them already."""
    return [] if row is None else [one["movement"] for one in row.finding.get("steps", []) if not one["done"]]


def payload(row: Challenge, pictures: int = 0) -> dict[str, Any]:
    """Return a try as staff see it; ``pictures``: how many of evidence there are."""
    return {
        "id": row.id,
        "kind": row.kind.value,
        "state": row.state.value,
        "begun_ms": to_ms(row.begun_at),
        "judged_ms": payloads.ms(row.judged_at),
        "reasons": row.reasons,
        "steps": row.finding.get("steps", []),
        "distance": row.finding.get("distance"),
        "hint": row.finding.get("antispoof"),
        "error": (row.gaze_map or {}).get("error"),
        "pictures": pictures,
    }
