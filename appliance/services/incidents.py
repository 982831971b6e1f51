"""Observations and what people make of them: open, update, close, decide; mark and warn by hand; withdraw."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit, bus
from appliance.audit import Actor
from appliance.db import from_ms, to_ms, utcnow
from appliance.errors import BadInput, ImpossibleStep, NotAllowed, NotFound
from appliance.models import Incident, Observation, Sitting
from appliance.security import identity
from appliance.services import browser_reports, evidence_pictures, payloads, reviews
from appliance.services.actors import names, user_id
from appliance.services.evidence_pictures import Shot
from appliance.services.free_text import storable
from appliance.vocabulary import WARNING_TYPES, Decision, ObservationSource, ObservationType
from appliance.vocabulary import SittingState as S

MAX_COMMENT: Final = 4000

CHEATER_WARNINGS: Final = 3
CHEATER_SPACING_MS: Final = 2 * 60 * 1000
"""Three identical warnings, at least two minutes apart, are what ``cheater`` stands for."""

WARNABLE: Final = frozenset({S.RUNNING, S.PAUSED, S.INTERRUPTED})
MARKABLE: Final = WARNABLE | {S.FINISHED, S.PROCESSING, S.IN_REVIEW, S.CONCLUDED}
REVIEWED: Final = frozenset({S.IN_REVIEW, S.CONCLUDED})
AHEAD: Final = timedelta(seconds=5)
"""A start further in the future than this is a wrong clock, and is taken as now."""


def get_observation(session: Session, observation_id: int, company_id: int | None = None) -> Observation:
    """Return the observation, of this company if one is given; raise ``NotFound``."""
    row = session.get(Observation, observation_id)
    if row is None or not _is_of(session, row.sitting_id, company_id):
        raise NotFound("There is no such observation.", observation_id=observation_id)
    return row


def get_incident(session: Session, incident_id: int, company_id: int | None = None) -> Incident:
    """Return the incident, of this company if one is given; raise ``NotFound``."""
    row = session.get(Incident, incident_id)
    if row is None or not _is_of(session, row.sitting_id, company_id):
        raise NotFound("There is no such incident.", incident_id=incident_id)
    return row


def open_observation(
    session: Session,
    sitting_id: int,
    type: ObservationType,
    source: ObservationSource,
    start_ms: int,
    confidence: float = 1.0,
    detector: str = "",
    details: dict[str, Any] | None = None,
    end_ms: int | None = None,
    pictures: Iterable[Shot] = (),
) -> Observation:
    """Keep what began (or, with ``end_ms``, happened) and tell the feed.

    A browser that reports again what is still open gets the open one back. Raises ``BadInput`` for a type a browser
    may not report, ``ImpossibleStep`` when its sitting is over, ``TooMany`` when it floods.
    """
    sitting = _sitting(session, sitting_id)
    now = utcnow()
    if source in browser_reports.SOURCES:
        already = browser_reports.admit(session, sitting, type, now, source, detector)
        details = browser_reports.clean(details or {}, source)
        if already is not None:
            return already if end_ms is None else close_observation(session, already.id, end_ms, confidence)
    start = min(from_ms(start_ms), now) if from_ms(start_ms) > now + AHEAD else from_ms(start_ms)
    row = Observation(
        sitting_id=sitting_id,
        type=type,
        source=source,
        started_at=start,
        ended_at=None if end_ms is None else max(start, from_ms(end_ms)),
        confidence=confidence,
        detector=detector,
        details=details or {},
        decision=Decision.PENDING,
    )
    session.add(row)
    evidence_pictures.attach(row, pictures)
    _publish_observation(session, sitting, "observation.opened", row)
    return row


def update_observation(
    session: Session, observation_id: int, confidence: float, details: dict[str, Any] | None = None
) -> Observation:
    """Raise the confidence and add details while it goes on; nothing happens to one that is closed."""
    row = _locked(session, observation_id)
    if row.ended_at is None:
        row.confidence = max(row.confidence, confidence)
        is_browser = row.source in browser_reports.SOURCES
        more = browser_reports.clean(details or {}, row.source) if is_browser else details or {}
        row.details = {**row.details, **more}
        _publish_observation(session, _sitting(session, row.sitting_id), "observation.updated", row)
    return row


def close_observation(
    session: Session,
    observation_id: int,
    end_ms: int,
    confidence: float | None = None,
    pictures: Iterable[Shot] = (),
) -> Observation:
    """End it; ending it again changes nothing."""
    row = _locked(session, observation_id)
    if row.ended_at is None:
        evidence_pictures.attach(row, pictures)
        row.confidence = max(row.confidence, confidence or 0.0)
        _close(session, row, end_ms)
    return row


def close_open(session: Session, sitting_id: int, source: ObservationSource | None, end_ms: int) -> int:
    """End all that still goes on, of one source or of all (None), and return how many there were."""
    query = select(Observation).where(Observation.sitting_id == sitting_id, Observation.ended_at.is_(None))
    if source is not None:
        query = query.where(Observation.source == source)
    rows = session.scalars(query.order_by(Observation.id).with_for_update(key_share=True)).all()
    for row in rows:
        _close(session, row, end_ms)
    return len(rows)


def decide(session: Session, actor: Actor, observation: Observation, decision: Decision) -> Observation:
    """Confirm (makes an incident), dismiss (withdraws it) or take the decision back; the same again is harmless."""
    person = user_id(actor)
    sitting = _ready_to_rescore(session, observation.sitting_id)
    row = _locked(session, observation.id)
    if row.decision is decision:
        return row
    before = row.decision
    row.decision, row.decided_by_id, row.decided_at = decision, person, utcnow()
    incident = _incident_of(session, row)
    if decision is Decision.CONFIRMED:
        _confirm(session, actor, sitting, row, incident)
    elif incident is not None and incident.withdrawn_at is None:
        incident.withdrawn_at = utcnow()
        _publish_incident(session, sitting, "incident.changed", incident)
    details = {"type": row.type, "before": before, "after": decision}
    _record(session, actor, sitting, "observation.decide", ("observation", row.id), **details)
    _publish_observation(session, sitting, "observation.decided", row)
    _rescore_if_reviewed(session, actor, sitting)
    return row


def warn(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    type: ObservationType,
    comment: str = "",
    observation: Observation | None = None,
) -> Incident:
    """Send the candidate a warning, by hand or from an observation (which it confirms; twice is once)."""
    user_id(actor)
    _check_mark(type, comment)
    if sitting.state not in WARNABLE:
        raise ImpossibleStep("A warning can be sent only while the exam runs.", state=sitting.state)
    now = utcnow()
    if observation is None:
        incident = _new_incident(session, actor, sitting, type, now, None, comment)
    else:
        if observation.sitting_id != sitting.id:
            raise BadInput("The observation is of another sitting.", field="observation_id")
        decide(session, actor, observation, Decision.CONFIRMED)
        incident = _incident_of(session, observation) or _new_incident(
            session, actor, sitting, observation.type, observation.started_at, observation.ended_at, comment
        )
        if incident.sent_at is not None:
            return incident
        incident.comment = storable(comment).strip() or incident.comment
    incident.sent_at = now
    _record(session, actor, sitting, "incident.warn", ("incident", _id(session, incident)), type=incident.type)
    _publish_incident(session, sitting, "incident.warning", incident)
    return incident


def warn_by_rule(session: Session, actor: Actor, sitting: Sitting, observation: Observation) -> Incident:
    """Warn the candidate in the name of the appliance, by the exam's rule; the observation stays to be decided.

    Without a comment: the page words it, in the candidate's language.
    """
    if actor.kind != "appliance":
        raise NotAllowed("A person warns in their own name.")
    incident = _incident_of(session, observation)
    if incident is None:
        began, ended = observation.started_at, observation.ended_at
        incident = _new_incident(
            session, actor, sitting, observation.type, began, ended, "", observation.id, by_rule=True
        )
    if incident.sent_at is None:
        incident.sent_at = utcnow()
        _record(session, actor, sitting, "incident.warn", ("incident", _id(session, incident)), type=incident.type)
        _publish_incident(session, sitting, "incident.warning", incident)
    return incident


def publish_details(session: Session, sitting: Sitting, row: Observation) -> None:
    """Tell all who watch that something was added to an observation."""
    _publish_observation(session, sitting, "observation.updated", row)


def add(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    type: ObservationType,
    start_ms: int,
    end_ms: int | None = None,
    comment: str = "",
) -> Incident:
    """Mark something on the timeline by hand; the candidate is not told."""
    _check_mark(type, comment)
    if sitting.state not in MARKABLE or sitting.started_at is None:
        raise ImpossibleStep("Only a sitting that was started has a timeline to mark.", state=sitting.state)
    _ready_to_rescore(session, sitting.id)
    last = to_ms(sitting.finished_at or utcnow())
    if not to_ms(sitting.started_at) <= start_ms <= (end_ms or start_ms) <= last:
        raise BadInput("A mark must lie between the start and the end of the exam.", field="start_ms")
    end = None if end_ms is None else from_ms(end_ms)
    incident = _new_incident(session, actor, sitting, type, from_ms(start_ms), end or from_ms(start_ms), comment)
    _record(session, actor, sitting, "incident.add", ("incident", _id(session, incident)), type=type)
    _rescore_if_reviewed(session, actor, sitting)
    return incident


def withdraw(session: Session, actor: Actor, incident: Incident) -> Incident:
    """Take an incident back; the observation behind it counts as dismissed."""
    person = user_id(actor)
    sitting = _ready_to_rescore(session, incident.sitting_id)
    row = None if incident.observation_id is None else _locked(session, incident.observation_id)
    session.refresh(incident, with_for_update={"key_share": True})
    if incident.withdrawn_at is not None:
        return incident
    incident.withdrawn_at = utcnow()
    if row is not None:
        row.decision, row.decided_by_id, row.decided_at = Decision.DISMISSED, person, utcnow()
        _publish_observation(session, sitting, "observation.decided", row)
    _record(session, actor, sitting, "incident.withdraw", ("incident", incident.id), type=incident.type)
    _publish_incident(session, sitting, "incident.changed", incident)
    _rescore_if_reviewed(session, actor, sitting)
    return incident


def mark_seen(session: Session, incident_id: int, sitting_id: int, address: str = "") -> Incident:
    """Note that the candidate's page showed the warning; raise ``NotFound`` for what was never sent to it."""
    incident = session.get(Incident, incident_id, with_for_update={"key_share": True}, populate_existing=True)
    if incident is None or incident.sitting_id != sitting_id or incident.sent_at is None:
        raise NotFound("There is no such warning.", incident_id=incident_id)
    if incident.seen_at is None:
        incident.seen_at = utcnow()
        sitting = _sitting(session, sitting_id)
        actor = identity.of_candidate(sitting, address).actor
        _record(session, actor, sitting, "incident.see", ("incident", incident.id), type=incident.type)
        _publish_incident(session, sitting, "incident.changed", incident)
    return incident


