"""How a company's browsers may connect."""

from typing import Annotated

from msgspec import Meta

from appliance.vocabulary import IcePolicy
from web.schemas.decoding import Json

Url = Annotated[str, Meta(max_length=200)]


class NetworkChange(Json):
    """All of it; ``turn_secret`` left out keeps the one that is there."""

    ice_policy: IcePolicy
    stun_urls: Annotated[tuple[Url, ...], Meta(max_length=20)] = ()
    turn_urls: Annotated[tuple[Url, ...], Meta(max_length=20)] = ()
    turn_secret: Annotated[str, Meta(max_length=200)] | None = None
