"""Single sign-on: the log-in itself, and what administrators enter."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from appliance.vocabulary import IdentityProviderKind, LocalPasswords, Role
from web.schemas.decoding import Form, Json

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(max_length=2000)]
Secret = Annotated[str, Meta(max_length=1000)]


class Start(Form):
    """Where to go after the log-in."""

    next: Text = ""


class Callback(Form):
    """An OpenID provider's answer, brought by the browser; what else is in it passes by unread."""

    state: Text = ""
    code: Text = ""
    iss: Text | None = None
    error: Text = ""


class DirectoryLogIn(Form):
    """Name and password of a directory. Missing fields are empty, so that the form is shown again."""

    username: Text = ""
    password: Text = ""
    next: Text = ""


class FactorShown(Form):
    """The second factor that the provider did not ask for: a code, or a security key's answer as JSON."""

    code: Annotated[str, Meta(max_length=40)] = ""
    key: str = ""


class LoggedOutThere(Form):
    """OpenID Connect Back-Channel Logout 1.0, 2.5."""

    logout_token: Annotated[str, Meta(max_length=20_000)] = ""


class Rule(Struct, forbid_unknown_fields=True):
    """Whoever is in the group has the role."""

    group: Annotated[str, Meta(min_length=1, max_length=250)]
    role: Role


class ProviderChange(Json):
    """All of a provider but its kind; ``secret`` left out keeps the one that is there."""

    name: Name
    settings: dict[str, Any]
    role_rules: Annotated[tuple[Rule, ...], Meta(max_length=100)] = ()
    enabled: bool = False
    secret: Secret | None = None
    makes_accounts: bool = True
    links_by_email: bool = False


class NewProvider(ProviderChange, kw_only=True):
    """A provider to be."""

    kind: IdentityProviderKind


class ProviderOrder(Json):
    """All providers of the company, as the log-in page shows them."""

    ids: Annotated[tuple[int, ...], Meta(max_length=100)]


class ProviderTest(Json):
    """Whom to look up in a directory; nobody: only the connection."""

    username: Annotated[str, Meta(max_length=250)] = ""


class PasswordPolicy(Json):
    """Who may log in with a password kept here."""

    local_passwords: LocalPasswords
