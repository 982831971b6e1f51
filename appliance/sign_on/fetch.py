"""HTTPS to an identity provider, through the house's one door: no redirects, and causes in words."""

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from appliance.errors import OutgoingFailed, OutgoingRefused
from appliance.outgoing import Outgoing, OutgoingPolicy
from appliance.sign_on.failures import ProviderAway, ProviderWrong

MOST_BYTES: Final = 512 * 1024
"""A key set with certificate chains has some 20 KB."""
WHOLE_SECONDS: Final = 15.0
"""A person is waiting."""
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON object of an answer; ``{}`` where it is none."""

    status: int
    content: dict[str, Any]
    content_type: str = ""

    @property
    def is_ok(self) -> bool:
        """Say whether it is a 200."""
        return self.status == HTTPStatus.OK


class Fetcher:
    """Asks identity providers. ``loopback``: also on this machine and without TLS, for the demo and for tests."""

    def __init__(self, *, loopback: bool = False) -> None:
        """Take the rule about this machine."""
        self.loopback = loopback

    def get(self, url: str, ca_certificate: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer; raise ``ProviderAway`` or ``ProviderWrong`` with the cause in words."""
        return self._ask("GET", url, ca_certificate, dict(headers or {}), None)

    def post_form(
        self, url: str, fields: Mapping[str, str], ca_certificate: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a form; see ``get``."""
        sent = {**(headers or {}), "Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", url, ca_certificate, sent, urlencode(fields).encode())

    def check_address(self, url: str) -> None:
        """Raise ``ProviderWrong`` for an address that may not be asked."""
        parts = urlsplit(url)
        if parts.scheme == "http" and self.loopback and is_loopback_name(parts.hostname or ""):
            return
        if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
            raise ProviderWrong(f"“{url[:200]}” is no https:// address.", step="address")

    def _ask(self, method: str, url: str, ca_certificate: str, headers: dict[str, str], body: bytes | None) -> Answer:
        self.check_address(url)
        host = urlsplit(url).hostname or ""
        outgoing = Outgoing(
            policy_for(host, loopback=self.loopback),
            trust=tls_context(ca_certificate),
            total_seconds=WHOLE_SECONDS,
            most_bytes=MOST_BYTES,
            most_redirects=0,  # a code, or a secret, would go where nobody has looked
        )
        try:
            answer = outgoing.request(method, url, headers={"Accept": "application/json", **headers}, content=body)
        except OutgoingRefused as error:
            raise ProviderWrong(error.message, step="address") from error
        except OutgoingFailed as error:
            raise _failure(host, error) from error
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        return Answer(answer.status, _object(answer.body), kind)


def policy_for(host: str, *, loopback: bool) -> OutgoingPolicy:
    """Let the host be in a private network, as a customer's identity provider usually is; not on this machine.

    An address instead of a name opens no more than a name would: metadata services and neighbours answer at those.
    """
    try:
        address = ip_address(host)
        is_open = address.is_private and not (address.is_loopback or address.is_link_local)
    except ValueError:
        is_open = True
    return OutgoingPolicy((*((host,) if is_open else ()), *(LOOPBACK if loopback else ())), plain_http=loopback)


def is_loopback_name(host: str) -> bool:
    """Say whether this is written as this machine."""
    return host in {"localhost", "127.0.0.1", "::1"}


def tls_context(ca_certificate: str) -> ssl.SSLContext:
    """Return a context that trusts the customer's authorities (PEM), or the system's where none are given."""
    try:
        context = ssl.create_default_context(cadata=ca_certificate or None)
    except (ssl.SSLError, ValueError) as error:
        raise ProviderWrong("The certificate of the authority is no PEM certificate.", step="tls") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _failure(host: str, error: OutgoingFailed) -> ProviderAway | ProviderWrong:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            words = f"The certificate of {host} is not trusted: {cause.verify_message.rstrip('.')}."
            return ProviderWrong(f"{words} Enter your authority's certificate.", step="tls")
        if isinstance(cause, ssl.SSLError):
            return ProviderWrong(f"{host} does not speak TLS 1.2 or newer ({cause.reason}).", step="tls")
        if isinstance(cause, socket.gaierror):
            return ProviderAway(f"The name {host} is not known here; check DNS.", step="name")
        if isinstance(cause, TimeoutError):
            return ProviderAway(f"{host} does not answer in time.", step="connect")
        if isinstance(cause, OSError):
            words = f"{host} refuses the connection or cannot be reached; check name, port, firewall."
            return ProviderAway(words, step="connect")
    return ProviderAway(f"{host}: {error.message}", step="connect")


def _causes(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__
