"""Log-in through an organisation's own accounts, from the button to the session, and log-out from either side."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.models import (
    IdentityProvider,
    LoginSession,
    LogoutTokenSeen,
    SignOnAttempt,
    SignOnPending,
    SignOnSession,
    User,
)
from appliance.security import cookies
from appliance.services import (
    accounts,
    identity_providers,
    log_in_attempts,
    second_factors,
    sign_on_accounts,
)
from appliance.services.security_keys import KeyAnswer
from appliance.settings import Settings
from appliance.sign_on.directory import Directory
from appliance.sign_on.failures import CredentialsRefused, ProviderWrong, SignOnFailed
from appliance.sign_on.oidc import OidcClient
from appliance.sign_on.person import Person
from appliance.vault import Vault, row_secrets
from appliance.vocabulary import IdentityProviderKind, ProvedBy

ON_THE_WAY: Final = timedelta(minutes=15)
"""To log in there, with a second factor that must be looked for."""
SHOW_WITHIN: Final = timedelta(minutes=5)
"""To show a second factor here."""
REMEMBER_TOKENS: Final = timedelta(hours=1)
"""Longer than a log-out token is believed."""


@dataclass(frozen=True, slots=True)
class Client:
    """Whose browser this is, for the session."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Entered:
    """In: the log-in and its cookie's token."""

    login: LoginSession
    cookie_token: str = field(repr=False)
    next: str = ""


@dataclass(frozen=True, slots=True)
class FactorWanted:
    """Almost in: with this token a second factor is shown."""

    token: str = field(repr=False)


def set_out(
    session: Session,
    vault: Vault,
    settings: Settings,
    client: OidcClient,
    provider: IdentityProvider,
    browser_token: str,
    next_page: str = "",
    *,
    anew: bool = False,
) -> str:
    """Return where the browser goes; raise ``ProviderAway``, ``ProviderWrong``.

    ``anew``: the provider asks who this is even where it knows, so that the log-in is a fresh proof.
    """
    _demand_enabled(provider)
    max_age = 0 if anew else settings.session_minutes * 60
    oidc = identity_providers.oidc_of(provider)
    way = client.set_out(oidc, identity_providers.redirect_uri(provider, settings), max_age)
    now = utcnow()
    session.execute(delete(SignOnAttempt).where(SignOnAttempt.expires_at < now))
    attempt = SignOnAttempt(
        provider_id=provider.id,
        state_hash=cookies.token_hash(way.state),
        browser_hash=cookies.token_hash(browser_token),
        nonce=way.nonce,
        verifier=b"",
        next=next_page[:500],
        expires_at=now + ON_THE_WAY,
    )
    row_secrets.keep(session, vault, attempt, SignOnAttempt.verifier, way.verifier.encode())
    return way.url


def come_back(
    session: Session,
    vault: Vault,
    settings: Settings,
    client: OidcClient,
    provider: IdentityProvider,
    browser_token: str,
    answer: dict[str, str],
    who: Client,
) -> Entered | FactorWanted:
    """Take the provider's answer (``code``, ``state``, ``iss`` or ``error``); raise ``SignOnFailed``.

    The state is used up whatever becomes of it, so that no answer works twice.
    """
    _demand_enabled(provider)
    attempt = _use_attempt(session, provider, answer.get("state", ""), browser_token)
    verifier, told = row_secrets.read(vault, attempt, SignOnAttempt.verifier).decode(), answer.get("error", "")
    if told:
        _note_refused(session, provider, who, "provider", told)
        if told == "access_denied":
            raise SignOnFailed("Your organisation did not let you in, or the log-in was cancelled.")
        raise ProviderWrong(f"Your organisation's log-in answered: {told[:100]}.", step="provider")
    try:
        person = client.come_back(
            identity_providers.oidc_of(provider),
            identity_providers.secret_of(provider, vault),
            identity_providers.redirect_uri(provider, settings),
            answer.get("code", ""),
            answer.get("iss"),
            attempt.nonce,
            verifier,
        )
    except ProviderWrong as error:
        _note_refused(session, provider, who, "token", error.message)
        raise
    return _let_in(session, vault, settings, provider, person, who, attempt.next)


