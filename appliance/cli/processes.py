"""One command a process: what supervisord here, and systemd on customer hosts, start."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import click

from appliance import logs
from appliance.settings import load_settings


@click.command()
def web() -> None:
    """Serve pages and the REST API (gunicorn)."""
    settings = load_settings()
    _share_figures(settings.metrics_listen)
    arguments = [
        *("--config", "python:web.serving"),
        *("--bind", settings.web_listen),
        *("--worker-class", "gthread", "--workers", "1", "--threads", "16"),
        *("--worker-tmp-dir", "/dev/shm" if os.path.isdir("/dev/shm") else "/tmp"),  # noqa: PTH112,S108 - heartbeat file
        *("--graceful-timeout", "10", "--access-logfile", "/dev/null", "--no-control-socket"),
        "web.app:make_wsgi()",
    ]
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])  # noqa: S606 - becomes the server


def _share_figures(metrics_listen: str) -> None:
    """Give gunicorn's processes a folder in which each leaves its figures, so that any of them can tell the sum."""
    if metrics_listen:
        socket = Path(metrics_listen.removeprefix("unix:"))
        beside = socket.parent if metrics_listen.startswith("unix:") and socket.parent.is_dir() else None
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="figures-", dir=beside)


@click.command()
@click.option("--listen", default=None, metavar="HOST:PORT", help="Where to listen [default: the settings'].")
def gateway(listen: str | None) -> None:
    """Carry signalling, chat and the feed (websockets)."""
    from appliance.collaborators import assemble  # noqa: PLC0415 - each process loads only what it runs
    from web.realtime.server import run  # noqa: PLC0415

    logs.configure()
    settings = load_settings() if listen is None else load_settings(gateway_listen=listen)
    asyncio.run(run(assemble(settings)))


@click.command()
@click.option(
    "--queue", "queues", multiple=True, help="Take only jobs of this queue; may be repeated [default: all]."
)
def worker(queues: tuple[str, ...]) -> None:
    """Work off the jobs: live analysis (queue `analysis`), photo checks, sealing, sweeps (queue `default`)."""
    from media.tasks import run  # noqa: PLC0415 - models are loaded in this process only

    logs.configure()
    run(load_settings(), queues)
