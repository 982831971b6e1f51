"""What comparing faces said of a sitting, kept and told: green, yellow, red, grey. A proposal; people decide."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import to_ms
from appliance.models import Candidate, FaceTemplate, IdentityCheck, IdentityPhoto, Observation, SimilarFace, Sitting
from appliance.services import check_ins, payloads, profiles
from appliance.services.templates import Found
from appliance.vocabulary import (
    BiometricsMode,
    Decision,
    IdentityCheckKind,
    IdentityColour,
    IdentityVerdict,
    ObservationSource,
    ObservationType,
    PhotoKind,
    PhotoState,
)

MOST_SIMILAR: Final = 20
"""Other profiles told of one sitting; more are a crowd, and say that the picture is poor."""

SEEN_BY: Final = (ObservationSource.DETECTOR, ObservationSource.ON_DEVICE)
"""Who may have seen another person: the appliance's detector, or the same one in the candidate's browser."""

ACTIONS: Final = {IdentityCheckKind.SIMILAR: "face.search"}


def keep(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    photo: IdentityPhoto,
    kind: IdentityCheckKind,
    verdict: IdentityVerdict,
    distance: float | None,
    details: dict[str, Any],
) -> IdentityCheck:
    """Keep the outcome of one comparison, with its entry in the audit log."""
    row = IdentityCheck(
        sitting_id=sitting.id, photo_id=photo.id, kind=kind, verdict=verdict, distance=distance, details=details
    )
    session.add(row)
    action = ACTIONS.get(kind, "face.compare")
    said = {"kind": kind, "verdict": verdict, "distance": distance, "photo_id": photo.id, **details}
    subject = ("sitting", sitting.id)
    audit.record(session, actor, action, subject, company_id=sitting.company_id, **said)
    session.flush()
    return row


def forget(session: Session, photo: IdentityPhoto) -> None:
    """Drop what was said of a photo before it is judged anew; the audit log keeps it."""
    session.execute(delete(IdentityCheck).where(IdentityCheck.photo_id == photo.id))


def keep_similar(session: Session, sitting: Sitting, found: Sequence[Found]) -> None:
    """Keep the other profiles that look like this sitting's candidate, instead of those of an earlier photo."""
    session.execute(delete(SimilarFace).where(SimilarFace.sitting_id == sitting.id))
    for each in found[:MOST_SIMILAR]:
        row = SimilarFace(
            sitting_id=sitting.id,
            candidate_id=each.candidate_id,
            other_sitting_id=each.sitting_id,
            distance=round(each.distance, 4),
        )
        session.add(row)
    session.flush()


def similar_share(session: Session, sitting: Sitting) -> int:
    """Return metric c5 of every minute: 100 when another profile looks alike, else 0. It is never weighed."""
    own = SimilarFace.sitting_id == sitting.id
    return 100 if session.scalar(select(SimilarFace.id).where(own).limit(1)) is not None else 0


def report(session: Session, sitting: Sitting) -> dict[str, Any]:
    """Return what the faces of a sitting say, in the shape of docs/contracts.md."""
    mode = profiles.mode_of(sitting.exam)
    current = [row for row in check_ins.photos(session, sitting.id) if row.state is not PhotoState.SUPERSEDED]
    checks = _checks(session, sitting, current)
    seen = _substitutions(session, sitting)
    similar = _similar(session, sitting)
    colour, reason = _colour(mode, checks, seen, bool(similar), bool(current))
    return {
        "mode": mode.value,
        "colour": colour.value,
        "reason": reason,
        "photos": [payloads.photo(row) for row in current],
        "references": _references(session, sitting),
        "checks": [_check(row) for row in checks] + [_seen(row) for row in seen],
        "similar": similar,
        "enrolled": _enrolled(session, sitting),
    }


def _colour(
    mode: BiometricsMode,
    checks: Iterable[IdentityCheck],
    seen: Iterable[Observation],
    similar: bool,
    taken: bool,
) -> tuple[IdentityColour, str]:
    """Return the colour and why. A person's word counts: what was dismissed is not red."""
    if mode is BiometricsMode.NONE:
        return IdentityColour.GREY, "off"
    verdicts = {row.kind: row.verdict for row in checks if row.kind is not IdentityCheckKind.SIMILAR}
    wrong = [kind.value for kind, verdict in verdicts.items() if verdict is IdentityVerdict.MISMATCH]
    wrong = ["substitution" for row in seen if row.decision is not Decision.DISMISSED] + [
        f"{kind}_mismatch" for kind in wrong
    ]
    if wrong:
        return IdentityColour.RED, wrong[0]
    matched = IdentityVerdict.MATCH in verdicts.values()
    if mode is BiometricsMode.ON_DEVICE:
        return (IdentityColour.GREEN, "match_on_device") if matched else (IdentityColour.GREY, "on_device")
    if similar:
        return IdentityColour.YELLOW, "similar" if matched else "similar_only"
    if matched:
        return IdentityColour.GREEN, "match"
    unclear = "undetermined" if verdicts else "nothing_to_compare"
    return IdentityColour.GREY, unclear if taken else "no_photo"


