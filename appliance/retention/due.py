"""What the schedule has to look at, found by the database: terms that near their end, and what was announced."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, and_, bindparam, case, exists, func, literal, null, or_, select
from sqlalchemy.orm import Session, aliased

from appliance.models import (
    BrowserReport,
    Candidate,
    Challenge,
    ChatMessage,
    Company,
    Consent,
    Disposal,
    EvidencePicture,
    Export,
    FaceTemplate,
    HandIn,
    IdentityCheck,
    IdentityPhoto,
    Incident,
    Observation,
    Part,
    PipelineCheck,
    RetentionRule,
    Score,
    SimilarFace,
    Sitting,
    SystemCheck,
)
from appliance.models.challenge import ChallengePictures
from appliance.services import holds
from appliance.services.profiles import PROFILES
from appliance.services.retention_terms import WARN_DAYS
from appliance.vocabulary import DataClass
from appliance.vocabulary import SittingState as S

AT_WORK: Final = (S.RUNNING, S.PAUSED, S.INTERRUPTED, S.FINISHED, S.PROCESSING)
"""Evidence of these is still made: their terms have not begun."""

OF_PEOPLE: Final = frozenset({DataClass.TEMPLATE, DataClass.PERSON})
"""Classes that belong to a person over all sittings; the others belong to one sitting."""

ENDED: Final = func.coalesce(
    Sitting.finished_at,
    func.greatest(Sitting.created_at, Sitting.waiting_at, Sitting.started_at, Sitting.last_seen_at),
)
"""The term's beginning: the end of the sitting, or the last that was seen of one that never ran."""


class Subject(NamedTuple):
    """One data class of one sitting or person, as the database knows it."""

    company_id: int
    id: int
    ended_at: datetime
    due_at: datetime | None
    days: int | None
    warn_days: int
    held: bool


def coming(session: Session, data_class: DataClass, now: datetime, limit: int) -> list[Subject]:
    """Return what must be announced now, over all companies: there are such data, and nothing was announced yet."""
    rows = session.execute(_coming(data_class), {"now": now, "most": limit})
    return [Subject(*row) for row in rows]


def subjects(session: Session, data_class: DataClass, ids: Iterable[int]) -> dict[int, Subject]:
    """Return what is known of these sittings or people now; whoever is at work again is not among them."""
    model = _subject_model(data_class)
    rows = session.execute(_subjects(data_class).where(model.id.in_(list(ids))))
    return {row[1]: Subject(*row) for row in rows}


@lru_cache(maxsize=len(DataClass))  # to build it takes longer than to run it
def _coming(data_class: DataClass) -> Select[Any]:
    query = _subjects(data_class)
    model = _subject_model(data_class)
    open_ = exists().where(_of_subject(data_class, model), Disposal.data_class == data_class)
    query = query.where(~open_.where(Disposal.deleted_at.is_(None)), _something_of(data_class), ~_held(data_class))
    near = query.subquery()
    reached = near.c.due_at - func.make_interval(0, 0, 0, near.c.warn_days) <= bindparam("now")
    return select(near).where(reached).order_by(near.c.id).limit(bindparam("most"))


@lru_cache(maxsize=len(DataClass))
def _subjects(data_class: DataClass) -> Select[Any]:
    days, warn_days = _days(data_class), _warn_days()
    one = func.make_interval(0, 0, 0, 1)
    columns: tuple[Any, ...]
    if data_class not in OF_PEOPLE:
        columns = (Sitting.company_id, Sitting.id, ENDED, ENDED + days * one, days, warn_days, _held(data_class))
        query = _with_rules(select(*_labelled(columns)).select_from(Sitting), data_class)
        return query.where(Sitting.state.not_in(AT_WORK))
    # Each sitting keeps its person for its exam's term: the last of these ends counts, and none while one has no end.
    last = func.max(ENDED + days * one)
    due = case((func.bool_and(days.is_not(None)), last), else_=null())
    columns = (
        Candidate.company_id,
        Candidate.id,
        func.max(ENDED),
        due,
        func.max(days),
        func.max(warn_days),
        _held(data_class),
    )
    query = select(*_labelled(columns)).select_from(Candidate).join(Sitting, Sitting.candidate_id == Candidate.id)
    query = _with_rules(query, data_class).group_by(Candidate.id)
    return query.having(func.bool_and(Sitting.state.not_in(AT_WORK)))


