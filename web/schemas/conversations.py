"""What staff ask of conversations."""

from typing import Annotated

from msgspec import Meta

from appliance.vocabulary import ConversationKind
from web.schemas.decoding import Json


class ConversationOpened(Json):
    """Who is to be in it besides the host."""

    kind: ConversationKind
    sitting_ids: Annotated[tuple[int, ...], Meta(max_length=200)] = ()
    user_ids: Annotated[tuple[int, ...], Meta(max_length=20)] = ()
    title: Annotated[str, Meta(max_length=120)] = ""
