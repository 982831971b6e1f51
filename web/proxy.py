"""The address and scheme of the real client, taken from nginx and from nobody else."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class TrustedProxy:
    """WSGI middleware: believe ``X-Forwarded-For`` and ``-Proto`` only when the peer is this machine itself."""

    def __init__(self, application: Application) -> None:
        """Wrap an application."""
        self.application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Correct REMOTE_ADDR and the scheme, then go on."""
        if is_loopback(environ.get("REMOTE_ADDR", "")):
            # the last entry is what our own proxy appended; those before it are the client's claims
            claimed = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
            if is_address(claimed):
                environ["REMOTE_ADDR"] = claimed
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
        return self.application(environ, start_response)


def is_address(text: str) -> bool:
    """Say whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Say whether the peer is this machine: a loopback address, or none at all (a Unix socket)."""
    return not text or (is_address(text) and ip_address(text).is_loopback)
