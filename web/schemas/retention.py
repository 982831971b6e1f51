"""Terms, holds, and one person's rights."""

from typing import Annotated

from msgspec import Meta

from appliance.vocabulary import AskedBy, DataClass, HoldScope, LegalBasis
from web.schemas.decoding import Form, Json
from web.schemas.fields import Page

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Days = Annotated[int, Meta(ge=1, le=100_000)]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]


class TermSet(Json):
    """A term of the company, or of one exam; which are possible, the profile says."""

    data_class: DataClass
    days: Days | None
    """None: without end."""
    warn_days: Days
    exam_id: Id | None = None


class TermDropped(Json):
    """A rule that is to count no longer."""

    data_class: DataClass
    exam_id: Id | None = None


class SoonQuery(Form):
    """A page of what is deleted soon."""

    data_class: DataClass | None = None
    page: Page = 1


class PersonQuery(Form):
    """Whom to find."""

    q: Annotated[str, Meta(max_length=200)] = ""


class HoldPlaced(Json):
    """What nothing may be deleted of, why, and who answers for it."""

    scope: HoldScope
    id: Id
    reason: Text
    owner: Text


class HoldReleased(Json):
    """Why it is no longer needed."""

    reason: Text


class PersonErased(Json):
    """Why, who asked, and the letter's number: never a name."""

    legal_basis: LegalBasis
    asked_by: AskedBy
    reference: Annotated[str, Meta(max_length=200)] = ""


class PersonExported(Json):
    """Whether the films go along."""

    with_recordings: bool = False


class PaperQuery(Form):
    """How a paper is wanted."""

    html: bool = False