def _checks(session: Session, sitting: Sitting, current: Sequence[IdentityPhoto]) -> list[IdentityCheck]:
    """Return the newest check of each kind of the photos that count now."""
    query = select(IdentityCheck).where(IdentityCheck.sitting_id == sitting.id)
    query = query.where(IdentityCheck.photo_id.in_([row.id for row in current])).order_by(IdentityCheck.id)
    return list({row.kind: row for row in session.scalars(query)}.values())


def _substitutions(session: Session, sitting: Sitting) -> list[Observation]:
    """Return the times at which another face was seen during the exam."""
    query = select(Observation).where(
        Observation.sitting_id == sitting.id,
        Observation.type == ObservationType.SUBSTITUTION_USER,
        Observation.source.in_(SEEN_BY),
    )
    return list(session.scalars(query.order_by(Observation.started_at).limit(100)))


def _check(row: IdentityCheck) -> dict[str, Any]:
    return {
        "kind": row.kind.value,
        "verdict": row.verdict.value,
        "distance": row.distance,
        "photo_id": row.photo_id,
        "at_ms": to_ms(row.checked_at),
        "details": row.details,
    }


def _seen(row: Observation) -> dict[str, Any]:
    return {
        "kind": "exam",
        "verdict": IdentityVerdict.MISMATCH.value,
        "distance": row.details.get("distance"),
        "photo_id": None,
        "at_ms": to_ms(row.started_at),
        "observation_id": row.id,
        "decision": row.decision.value,
        "details": {name: row.details[name] for name in ("threshold", "action") if name in row.details},
    }


def _similar(session: Session, sitting: Sitting) -> list[dict[str, Any]]:
    """Return others who look like the candidate: found at this check-in, or later found to look like them."""
    query = select(SimilarFace).where(
        or_(SimilarFace.sitting_id == sitting.id, SimilarFace.candidate_id == sitting.candidate_id)
    )
    others: dict[int, dict[str, Any]] = {}
    for row in session.scalars(query.order_by(SimilarFace.distance, SimilarFace.id).limit(4 * MOST_SIMILAR)):
        own = row.sitting_id == sitting.id
        other_sitting = session.get(Sitting, row.other_sitting_id if own else row.sitting_id)
        person = session.get(Candidate, row.candidate_id if own else other_sitting and other_sitting.candidate_id)
        if person is None or person.id == sitting.candidate_id or person.company_id != sitting.company_id:
            continue
        others.setdefault(person.id, _other(session, person, other_sitting, row))
    return list(others.values())[:MOST_SIMILAR]


def _other(session: Session, person: Candidate, sitting: Sitting | None, row: SimilarFace) -> dict[str, Any]:
    photo = None if sitting is None else check_ins.current_photo(session, sitting.id, PhotoKind.FACE)
    return {
        "candidate": {"id": person.id, "name": person.name, "external_id": person.external_id},
        "distance": row.distance,
        "sitting_id": None if sitting is None else sitting.id,
        "photo_id": None if photo is None else photo.id,
        "found_ms": to_ms(row.found_at),
    }


def _references(session: Session, sitting: Sitting) -> list[dict[str, Any]]:
    """Return the face photos of earlier sittings that the enrolled faces come from."""
    own = (FaceTemplate.candidate_id == sitting.candidate_id, FaceTemplate.revoked_at.is_(None))
    query = select(FaceTemplate.sitting_id).where(*own, FaceTemplate.sitting_id != sitting.id)
    found = []
    for number in session.scalars(query.order_by(FaceTemplate.id.desc())):
        photo = check_ins.current_photo(session, number, PhotoKind.FACE) if number is not None else None
        if photo is not None:
            found.append({**payloads.photo(photo), "sitting_id": number})
    return found


def _enrolled(session: Session, sitting: Sitting) -> dict[str, Any] | None:
    """Return when this check-in's face was enrolled, and under which protection; never the template."""
    own = (FaceTemplate.sitting_id == sitting.id, FaceTemplate.revoked_at.is_(None))
    row = session.scalars(select(FaceTemplate).where(*own).order_by(FaceTemplate.id.desc()).limit(1)).first()
    if row is None:
        return None
    return {"at_ms": to_ms(row.created_at), "model": row.model_hash, "protection": row.protection_version}
