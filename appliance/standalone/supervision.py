"""supervisord keeps the processes running: its configuration, and waiting until each one answers.

A process that dies is started again at once; honcho would stop all the others with it.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from appliance.errors import HostNotReady
from appliance.standalone.layout import Layout, Ports

ANALYSIS_WORKERS = 2
"""So that a killed worker's sittings are taken over at once by the other."""

WORKERS = ANALYSIS_WORKERS + 2
"""One more for photos and sealing, which must not wait until a live analysis ends, and one for exports."""

STOP_SECONDS = 15
"""What a process may take to end by itself; gunicorn lets requests go on for 10 s."""

SHUTDOWN_SECONDS = 5.0 * STOP_SECONDS
"""The supervisor ends one priority after the other. Who killed it before it is done would leave processes behind."""

PROGRAM = """\
[program:{name}]
command={command}
process_name=%(program_name)s_%(process_num)d
numprocs={count}
autorestart=true
startsecs=1
startretries=1000000
stopsignal=TERM
stopwaitsecs={stop_seconds}
stopasgroup=false
killasgroup=true
priority={priority}
redirect_stderr=true
stdout_logfile={logs}/{name}_%(process_num)d.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=3
environment=KUSTOS_METRICS_LISTEN="unix:{run}/metrics/%(program_name)s_%(process_num)d.sock"
"""

MAIN = """\
; Written by `kustos up`.
[supervisord]
nodaemon=true
silent=true
logfile={logs}/supervisord.log
pidfile={run}/supervisord.pid
childlogdir={logs}
environment=KUSTOS_SETTINGS="{settings}",PYTHONUNBUFFERED="1"
{user}
[unix_http_server]
file={run}/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{run}/supervisor.sock

"""


@dataclass(frozen=True)
class Program:
    """One kind of process."""

    name: str
    arguments: tuple[str, ...]
    count: int = 1
    priority: int = 100
    nice: bool = False
    """Gives way to all other processes."""


def programs(ports: Ports) -> tuple[Program, ...]:
    """Return what runs, in the order of starting; nginx is last to come and first to go."""
    return (
        *(
            Program(_numbered("node", index), ("node", "run", "--listen", f"127.0.0.1:{port}"), priority=10)
            for index, port in enumerate(ports.nodes, 1)
        ),
        *(
            Program(_numbered("gateway", index), ("gateway", "--listen", f"127.0.0.1:{port}"), priority=20)
            for index, port in enumerate(ports.gateways, 1)
        ),
        Program("web", ("web",), priority=20),
        Program("worker_analysis", ("worker", "--queue", "analysis"), count=ANALYSIS_WORKERS, priority=30),
        Program("worker_default", ("worker", "--queue", "default"), priority=30),
        # Exports and documents take what processor time they get: they must not cost a running exam a picture.
        Program(
            "worker_background", ("worker", "--queue", "exports", "--queue", "documents"), priority=30, nice=True
        ),
    )


def _numbered(name: str, index: int) -> str:
    return name if index == 1 else f"{name}_{index}"


def _counted(name: str, ports: tuple[int, ...]) -> str:
    return name if len(ports) == 1 else f"{len(ports)} {name}s"


def write_configuration(layout: Layout, ports: Ports, nginx_configuration: Path) -> Path:
    """Write supervisord's configuration below ``layout.run`` and return its path."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    nginx_command = f"{nginx} -e stderr -p {layout.run} -c {nginx_configuration}"
    sections = [
        PROGRAM.format(
            name=program.name,
            command=_command(program),
            count=program.count,
            priority=program.priority,
            logs=layout.logs,
            run=layout.run,
            stop_seconds=STOP_SECONDS,
        )
        for program in programs(ports)
    ]
    sections.append(
        PROGRAM.format(
            name="nginx",
            command=nginx_command,
            count=1,
            priority=40,
            logs=layout.logs,
            run=layout.run,
            stop_seconds=STOP_SECONDS,
        )
    )
    user = "user=root\n" if os.geteuid() == 0 else ""
    main = MAIN.format(logs=layout.logs, run=layout.run, settings=layout.settings_file, user=user)
    file = layout.run / "supervisord.conf"
    file.write_text(main + "\n".join(sections), encoding="utf-8")
    return file


def _command(program: Program) -> str:
    yielding = ("nice", "-n", "15") if program.nice else ()
    return " ".join((*yielding, sys.executable, "-m", "appliance.cli", *program.arguments))


def start(configuration: Path) -> subprocess.Popen[bytes]:
    """Start supervisord in its own process group, so that Ctrl-C reaches it only through us, in order."""
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]
    return subprocess.Popen(command, process_group=0)  # noqa: S603 - our own program and file


@dataclass(frozen=True)
class Probe:
    """How to see that a process answers."""

    name: str
    ready: Callable[[], bool]


def probes(ports: Ports, database_url: str) -> tuple[Probe, ...]:
    """Return a probe for each process: through nginx where people come from, workers by their heartbeat."""
    origin = f"http://127.0.0.1:{ports.http}"
    return (
        Probe(_counted("media node", ports.nodes), lambda: all(_accepts(port) for port in ports.nodes)),
        Probe(
            _counted("gateway", ports.gateways),
            lambda: (
                all(_answers(f"http://127.0.0.1:{port}/live/healthz") for port in ports.gateways)
                and _answers(f"{origin}/live/healthz")
            ),
        ),
        Probe("web", lambda: _answers(f"{origin}/healthz")),
        Probe(f"{WORKERS} workers", lambda: _working(database_url) >= WORKERS),
    )


def wait_until_ready(
    waiting: tuple[Probe, ...], process: subprocess.Popen[bytes], logs: Path, seconds: float
) -> dict[str, float]:
    """Return seconds until each probe was first good; raise ``HostNotReady`` naming those that never were."""
    begin = time.monotonic()
    ready: dict[str, float] = {}
    while len(ready) < len(waiting):
        for probe in waiting:
            if probe.name not in ready and probe.ready():
                ready[probe.name] = time.monotonic() - begin
        silent = ", ".join(probe.name for probe in waiting if probe.name not in ready)
        if process.poll() is not None:
            raise HostNotReady(f"The supervisor ended; see {logs / 'supervisord.log'}.")
        if silent and time.monotonic() - begin > seconds:
            raise HostNotReady(f"No answer from {silent} within {seconds:.0f} s; see the logs in {logs}.")
        time.sleep(0.1)
    return ready


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _working(database_url: str) -> int:
    """Return how many workers' hearts beat."""
    beating = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '5 seconds'"
    with psycopg.connect(database_url.replace("+psycopg", "", 1)) as connection:
        row = connection.execute(beating).fetchone()
    return int(row[0]) if row else 0
