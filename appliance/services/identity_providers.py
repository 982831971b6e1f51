"""A company's identity providers: entered, changed, ordered and taken away by its administrators."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import ValidationError, convert, json, to_builtins
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import to_ms
from appliance.errors import BadInput, NotFound
from appliance.models import Company, IdentityProvider, LinkedIdentity, User
from appliance.services.free_text import one_line
from appliance.settings import Settings
from appliance.sign_on import ldap_settings, oidc_settings
from appliance.sign_on.failures import ProviderWrong
from appliance.sign_on.fetch import Fetcher
from appliance.sign_on.ldap_settings import LdapSettings
from appliance.sign_on.oidc_settings import OidcSettings
from appliance.vault import Vault, row_secrets
from appliance.vocabulary import IdentityProviderKind, LocalPasswords, Role

MOST_PROVIDERS: Final = 20
MOST_RULES: Final = 100
MAX_TEXT: Final = 250
WHERE_TO: Final = ("issuer", "client_id", "servers", "bind_dn", "ca_certificate")
"""Where the secret goes, and who looks on: with another of these it must be entered anew, or whoever may edit this
page could have it sent to a machine of their own."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What an administrator has entered; ``secret`` None keeps the one that is there."""

    name: str
    settings: dict[str, Any]
    role_rules: Sequence[dict[str, str]]
    enabled: bool = False
    secret: str | None = field(default=None, repr=False)
    makes_accounts: bool = True
    links_by_email: bool = False


def of_company(session: Session, company_id: int, *, enabled_only: bool = False) -> Sequence[IdentityProvider]:
    """Return the company's providers in their order."""
    query = select(IdentityProvider).where(IdentityProvider.company_id == company_id)
    if enabled_only:
        query = query.where(IdentityProvider.enabled)
    return session.scalars(query.order_by(IdentityProvider.position, IdentityProvider.id)).all()


def get(session: Session, provider_id: int, company_id: int | None = None) -> IdentityProvider:
    """Return the provider, of this company if one is given; raise ``NotFound``."""
    provider = session.get(IdentityProvider, provider_id)
    if provider is None or (company_id is not None and provider.company_id != company_id):
        raise NotFound("There is no such identity provider.")
    return provider


def choices(session: Session, company_slug: str = "") -> dict[str, Any]:
    """Return what the log-in page offers: a company's providers, or those of the only company that has any.

    ``asks_company``: several have some, so that people say where they belong; no company is named to strangers.
    """
    query = select(IdentityProvider).join(Company).where(IdentityProvider.enabled)
    if company_slug:
        query = query.where(Company.slug == company_slug)
    rows = session.scalars(query.order_by(IdentityProvider.position, IdentityProvider.id).limit(500)).all()
    if not company_slug and len({row.company_id for row in rows}) > 1:
        return {"providers": [], "asks_company": True}
    offered = [{"id": row.id, "kind": row.kind.value, "name": row.name} for row in rows]
    return {"providers": offered, "asks_company": bool(company_slug) and not rows}


def create(
    session: Session,
    actor: Actor,
    vault: Vault,
    settings: Settings,
    company: Company,
    kind: IdentityProviderKind,
    entered: Entered,
) -> IdentityProvider:
    """Add a provider at the end of the list; raise ``BadInput`` naming the field."""
    count = session.scalar(select(func.count()).where(IdentityProvider.company_id == company.id)) or 0
    if count >= MOST_PROVIDERS:
        raise BadInput(f"At most {MOST_PROVIDERS} identity providers.", field="name")
    provider = IdentityProvider(company_id=company.id, kind=kind, name="", position=count, settings={})
    _take(session, provider, vault, settings, entered)
    session.add(provider)
    session.flush()
    _note(session, actor, "sign_on.create", provider, new_secret=bool(entered.secret))
    return provider


def change(
    session: Session, actor: Actor, vault: Vault, settings: Settings, provider: IdentityProvider, entered: Entered
) -> IdentityProvider:
    """Take over what was entered; raise ``BadInput`` naming the field."""
    session.refresh(provider, with_for_update=True)
    former = dict(provider.settings)
    _take(session, provider, vault, settings, entered)
    if not provider.enabled:
        _demand_way_in(session, provider)
    changed = sorted(name for name, value in provider.settings.items() if former.get(name) != value)
    _note(session, actor, "sign_on.change", provider, new_secret=bool(entered.secret), changed=changed)
    return provider


