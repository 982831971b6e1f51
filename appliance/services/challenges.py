"""Challenges of the check-in: drawn here, answered by pictures, judged by a worker, left to people where it cannot.

Steps are told one by one, each after the pictures of the one before: a film cut to an order cannot be ready.
"""

import random
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit, bus, jobs
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput, ImpossibleStep, NotFound, TooMany
from appliance.models import Challenge, ChallengePictures, Sitting, VaultObject
from appliance.services import challenge_states, check_ins, purposes, sittings
from appliance.services.challenge_pictures import TimedPicture, unpack
from appliance.vault import Vault
from appliance.vocabulary import ChallengeKind, ChallengeState, Movement

STRAIGHT_MS: Final = 2000
MOVEMENT_MS: Final = 3500
POINT_MS: Final = 1800
RELAXED: Final = 2
"""Times as long for who asks for more time."""
UPLOAD_SECONDS: Final = 20
"""What a batch may take over a slow line, beyond the step itself."""
CLOCK_MS: Final = 1500
"""By how much the page's times may differ from the time that passed here."""
MOST_BEGUN: Final = 15
"""Of one kind in one sitting; more is a script."""
JUDGING_SECONDS: Final = 180
"""After which a judgement that no worker gave is given up."""
POINTS: Final = ((0.5, 0.5), (0.06, 0.08), (0.94, 0.08), (0.06, 0.92), (0.94, 0.92))
"""Middle and corners, in shares of the window."""
JOBS: Final = {
    ChallengeKind.LIVENESS: "media.judge_liveness",
    ChallengeKind.GAZE_CALIBRATION: "media.calibrate_gaze",
}


def begin(session: Session, actor: Actor, sitting: Sitting, kind: ChallengeKind, relaxed: bool = False) -> Challenge:
    """Draw a new try; one that is open is abandoned. ``relaxed``: with twice the time.

    Raises ``BadInput`` when the exam does not ask for it, ``ImpossibleStep`` when it is done or not yet its turn.
    """
    check_ins.demand_step(session, sitting, _step_of(sitting, kind))
    tries = _tries(session, sitting, kind)
    if challenge_states.is_done(tries):
        raise ImpossibleStep("This step of the check-in is done.", kind=kind)
    if any(row.state is ChallengeState.JUDGING for row in tries):
        raise ImpossibleStep("The last try is still being judged.", kind=kind)
    if len(tries) >= MOST_BEGUN:
        raise TooMany("This was tried too often; ask for a person instead.", limit=MOST_BEGUN)
    for row in tries:
        if row.state is ChallengeState.OPEN:
            row.state = ChallengeState.ABANDONED
    row = Challenge(sitting_id=sitting.id, kind=kind, steps=draw(kind, RELAXED if relaxed else 1))
    session.add(row)
    session.flush()
    _record(session, actor, sitting, f"{kind}.begin", challenge_id=row.id, relaxed=relaxed)
    return row


def draw(kind: ChallengeKind, slower: int = 1) -> list[dict[str, Any]]:
    """Return the steps of a new try: looking straight and all movements in a random order, or the points."""
    chance = random.Random(secrets.randbits(64))  # noqa: S311 - seeded by the system's generator
    if kind is ChallengeKind.GAZE_CALIBRATION:
        corners = list(POINTS[1:])
        chance.shuffle(corners)
        return [{"x": x, "y": y, "ms": POINT_MS * slower} for x, y in (POINTS[0], *corners)]
    movements = list(Movement)
    chance.shuffle(movements)
    straight = {"movement": "straight", "ms": STRAIGHT_MS * slower}
    return [straight, *({"movement": one.value, "ms": MOVEMENT_MS * slower} for one in movements)]


def get(session: Session, sitting_id: int, challenge_id: int) -> Challenge:
    """Return a try of this sitting; raise ``NotFound``."""
    row = session.get(Challenge, challenge_id)
    if row is None or row.sitting_id != sitting_id:
        raise NotFound("There is no such challenge.", challenge_id=challenge_id)
    return row


