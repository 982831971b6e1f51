"""What a route is about, found by its id before anything is decided. Another company's things are not found."""

from dataclasses import dataclass

from appliance.errors import LoginRequired, NotFound
from appliance.models import (
    Challenge,
    Conversation,
    Exam,
    Export,
    IdentityPhoto,
    Incident,
    Observation,
    Part,
    PipelineCheck,
    Seat,
    Sitting,
)
from appliance.services import (
    challenges,
    conversations,
    exams,
    exports,
    incidents,
    pipeline_checks,
    recordings,
    sittings,
)
from web.policy import Visitor
from web.services import Request

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Nothing:
    """A route about no single thing."""


@dataclass(frozen=True, slots=True)
class SittingContext:
    """A route about one sitting."""

    sitting: Sitting


@dataclass(frozen=True, slots=True)
class ExamContext:
    """A route about one exam."""

    exam: Exam


@dataclass(frozen=True, slots=True)
class PhotoContext:
    """A route about one check-in photo."""

    sitting: Sitting
    photo: IdentityPhoto


@dataclass(frozen=True, slots=True)
class ChallengePictureContext:
    """A route about one picture of a try at a challenge."""

    sitting: Sitting
    challenge: Challenge
    number: int
    vault_object_id: int


@dataclass(frozen=True, slots=True)
class PartContext:
    """A route about one part of a recording."""

    sitting: Sitting
    part: Part


@dataclass(frozen=True, slots=True)
class ObservationContext:
    """A route about one observation."""

    sitting: Sitting
    observation: Observation


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """A route about one incident."""

    sitting: Sitting
    incident: Incident


@dataclass(frozen=True, slots=True)
class ConversationContext:
    """A route about one conversation of the asker's company."""

    conversation: Conversation
    user_id: int | None
    sitting_id: int | None

    @property
    def seat(self) -> Seat:
        """Return the asker's; raise ``NotFound`` for who was not asked in."""
        return conversations.seat_of(self.conversation, user_id=self.user_id, sitting_id=self.sitting_id)


@dataclass(frozen=True, slots=True)
class ExportContext:
    """A route about one export."""

    sitting: Sitting
    export: Export


@dataclass(frozen=True, slots=True)
class CheckContext:
    """A route about one check of the pipeline."""

    check: PipelineCheck


def nothing(request: Request) -> Nothing:
    """Context of routes about no single thing."""
    return Nothing()


def own_sitting(request: Request) -> SittingContext:
    """Context of the candidate's routes: the sitting that the cookie opens."""
    return SittingContext(sittings.get(request.db, _visitor(request).identity.id))


def sitting(request: Request) -> SittingContext:
    """Context of ``…/sittings/{id}``."""
    return SittingContext(sittings.get(request.db, number(request, "id"), _company(request)))


def exam(request: Request) -> ExamContext:
    """Context of ``…/exams/{id}``."""
    return ExamContext(exams.get(request.db, number(request, "id"), _company(request)))


def photo(request: Request) -> PhotoContext:
    """Context of ``…/photos/{id}``."""
    company = _company(request)
    row = request.db.get(IdentityPhoto, number(request, "id"))
    if row is None:
        raise NotFound("There is no such photo.")
    return PhotoContext(sittings.get(request.db, row.sitting_id, company), row)


def challenge_picture(request: Request) -> ChallengePictureContext:
    """Context of ``…/challenges/{id}/pictures/{number}``."""
    company, wanted = _company(request), number(request, "number")
    row = request.db.get(Challenge, number(request, "id"))
    kept = dict(challenges.evidence(request.db, row.id)) if row is not None else {}
    if row is None or wanted not in kept:
        raise NotFound("There is no such picture.")
    return ChallengePictureContext(sittings.get(request.db, row.sitting_id, company), row, wanted, kept[wanted].id)


def part(request: Request) -> PartContext:
    """Context of ``…/parts/{id}``."""
    row = recordings.get_part(request.db, number(request, "id"), _company(request))
    return PartContext(sittings.get(request.db, row.sitting_id), row)


def observation(request: Request) -> ObservationContext:
    """Context of ``…/observations/{id}``."""
    row = incidents.get_observation(request.db, number(request, "id"), _company(request))
    return ObservationContext(sittings.get(request.db, row.sitting_id), row)


def incident(request: Request) -> IncidentContext:
    """Context of ``…/incidents/{id}``."""
    row = incidents.get_incident(request.db, number(request, "id"), _company(request))
    return IncidentContext(sittings.get(request.db, row.sitting_id), row)


def conversation(request: Request) -> ConversationContext:
    """Context of ``…/conversations/{id}``."""
    identity = _visitor(request).identity
    row = conversations.get(request.db, number(request, "id"), identity.company_id)
    return ConversationContext(row, None if identity.sitting_id is not None else identity.id, identity.sitting_id)


def export(request: Request) -> ExportContext:
    """Context of ``…/exports/{id}``."""
    row = exports.get(request.db, number(request, "id"), _company(request))
    return ExportContext(sittings.get(request.db, row.sitting_id), row)


def check(request: Request) -> CheckContext:
    """Context of ``…/checks/{id}``."""
    return CheckContext(pipeline_checks.get(request.db, number(request, "id"), _company(request)))


def number(request: Request, name: str) -> int:
    """Return an id of the path; raise ``NotFound`` for what cannot be one."""
    text = request.matchdict[name]
    if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST_ID:
        raise NotFound
    return int(text)


def _visitor(request: Request) -> Visitor:
    visitor = request.visitor
    if visitor is None:
        raise LoginRequired
    return visitor


def _company(request: Request) -> int:
    return _visitor(request).identity.company_id