_own = aliased(RetentionRule, name="own_rule")
_wide = aliased(RetentionRule, name="wide_rule")


def _with_rules(query: Select[Any], data_class: DataClass) -> Select[Any]:
    own = and_(_own.exam_id == Sitting.exam_id, _own.data_class == data_class)
    wide = and_(_wide.company_id == Sitting.company_id, _wide.exam_id.is_(None), _wide.data_class == data_class)
    return query.join(Company, Company.id == Sitting.company_id).outerjoin(_own, own).outerjoin(_wide, wide)


def _days(data_class: DataClass) -> Any:
    """Return the term in days: the exam's, the company's or the preset one, within the profile's limits."""
    ruled = or_(_own.id.is_not(None), _wide.id.is_not(None))
    said = case((_own.id.is_not(None), _own.days), else_=_wide.days)
    per_profile = []
    for name, profile in PROFILES.items():
        term = profile.retention[data_class]
        within = func.least(func.greatest(said, term.least), term.most)
        days = case((~ruled, literal(term.default)), (said.is_(None), literal(term.most)), else_=within)
        per_profile.append((Company.profile == name, days))
    return case(*per_profile[1:], else_=per_profile[0][1])


def _warn_days() -> Any:
    return func.coalesce(case((_own.id.is_not(None), _own.warn_days), else_=_wide.warn_days), WARN_DAYS)


def _labelled(columns: tuple[Any, ...]) -> list[Any]:
    return [column.label(name) for column, name in zip(columns, Subject._fields, strict=True)]


def _subject_model(data_class: DataClass) -> Any:
    return Candidate if data_class in OF_PEOPLE else Sitting


def _of_subject(data_class: DataClass, model: Any) -> Any:
    return (Disposal.candidate_id if data_class in OF_PEOPLE else Disposal.sitting_id) == model.id


def _held(data_class: DataClass) -> Any:
    return holds.on_candidate() if data_class in OF_PEOPLE else holds.on_sitting()


def _something_of(data_class: DataClass) -> Any:
    """Return the condition that there is anything of this class."""
    if data_class is DataClass.PERSON:
        return Candidate.erased_at.is_(None)
    if data_class is DataClass.TEMPLATE:
        in_use = (FaceTemplate.candidate_id == Candidate.id, FaceTemplate.revoked_at.is_(None))
        return exists().where(*in_use).correlate(Candidate)
    return or_(*(each.correlate(Sitting) for each in _EVIDENCE[data_class]))


_EVIDENCE: Final[dict[DataClass, list[Any]]] = {
    DataClass.RECORDING: [
        exists().where(Part.sitting_id == Sitting.id),
        exists().where(HandIn.sitting_id == Sitting.id),
        exists().where(Export.sitting_id == Sitting.id, Export.vault_object_id.is_not(None)),
    ],
    DataClass.PHOTO: [
        exists().where(IdentityPhoto.sitting_id == Sitting.id),
        exists().where(EvidencePicture.observation_id == Observation.id, Observation.sitting_id == Sitting.id),
        exists().where(ChallengePictures.challenge_id == Challenge.id, Challenge.sitting_id == Sitting.id),
    ],
    DataClass.CHAT: [exists().where(ChatMessage.sitting_id == Sitting.id)],
    DataClass.METRICS: [
        exists().where(model.sitting_id == Sitting.id)
        for model in (Observation, Incident, Score, IdentityCheck, SimilarFace, Challenge)
    ],
    DataClass.LOG: [
        exists().where(SystemCheck.sitting_id == Sitting.id),
        exists().where(BrowserReport.sitting_id == Sitting.id),
        exists().where(PipelineCheck.sitting_id == Sitting.id),
        exists().where(Consent.sitting_id == Sitting.id, or_(Consent.address != "", Consent.user_agent != "")),
    ],
}


def warn_of(subject: Subject) -> timedelta:
    """Return how long before its deletion a subject is announced."""
    return timedelta(days=subject.warn_days)