def warnings(session: Session, sitting_id: int) -> list[Incident]:
    """Return what was sent to the candidate and not taken back, oldest first."""
    sent = (Incident.sitting_id == sitting_id, Incident.sent_at.is_not(None), Incident.withdrawn_at.is_(None))
    return list(session.scalars(select(Incident).where(*sent).order_by(Incident.sent_at, Incident.id).limit(500)))


def cheater_suggested(sent: Iterable[tuple[ObservationType, int]]) -> bool:
    """Say whether among the warnings (type, sent_ms) one type was sent three times, at least two minutes apart."""
    counts: dict[ObservationType, tuple[int, int]] = {}
    for type, sent_ms in sorted(sent, key=lambda item: item[1]):
        count, last_ms = counts.get(type, (0, sent_ms - CHEATER_SPACING_MS))
        if sent_ms - last_ms >= CHEATER_SPACING_MS:
            counts[type] = (count + 1, sent_ms)
    return any(count >= CHEATER_WARNINGS for count, _ in counts.values())


def _close(session: Session, row: Observation, end_ms: int) -> None:
    """End the observation, and with it the incident that was made of it while it went on."""
    sitting = _sitting(session, row.sitting_id)
    row.ended_at = max(row.started_at, from_ms(end_ms))
    _publish_observation(session, sitting, "observation.closed", row)
    incident = _incident_of(session, row)
    if incident is not None and incident.ended_at is None:
        incident.ended_at = row.ended_at
        _publish_incident(session, sitting, "incident.changed", incident)


