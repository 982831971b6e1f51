"""Everything that is stored of one person, as JSON values; of others only which role they had.

The shape is documented in ``docs/security/retention.md``; times are ISO 8601 in UTC.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.models import (
    AuditEntry,
    BrowserReport,
    Candidate,
    Challenge,
    ChatMessage,
    Company,
    Consent,
    DocumentReading,
    EvidencePicture,
    FaceTemplate,
    Gap,
    HandIn,
    IdentityCheck,
    IdentityPhoto,
    Incident,
    Observation,
    Part,
    Score,
    SimilarFace,
    Sitting,
    SystemCheck,
    User,
)
from appliance.models.challenge import ChallengePictures
from appliance.vocabulary import ChatAuthor

FORMAT: Final = "kustos-person-data"
VERSION: Final = 1

MOST_ENTRIES: Final = 10_000
"""Of the audit log; a sitting has some hundred."""


class File(NamedTuple):
    """A sealed file that goes along."""

    name: str
    vault_object_id: int
    is_recording: bool


class Facts(NamedTuple):
    """What is stored, and the files beside it."""

    data: dict[str, Any]
    files: list[File]


def collect(session: Session, candidate: Candidate, with_recordings: bool, now: datetime) -> Facts:
    """Return all rows about the person; read in one transaction, so that they fit together."""
    sittings = session.scalars(select(Sitting).where(Sitting.candidate_id == candidate.id).order_by(Sitting.id)).all()
    files: list[File] = []
    company = session.get_one(Company, candidate.company_id)
    data = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": plain(now),
        "organisation": {"name": company.name, "contact": company.support_email},
        "person": {
            "number": candidate.id,
            "external_id": candidate.external_id,
            "first_name": candidate.first_name,
            "last_name": candidate.last_name,
            "email": candidate.email,
            "language": candidate.language,
            "known_since": plain(candidate.created_at),
        },
        "face_templates": [
            {"made_at": plain(row.created_at), "network_sha256": row.model_hash, "revoked_at": plain(row.revoked_at)}
            for row in session.scalars(select(FaceTemplate).where(FaceTemplate.candidate_id == candidate.id))
        ],
        "sittings": [_sitting(session, sitting, files) for sitting in sittings],
        "who_did_what": _log(session, [sitting.id for sitting in sittings]),
    }
    kept = [file for file in files if with_recordings or not file.is_recording]
    data["files"] = [file.name for file in kept]
    return Facts(data, kept)


def plain(value: Any) -> Any:
    """Return ``value`` as JSON."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.value if isinstance(value, Enum) else value


def _sitting(session: Session, sitting: Sitting, files: list[File]) -> dict[str, Any]:
    columns = ("created_at", "waiting_at", "started_at", "finished_at", "finished_by", "state", "score", "language")
    said = {name: plain(getattr(sitting, name)) for name in columns}
    conclusion = {
        "conclusion": plain(sitting.conclusion),
        "comment": sitting.conclusion_comment,
        "at": plain(sitting.concluded_at),
        "by": _role(session, sitting.concluded_by_id),
    }
    return {
        "number": sitting.id,
        "external_id": sitting.external_id,
        "exam": {
            "name": sitting.exam.name,
            "external_id": sitting.exam.external_id,
            "mode": plain(sitting.exam.mode),
        },
        **said,
        "answers": sitting.answers,
        "finish_comment": sitting.finish_comment,
        "conclusion": conclusion if sitting.conclusion else None,
        "consents": _table(
            session, Consent, sitting.id, "answered_at accepted text_version language address user_agent"
        ),
        "system_checks": _table(session, SystemCheck, sitting.id, "checked_at passed results client"),
        "photos": [_photo(session, row, sitting.id, files) for row in _rows(session, IdentityPhoto, sitting.id)],
        "comparisons": _table(session, IdentityCheck, sitting.id, "checked_at kind verdict distance details"),
        "looks_like_others": len(_rows(session, SimilarFace, sitting.id)),
        "challenges": [_challenge(session, row, sitting.id, files) for row in _rows(session, Challenge, sitting.id)],
        "recordings": [_part(row, sitting.id, files) for row in _rows(session, Part, sitting.id)],
        "handed_in": _table(session, HandIn, sitting.id, "created_at track started_at ended_at size_bytes state"),
        "gaps": _table(session, Gap, sitting.id, "track started_at ended_at cause"),
        "findings": [_finding(session, row, sitting.id, files) for row in _rows(session, Observation, sitting.id)],
        "marks": [_mark(session, row) for row in _rows(session, Incident, sitting.id)],
        "scores": _table(session, Score, sitting.id, "computed_at value explanation metrics"),
        "chat": [_message(session, row) for row in _rows(session, ChatMessage, sitting.id)],
        "browser": _table(session, BrowserReport, sitting.id, "at content", order="at"),
    }


