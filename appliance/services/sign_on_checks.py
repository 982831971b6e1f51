"""The administrator's test of an identity provider: step by step, each with what is wrong and what mends it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.models import IdentityProvider
from appliance.services import identity_providers, sign_on
from appliance.settings import Settings
from appliance.sign_on import roles
from appliance.sign_on.directory import Directory, Entry
from appliance.sign_on.failures import SignOnFailed
from appliance.sign_on.ldap_settings import LdapSettings
from appliance.sign_on.oidc import OidcClient
from appliance.sign_on.oidc_settings import OidcSettings
from appliance.vault import Vault


class StepState(StrEnum):
    """How a step went."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a code that the page words, and details in plain English."""

    code: str
    state: StepState
    detail: str = ""


def test(
    session: Session,
    actor: Actor,
    vault: Vault,
    settings: Settings,
    client: OidcClient,
    provider: IdentityProvider,
    username: str = "",
) -> dict[str, Any]:
    """Return ``{steps, person}``; the person with groups and role where a directory is asked after ``username``."""
    own = identity_providers.settings_of(provider)
    person: dict[str, Any] | None = None
    if isinstance(own, OidcSettings):
        secret = identity_providers.secret_of(provider, vault)
        redirect = identity_providers.redirect_uri(provider, settings)
        steps = list(_oidc_steps(client, own, secret, redirect))
    else:
        directory = sign_on.directory_of(provider, vault, settings)
        steps = list(_ldap_steps(directory, own))
        if username and all(step.state is not StepState.FAILED for step in steps):
            found, person = _look_up(directory, provider, username)
            steps += found
    failed = [step.code for step in steps if step.state is StepState.FAILED]
    audit.record(
        session,
        actor,
        "sign_on.test",
        ("identity_provider", provider.id),
        "failed" if failed else "success",
        company_id=provider.company_id,
        failed=failed,
    )
    return {
        "steps": [{"code": one.code, "state": one.state.value, "detail": one.detail} for one in steps],
        "person": person,
    }


def _oidc_steps(client: OidcClient, own: OidcSettings, secret: str, redirect_uri: str) -> Iterator[Step]:
    try:
        metadata = client.discovery.metadata(own, anew=True)
        yield Step("discovery", StepState.PASSED, metadata.authorization_endpoint)
        keys = client.discovery.keys(own)
    except SignOnFailed as error:
        yield Step(str(error.details.get("step", "discovery")), StepState.FAILED, error.message)
        return
    if keys and metadata.algorithms:
        yield Step("keys", StepState.PASSED, f"{len(keys)}; {', '.join(metadata.algorithms)}")
    else:
        yield Step("keys", StepState.FAILED, "No key, or no kind of signature, that Kustos accepts.")
    methods = metadata.code_challenge_methods_supported
    if methods and "S256" not in methods:
        yield Step("pkce", StepState.FAILED, "The provider knows no PKCE with S256.")
    else:
        words = "" if methods else "The provider does not say that it knows PKCE; most do all the same."
        yield Step("pkce", StepState.PASSED if methods else StepState.WARNING, words)
    yield _client_step(client, own, secret, redirect_uri)
    if not metadata.end_session_endpoint and own.logs_out:
        yield Step("log_out", StepState.WARNING, "The provider has no address to log out at; only Kustos will.")


def _client_step(client: OidcClient, own: OidcSettings, secret: str, redirect_uri: str) -> Step:
    try:
        told = client.try_client(own, secret, redirect_uri)
    except SignOnFailed as error:
        return Step("client", StepState.FAILED, error.message)
    if told == "invalid_grant":  # it knows us, and rightly not the code
        return Step("client", StepState.PASSED, own.client_id)
    if told in {"invalid_client", "unauthorized_client"}:
        return Step("client", StepState.FAILED, f"The provider refuses client ID or secret ({told}).")
    return Step("client", StepState.WARNING, f"The provider answered {told}; try a log-in.")


def _ldap_steps(directory: Directory, own: LdapSettings) -> Iterator[Step]:
    answering = 0
    for server in own.servers:
        try:
            directory.check_server(server)
        except SignOnFailed as error:
            yield Step(str(error.details.get("step", "connect")), StepState.FAILED, f"{server}: {error.message}")
        else:
            answering += 1
            yield Step("server", StepState.PASSED, server)
    if not answering:
        return
    try:
        directory.check_base()
    except SignOnFailed as error:
        yield Step("base", StepState.FAILED, error.message)
    else:
        yield Step("base", StepState.PASSED, own.base_dn)


def _look_up(
    directory: Directory, provider: IdentityProvider, username: str
) -> tuple[list[Step], dict[str, Any] | None]:
    try:
        entry = directory.find(username)
    except SignOnFailed as error:
        return [Step("person", StepState.FAILED, error.message)], None
    if entry is None:
        return [Step("person", StepState.FAILED, "The directory finds nobody with this name.")], None
    return [_person_step(entry)], _described(entry, provider)


def _person_step(entry: Entry) -> Step:
    if entry.disabled:
        return Step("person", StepState.WARNING, f"{entry.dn} is disabled in the directory.")
    if not entry.person.email:
        return Step("person", StepState.WARNING, f"{entry.dn} has no e-mail address; an account needs one.")
    return Step("person", StepState.PASSED, entry.dn)


def _described(entry: Entry, provider: IdentityProvider) -> dict[str, Any]:
    role = roles.role_of(roles.of_rows(provider.role_rules), entry.person.groups)
    return {
        "dn": entry.dn,
        "subject": entry.person.subject,
        "name": entry.person.name,
        "email": entry.person.email,
        "disabled": entry.disabled,
        "groups": list(entry.person.groups)[:100],
        "role": role.value if role else None,
    }