def remove(session: Session, actor: Actor, provider: IdentityProvider) -> None:
    """Take a provider away with the links to it; the accounts stay, without a way in unless they have a password."""
    provider.enabled = False
    _demand_way_in(session, provider)
    _note(session, actor, "sign_on.remove", provider)
    session.delete(provider)


def arrange(session: Session, actor: Actor, company_id: int, ids: Sequence[int]) -> None:
    """Put the providers into this order; raise ``BadInput`` when others are there by now."""
    rows = {row.id: row for row in of_company(session, company_id)}
    if sorted(rows) != sorted(ids):
        raise BadInput("The list has changed; reload the page.", field="ids")
    for position, number in enumerate(ids):
        rows[number].position = position
    audit.record(session, actor, "sign_on.arrange", ("company", company_id), company_id=company_id, ids=list(ids))


def set_local_passwords(session: Session, actor: Actor, company: Company, policy: LocalPasswords) -> None:
    """Say who may log in with a password kept here; raise ``BadInput`` when nobody could get in any more."""
    if policy is LocalPasswords.BREAK_GLASS:
        if not of_company(session, company.id, enabled_only=True):
            raise BadInput("Switch an identity provider on first.", field="local_passwords")
        sealed = select(User.id).where(User.company_id == company.id, User.break_glass, User.disabled_at.is_(None))
        if session.scalar(sealed.limit(1)) is None:
            words = "Make the emergency account first: it is the way in when the identity provider is away."
            raise BadInput(words, field="local_passwords")
    company.local_passwords = policy
    audit.record(
        session, actor, "sign_on.local_passwords", ("company", company.id), company_id=company.id, policy=policy.value
    )


def described(session: Session, provider: IdentityProvider, settings: Settings) -> dict[str, Any]:
    """Return a provider for its administrators; never the secret."""
    linked = session.scalar(select(func.count()).where(LinkedIdentity.provider_id == provider.id)) or 0
    return {
        "id": provider.id,
        "kind": provider.kind.value,
        "name": provider.name,
        "enabled": provider.enabled,
        "settings": to_builtins(settings_of(provider)),
        "has_secret": provider.secret is not None,
        "role_rules": provider.role_rules,
        "makes_accounts": provider.makes_accounts,
        "links_by_email": provider.links_by_email,
        "people": linked,
        "rechecked_ms": to_ms(provider.rechecked_at) if provider.rechecked_at else None,
        "recheck": provider.recheck,
        **addresses(provider, settings),
    }


def addresses(provider: IdentityProvider, settings: Settings) -> dict[str, str]:
    """Return the addresses that the provider must know of Kustos."""
    base = settings.public_url.rstrip("/")
    return {
        "redirect_uri": redirect_uri(provider, settings),
        "logout_uri": f"{base}/login",
        "back_channel_uri": f"{base}/sign-on/{provider.id}/back-channel-logout",
    }


def redirect_uri(provider: IdentityProvider, settings: Settings) -> str:
    """Return where the provider sends browsers back to; one of its own for each, so that none answers for another."""
    return f"{settings.public_url.rstrip('/')}/sign-on/{provider.id}/callback"


def settings_of(provider: IdentityProvider) -> OidcSettings | LdapSettings:
    """Return the settings in their own type."""
    if provider.kind is IdentityProviderKind.OIDC:
        return convert(provider.settings, OidcSettings)
    return convert(provider.settings, LdapSettings)


def oidc_of(provider: IdentityProvider) -> OidcSettings:
    """Return the settings of an OpenID provider; raise ``NotFound`` for another kind."""
    found = settings_of(provider)
    if not isinstance(found, OidcSettings):
        raise NotFound("There is no such identity provider.")
    return found


def ldap_of(provider: IdentityProvider) -> LdapSettings:
    """Return the settings of a directory; raise ``NotFound`` for another kind."""
    found = settings_of(provider)
    if not isinstance(found, LdapSettings):
        raise NotFound("There is no such identity provider.")
    return found


