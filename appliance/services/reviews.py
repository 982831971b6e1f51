"""What a reviewer works with: the timeline of one sitting, its score, and the archive of all."""

from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from appliance import audit, scoring
from appliance.audit import Actor
from appliance.db import Base, to_ms, utcnow
from appliance.errors import ImpossibleStep
from appliance.models import (
    Candidate,
    ChatMessage,
    Consent,
    Exam,
    Gap,
    HandIn,
    IdentityPhoto,
    Incident,
    Observation,
    Part,
    Score,
    Sitting,
    SystemCheck,
)
from appliance.security import scopes
from appliance.security.identity import Identity
from appliance.security.permission_map import Permission
from appliance.services import challenges, identity_checks, payloads
from appliance.services.actors import names
from appliance.services.free_text import storable
from appliance.vocabulary import SittingState

MAX_ROWS: Final = 5000
"""Of one kind on a timeline; an hour with an observation a second is 3600."""

PAGE_SIZE: Final = 50

Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the archive."""

    sittings: list[dict[str, Any]]
    total: int
    page: int
    page_size: int = PAGE_SIZE


def rescore(session: Session, actor: Actor, sitting: Sitting) -> Score:
    """Compute the trust score from what is known now; older scores are kept."""
    if sitting.started_at is None:
        raise ImpossibleStep("A sitting that was never started has no score.", state=sitting.state)
    session.flush()
    start, end = to_ms(sitting.started_at), to_ms(sitting.finished_at or utcnow())
    series = _series(session, sitting, _spans(session, sitting), start, end)
    weights = scoring.effective_weights(sitting.exam.weights, sitting.exam.rules)
    result = scoring.score(series, weights, end - start)
    row = Score(sitting_id=sitting.id, value=result.value, explanation=result.explanation, metrics=series)
    session.add(row)
    before, sitting.score = sitting.score, result.value
    subject = ("sitting", sitting.id)
    audit.record(
        session, actor, "sitting.score", subject, company_id=sitting.company_id, before=before, after=result.value
    )
    session.flush()
    return row


def timeline(session: Session, sitting: Sitting) -> dict[str, Any]:
    """Return all there is of one sitting, in the shape of docs/contracts.md; a fixed number of queries."""
    observations = _of(session, sitting, Observation, Observation.started_at, Observation.id)
    incidents = _of(session, sitting, Incident, Incident.started_at, Incident.id)
    messages = _of(session, sitting, ChatMessage, ChatMessage.id)
    start = sitting.started_at or sitting.waiting_at or sitting.created_at
    end = sitting.finished_at or utcnow()
    people = names(
        session,
        [
            *(row.decided_by_id for row in observations),
            *(row.created_by_id for row in incidents),
            *(row.user_id for row in messages),
            sitting.proctor_id,
            sitting.concluded_by_id,
        ],
    )
    spans = spans_of(observations, incidents)
    return {
        "sitting": payloads.sitting(sitting, people.get(sitting.proctor_id or 0)),
        "start_ms": to_ms(start),
        "end_ms": to_ms(end),
        "parts": [payloads.part(row) for row in _of(session, sitting, Part, Part.started_at, Part.id)],
        "gaps": [payloads.gap(row) for row in _of(session, sitting, Gap, Gap.started_at, Gap.id)],
        "hand_ins": [payloads.hand_in(row) for row in _of(session, sitting, HandIn, HandIn.id)],
        "observations": [payloads.observation(row, people) for row in observations],
        "incidents": [payloads.incident(row, people) for row in incidents],
        "messages": [payloads.message(row, sitting.candidate.name, people) for row in messages],
        "metrics": _series(session, sitting, spans, to_ms(start), to_ms(end)) if sitting.started_at else {},
        "score": _latest_score(session, sitting),
        "thresholds": {**scoring.DEFAULT_THRESHOLDS, **sitting.exam.thresholds},
        "photos": [payloads.photo(row) for row in _of(session, sitting, IdentityPhoto, IdentityPhoto.id)],
        "challenges": challenges.staff_payloads(session, [sitting.id])[sitting.id],
        "consent": _latest(session, sitting, Consent, payloads.consent),
        "system_check": _latest(session, sitting, SystemCheck, payloads.system_check),
        "conclusion": _conclusion(sitting, people),
        "finish_comment": sitting.finish_comment,
        "answers": sitting.answers,
        "rules": sitting.exam.rules,
    }


def _series(
    session: Session, sitting: Sitting, spans: list[scoring.Span], start_ms: int, end_ms: int
) -> dict[str, list[int]]:
    """Return the metrics, with c5 (similar other profile), which is known of the whole sitting and never weighed."""
    series = scoring.metrics(spans, start_ms, end_ms)
    share = identity_checks.similar_share(session, sitting)
    return {**series, "c5": [share] * len(series["c4"])}


def spans_of(observations: list[Observation], incidents: list[Incident]) -> list[scoring.Span]:
    """Return what scores: observations as decided, and marks made by hand that were not withdrawn."""
    seen = [
        scoring.Span(
            row.type,
            to_ms(row.started_at),
            payloads.ms(row.ended_at),
            row.decision,
            tuple((start, end) for start, end in row.details.get("pauses", ())),
        )
        for row in observations
    ]
    marked = [
        # A warning by hand has no end: it says when, not how long.
        scoring.Span(row.type, to_ms(row.started_at), to_ms(row.ended_at or row.started_at))
        for row in incidents
        if row.observation_id is None and row.withdrawn_at is None
    ]
    return seen + marked


def archive(
    session: Session,
    who: Identity,
    states: list[SittingState] | None = None,
    text: str = "",
    page: int = 1,
) -> Page:
    """Return a page of the sittings that ``who`` may see, newest first; ``text`` is looked for in names and ids."""
    mine = scopes.sittings(who, Permission.SITTING_LIST)
    query = select(Sitting).join(Sitting.candidate).join(Sitting.exam).where(mine)
    if states:
        query = query.where(Sitting.state.in_(states))
    if text.strip():
        query = query.where(mentions(text.strip()))
    total = session.scalar(query.with_only_columns(func.count())) or 0
    wanted = query.order_by(Sitting.created_at.desc(), Sitting.id.desc())
    rows = _with_names(session, wanted.offset((max(1, page) - 1) * PAGE_SIZE).limit(PAGE_SIZE))
    return Page(rows, total, max(1, page))


def _with_names(session: Session, query: Select[Sitting]) -> list[dict[str, Any]]:
    rows = session.scalars(query.options(joinedload(Sitting.exam), joinedload(Sitting.candidate))).all()
    people = names(session, [row.proctor_id for row in rows])
    now = utcnow()
    return [payloads.sitting(row, people.get(row.proctor_id or 0), now) for row in rows]


def mentions(text: str) -> Any:
    """Return the condition that a text is in a candidate's name, id, e-mail, the exam's name or the sitting's id."""
    text = storable(text)
    full_name = Candidate.first_name + " " + Candidate.last_name
    columns = (full_name, Candidate.external_id, Candidate.email, Exam.name, Sitting.external_id)
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _spans(session: Session, sitting: Sitting) -> list[scoring.Span]:
    return spans_of(_of(session, sitting, Observation, Observation.id), _of(session, sitting, Incident, Incident.id))


def _of(session: Session, sitting: Sitting, model: type[Row], *order: Any) -> list[Row]:
    columns = model.__table__.c
    query = select(model).where(columns.sitting_id == sitting.id).order_by(*order).limit(MAX_ROWS)
    return list(session.scalars(query))


def _latest(session: Session, sitting: Sitting, model: type[Row], shape: Any) -> dict[str, Any] | None:
    columns = model.__table__.c
    query = select(model).where(columns.sitting_id == sitting.id).order_by(columns.id.desc()).limit(1)
    row = session.scalars(query).first()
    return None if row is None else shape(row)


def _latest_score(session: Session, sitting: Sitting) -> dict[str, Any] | None:
    return _latest(
        session,
        sitting,
        Score,
        lambda row: {"value": row.value, "explanation": row.explanation, "computed_ms": to_ms(row.computed_at)},
    )


def _conclusion(sitting: Sitting, people: payloads.Names) -> dict[str, Any] | None:
    if sitting.conclusion is None or sitting.concluded_at is None:
        return None
    return {
        "conclusion": sitting.conclusion.value,
        "comment": sitting.conclusion_comment,
        "by": people.get(sitting.concluded_by_id or 0, ""),
        "at_ms": to_ms(sitting.concluded_at),
    }