def take_pictures(
    session: Session, actor: Actor, vault: Vault, sitting: Sitting, row: Challenge, step: int, batch: bytes
) -> Challenge:
    """Take the pictures of the step that is shown and tell the next; after the last one a worker judges.

    The same step again, whose answer was lost, changes nothing. Too late, or with times that cannot be, the try is
    over as ``undetermined``.
    """
    sittings.lock(session, sitting)
    session.refresh(row, with_for_update=True)
    if step == row.shown - 1:
        return row
    if row.state is not ChallengeState.OPEN or step != row.shown:
        raise ImpossibleStep("This step of the challenge is not being shown.", state=row.state, step=row.shown)
    pictures = unpack(batch)
    if not _in_time(row, pictures):
        return _settle(session, actor, sitting, row, ChallengeState.UNDETERMINED, ["too_slow"], {})
    sealed = vault.seal(session, purpose(row.id), "challenge", batch)
    session.flush()
    session.add(ChallengePictures(challenge_id=row.id, evidence=False, number=step, vault_object_id=sealed.id))
    row.shown, row.step_at = step + 1, utcnow()
    if row.shown == len(row.steps):
        row.state = ChallengeState.JUDGING
        jobs.defer(session, JOBS[row.kind], challenge_id=row.id)
        _tell(session, sitting, row)
    session.flush()
    return row


def _in_time(row: Challenge, pictures: Sequence[TimedPicture]) -> bool:
    """Whether a batch can have been taken since its step was told."""
    passed = utcnow() - row.step_at
    length = pictures[-1].at_ms - pictures[0].at_ms
    window = int(row.steps[row.shown]["ms"])
    slack = timedelta(milliseconds=CLOCK_MS)
    return timedelta(milliseconds=length) <= passed + slack and passed <= timedelta(
        milliseconds=window, seconds=UPLOAD_SECONDS
    )


def leave_out(session: Session, actor: Actor, sitting: Sitting, kind: ChallengeKind) -> Challenge:
    """Go on without: a person decides about the liveness; without a calibration the usual direction is learned.

    Asking for a person is always possible: who cannot turn the head, blink or see must not be kept out.
    """
    check_ins.demand_step(session, sitting, _step_of(sitting, kind))
    tries = _tries(session, sitting, kind)
    if challenge_states.is_done(tries):
        return tries[-1]
    failed = sum(row.state in challenge_states.JUDGED for row in tries)
    for row in tries:
        if row.state in {ChallengeState.OPEN, ChallengeState.JUDGING}:
            row.state = ChallengeState.ABANDONED
    state = ChallengeState.PERSON_ASKED if kind is ChallengeKind.LIVENESS else ChallengeState.SKIPPED
    row = Challenge(sitting_id=sitting.id, kind=kind)
    session.add(row)
    session.flush()
    return _settle(session, actor, sitting, row, state, [], {"failed_before": failed})


def settle(
    session: Session,
    row: Challenge,
    state: ChallengeState,
    reasons: Sequence[str],
    finding: dict[str, Any],
    gaze_map: dict[str, Any] | None = None,
) -> Challenge:
    """Keep the worker's judgement; one of a try that was abandoned meanwhile is dropped."""
    sitting = sittings.get(session, row.sitting_id)
    sittings.lock(session, sitting)
    session.refresh(row, with_for_update=True)
    if row.state is not ChallengeState.JUDGING:
        return row
    row.gaze_map = gaze_map
    return _settle(session, Actor.appliance("challenge"), sitting, row, state, reasons, finding)


def keep_evidence(session: Session, vault: Vault, row: Challenge, pictures: Sequence[bytes]) -> None:
    """Seal at most two pictures for who decides; they go with the key of its pictures."""
    for number, content in enumerate(pictures[:2]):
        sealed = vault.seal(session, purposes.pictures(row.sitting_id), "challenge", content)
        session.flush()
        session.add(ChallengePictures(challenge_id=row.id, evidence=True, number=number, vault_object_id=sealed.id))


def batches(session: Session, challenge_id: int) -> list[tuple[int, VaultObject]]:
    """Return the sealed batches by step."""
    return _sealed(session, challenge_id, evidence=False)


def evidence(session: Session, challenge_id: int) -> list[tuple[int, VaultObject]]:
    """Return the kept pictures by number."""
    return _sealed(session, challenge_id, evidence=True)


def purpose(challenge_id: int) -> str:
    """Return the vault's key of a try's pictures: destroyed with the judgement."""
    return f"challenge:{challenge_id}"


def forget_pictures(session: Session, vault: Vault, challenge_id: int) -> None:
    """Destroy the pictures of a try for ever; evidence stays."""
    vault.destroy(session, purpose(challenge_id))


