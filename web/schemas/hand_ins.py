"""What the candidate's page says of what it recorded itself."""

from typing import Annotated

from msgspec import Meta

from appliance.services.hand_ins import SEGMENTS, Claim
from appliance.vocabulary import Track
from web.schemas.decoding import Json
from web.schemas.fields import Ms

Size = Annotated[int, Meta(ge=1, le=2**40)]


class SegmentClaimed(Json):
    """One file of the browser's recorder."""

    start_ms: Ms
    end_ms: Ms
    size: Size


class HandInClaimed(Json):
    """What is about to be handed in; which sizes and spans go, the service knows."""

    track: Track
    start_ms: Ms
    end_ms: Ms
    size: Size
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    mime: Annotated[str, Meta(max_length=100)]
    segments: Annotated[list[SegmentClaimed], Meta(min_length=1, max_length=SEGMENTS)]

    @property
    def claim(self) -> Claim:
        """Return it as the service wants it."""
        segments = [(one.start_ms, one.end_ms, one.size) for one in self.segments]
        return Claim(self.track, self.start_ms, self.end_ms, self.size, self.sha256, self.mime, segments)
