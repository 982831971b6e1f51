"""What the candidate's page says during check-in and exam."""

from typing import Annotated, Any

from msgspec import Meta, field

from appliance.services.exams import Answer
from appliance.vocabulary import IdentityVerdict
from web.schemas.decoding import Json
from web.schemas.fields import Word


class ConsentAnswer(Json):
    """Accepted or refused, and which text was read."""

    accepted: bool
    version: Word
    language: Annotated[str, Meta(min_length=2, max_length=8)]


class SystemCheckReport(Json):
    """Results by name of the check, and what browser it was."""

    results: Annotated[dict[Word, dict[str, Any]], Meta(min_length=1, max_length=32)]
    client: Annotated[dict[str, Any], Meta(max_length=32)]


class PhotoJudged(Json):
    """What the candidate's own browser says of a photo that stays with it."""

    usable: bool
    hints: Annotated[list[Annotated[str, Meta(pattern="^[a-z_]{1,32}$")]], Meta(max_length=8)] = field(
        default_factory=list
    )
    verdict: IdentityVerdict | None = None
    distance: Annotated[float, Meta(ge=0, le=4)] | None = None
    models: Annotated[dict[Word, Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]], Meta(max_length=8)] = field(
        default_factory=dict
    )


class ChallengeBegun(Json):
    """Whether a try is begun with twice the time."""

    relaxed: bool = False


class AnswerGiven(Json):
    """The answer to one of the exam's own questions; its length is the service's to judge."""

    index: Annotated[int, Meta(ge=0, le=10_000)]
    answer: Answer
