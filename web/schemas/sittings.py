"""What proctors and reviewers say about a sitting."""

from typing import Annotated

from msgspec import Meta

from appliance.vocabulary import ChatKind, Conclusion, ObservationType
from web.schemas.decoding import Form, Json
from web.schemas.fields import Comment, Ms, Page


class Finish(Json):
    """End of the exam by the proctor, perhaps with a conclusion at once."""

    conclusion: Conclusion | None = None
    comment: Comment = ""


class Reason(Json):
    """Why a sitting is dropped, paused or interrupted."""

    reason: Comment = ""


class Concluded(Json):
    """The judgement."""

    conclusion: Conclusion
    comment: Comment = ""


class WarningSent(Json):
    """A warning to the candidate, perhaps about an observation."""

    type: ObservationType
    comment: Comment = ""
    observation_id: int | None = None


class IncidentMarked(Json):
    """An incident marked by hand on the timeline."""

    type: ObservationType
    start_ms: Ms
    end_ms: Ms | None = None
    comment: Comment = ""


class MessageSent(Json):
    """A chat message of staff; ``ref`` makes a repeat harmless."""

    text: Comment
    kind: ChatKind = ChatKind.MESSAGE
    ref: Annotated[str, Meta(max_length=64)] = ""


class SittingsQuery(Form):
    """Filter of the archive; ``state`` may list several, separated by commas."""

    state: str = ""
    q: Comment = ""
    page: Page = 1


class SupportQuery(Form):
    """Filter of the support's table."""

    q: Comment = ""
