"""Counts requests by their route's pattern, never by what stands in the address."""

import time
from typing import Any, Final

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.tweens import EXCVIEW

from appliance.metrics import counter, histogram
from web.services import Handler, Request

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Others are what a stranger thought of."""

_REQUESTS: Final = counter(
    "http_requests_total", "Requests that were answered, by route and status", ["method", "route", "status"]
)
_SECONDS: Final = histogram(
    "http_request_duration_seconds",
    "Time until the answer began",
    ["route"],
    buckets=(0.025, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_RUNNING: Final = counter("http_requests_begun_total", "Requests that came; more than answered: some are under way")


def tween(handler: Handler, registry: Any) -> Handler:
    """Wrap the whole application, error pages included."""

    def counted(request: Request) -> Response:
        begun, status = time.monotonic(), "500"
        _RUNNING.inc()
        try:
            response = handler(request)
            status = str(response.status_int)
            return response
        finally:
            matched = getattr(request, "matched_route", None)
            route = "none" if matched is None else "/" + matched.pattern.lstrip("/")
            method = request.method if request.method in METHODS else "other"
            _REQUESTS.labels(method, route, status).inc()
            _SECONDS.labels(route).observe(time.monotonic() - begun)

    return counted


def includeme(config: Configurator) -> None:
    """Count everything that is answered."""
    config.add_tween("web.figures.tween", over=EXCVIEW)
