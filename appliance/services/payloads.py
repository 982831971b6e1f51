"""The one JSON shape of each thing, for the bus, REST and the socket. Pure: rows in, plain values out."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from appliance.db import to_ms, utcnow
from appliance.models import (
    ChatMessage,
    Consent,
    DocumentReading,
    Gap,
    HandIn,
    IdentityPhoto,
    Incident,
    Observation,
    Part,
    Sitting,
    SystemCheck,
)
from appliance.sitting_machine import LIVE
from appliance.vocabulary import TECHNICAL_TYPES, ChatAuthor, PartState, SittingState

Names = Mapping[int, str]
"""User id -> name, of those who decided, marked or wrote."""

NO_NAMES: Final[Names] = {}

ONLINE_WITHIN: Final = timedelta(seconds=30)
"""Three of the candidate's pings; the room hears of a lost socket sooner, by ``presence.changed``."""


def ms(moment: datetime | None) -> int | None:
    """Return a timeline's milliseconds, or None."""
    return None if moment is None else to_ms(moment)


def observation(row: Observation, names: Names = NO_NAMES) -> dict[str, Any]:
    """Return an observation; ``decided_by`` is a name."""
    return {
        "id": row.id,
        "sitting_id": row.sitting_id,
        "type": row.type.value,
        "source": row.source.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": ms(row.ended_at),
        "confidence": row.confidence,
        "detector": row.detector,
        "decision": row.decision.value,
        "decided_by": _name(row.decided_by_id, names),
        "details": row.details,
        "technical": row.type in TECHNICAL_TYPES,
        "pictures": [{"number": shot.number, "at_ms": to_ms(shot.taken_at)} for shot in row.pictures],
    }


def incident(row: Incident, names: Names = NO_NAMES) -> dict[str, Any]:
    """Return an incident; ``created_by`` is a name, none where the exam's rule made it (``by_rule``)."""
    return {
        "id": row.id,
        "sitting_id": row.sitting_id,
        "observation_id": row.observation_id,
        "type": row.type.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": ms(row.ended_at),
        "comment": row.comment,
        "created_by": _name(row.created_by_id, names),
        "by_rule": row.created_by_id is None,
        "sent_ms": ms(row.sent_at),
        "seen_ms": ms(row.seen_at),
        "withdrawn_ms": ms(row.withdrawn_at),
    }


def message(row: ChatMessage, candidate_name: str, names: Names = NO_NAMES) -> dict[str, Any]:
    """Return a chat message; ``name`` is the writer's."""
    name = candidate_name if row.author is ChatAuthor.CANDIDATE else _name(row.user_id, names) or ""
    return {
        "id": row.id,
        "sitting_id": row.sitting_id,
        "author": row.author.value,
        "kind": row.kind.value,
        "name": name,
        "text": row.text,
        "at_ms": to_ms(row.sent_at),
        "ref": row.client_ref,
    }


def photo(row: IdentityPhoto) -> dict[str, Any]:
    """Return what is known of a photo; the picture itself is fetched, and audited, one by one."""
    return {
        "id": row.id,
        "kind": row.kind.value,
        "state": row.state.value,
        "source": row.source.value,
        "verdict": row.verdict.value if row.verdict else None,
        "distance": row.distance,
        "hints": [*row.hints, *_reading_hints(row)],
        "document": document(row.reading) if row.reading is not None else None,
        "width": row.width,
        "height": row.height,
        "taken_ms": to_ms(row.taken_at),
    }


def document(row: DocumentReading) -> dict[str, Any]:
    """Return the outcome of reading a document, without what stands on it: that is fetched, and audited."""
    return {"name_verdict": row.name_verdict.value, "expired": row.expired, "readable": bool(row.kind)}


def _reading_hints(row: IdentityPhoto) -> list[Any]:
    return [hint for hint in (row.reading.hints if row.reading is not None else ()) if hint not in row.hints]


def part(row: Part) -> dict[str, Any]:
    """Return a recorded part; ``url`` is None until it is sealed, because only the vault's copy is played.

    ``supplied`` tells of a candidate's part what its browser handed in, of a node's it is None.
    """
    return {
        "id": row.id,
        "track": row.track.value,
        "source": row.source.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": ms(row.ended_at),
        "duration_ms": row.duration_ms,
        "state": row.state.value,
        "url": f"/api/v1/parts/{row.id}/media" if row.state is PartState.SEALED else None,
        "sha256": row.sha256,
        "size_bytes": row.size_bytes,
        "supplied": (row.media or {}).get("supplied"),
    }


