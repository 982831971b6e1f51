"""What the manifest of an export says of a sitting: whole numbers and texts, no more of a person than needed."""

from importlib.metadata import version
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.db import Base, to_ms
from appliance.evidence.manifest import FORMAT, VERSION
from appliance.models import AuditHead, ChatMessage, Consent, Export, Gap, Incident, Part, Sitting
from appliance.services import payloads
from appliance.services.actors import names
from appliance.settings import Settings

Row = TypeVar("Row", bound=Base)


def facts(session: Session, settings: Settings, row: Export, sitting: Sitting) -> dict[str, Any]:
    """Return the manifest but for its files, key, and where in which file a part lies."""
    parts = _of(session, sitting, Part)
    began = sitting.started_at or sitting.created_at
    whole: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "appliance": {"url": settings.public_url, "version": version("kustos")},
        "export": _export(row),
        "sitting": _sitting(session, sitting),
        "zero_ms": to_ms(min([began, *(part.started_at for part in parts)])),
        "parts": [_part(part) for part in parts],
        "gaps": [_gap(gap, sitting) for gap in _of(session, sitting, Gap)],
        "audit": _audit_head(session),
    }
    if row.with_records:
        whole["incidents"] = _incidents(session, sitting)
    return whole


def chat(session: Session, sitting: Sitting) -> list[dict[str, Any]]:
    """Return the sitting's messages."""
    rows = session.scalars(
        select(ChatMessage).where(ChatMessage.sitting_id == sitting.id).order_by(ChatMessage.id)
    ).all()
    people = names(session, [row.user_id for row in rows])
    return [payloads.message(row, sitting.candidate.name, people) for row in rows]


def _export(row: Export) -> dict[str, Any]:
    return {
        "id": row.id,
        "requested_by": row.requested_by,
        "requested_ms": to_ms(row.requested_at),
        "contents": row.contents,
        "with_records": row.with_records,
    }


def _sitting(session: Session, sitting: Sitting) -> dict[str, Any]:
    people = names(session, [sitting.proctor_id, sitting.concluded_by_id])
    consent = session.scalars(
        select(Consent).where(Consent.sitting_id == sitting.id).order_by(Consent.id.desc()).limit(1)
    ).first()
    conclusion = None
    if sitting.conclusion is not None and sitting.concluded_at is not None:
        conclusion = {
            "conclusion": sitting.conclusion.value,
            "comment": sitting.conclusion_comment,
            "by": people.get(sitting.concluded_by_id or 0, ""),
            "at_ms": to_ms(sitting.concluded_at),
        }
    return {
        "id": sitting.id,
        "external_id": sitting.external_id,
        "exam": {"name": sitting.exam.name, "external_id": sitting.exam.external_id, "mode": sitting.exam.mode.value},
        "candidate": {"name": sitting.candidate.name, "external_id": sitting.candidate.external_id},
        "proctor": people.get(sitting.proctor_id or 0, ""),
        "started_ms": payloads.ms(sitting.started_at),
        "finished_ms": payloads.ms(sitting.finished_at),
        "finished_by": sitting.finished_by.value if sitting.finished_by else None,
        "extra_ms": sitting.extra_ms,
        "clock_offset_ms": sitting.clock_offset_ms,
        "score": sitting.score,
        "consent": None if consent is None else payloads.consent(consent),
        "conclusion": conclusion,
    }


def _part(row: Part) -> dict[str, Any]:
    video, audio = row.media.get("video"), row.media.get("audio")
    return {
        "id": row.id,
        "track": row.track.value,
        "sequence": row.sequence,
        "source": row.source.value,
        "state": row.state.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": payloads.ms(row.ended_at),
        "end_cause": row.end_cause,
        "duration_ms": row.duration_ms,
        "sha256": row.sha256,
        "size_bytes": row.size_bytes,
        "container": row.media.get("container", "webm"),
        "video": {name: video.get(name) for name in ("codec", "width", "height")} if video else None,
        "audio": {"codec": audio.get("codec")} if audio else None,
        "file": None,
        "offset_ms": None,
        "cut_ms": None,
        "original": None,
    }


def _gap(row: Gap, sitting: Sitting) -> dict[str, Any]:
    return {
        "track": row.track.value,
        "start_ms": to_ms(row.started_at),
        "end_ms": to_ms(row.ended_at or sitting.finished_at or row.started_at),
        "cause": row.cause.value,
        "detail": row.detail,
        "covered_by": row.covered_by_id,
    }


def _incidents(session: Session, sitting: Sitting) -> list[dict[str, Any]]:
    rows = _of(session, sitting, Incident)
    people = names(session, [row.created_by_id for row in rows])
    kept = ("id", "type", "start_ms", "end_ms", "comment", "created_by", "sent_ms", "seen_ms", "withdrawn_ms")
    shown = [payloads.incident(row, people) for row in rows]
    return [{name: row[name] for name in kept} for row in shown]


def _audit_head(session: Session) -> dict[str, Any]:
    head = session.scalars(select(AuditHead)).one()
    return {"entries": head.entries, "head_hash": head.hash}


def _of(session: Session, sitting: Sitting, model: type[Row]) -> list[Row]:
    columns = model.__table__.c
    query = select(model).where(columns.sitting_id == sitting.id).order_by(columns.started_at, columns.id)
    return list(session.scalars(query))
