"""HTTPS to an address that an administrator typed: no redirects, no endless answers, nothing on this machine itself.

The name is resolved here and the address that was judged is the one connected to, so that a name cannot answer
differently a moment later. Private networks are allowed: a customer's identity provider is on one.
"""

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpcore

from appliance.sign_on.failures import ProviderAway, ProviderWrong

MAX_BYTES: Final = 512 * 1024
"""A key set with certificate chains has some 20 KB."""
CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 10.0
WHOLE_SECONDS: Final = 15.0
"""A person is waiting; and who sends a byte now and then must not keep a thread."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON object of an answer; ``{}`` where it is none."""

    status: int
    content: dict[str, Any]
    text: str
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
        return self._ask("GET", url, ca_certificate, dict(headers or {}), b"")

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

    def _ask(self, method: str, url: str, ca_certificate: str, headers: dict[str, str], body: bytes) -> Answer:
        self.check_address(url)
        host = urlsplit(url).hostname or ""
        try:
            with httpcore.ConnectionPool(
                ssl_context=tls_context(ca_certificate), network_backend=_Network(self.loopback), max_connections=1
            ) as pool:
                return _exchange(pool, method, url, {"Accept": "application/json", **headers}, body)
        except httpcore.TimeoutException as error:
            raise ProviderAway(f"{host} does not answer in time.", step="connect") from error
        except ssl.SSLError as error:
            raise _tls_failure(host, error) from error
        except httpcore.ConnectError as error:
            raise _connect_failure(host, error) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise ProviderAway(f"{host} broke the connection off.", step="connect") from error
        except httpcore.UnsupportedProtocol as error:
            raise ProviderWrong(f"“{url[:200]}” is no https:// address.", step="address") from error


class _Network(httpcore.SyncBackend):
    """Connects to addresses that were judged, never to a name."""

    def __init__(self, loopback: bool) -> None:
        self._loopback = loopback

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ProviderAway(f"The name {host} is not known here; check DNS.", step="name") from error
        failure: Exception | None = None
        for address in dict.fromkeys(str(one[4][0]) for one in found):
            judge_address(host, address, loopback=self._loopback)
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or ProviderAway(f"The name {host} has no address.", step="name")


def judge_address(host: str, address: str, *, loopback: bool) -> None:
    """Raise ``ProviderWrong`` for addresses at which no identity provider is: this machine, link-local, multicast."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback and loopback:
        return
    if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        raise ProviderWrong(f"{host} leads to {ip}, where no identity provider may be.", step="address")


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


def _exchange(pool: httpcore.ConnectionPool, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
    host, ends = urlsplit(url).hostname, time.monotonic() + WHOLE_SECONDS
    timeout = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": CONNECT_SECONDS}
    sent: list[tuple[bytes | str, bytes | str]] = list(headers.items())
    with pool.stream(method, url, headers=sent, content=body, extensions={"timeout": timeout}) as response:
        received = bytearray()
        for chunk in response.iter_stream():
            received += chunk
            if len(received) > MAX_BYTES:
                raise ProviderWrong(f"{host} sends more than {MAX_BYTES // 1024} KB.", step="answer")
            if time.monotonic() > ends:
                raise ProviderAway(f"{host} does not answer in time.", step="connect")
        answered = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        target = urlsplit(answered.get(b"location", ""))
        raise ProviderWrong(
            f"{url} leads on to {target.scheme}://{target.netloc}{target.path}; enter the final address.",
            step="answer",
        )
    text = bytes(received).decode("utf-8", "replace")
    return Answer(response.status, _object(text), text, answered.get(b"content-type", "").partition(";")[0].strip())


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _tls_failure(host: str, error: ssl.SSLError) -> ProviderWrong:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ProviderWrong(
            f"The certificate of {host} is not trusted: {error.verify_message}. Enter your authority's certificate.",
            step="tls",
        )
    return ProviderWrong(f"{host} does not speak TLS 1.2 or newer ({error.reason}).", step="tls")


def _connect_failure(host: str, error: httpcore.ConnectError) -> ProviderAway | ProviderWrong:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLError):
        return _tls_failure(host, cause)
    return ProviderAway(
        f"{host} refuses the connection or cannot be reached; check name, port, firewall.", step="connect"
    )