def secret_of(provider: IdentityProvider, vault: Vault) -> str:
    """Return the client secret or the service account's password; empty: none."""
    return row_secrets.read(vault, provider, IdentityProvider.secret).decode() if provider.secret is not None else ""


def allows_loopback(settings: Settings) -> bool:
    """Say whether a provider may be this machine itself, without TLS: in the demo, where nothing is at stake."""
    return settings.demo


def _take(session: Session, provider: IdentityProvider, vault: Vault, settings: Settings, entered: Entered) -> None:
    name = one_line(entered.name)
    if not 0 < len(name) <= 100:
        raise BadInput("The name on the button has 1 to 100 characters.", field="name")
    kept = _checked_settings(provider.kind, entered.settings, settings)
    moved = [field for field in WHERE_TO if provider.settings.get(field) != kept.get(field)]
    if provider.secret is not None and not entered.secret and moved:
        words = "Where the secret is sent has changed: enter the secret again."
        raise BadInput(words, field="secret", moved=moved)
    if provider.kind is IdentityProviderKind.LDAP and provider.secret is None and not entered.secret:
        raise BadInput("The service account needs its password.", field="secret")
    if not entered.makes_accounts and not entered.links_by_email:
        words = "Nobody could log in for the first time: make accounts, or link those that exist by e-mail."
        raise BadInput(words, field="makes_accounts")
    provider.name, provider.settings, provider.role_rules = name, kept, _checked_rules(entered.role_rules)
    provider.makes_accounts, provider.links_by_email = entered.makes_accounts, entered.links_by_email
    if entered.enabled and not provider.role_rules:
        raise BadInput("Without a group that has a role nobody is let in; add one first.", field="role_rules")
    provider.enabled = entered.enabled
    if entered.secret:
        row_secrets.keep(session, vault, provider, IdentityProvider.secret, entered.secret.encode())


def _checked_settings(kind: IdentityProviderKind, given: dict[str, Any], settings: Settings) -> dict[str, Any]:
    loopback = allows_loopback(settings)
    checked: OidcSettings | LdapSettings
    try:
        if kind is IdentityProviderKind.OIDC:
            checked = oidc_settings.checked(convert(given, OidcSettings))
            _check_issuer(checked.issuer, loopback=loopback)
        else:
            checked = ldap_settings.checked(convert(given, LdapSettings), loopback=loopback)
    except ValidationError as error:
        raise BadInput(f"The settings are not understood: {error}.", field="settings") from error
    kept: dict[str, Any] = json.decode(json.encode(checked))  # as the column gives it back: lists, not tuples
    return kept


def _check_issuer(issuer: str, *, loopback: bool) -> None:
    try:
        Fetcher(loopback=loopback).check_address(issuer)
    except ProviderWrong as error:
        raise BadInput(error.message, field="issuer") from error


def _checked_rules(rules: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    if len(rules) > MOST_RULES:
        raise BadInput(f"At most {MOST_RULES} groups.", field="role_rules")
    kept = []
    for rule in rules:
        group = one_line(str(rule.get("group", "")))
        if not 0 < len(group) <= MAX_TEXT:
            raise BadInput("A group has 1 to 250 characters.", field="role_rules")
        try:
            kept.append({"group": group, "role": Role(rule.get("role", "")).value})
        except ValueError as error:
            raise BadInput("There is no such role.", field="role_rules") from error
    return kept


def _demand_way_in(session: Session, provider: IdentityProvider) -> None:
    """Let the last provider go only where local passwords are allowed."""
    company = session.get_one(Company, provider.company_id)
    others = [row for row in of_company(session, company.id, enabled_only=True) if row.id != provider.id]
    if company.local_passwords is LocalPasswords.BREAK_GLASS and not others:
        words = "Nobody could log in any more: allow local passwords first."
        raise BadInput(words, field="enabled")


def _note(session: Session, actor: Actor, action: str, provider: IdentityProvider, **details: Any) -> None:
    told = {
        "name": provider.name,
        "kind": provider.kind.value,
        "enabled": provider.enabled,
        "role_rules": provider.role_rules,
        "makes_accounts": provider.makes_accounts,
        "links_by_email": provider.links_by_email,
        **details,
    }
    audit.record(session, actor, action, ("identity_provider", provider.id), company_id=provider.company_id, **told)
