"""Headers that every response carries: what a page may load, be framed by, and use of the machine."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from pyramid.events import NewResponse

PERMISSIONS_POLICY: Final = ", ".join(
    [
        # what the check-in and the exam need
        "camera=(self)",
        "microphone=(self)",
        "display-capture=(self)",
        "fullscreen=(self)",
        "autoplay=(self)",
        "screen-wake-lock=(self)",
        "window-management=(self)",  # screen.isExtended tells of a second display
        # what nothing here needs; a framed exam page cannot ask for it in our name either
        "geolocation=()",
        "payment=()",
        "usb=()",
        "serial=()",
        "midi=()",
        "hid=()",
        "accelerometer=()",
        "gyroscope=()",
        "magnetometer=()",
        "browsing-topics=()",
        "publickey-credentials-get=(self)",
        "publickey-credentials-create=(self)",
    ]
)

ANALYSIS_WORKER: Final = "/static/js/candidate/analysis/worker.js"
"""A worker has the policy of its own script: only this one, and no page, may compile WebAssembly."""

HSTS: Final = "max-age=31536000"
"""A year. Without includeSubDomains: the customer's other hosts are none of our business."""


def content_security_policy(
    websocket_origin: str, frame_origins: Iterable[str] = (), *, compiles: bool = False
) -> str:
    """Return the policy: everything from here, nothing inline, nobody frames us.

    ``compiles``: WebAssembly may be compiled (but no JavaScript be made of strings).

    ``websocket_origin`` is named because older Safari does not take ``'self'`` to include ``wss:``.
    """
    wasm = " 'wasm-unsafe-eval'" if compiles else ""
    frames = " ".join(sorted(frame_origins)) or "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self'{wasm}",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "font-src 'self'",
            f"connect-src 'self' {websocket_origin}",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            f"frame-src {frames}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "object-src 'none'",
        ]
    )


def origin_of(url: str) -> str | None:
    """Return ``scheme://host[:port]`` of an http(s) URL, None of anything else."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port}" if parts.port else f"{parts.scheme}://{host}"


def add_headers(event: NewResponse) -> None:
    """Complete a response; what a view has set itself stays."""
    request, headers = event.request, event.response.headers
    websocket = request.host_url.replace("http", "ws", 1)
    for name, value in {
        "Content-Security-Policy": content_security_policy(
            # not ``path_info``: a path need not be text
            websocket,
            request.frame_origins,
            compiles=request.environ.get("PATH_INFO") == ANALYSIS_WORKER,
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }.items():
        headers.setdefault(name, value)
    if request.scheme == "https":
        headers.setdefault("Strict-Transport-Security", HSTS)