def stale(session: Session) -> list[Challenge]:
    """Return tries nobody goes on with, and judged ones whose pictures may still be there."""
    before = utcnow() - timedelta(seconds=JUDGING_SECONDS)
    unfinished = (ChallengeState.OPEN, ChallengeState.JUDGING)
    query = select(Challenge).where(Challenge.state.in_(unfinished), Challenge.step_at < before)
    return list(session.scalars(query.order_by(Challenge.id).limit(100)))


def give_up(session: Session, vault: Vault) -> int:
    """End stale tries: open ones as abandoned, unjudged ones as undetermined; return how many there were."""
    rows = stale(session)
    for row in rows:
        if row.state is ChallengeState.OPEN:
            row.state = ChallengeState.ABANDONED
        else:
            settle(session, row, ChallengeState.UNDETERMINED, ["not_judged"], {})
        forget_pictures(session, vault, row.id)
    return len(rows)


def gaze_map(session: Session, sitting_id: int) -> dict[str, Any] | None:
    """Return what the newest calibration of a sitting learned; None without a good one."""
    query = select(Challenge.gaze_map).where(
        Challenge.sitting_id == sitting_id,
        Challenge.kind == ChallengeKind.GAZE_CALIBRATION,
        Challenge.state == ChallengeState.PASSED,
    )
    return session.scalars(query.order_by(Challenge.id.desc()).limit(1)).first()


def staff_payloads(session: Session, sitting_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the tries of sittings as staff see them, oldest first; abandoned ones are left out."""
    query = select(Challenge).where(
        Challenge.sitting_id.in_(sitting_ids), Challenge.state != ChallengeState.ABANDONED
    )
    rows = session.scalars(query.order_by(Challenge.id)).all()
    counted = (
        select(ChallengePictures.challenge_id, func.count().label("kept_pictures"))
        .where(ChallengePictures.evidence, ChallengePictures.challenge_id.in_([row.id for row in rows]))
        .group_by(ChallengePictures.challenge_id)
    )
    kept = {row.challenge_id: row.kept_pictures for row in session.execute(counted)}
    found: dict[int, list[dict[str, Any]]] = {number: [] for number in sitting_ids}
    for row in rows:
        found[row.sitting_id].append(challenge_states.payload(row, kept.get(row.id, 0)))
    return found


def record_view(session: Session, actor: Actor, row: Challenge, number: int) -> None:
    """Write to the audit log that a person looks at a picture of a try."""
    sitting = sittings.get(session, row.sitting_id)
    _record(session, actor, sitting, "challenge.view", challenge_id=row.id, number=number)


def _settle(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    row: Challenge,
    state: ChallengeState,
    reasons: Sequence[str],
    finding: dict[str, Any],
) -> Challenge:
    row.state, row.reasons, row.finding, row.judged_at = state, list(reasons), finding, utcnow()
    details = {"challenge_id": row.id, "state": state, "reasons": row.reasons}
    _record(session, actor, sitting, f"{row.kind}.judge", **details)
    session.flush()
    _tell(session, sitting, row)
    check_ins.advance(session, sitting, row.kind)
    return row


def _tell(session: Session, sitting: Sitting, row: Challenge) -> None:
    told = {
        "kind": row.kind.value,
        "challenge": challenge_states.own_of(session, row),
        "try": challenge_states.payload(row, len(evidence(session, row.id))),
    }
    bus.publish_sitting(session, sitting, "challenge.changed", told)


def _step_of(sitting: Sitting, kind: ChallengeKind) -> Any:
    if kind not in challenge_states.wanted(sitting.exam):
        raise BadInput("This exam does not ask for that.", field="kind", kind=kind)
    return challenge_states.STEP_OF[kind]


def _tries(session: Session, sitting: Sitting, kind: ChallengeKind) -> list[Challenge]:
    return [row for row in challenge_states.rows(session, sitting.id) if row.kind is kind]


def _sealed(session: Session, challenge_id: int, evidence: bool) -> list[tuple[int, VaultObject]]:
    query = (
        select(ChallengePictures.number, VaultObject)
        .join(VaultObject, VaultObject.id == ChallengePictures.vault_object_id)
        .where(ChallengePictures.challenge_id == challenge_id, ChallengePictures.evidence.is_(evidence))
    )
    return [(number, sealed) for number, sealed in session.execute(query.order_by(ChallengePictures.number))]


def _record(session: Session, actor: Actor, sitting: Sitting, action: str, **details: Any) -> None:
    audit.record(session, actor, action, ("sitting", sitting.id), company_id=sitting.company_id, **details)