def _confirm(session: Session, actor: Actor, sitting: Sitting, row: Observation, incident: Incident | None) -> None:
    if incident is None:
        _new_incident(session, actor, sitting, row.type, row.started_at, row.ended_at, "", row.id)
    else:
        incident.withdrawn_at, incident.ended_at = None, row.ended_at
        _publish_incident(session, sitting, "incident.changed", incident)


def _new_incident(
    session: Session,
    actor: Actor,
    sitting: Sitting,
    type: ObservationType,
    start: datetime,
    end: datetime | None,
    comment: str,
    observation_id: int | None = None,
    by_rule: bool = False,
) -> Incident:
    incident = Incident(
        sitting_id=sitting.id,
        observation_id=observation_id,
        type=type,
        started_at=start,
        ended_at=end,
        comment=storable(comment).strip(),
        created_by_id=None if by_rule else user_id(actor),
    )
    session.add(incident)
    _publish_incident(session, sitting, "incident.added", incident)
    return incident


def _check_mark(type: ObservationType, comment: str) -> None:
    if type not in WARNING_TYPES:
        raise BadInput(f"“{type}” cannot be marked by hand.", field="type")
    if len(comment) > MAX_COMMENT:
        raise BadInput(f"A comment has at most {MAX_COMMENT} characters.", field="comment")


