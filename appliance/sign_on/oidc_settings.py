"""Settings of one OpenID provider."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from appliance.errors import BadInput

Text = Annotated[str, Meta(max_length=300)]
Pem = Annotated[str, Meta(max_length=100_000)]
Texts = Annotated[tuple[Text, ...], Meta(max_length=20)]

SECOND_FACTOR_VALUES: Final = ("mfa",)
"""RFC 8176: several factors were used."""


class OidcSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What an administrator enters; the client secret is kept elsewhere."""

    issuer: Text = ""
    """``https://…``, exactly as the provider names itself."""
    client_id: Text = ""
    ca_certificate: Pem = ""
    """PEM of the customer's own authority; empty: the system's."""
    scopes: Texts = ("openid", "profile", "email")
    groups_claim: Text = "groups"
    """Where the groups are; dots lead into objects, as ``realm_access.roles``."""
    name_claim: Text = "name"
    email_claim: Text = "email"
    trust_email: bool = False
    """Whether the e-mail counts as verified without ``email_verified`` (ADFS and Entra ID never say it)."""
    acr_values: Texts = ()
    """Asked for at each log-in."""
    second_factor_values: Texts = SECOND_FACTOR_VALUES
    """Values of ``acr`` or ``amr`` that say that a second factor was shown; none: Kustos asks for its own."""
    logs_out: bool = True
    """Whether logging out here goes on to log out there."""


def checked(settings: OidcSettings) -> OidcSettings:
    """Return them; raise ``BadInput`` naming the field."""
    parts = urlsplit(settings.issuer)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
        raise BadInput("The issuer is an address like https://login.example.org/realms/exams.", field="issuer")
    if not settings.client_id:
        raise BadInput(
            "The client ID is missing; the provider gives it when Kustos is registered.", field="client_id"
        )
    if "openid" not in settings.scopes:
        raise BadInput("The scopes must contain openid.", field="scopes")
    if not settings.groups_claim:
        raise BadInput("Say in which claim the groups are; usually it is groups.", field="groups_claim")
    return settings