def log_in_by_directory(
    session: Session,
    vault: Vault,
    settings: Settings,
    provider: IdentityProvider,
    username: str,
    password: str,
    who: Client,
    next_page: str = "",
) -> Entered | FactorWanted:
    """Take a name and a password of the directory; raise ``CredentialsRefused`` and the other ``SignOnFailed``."""
    _demand_enabled(provider)
    try:
        person = directory_of(provider, vault, settings).log_in(username, password)
    except CredentialsRefused:
        _note_refused(session, provider, who, "password")
        raise
    return _let_in(session, vault, settings, provider, person, who, next_page)


def pending(session: Session, token: str) -> SignOnPending:
    """Return whose second factor is waited for; raise ``SignOnFailed`` when it took too long."""
    query = select(SignOnPending).where(
        SignOnPending.token_hash == cookies.token_hash(token), SignOnPending.expires_at > utcnow()
    )
    found = session.scalars(query).first()
    if found is None or found.user.disabled_at is not None:
        raise SignOnFailed("This took too long; please log in once more.")
    return found


def show_factor(
    session: Session,
    vault: Vault,
    settings: Settings,
    token: str,
    code: str,
    answer: KeyAnswer | None,
    who: Client,
) -> Entered:
    """Take the second factor that the provider did not ask for; raise ``LoginRefused`` or ``LockedOut``."""
    waiting = pending(session, token)
    user, factory = waiting.user, log_in_attempts.own_transactions(session)
    log_in_attempts.count(factory, user, settings, who.address)
    proved_by = second_factors.shown(session, vault, user, code, answer, "log_in")
    if proved_by is None:
        log_in_attempts.refuse(factory, user, who.address, "code")
    log_in_attempts.forgive(session, user)
    told = row_secrets.read(vault, waiting, SignOnPending.id_token).decode() if waiting.id_token is not None else ""
    person = Person(waiting.subject, "", "", sid=waiting.sid, id_token=told)
    session.delete(waiting)
    return _begin(session, vault, settings, waiting.provider_id, person, user, proved_by, who, waiting.next)


def provider_of(session: Session, login_id: int | None) -> IdentityProvider | None:
    """Return through which OpenID provider a log-in came, if through one that is still in use."""
    known = session.get(SignOnSession, login_id) if login_id is not None else None
    provider = session.get(IdentityProvider, known.provider_id) if known is not None else None
    return (
        provider if provider is not None and provider.enabled and provider.kind is IdentityProviderKind.OIDC else None
    )


def leave(session: Session, vault: Vault, settings: Settings, client: OidcClient, login: LoginSession) -> str | None:
    """Return where the browser must go to be logged out at the provider too, None where it need not."""
    known = session.get(SignOnSession, login.id)
    if known is None or known.id_token is None:
        return None
    provider = identity_providers.get(session, known.provider_id)
    id_token = row_secrets.read(vault, known, SignOnSession.id_token).decode()
    back = identity_providers.addresses(provider, settings)["logout_uri"]
    try:
        return client.logout_url(identity_providers.oidc_of(provider), id_token, back)
    except SignOnFailed:
        return None  # the log-out here has happened; the provider is away


def logged_out_there(
    session: Session, client: OidcClient, provider: IdentityProvider, logout_token: str, address: str
) -> int:
    """End the log-ins that the provider says are over (Back-Channel Logout 1.0); return how many.

    Raises ``ProviderWrong`` for a token that is not the provider's, or was used before.
    """
    claims = client.logged_out(identity_providers.oidc_of(provider), logout_token)
    now = utcnow()
    session.execute(delete(LogoutTokenSeen).where(LogoutTokenSeen.expires_at < now))
    seen = hashlib.sha256(f"{provider.id}:{claims['jti']}".encode()).hexdigest()
    row = insert(LogoutTokenSeen).values(jti_hash=seen, expires_at=now + REMEMBER_TOKENS)
    if session.scalar(row.on_conflict_do_nothing().returning(LogoutTokenSeen.jti_hash)) is None:
        raise ProviderWrong("This log-out was told before.", step="token")
    query = select(SignOnSession).where(SignOnSession.provider_id == provider.id)
    if claims.get("sid"):
        query = query.where(SignOnSession.sid == str(claims["sid"]))
    if claims.get("sub"):
        query = query.where(SignOnSession.subject == str(claims["sub"]))
    actor, count = Actor("appliance", "sign_on", provider.name, address, provider.company_id), 0
    for known in session.scalars(query).all():
        if known.login.ended_at is None:
            accounts.log_out(session, actor, known.login)
            count += 1
    return count