def _photo(session: Session, row: IdentityPhoto, sitting_id: int, files: list[File]) -> dict[str, Any]:
    said = {name: plain(getattr(row, name)) for name in ("kind", "taken_at", "state", "verdict", "distance", "hints")}
    said["file"] = _file(files, f"files/sitting-{sitting_id}-{row.kind.value}-{row.id}.jpg", row.vault_object_id)
    reading = session.scalars(select(DocumentReading).where(DocumentReading.photo_id == row.id)).one_or_none()
    if reading is not None:
        name = f"files/sitting-{sitting_id}-document-{row.id}.json"
        said["read"] = {
            "kind": reading.kind,
            "name": plain(reading.name_verdict),
            "file": _file(files, name, reading.vault_object_id),
        }
    return said


def _challenge(session: Session, row: Challenge, sitting_id: int, files: list[File]) -> dict[str, Any]:
    said = {
        name: plain(getattr(row, name)) for name in ("kind", "begun_at", "state", "reasons", "finding", "gaze_map")
    }
    query = select(ChallengePictures).where(ChallengePictures.challenge_id == row.id, ChallengePictures.evidence)
    said["files"] = [
        _file(files, f"files/sitting-{sitting_id}-challenge-{row.id}-{one.number}.jpg", one.vault_object_id)
        for one in session.scalars(query.order_by(ChallengePictures.number))
    ]
    return said


def _part(row: Part, sitting_id: int, files: list[File]) -> dict[str, Any]:
    said = {name: plain(getattr(row, name)) for name in ("track", "source", "started_at", "ended_at", "size_bytes")}
    name = f"files/sitting-{sitting_id}-{row.track.value}-{row.sequence}.webm"
    said["file"] = _file(files, name, row.vault_object_id, is_recording=True)
    return said


def _finding(session: Session, row: Observation, sitting_id: int, files: list[File]) -> dict[str, Any]:
    names = (
        "type",
        "source",
        "started_at",
        "ended_at",
        "confidence",
        "detector",
        "decision",
        "decided_at",
        "details",
    )
    said = {name: plain(getattr(row, name)) for name in names}
    said["decided_by"] = _role(session, row.decided_by_id)
    pictures = select(EvidencePicture).where(EvidencePicture.observation_id == row.id)
    said["files"] = [
        _file(files, f"files/sitting-{sitting_id}-finding-{row.id}-{one.number}.jpg", one.vault_object_id)
        for one in session.scalars(pictures.order_by(EvidencePicture.number))
    ]
    return said


def _mark(session: Session, row: Incident) -> dict[str, Any]:
    names = ("type", "started_at", "ended_at", "comment", "sent_at", "seen_at", "withdrawn_at")
    return {
        **{name: plain(getattr(row, name)) for name in names},
        "by": _role(session, row.created_by_id) or "appliance",
    }


def _message(session: Session, row: ChatMessage) -> dict[str, Any]:
    own = row.author is ChatAuthor.CANDIDATE
    by = "you" if own else _role(session, row.user_id) or row.author.value
    return {"sent_at": plain(row.sent_at), "by": by, "text": row.text}


def _log(session: Session, sitting_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return what was done about the person's sittings, and in which role; names of staff are theirs."""
    wanted = [str(number) for number in sitting_ids]
    query = select(
        AuditEntry.at, AuditEntry.action, AuditEntry.actor_kind, AuditEntry.actor_id, AuditEntry.subject_id
    )
    query = query.where(AuditEntry.subject_kind == "sitting", AuditEntry.subject_id.in_(wanted))
    rows = session.execute(query.order_by(AuditEntry.id).limit(MOST_ENTRIES)).all()
    staff = {int(row.actor_id) for row in rows if row.actor_kind == "user"}
    roles = {row.id: row.role.value for row in session.execute(select(User.id, User.role).where(User.id.in_(staff)))}
    return [
        {
            "at": plain(row.at),
            "action": row.action,
            "by": _actor(row.actor_kind, row.actor_id, roles),
            "sitting": int(row.subject_id),
        }
        for row in rows
    ]


def _actor(kind: str, number: str, roles: dict[int, str]) -> str:
    if kind == "candidate":
        return "you"
    return roles.get(int(number), "staff") if kind == "user" else kind


def _role(session: Session, user_id: int | None) -> str | None:
    user = None if user_id is None else session.get(User, user_id)
    return None if user is None else user.role.value


def _rows(session: Session, model: Any, sitting_id: int, order: str = "id") -> Sequence[Any]:
    query = select(model).where(model.sitting_id == sitting_id)
    return session.scalars(query.order_by(getattr(model, order))).all()


def _table(session: Session, model: Any, sitting_id: int, columns: str, order: str = "id") -> list[dict[str, Any]]:
    names: Iterable[str] = columns.split()
    return [{name: plain(getattr(row, name)) for name in names} for row in _rows(session, model, sitting_id, order)]


def _file(files: list[File], name: str, vault_object_id: int | None, is_recording: bool = False) -> str | None:
    if vault_object_id is None:
        return None
    files.append(File(name, vault_object_id, is_recording))
    return name
