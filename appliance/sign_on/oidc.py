"""Log-in by OpenID Connect: authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9207)."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from appliance.sign_on.discovery import Discovery, Metadata
from appliance.sign_on.failures import ProviderWrong, SignOnFailed
from appliance.sign_on.fetch import Answer, Fetcher
from appliance.sign_on.id_token import verify_id_token, verify_logout_token
from appliance.sign_on.oidc_settings import OidcSettings
from appliance.sign_on.person import Person

MAX_GROUPS: Final = 2000
MAX_TEXT: Final = 250


@dataclass(frozen=True, slots=True)
class SetOut:
    """Where to send a browser, and what it must bring back."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class OidcClient:
    """Kustos as a relying party. One a process: it keeps what providers say of themselves for a while."""

    def __init__(self, fetcher: Fetcher) -> None:
        """Speak through this door."""
        self.fetcher = fetcher
        self.discovery = Discovery(fetcher)

    def set_out(self, settings: OidcSettings, redirect_uri: str, max_age: int) -> SetOut:
        """Return a new way to the provider. State, nonce and verifier have 256 random bits each.

        ``max_age``: seconds after which the provider asks again who this is, 0: in any case. Where it is asked for,
        the ID token says when that was (OpenID Connect Core 1.0, 3.1.2.1).
        """
        metadata = self.discovery.metadata(settings)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        fields = {
            "response_type": "code",
            "client_id": settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "max_age": str(max_age),
            **({} if max_age else {"prompt": "login"}),
            **({"acr_values": " ".join(settings.acr_values)} if settings.acr_values else {}),
        }
        return SetOut(_with_query(metadata.authorization_endpoint, fields), state, nonce, verifier)

    def come_back(
        self,
        settings: OidcSettings,
        client_secret: str,
        redirect_uri: str,
        code: str,
        issuer: str | None,
        nonce: str,
        verifier: str,
    ) -> Person:
        """Return who has logged in there; raise ``ProviderAway`` or ``ProviderWrong``.

        ``issuer``: the answer's ``iss`` (RFC 9207), so that no other provider's answer is taken for this one's.
        """
        metadata = self.discovery.metadata(settings)
        is_told = issuer is not None or metadata.authorization_response_iss_parameter_supported
        if is_told and issuer != settings.issuer:
            raise ProviderWrong("The answer comes from another provider (iss).", step="token")
        tokens = self._exchange(settings, metadata, client_secret, redirect_uri, code, verifier)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise ProviderWrong("The provider gave no ID token; is the scope openid allowed?", step="token")
        bearer = access_token if isinstance(access_token, str) else None
        claims = verify_id_token(
            id_token,
            lambda key_id, algorithm: self.discovery.key(settings, key_id, algorithm),
            metadata.algorithms,
            settings.issuer,
            settings.client_id,
            nonce,
            bearer,
        )
        if bearer is not None and metadata.userinfo_endpoint:
            claims = {**self._userinfo(settings, metadata, bearer, str(claims["sub"])), **claims}
        return person_of(settings, claims, id_token)

    def logout_url(self, settings: OidcSettings, id_token: str, back: str) -> str | None:
        """Return where the browser logs out at the provider (RP-Initiated Logout 1.0), None where it cannot."""
        endpoint = self.discovery.metadata(settings).end_session_endpoint
        if not endpoint or not settings.logs_out:
            return None
        self.fetcher.check_address(endpoint)
        fields = {"id_token_hint": id_token, "client_id": settings.client_id, "post_logout_redirect_uri": back}
        return _with_query(endpoint, fields)

    def logged_out(self, settings: OidcSettings, logout_token: str) -> dict[str, Any]:
        """Return the claims of a provider's log-out token; raise ``ProviderWrong``."""
        metadata = self.discovery.metadata(settings)
        return verify_logout_token(
            logout_token,
            lambda key_id, algorithm: self.discovery.key(settings, key_id, algorithm),
            metadata.algorithms,
            settings.issuer,
            settings.client_id,
        )

    def try_client(self, settings: OidcSettings, client_secret: str, redirect_uri: str) -> str:
        """Return the provider's error code for a code that nobody gave: ``invalid_grant`` when it knows Kustos."""
        metadata = self.discovery.metadata(settings, anew=True)
        verifier = secrets.token_urlsafe(32)
        answer = self._ask_for_tokens(settings, metadata, client_secret, redirect_uri, "no-such-code", verifier)
        return str(answer.content.get("error", f"status {answer.status}"))[:100]

    def _exchange(
        self, settings: OidcSettings, metadata: Metadata, secret: str, redirect_uri: str, code: str, verifier: str
    ) -> dict[str, Any]:
        answer = self._ask_for_tokens(settings, metadata, secret, redirect_uri, code, verifier)
        if not answer.is_ok:
            told = str(answer.content.get("error", answer.status))[:100]
            raise ProviderWrong(f"The provider refused the code: {told}.", step="token", why=told)
        return answer.content

    def _ask_for_tokens(
        self, settings: OidcSettings, metadata: Metadata, secret: str, redirect_uri: str, code: str, verifier: str
    ) -> Answer:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if not secret:
            fields["client_id"] = settings.client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are form-encoded first
            pair = f"{quote(settings.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            fields |= {"client_id": settings.client_id, "client_secret": secret}
        return self.fetcher.post_form(metadata.token_endpoint, fields, settings.ca_certificate, headers)

    def _userinfo(self, settings: OidcSettings, metadata: Metadata, bearer: str, subject: str) -> dict[str, Any]:
        """Return what the provider tells besides; the ID token's own claims go before."""
        headers = {"Authorization": f"Bearer {bearer}"}
        answer = self.fetcher.get(metadata.userinfo_endpoint, settings.ca_certificate, headers)
        if not answer.is_ok or answer.content_type != "application/json":
            return {}
        if answer.content.get("sub") != subject:  # OpenID Connect Core 1.0, 5.3.2
            raise ProviderWrong("The provider's two answers speak of different people (sub).", step="token")
        return answer.content


def person_of(settings: OidcSettings, claims: Mapping[str, Any], id_token: str = "") -> Person:
    """Return whom the claims speak of; raise ``SignOnFailed`` when they name nobody."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:  # OpenID Connect Core 1.0, 2
        raise SignOnFailed("The provider does not say who you are (sub).")
    email = _text(claims.get(settings.email_claim))
    given = " ".join(filter(None, (_text(claims.get("given_name")), _text(claims.get("family_name")))))
    name = _text(claims.get(settings.name_claim)) or given or _text(claims.get("preferred_username")) or email
    return Person(
        subject=subject,
        name=name,
        email=email,
        email_is_verified=bool(email) and (settings.trust_email or claims.get("email_verified") is True),
        groups=tuple(_texts(_lead(claims, settings.groups_claim))),
        second_factor=shows_second_factor(settings, claims),
        authenticated_at=_seconds(claims.get("auth_time")),
        sid=_text(claims.get("sid")),
        id_token=id_token,
    )


def shows_second_factor(settings: OidcSettings, claims: Mapping[str, Any]) -> bool:
    """Return whether ``acr`` or ``amr`` says what the administrator counts as a second factor."""
    told = {*_texts(claims.get("acr")), *_texts(claims.get("amr"))}
    return not told.isdisjoint(settings.second_factor_values)


def _lead(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim of that name, or of that way through objects; names may be addresses with dots in them."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _text(value: object) -> str:
    return " ".join(value.split())[:MAX_TEXT] if isinstance(value, str) else ""


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)][:MAX_GROUPS] if isinstance(value, list) else []


def _with_query(url: str, fields: Mapping[str, str]) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(fields)}"
