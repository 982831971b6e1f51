"""Log-in and the staff's accounts."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from appliance.vocabulary import LinkKind, Role
from web.schemas.decoding import Form, Json
from web.schemas.fields import Email, Name, Password, Word

Code = Annotated[str, Meta(max_length=40)]
"""Of an authenticator, or a recovery code."""


class LogIn(Form):
    """The log-in form. Missing fields are empty, so that the form can be shown again with one plain message."""

    email: str = ""
    password: str = ""
    code: str = ""
    key: str = ""
    """A security key's answer, as JSON, instead of a code."""
    next: str = ""


class NextPage(Form):
    """Where to go after log-in, and whom a link proposes."""

    next: str = ""
    email: str = ""
    company: Annotated[str, Meta(max_length=100)] = ""
    """Short name of an organisation, whose ways to log in are shown."""


class NewPerson(Json):
    """A member of staff to be."""

    email: Email
    name: Name
    role: Role
    language: Word = "en"


class WhoseKey(Json):
    """Who wants to log in with a security key."""

    email: Annotated[str, Meta(max_length=254)]


class OneTimeLink(Json):
    """The token of an invitation or a reset."""

    token: Word


class LinkFollowed(OneTimeLink):
    """The password that its bearer chooses."""

    password: Password


class LinkWanted(Json):
    """What a link for a colleague is to let them do."""

    kind: LinkKind


class NewRole(Json):
    """Another role."""

    role: Role


class Language(Json):
    """The language to be answered in."""

    language: Word


class NewPassword(Json):
    """Of oneself."""

    password: Password
    current: Annotated[str, Meta(max_length=1024)] = ""


class FirstCode(Json):
    """A code of an authenticator that was just set up."""

    pending: Annotated[str, Meta(min_length=1, max_length=1000)]
    code: Code


class NewKey(Json):
    """A security key as the browser gives it."""

    credential: dict[str, Any]
    name: Annotated[str, Meta(max_length=60)] = ""


class Proof(Json):
    """A second factor: a code, or a security key's answer."""

    code: Code = ""
    key: dict[str, Any] | None = None


class Lock(Json):
    """Why a page is locked."""

    why: Literal["idle", "asked"]


class Unlock(Proof):
    """The password, or a second factor."""

    password: Annotated[str, Meta(max_length=1024)] = ""


class DemoSitting(Form):
    """Which demo exam to sit, and under which name."""

    exam: Word
    name: str = ""
    language: str = ""
