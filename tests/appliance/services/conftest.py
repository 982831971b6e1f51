"""Shared by the services' tests: the candidate as actor, a sitting that runs, what was published and written down."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import from_ms, to_ms, utcnow
from appliance.models import AuditEntry, LiveEvent, Observation, Sitting
from appliance.security import identity
from appliance.services import check_ins, sittings
from appliance.vocabulary import Decision, ExamMode, ObservationSource, ObservationType, SittingState
from tests.factories import Factories

CHECKS = {name: {"state": "passed"} for name in ("camera", "microphone", "screen")}

BOX = Actor.appliance("test")


def by_candidate(sitting: Sitting) -> Actor:
    return identity.of_candidate(sitting, "192.0.2.7").actor


def picture(width: int = 640, height: int = 480, format: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "steelblue").save(out, format, **options)
    return out.getvalue()


def events(session: Session, topic: str, kind: str | None = None) -> list[LiveEvent]:
    """Events of a topic, in order; commit first."""
    query = select(LiveEvent).where(LiveEvent.topic == topic).order_by(LiveEvent.id)
    return [event for event in session.scalars(query) if kind in (None, event.kind)]


def actions(session: Session) -> list[str]:
    """The actions of the audit log, in order; commit first."""
    return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def jobs_of(session: Session, task: str) -> list[dict[str, Any]]:
    query = text("SELECT args FROM procrastinate_jobs WHERE task_name = :task ORDER BY id")
    return list(session.scalars(query, {"task": task}))


@pytest.fixture
def proctor(make: Factories) -> Actor:
    return make.actor()


@pytest.fixture
def running(session: Session, make: Factories, proctor: Actor) -> Callable[..., Sitting]:
    """Make a sitting and start it, committed."""

    def start(**fields: Any) -> Sitting:
        sitting = make.sitting(SittingState.WAITING, **fields)
        sittings.start(session, proctor, sitting)
        session.commit()
        return sitting

    return start


@pytest.fixture
def checked_in(session: Session, make: Factories) -> Callable[..., Sitting]:
    """Make a sitting whose candidate gave consent and passed the system check."""

    def check_in(identification: str = "face_and_passport", mode: ExamMode = ExamMode.ONLINE) -> Sitting:
        exam = make.exam(mode, identification=identification)
        sitting = make.sitting(SittingState.CHECK_IN, exam=exam)
        candidate = by_candidate(sitting)
        check_ins.answer_consent(session, candidate, sitting, True, "en")
        check_ins.record_system_check(session, candidate, sitting, CHECKS, {})
        session.commit()
        return sitting

    return check_in


@pytest.fixture
def seen(session: Session) -> Callable[..., Observation]:
    """Put an observation into the database, ``after`` ms from the start, ``length`` ms long (None: goes on)."""

    def put(
        sitting: Sitting,
        type: ObservationType = ObservationType.NO_USER_IN_FRAME,
        after: int = 0,
        length: int | None = 1000,
        **fields: Any,
    ) -> Observation:
        start = to_ms(sitting.started_at or utcnow()) + after
        row = Observation(
            sitting_id=sitting.id,
            type=type,
            source=fields.pop("source", ObservationSource.DETECTOR),
            started_at=from_ms(start),
            ended_at=None if length is None else from_ms(start + length),
            decision=fields.pop("decision", Decision.PENDING),
            details=fields.pop("details", {}),
            **fields,
        )
        session.add(row)
        session.commit()
        return row

    return put
