"""Names every reason why this machine cannot run Kustos now, each in one line, before anything starts."""

import errno
import importlib.util
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from appliance.errors import HostNotReady
from appliance.standalone.layout import Layout, Ports

MINIMUM_FREE_MB = 512
"""Enough for PostgreSQL, logs and a first recording; admission of sittings has its own, larger reserve."""


def check_host(layout: Layout, ports: Ports) -> None:
    """Raise ``HostNotReady`` with one line a problem; return when there is none."""
    problems = [
        *_programs(),
        *_folder(layout.data),
        *_ports(ports),
    ]
    if problems:
        raise HostNotReady("\n".join(problems))


def _programs() -> Iterator[str]:
    if shutil.which("nginx") is None and not Path("/usr/sbin/nginx").exists():
        yield "nginx is not installed: run `make setup`, or `apt-get install nginx-light`."
    if importlib.util.find_spec("gi") is None:
        yield "Python cannot import gi (GStreamer): run `make setup`; the venv needs --system-site-packages."


def _folder(data: Path) -> Iterator[str]:
    try:
        with tempfile.TemporaryFile(dir=data) as probe:
            probe.write(b"\0" * 65536)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            yield f"The disk of {data} is full: free some space, or choose another folder with --data."
        else:
            yield f"Nothing can be written to {data} ({error.strerror}): mend its rights, or use another --data."
        return
    free = shutil.disk_usage(data).free // 2**20
    if free < MINIMUM_FREE_MB:
        yield f"The disk of {data} is nearly full: {free} MB free, {MINIMUM_FREE_MB} MB needed."


def _ports(ports: Ports) -> Iterator[str]:
    for name, port in ports.named:
        host = "" if name == "https" else "127.0.0.1"
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno == errno.EACCES:
                    yield f"Port {port} ({name}) needs more rights: choose one above 1023 with --port."
                elif error.errno == errno.EADDRINUSE:
                    yield f"Port {port} ({name}) is already in use: stop what uses it, or choose another with --port."
                else:
                    yield f"Port {port} ({name}) cannot be used ({error.strerror}): choose another with --port."
            except OverflowError:
                yield f"Port {port} ({name}) is no port: choose --port between 1 and 64000."
