"""What an OpenID provider says of itself (OpenID Connect Discovery 1.0) and the keys it signs with (RFC 7517)."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, Generic, TypeVar

import jwt
from msgspec import Struct, ValidationError, convert

from appliance.sign_on.failures import ProviderWrong
from appliance.sign_on.fetch import Answer, Fetcher
from appliance.sign_on.oidc_settings import OidcSettings

KEPT_SECONDS: Final = 600
"""A provider that changes an address or withdraws a key is believed within this time."""
AGAIN_SECONDS: Final = 20
"""An unknown key is looked for at most so often, whatever strangers send."""
MAX_KEPT: Final = 200
MAX_KEYS: Final = 100

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key pair only: with ``HS…`` whoever knows the client secret, with ``none`` anybody, could sign."""


class Metadata(Struct, frozen=True):
    """The discovery document, as far as it is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    code_challenge_methods_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False
    backchannel_logout_supported: bool = False

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Return the signatures that both sides know; all of ours where the provider names none."""
        told = self.id_token_signing_alg_values_supported
        return tuple(name for name in ALGORITHMS if not told or name in told)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key of a provider."""

    key_id: str | None
    kind: str
    """``RSA``, ``EC`` or ``OKP``."""
    algorithm: str | None
    """The only one it may be used with, if the provider says so."""
    key: Any


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    value: T
    at: float


_Table = OrderedDict[tuple[str, str], _Kept[T]]
"""By address and the authority that vouches for it."""


class Discovery:
    """Documents and keys of providers, kept for a while in this process."""

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing known."""
        self._fetcher = fetcher
        self._clock = clock
        self._documents: _Table[Metadata] = OrderedDict()
        self._keys: _Table[tuple[SigningKey, ...]] = OrderedDict()
        self._lock = Lock()

    def metadata(self, settings: OidcSettings, *, anew: bool = False) -> Metadata:
        """Return the provider's document; raise ``ProviderAway`` or ``ProviderWrong``."""
        place = (settings.issuer, settings.ca_certificate)
        kept = self._look(self._documents, place, KEPT_SECONDS)
        if kept is not None and not anew:
            return kept.value
        address = settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = _metadata(settings, self._fetcher.get(address, settings.ca_certificate))
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint):
            if url:
                self._fetcher.check_address(url)
        self._keep(self._documents, place, found)
        return found

    def key(self, settings: OidcSettings, key_id: str | None, algorithm: str) -> SigningKey:
        """Return the provider's key that a token names; asks again when it is new. Raises ``ProviderWrong``."""
        place = (self.metadata(settings).jwks_uri, settings.ca_certificate)
        kept = self._look(self._keys, place, KEPT_SECONDS)
        found = _choose(kept.value, key_id, algorithm) if kept else None
        if found is None and (kept is None or self._clock() - kept.at >= AGAIN_SECONDS):
            found = _choose(self.keys(settings), key_id, algorithm)
        if found is None:
            raise ProviderWrong("The token is signed with a key that the provider does not publish.", step="keys")
        return found

    def keys(self, settings: OidcSettings) -> tuple[SigningKey, ...]:
        """Ask the provider for its keys."""
        url = self.metadata(settings).jwks_uri
        found = _key_set(self._fetcher.get(url, settings.ca_certificate))
        self._keep(self._keys, (url, settings.ca_certificate), found)
        return found

    def _look(self, table: _Table[T], key: tuple[str, str], seconds: float) -> _Kept[T] | None:
        with self._lock:
            kept = table.get(key)
        return kept if kept is not None and self._clock() - kept.at < seconds else None

    def _keep(self, table: _Table[T], key: tuple[str, str], value: T) -> None:
        with self._lock:
            table[key] = _Kept(value, self._clock())
            while len(table) > MAX_KEPT:
                table.popitem(last=False)


def _metadata(settings: OidcSettings, answer: Answer) -> Metadata:
    if not answer.is_ok:
        raise ProviderWrong(
            f"There is no discovery document at {settings.issuer} (status {answer.status}); check the issuer.",
            step="discovery",
        )
    try:
        found = convert(answer.content, Metadata)
    except ValidationError as error:
        raise ProviderWrong(f"The discovery document is incomplete: {error}.", step="discovery") from error
    if found.issuer != settings.issuer:
        raise ProviderWrong(
            f"The provider calls itself {found.issuer[:200]}; enter exactly that as the issuer.", step="discovery"
        )
    return found


def _key_set(answer: Answer) -> tuple[SigningKey, ...]:
    rows = answer.content.get("keys")
    if not answer.is_ok or not isinstance(rows, list):
        raise ProviderWrong(f"The provider's keys cannot be read (status {answer.status}).", step="keys")
    return tuple(key for row in rows[:MAX_KEYS] if isinstance(row, dict) for key in _key(row))


def _key(row: dict[str, Any]) -> list[SigningKey]:
    """Return the key, nothing for one that is not for signatures or that we do not know: others may still fit."""
    if row.get("kty") == "oct" or row.get("use", "sig") != "sig":
        return []
    try:
        key = jwt.PyJWK(row)
    except jwt.PyJWTError:
        return []
    return [SigningKey(key.key_id, str(key.key_type), row.get("alg"), key.key)]


def _choose(keys: tuple[SigningKey, ...], key_id: str | None, algorithm: str) -> SigningKey | None:
    kind = "OKP" if algorithm == "EdDSA" else {"R": "RSA", "P": "RSA", "E": "EC"}[algorithm[0]]
    fitting = [key for key in keys if key.kind == kind and key.algorithm in {None, algorithm}]
    named = [key for key in fitting if key.key_id == key_id] if key_id is not None else fitting
    return named[0] if len(named) == 1 else None  # of several nothing says which; trying all would be guessing
