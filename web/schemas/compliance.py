"""Profiles, and which hosts of the house may be asked."""

from typing import Annotated

from msgspec import Meta

from appliance.services.company_profiles import MOST_HOSTS
from web.schemas.decoding import Json
from web.schemas.fields import Word


class ProfileChosen(Json):
    """The profile to be under from now on."""

    profile: Word


class PrivateHosts(Json):
    """Names, addresses or networks of the house."""

    private_hosts: Annotated[list[Annotated[str, Meta(max_length=253)]], Meta(max_length=MOST_HOSTS)]
