"""The gateway's door: one WebSocket server, its health check, and an orderly end."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from appliance.audit import settings_changes
from appliance.collaborators import Collaborators
from appliance.metrics import exported
from appliance.readiness import announced
from appliance.settings import Settings
from web.realtime import figures
from web.realtime.gateway import Gateway

PATH = "/live"
HEALTH_PATH = "/live/healthz"
MAX_MESSAGE = 256 * 1024
"""An SDP of two tracks has 10 KB; the longest field allowed is 100,000 characters."""

log = structlog.get_logger(__name__)


async def run(collaborators: Collaborators) -> None:
    """Serve until SIGTERM or SIGINT; raise what made the gateway useless (the bus or the clock ended)."""
    work = asyncio.create_task(_work(collaborators), name="gateway")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def _work(collaborators: Collaborators) -> None:
    settings_changes.note_start(collaborators.session_factory, collaborators.settings, "gateway")
    async with serving(collaborators) as (gateway, server):
        log.info("gateway listens", address=address_of(server))
        with exported(collaborators.settings.metrics_listen, *figures.of_gateway(gateway)):
            async with announced(f"sockets at {address_of(server)}"):
                await gateway.run()


@asynccontextmanager
async def serving(collaborators: Collaborators) -> AsyncIterator[tuple[Gateway, Server]]:
    """A gateway that accepts sockets; its ``run`` is still to be run. Closed in order at the end."""
    settings = collaborators.settings
    host, _, port = settings.gateway_listen.rpartition(":")
    gateway = Gateway(collaborators)

    async def door(connection: ServerConnection, request: Request) -> Response | None:
        return answer(settings, gateway, connection, request)

    async def handler(connection: ServerConnection) -> None:
        await gateway.serve(connection, peer_of(connection, settings.proxy_addresses))

    server: Server | None = None
    try:
        await gateway.start()  # before the first socket: a browser that resumes must find its objects adopted
        server = await serve(
            handler,
            host.strip("[]"),
            int(port),
            process_request=door,
            max_size=MAX_MESSAGE,
            compression=None,  # 30 KB a socket and CPU, for messages of some hundred bytes
            ping_interval=20,
            ping_timeout=20,
            close_timeout=3,
            server_header=None,
        )
        yield gateway, server
    finally:
        if server is not None:
            server.close(close_connections=False)  # no newcomers; those here are told to come back
        await gateway.close()
        if server is not None:
            server.close()
            await server.wait_closed()


def answer(settings: Settings, gateway: Gateway, connection: ServerConnection, request: Request) -> Response | None:
    """Answer what is no socket of ours: health, wrong path, foreign page. None lets the handshake go on."""
    path = urlsplit(request.path).path
    if path == HEALTH_PATH:
        return health(gateway, connection)
    if path != PATH:
        return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing here; the socket is at /live.\n")
    origin = request.headers.get("Origin")
    if origin is not None and not is_own(origin, settings.public_url, request.headers.get("Host", "")):
        log.warning("foreign origin", origin=origin[:200])
        return connection.respond(HTTPStatus.FORBIDDEN, "This page may not open a socket here.\n")
    return None


def health(gateway: Gateway, connection: ServerConnection) -> Response:
    """Say whether the bus is heard and how many media nodes answer; without either no sitting can be served."""
    nodes = gateway.pipelines.nodes.healthy
    ready = gateway.listener.connected and nodes > 0
    report = {
        "status": "ok" if ready else "not_ready",
        "database": gateway.listener.connected,
        "media_nodes": nodes,
        "problems": {name: words for name, words in figures.problems(gateway).items() if words},
        "sockets": len(gateway.rooms),
        "disk": gateway.disks.figures,
    }
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return connection.respond(status, json.dumps(report) + "\n")


def is_own(origin: str, public_url: str, host: str) -> bool:
    """Whether a page of ``origin`` is one of ours: at the public address, or at the very host it asks."""
    there = urlsplit(origin).netloc.lower()
    return bool(there) and there in {urlsplit(public_url).netloc.lower(), host.lower()}


def peer_of(connection: ServerConnection, proxies: Collection[str]) -> str:
    """Return the browser's address: nginx on this machine or at ``proxies`` says it, others count as they connect."""
    peer = str((connection.remote_address or ("",))[0])
    request = connection.request
    if request is not None and (peer in {"127.0.0.1", "::1"} or peer in proxies):
        return request.headers.get("X-Real-IP", peer)
    return peer


def address_of(server: Server) -> str:
    """Return host:port of a listening server."""
    host, port = next(iter(server.sockets)).getsockname()[:2]
    return f"{host}:{port}"
