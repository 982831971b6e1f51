"""What the officer asks of the audit log, and what a player reports."""

from typing import Annotated, Literal

from msgspec import Meta

from appliance.audit.deliveries import MAX_SPANS
from web.schemas.decoding import Form, Json
from web.schemas.fields import Ms

Text = Annotated[str, Meta(max_length=200)]
Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
PartMs = Annotated[int, Meta(ge=0, le=7 * 24 * 3600 * 1000)]


class AuditSearch(Form):
    """Filter of the log; ``before`` is the number of an entry, from where a page goes on."""

    who: Text = ""
    action: Text = ""
    subject: Text = ""
    result: Literal["", "success", "refused", "failed", "unsuccessful"] = ""
    address: Text = ""
    from_ms: Ms | None = None
    to_ms: Ms | None = None
    before: Id | None = None


class AuditTaken(AuditSearch):
    """The same, as a file."""

    form: Literal["csv", "json", "pdf"] = "csv"


class WatchersQuery(Form):
    """Whose viewers: a sitting's number, or part of a candidate's name, id or exam."""

    q: Annotated[str, Meta(min_length=1, max_length=200)]


class UnusualQuery(Form):
    """The span that is looked at."""

    from_ms: Ms
    to_ms: Ms


class PlayedSpan(Json):
    """What a player showed of a part, in the part's own time."""

    part: Id
    start: PartMs
    end: PartMs


class Played(Json):
    """What a player showed since it reported last."""

    spans: Annotated[list[PlayedSpan], Meta(min_length=1, max_length=MAX_SPANS)]
