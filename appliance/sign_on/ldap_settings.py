"""Settings of one directory."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from appliance.errors import BadInput
from appliance.sign_on.fetch import is_loopback_name
from appliance.vocabulary import GroupLookup

Text = Annotated[str, Meta(max_length=500)]
Pem = Annotated[str, Meta(max_length=100_000)]
Servers = Annotated[tuple[Text, ...], Meta(max_length=8)]

USERNAME: Final = "{username}"
DN: Final = "{dn}"
_ATTRIBUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9;-]*")


class LdapSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What an administrator enters; the service account's password is kept elsewhere."""

    servers: Servers = ()
    """``ldaps://dc1.example.org``, or ``ldap://…``, which goes on with StartTLS. Asked in this order."""
    bind_dn: Text = ""
    """The service account that searches; Active Directory also takes ``name@domain``."""
    base_dn: Text = ""
    ca_certificate: Pem = ""
    """PEM of the customer's own authority; empty: the system's."""
    user_filter: Text = "(&(objectClass=person)(uid={username}))"
    subject_attribute: Text = "entryUUID"
    """Never changes, also when somebody marries or moves; Active Directory: ``objectGUID``."""
    name_attribute: Text = "cn"
    email_attribute: Text = "mail"
    group_lookup: GroupLookup = GroupLookup.MEMBER_OF
    group_base_dn: Text = ""
    """Empty: ``base_dn``."""
    group_filter: Text = "(&(objectClass=groupOfNames)(member={dn}))"
    """For ``search``; Active Directory's nested groups have a filter of their own."""
    timeout_seconds: Annotated[int, Meta(ge=1, le=30)] = 5


def checked(settings: LdapSettings, *, loopback: bool) -> LdapSettings:
    """Return them; raise ``BadInput`` naming the field. ``loopback``: ``ldap+plain`` to this machine, for tests."""
    if not settings.servers:
        raise BadInput("Enter at least one server, like ldaps://dc1.example.org.", field="servers")
    for url in settings.servers:
        _check_server(url, loopback)
    for field, value, mark in (
        ("user_filter", settings.user_filter, USERNAME),
        ("group_filter", settings.group_filter, DN),
    ):
        if mark not in value or not _is_balanced(value):
            raise BadInput(f"The filter needs {mark} and as many opening as closing brackets.", field=field)
    for field in ("subject_attribute", "name_attribute", "email_attribute"):
        if not _ATTRIBUTE.fullmatch(getattr(settings, field)):
            raise BadInput("This is no name of an attribute.", field=field)
    for field in ("bind_dn", "base_dn"):
        if not getattr(settings, field).strip():
            raise BadInput("This is needed: the directory must be searched for who logs in.", field=field)
    return settings


def _check_server(url: str, loopback: bool) -> None:
    parts = urlsplit(url)
    plain = parts.scheme == "ldap+plain" and loopback and is_loopback_name(parts.hostname or "")
    try:
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        port_fits = False
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if not (parts.scheme in {"ldaps", "ldap"} or plain) or not parts.hostname or not port_fits or rest:
        raise BadInput(f"“{url[:100]}” is no such address; write it like ldaps://dc1.example.org.", field="servers")


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0 and text.startswith("(") and text.endswith(")")
