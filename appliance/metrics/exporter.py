"""Serves this process's figures and health, from a thread: a loop that hangs can still be told apart from a dead one.

``GET /metrics`` Prometheus' text, ``GET /health/live`` and ``GET /health/ready`` JSON with 200 or 503.
"""

import contextlib
import json
import os
import selectors
import socket
import stat
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, cast

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from appliance.errors import SettingInvalid
from appliance.metrics.process import ProcessFigures
from appliance.metrics.registry import REGISTRY

AT_ONCE: Final = 8
"""Requests answered at a time: two Prometheus servers and a load balancer need three. More are turned away."""
SILENT_SECONDS: Final = 5.0
"""What an asker may take to say what it wants."""
SOCKET_MODE: Final = 0o666
"""Whoever has an account on the host may read: there is nothing of people in it, and nginx has no group of ours."""

Problems = Mapping[str, str]
"""What is asked -> what is wrong with it, in words without secrets; empty while it is well."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """How a process tells whether it is well. Both are asked in the exporter's thread and must not take long."""

    alive: Callable[[], Problems] = dict
    """Only what starting it anew would mend."""
    ready: Callable[[], Problems] = dict
    """Also what it needs of others: a load balancer sends nobody to it meanwhile."""


@dataclass(slots=True)
class Exporter:
    """One listening socket, and what is said there."""

    listening: socket.socket
    health: Health = field(default_factory=Health)
    collectors: Sequence[Collector] = ()
    process: Collector = field(default_factory=ProcessFigures)
    _server: "_Server | None" = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Answer from now on."""
        registry = CollectorRegistry(auto_describe=True)
        for collector in (_own_figures(), self.process, *self.collectors):
            registry.register(collector)
        self._server = _Server(self.listening, registry, self.health)
        self._thread = threading.Thread(target=self._server.serve, name="figures", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; the socket's file goes, too."""
        if self._server is not None:
            self._server.end()
            if self._thread is not None:
                self._thread.join(SILENT_SECONDS)
            forget(self.listening)
            self._server.server_close()


@contextlib.contextmanager
def exported(where: str, health: Health, collectors: Sequence[Collector] = ()) -> Iterator[None]:
    """Serve at ``where`` (setting ``metrics_listen``) as long as the context lasts.

    What cannot be listened on is logged: for want of figures nobody's exam ends.
    """
    exporter: Exporter | None = None
    try:
        listening = listen(where)
        if listening is not None:
            exporter = Exporter(listening, health, collectors)
            exporter.start()
    except SettingInvalid as error:
        log.error("no figures", problem=error.message)
    try:
        yield
    finally:
        if exporter is not None:
            exporter.stop()


def listen(where: str) -> socket.socket | None:
    """Return a socket that listens at ``unix:/path`` or ``host:port``; None for nothing.

    Raises ``SettingInvalid`` saying what is wrong.
    """
    if not where:
        return None
    try:
        return _listen_file(Path(where[5:])) if where.startswith("unix:") else _listen_port(where)
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise SettingInvalid(
            f"metrics_listen: {where} cannot be listened on ({words}); it looks like unix:/run/kustos/web.sock or"
            " 127.0.0.1:9641, and each process has its own."
        ) from error


def _listen_file(path: Path) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise ValueError("there is a file that is no socket")
        path.unlink()  # what a killed process left
    path.parent.mkdir(parents=True, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(path))
        path.chmod(SOCKET_MODE)
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def _listen_port(where: str) -> socket.socket:
    host, _, port = where.rpartition(":")
    return socket.create_server(
        (host.strip("[]"), int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET
    )


def forget(listening: socket.socket) -> None:
    """Take the file of a socket away."""
    if listening.family == socket.AF_UNIX:
        with contextlib.suppress(OSError):
            Path(listening.getsockname()).unlink()


def _own_figures() -> Collector:
    """Return this process's own figures; where gunicorn has several processes, those of all of them."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        return cast(Collector, MultiProcessCollector(None))  # type: ignore[no-untyped-call]
    return REGISTRY


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket, registry: CollectorRegistry, health: Health) -> None:
        super().__init__(("", 0), _Answer, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        listening.setblocking(False)  # a sibling of gunicorn's may be quicker to accept
        self.registry, self.health = registry, health
        self._free = threading.Semaphore(AT_ONCE)
        self._ending = False

    def serve(self) -> None:
        """Answer until the end. The library's own loop would wake up twice a second for nothing."""
        with selectors.DefaultSelector() as questions:
            questions.register(self.socket, selectors.EVENT_READ)
            while not self._ending:
                questions.select()  # by itself ``handle_request`` does not wait where the socket does not block
                self.handle_request()

    def end(self) -> None:
        """Let ``serve`` return, by asking it something."""
        self._ending = True
        with contextlib.suppress(OSError), socket.socket(self.socket.family) as waking:
            waking.connect(self.socket.getsockname())

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: an asker that went away is no news."""


class _Answer(BaseHTTPRequestHandler):
    timeout = SILENT_SECONDS
    server: _Server
    server_version = "kustos"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._send(HTTPStatus.OK, kind, encode(self.server.registry))
        elif path == "/health/live":
            self._tell("alive", self.server.health.alive)
        elif path == "/health/ready":
            self._tell("ready", self.server.health.ready)
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"Ask for /metrics, /health/live or /health/ready.\n")

    def _tell(self, well: str, ask: Callable[[], Problems]) -> None:
        problems = {name: problem for name, problem in ask().items() if problem}
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        told = {"status": f"not_{well}" if problems else well, "problems": problems}
        self._send(status, "application/json", json.dumps(told).encode() + b"\n")

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: it is asked every few seconds."""