def gap(row: Gap) -> dict[str, Any]:
    """Return a span that no node recorded, and why; ``covered_by`` is the candidate-supplied part that shows it."""
    return {
        "track": row.track.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": ms(row.ended_at),
        "cause": row.cause.value,
        "detail": row.detail,
        "covered_by": row.covered_by_id,
    }


def hand_in(row: HandIn) -> dict[str, Any]:
    """Return what a candidate's browser hands in, for those who judge; ``reason`` is why it was refused."""
    return {
        "track": row.track.value,
        "state": row.state.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": to_ms(row.ended_at),
        "size_bytes": row.size_bytes,
        "sha256": row.sha256,
        "reason": row.reason,
        "begun_ms": to_ms(row.created_at),
    }


def consent(row: Consent) -> dict[str, Any]:
    """Return a candidate's answer to the consent text."""
    return {
        "accepted": row.accepted,
        "version": row.text_version,
        "hash": row.text_hash,
        "language": row.language,
        "answered_ms": to_ms(row.answered_at),
    }


def system_check(row: SystemCheck) -> dict[str, Any]:
    """Return one run of the system check."""
    return {"passed": row.passed, "results": row.results, "client": row.client, "checked_ms": to_ms(row.checked_at)}


def sitting(row: Sitting, proctor: str | None = None, now: datetime | None = None) -> dict[str, Any]:
    """Return a sitting's summary; ``proctor`` is the name of who claimed it."""
    return {
        "id": row.id,
        "external_id": row.external_id,
        "state": row.state.value,
        "step": row.step.value,
        "mode": row.exam.mode.value,
        "exam": {"id": row.exam_id, "name": row.exam.name, "external_id": row.exam.external_id},
        "candidate": {
            "name": row.candidate.name,
            "external_id": row.candidate.external_id,
            "email": row.candidate.email,
        },
        "proctor": None if row.proctor_id is None else {"id": row.proctor_id, "name": proctor or ""},
        "created_ms": to_ms(row.created_at),
        "waiting_ms": ms(row.waiting_at),
        "deadline_ms": ms(row.deadline_at),
        "extra_ms": row.extra_ms,
        "duration_minutes": row.duration_minutes,
        "started_ms": ms(row.started_at),
        "finished_ms": ms(row.finished_at),
        "finished_by": row.finished_by.value if row.finished_by else None,
        "score": row.score,
        "conclusion": row.conclusion.value if row.conclusion else None,
        "online": is_online(row, now or utcnow()),
    }


def sitting_changed(row: Sitting, reason: str) -> dict[str, Any]:
    """Return the payload of ``sitting.changed``."""
    return {
        "state": row.state.value,
        "step": row.step.value,
        "deadline_ms": ms(row.deadline_at),
        "extra_ms": row.extra_ms,
        "started_ms": ms(row.started_at),
        "finished_ms": ms(row.finished_at),
        "finished_by": row.finished_by.value if row.finished_by else None,
        "proctor_id": row.proctor_id,
        "score": row.score,
        "conclusion": row.conclusion.value if row.conclusion else None,
        "reason": reason,
    }


def exam_of(row: Sitting) -> dict[str, Any]:
    """Return what the candidate's page needs of the exam; without own questions the LMS's page is the content."""
    exam = row.exam
    return {
        "name": exam.name,
        "mode": exam.mode.value,
        "duration_minutes": row.duration_minutes,
        "content_url": exam.content_url or ("" if exam.questions else row.session_url),
        "questions": exam.questions,
        "identification": exam.identification,
        "biometrics": exam.biometrics.value,
        "custom_rules": str(exam.rules.get("custom_rules", "")),
    }


def is_online(row: Sitting, now: datetime) -> bool:
    """Say whether the candidate was heard of within the last pings."""
    if row.state not in LIVE or row.state is SittingState.INTERRUPTED or row.last_seen_at is None:
        return False
    return now - row.last_seen_at < ONLINE_WITHIN


def _name(user_id: int | None, names: Names) -> str | None:
    return None if user_id is None else names.get(user_id, "")