def _locked(session: Session, observation_id: int) -> Observation:
    session.flush()
    row = session.get(Observation, observation_id, with_for_update={"key_share": True}, populate_existing=True)
    if row is None:
        raise NotFound("There is no such observation.", observation_id=observation_id)
    return row


def _sitting(session: Session, sitting_id: int) -> Sitting:
    sitting = session.get(Sitting, sitting_id)
    if sitting is None:
        raise NotFound("There is no such sitting.", sitting_id=sitting_id)
    return sitting


def _is_of(session: Session, sitting_id: int, company_id: int | None) -> bool:
    return company_id is None or _sitting(session, sitting_id).company_id == company_id


def _incident_of(session: Session, row: Observation) -> Incident | None:
    return session.scalar(select(Incident).where(Incident.observation_id == row.id))


def _id(session: Session, incident: Incident) -> int:
    session.flush()
    return incident.id


def _publish_observation(session: Session, sitting: Sitting, kind: str, row: Observation) -> None:
    session.flush()
    payload = payloads.observation(row, names(session, [row.decided_by_id]))
    bus.publish_sitting(session, sitting, kind, {"observation": payload})


def _publish_incident(session: Session, sitting: Sitting, kind: str, incident: Incident) -> None:
    session.flush()
    payload = payloads.incident(incident, names(session, [incident.created_by_id]))
    bus.publish_sitting(session, sitting, kind, {"incident": payload})


def _record(
    session: Session, actor: Actor, sitting: Sitting, action: str, subject: tuple[str, int], **details: Any
) -> None:
    audit.record(session, actor, action, subject, company_id=sitting.company_id, sitting_id=sitting.id, **details)


def _ready_to_rescore(session: Session, sitting_id: int) -> Sitting:
    """Return the sitting, locked if its score will be computed anew, so that it misses no decision made meanwhile.

    Rows are always locked in the order sitting, observation, incident.
    """
    sitting = _sitting(session, sitting_id)
    session.flush()
    if sitting.state in REVIEWED:
        session.refresh(sitting, with_for_update={"key_share": True})
    return sitting


def _rescore_if_reviewed(session: Session, actor: Actor, sitting: Sitting) -> None:
    """A decision made after the exam changes the score at once; before that there is none."""
    if sitting.state in REVIEWED and sitting.started_at is not None:
        reviews.rescore(session, actor, sitting)
