"""Between nginx and the application: whose address counts, and bodies that nobody wants any more."""

from collections.abc import Callable, Collection, Iterable
from ipaddress import ip_address
from typing import Any

from appliance.addresses import is_address

FORGOTTEN_BYTES = 16 * 1024 * 1024
"""nginx itself refuses more than 12 MB; for what is larger still the connection is simply closed."""

PIECE_BYTES = 64 * 1024

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class TrustedProxy:
    """WSGI middleware: believe ``X-Forwarded-For`` and ``-Proto`` only when the peer is this machine, or named."""

    def __init__(self, application: Application, proxies: Collection[str] = ()) -> None:
        """Wrap an application; ``proxies``: addresses of nginx on other hosts."""
        self.application, self.proxies = application, frozenset(proxies)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Correct REMOTE_ADDR and the scheme, then go on."""
        peer = environ.get("REMOTE_ADDR", "")
        if is_loopback(peer) or peer in self.proxies:
            # the last entry is what our own proxy appended; those before it are the client's claims
            claimed = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
            if is_address(claimed):
                environ["REMOTE_ADDR"] = claimed
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
        return self.application(environ, start_response)


class ReadToTheEnd:
    """WSGI middleware: take what a refused request still sends, a little at a time, and forget it.

    nginx passes a body on while it arrives. An application that answers and closes before it has read all makes nginx
    answer 502 in its place, and the candidate would never learn that the photo is too large.
    """

    def __init__(self, application: Application) -> None:
        """Wrap an application."""
        self.application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer, and see that the body was read."""
        body = environ["wsgi.input"]  # the application may put its own in this place
        answer = self.application(environ, start_response)
        declared = environ.get("CONTENT_LENGTH") or "0"
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        if is_chunked or (declared.isascii() and declared.isdigit() and 0 < int(declared) <= FORGOTTEN_BYTES):
            _forget(body)
        return answer


def _forget(body: Any) -> None:
    try:
        for _piece in range(FORGOTTEN_BYTES // PIECE_BYTES):
            if not body.read(PIECE_BYTES):
                return
    except OSError:
        return  # the client went away; there is nobody to answer


def is_loopback(text: str) -> bool:
    """Say whether the peer is this machine: a loopback address, or none at all (a Unix socket)."""
    return not text or (is_address(text) and ip_address(text).is_loopback)