def directory_of(provider: IdentityProvider, vault: Vault, settings: Settings) -> Directory:
    """Return the directory, ready to be asked."""
    return Directory(
        identity_providers.ldap_of(provider),
        identity_providers.secret_of(provider, vault),
        loopback=identity_providers.allows_loopback(settings),
    )


def _let_in(
    session: Session,
    vault: Vault,
    settings: Settings,
    provider: IdentityProvider,
    person: Person,
    who: Client,
    next_page: str,
) -> Entered | FactorWanted:
    user = sign_on_accounts.account_of(session, provider, person, who.address)
    if person.second_factor:
        by = ProvedBy.SINGLE_SIGN_ON
        return _begin(session, vault, settings, provider.id, person, user, by, who, next_page)
    if not second_factors.has_any(session, user):
        # the session opens for nothing but setting one up (``login_sessions.wanted``)
        by = ProvedBy.PASSWORD
        return _begin(session, vault, settings, provider.id, person, user, by, who, next_page)
    now, token = utcnow(), cookies.new_token()
    session.execute(delete(SignOnPending).where(SignOnPending.expires_at < now))
    waiting = SignOnPending(
        provider_id=provider.id,
        user_id=user.id,
        token_hash=cookies.token_hash(token),
        subject=person.subject,
        sid=person.sid,
        next=next_page[:500],
        expires_at=now + SHOW_WITHIN,
    )
    session.add(waiting)
    if person.id_token:
        row_secrets.keep(session, vault, waiting, SignOnPending.id_token, person.id_token.encode())
    return FactorWanted(token)


def _begin(
    session: Session,
    vault: Vault,
    settings: Settings,
    provider_id: int,
    person: Person,
    user: User,
    proved_by: ProvedBy,
    who: Client,
    next_page: str,
) -> Entered:
    login, token = accounts.begin_session(session, user, settings, who.address, who.user_agent, proved_by=proved_by)
    if proved_by is ProvedBy.SINGLE_SIGN_ON:
        login.proved_at = _proved_at(settings, person, login.created_at)
    known = SignOnSession(login_session_id=login.id, provider_id=provider_id, subject=person.subject, sid=person.sid)
    session.add(known)
    if person.id_token:
        row_secrets.keep(session, vault, known, SignOnSession.id_token, person.id_token.encode())
    return Entered(login, token, next_page)


def _proved_at(settings: Settings, person: Person, now: datetime) -> datetime:
    """Return when the provider was last shown a second factor; one that does not say when counts as long ago."""
    if person.authenticated_at is None:
        return now - timedelta(minutes=settings.session_minutes)
    return min(now, datetime.fromtimestamp(person.authenticated_at, UTC))


def _use_attempt(session: Session, provider: IdentityProvider, state: str, browser_token: str) -> SignOnAttempt:
    used = (
        delete(SignOnAttempt)
        .where(SignOnAttempt.state_hash == cookies.token_hash(state), SignOnAttempt.provider_id == provider.id)
        .returning(SignOnAttempt)
    )
    attempt = session.scalars(used).first()
    if (
        attempt is None
        or attempt.expires_at <= utcnow()
        or not browser_token
        or not cookies.token_fits(browser_token, attempt.browser_hash)
    ):
        raise SignOnFailed("This log-in was begun in another window or too long ago; please begin again.")
    return attempt


def _demand_enabled(provider: IdentityProvider) -> None:
    if not provider.enabled:
        raise SignOnFailed("This way to log in is switched off.")


def _note_refused(session: Session, provider: IdentityProvider, who: Client, reason: str, detail: str = "") -> None:
    """Write the refusal down. What was typed as a name may be a password: it is not kept."""
    audit.record_now(
        log_in_attempts.own_transactions(session),
        log_in_attempts.somebody("unknown", who.address),
        "user.log_in",
        ("user", "unknown"),
        "refused",
        provider.company_id,
        reason=reason,
        provider=provider.id,
        **({"detail": detail[:200]} if detail else {}),
    )
