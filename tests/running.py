"""A whole appliance started by ``kustos up`` for a test or a benchmark, and ways to look into it and to hurt it."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pyotp
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def wait_for(look: Callable[[], T], seconds: float, what: str) -> T:
    """Return the first true thing that ``look`` gives; fail, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)


def free_port_block() -> int:
    """Return a port such that it and those that ``Ports.from_public`` derives of it are free."""
    for base in random.sample(range(20000, 30000), 100):  # two runs beside each other would race for the first
        try:
            for port in (base, base + 363, base + 1001, base + 1002, base + 1003):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise AssertionError("no free ports on this machine")


class RunningAppliance:
    """``kustos up --demo`` as a child process."""

    program = (sys.executable, "-m", "appliance.cli")

    def __init__(self, data: Path, environment: dict[str, str] | None = None) -> None:
        self.data = data
        self.port = free_port_block()
        self.origin = f"http://localhost:{self.port}"
        # on a busy machine a test may last longer than a proof or somebody's absence
        patient = {"KUSTOS_PROOF_MINUTES": "240", "KUSTOS_LOCK_MINUTES": "240"}
        self.environment = {**os.environ, **patient, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self._engine: Engine | None = None
        self.output = data.parent / "up.out"

    def start(self, seconds: float = 180) -> float:
        """Start it and return the seconds until it said that it runs."""
        command = [
            sys.executable,
            "-m",
            "appliance.cli",
            "up",
            "--demo",
            "--data",
            str(self.data),
            "--port",
            str(self.port),
        ]
        begin = time.monotonic()
        with self.output.open("w") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                process_group=0,
            )
        try:
            wait_for(
                lambda: "Ctrl-C stops" in self.output.read_text() or self._process.poll() is not None,
                seconds,
                "start",
            )
            assert self._process.poll() is None, self.output.read_text()
        except AssertionError:
            self.stop()  # whoever waited in vain does not call it
            raise
        return time.monotonic() - begin

    def _started_or_ended(self) -> bool:
        return "Ctrl-C stops" in self.output.read_text() or self._process.poll() is not None

    def stop(self) -> int:
        """Press Ctrl-C, which a terminal tells the whole process group, and return the exit status."""
        assert self._process is not None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(timeout=90)

    @property
    def engine(self) -> Engine:
        """The appliance's database, to look into and to tamper with."""
        if self._engine is None:
            settings = tomllib.loads((self.data / "kustos.toml").read_text())
            self._engine = create_engine(settings["database_url"])
        return self._engine

    def row(self, statement: str, **values: Any) -> Any:
        """Return the first row of a query, or None."""
        with self.engine.begin() as connection:
            return connection.execute(text(statement), values).first()

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Return all rows of a query."""
        with self.engine.begin() as connection:
            return list(connection.execute(text(statement), values).all())

    def execute(self, statement: str, **values: Any) -> None:
        """Change the database behind the appliance's back."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def account(self, role: str) -> dict[str, str]:
        """Return e-mail, password and TOTP secret of the demo's member of staff with that role."""
        staff = json.loads((self.data / "demo.json").read_text())["staff"]
        return next(one for one in staff if one["role"] == role)

    def code(self, role: str) -> str:
        """Return a one-time code that was not used before, waiting for the next one if need be."""
        account = self.account(role)
        used = self.row('SELECT totp_last_step FROM "user" WHERE email = :email', email=account["email"])[0]
        wait_for(lambda: int(time.time()) // 30 > used, 35, "the next one-time code")
        return pyotp.TOTP(account["totp_secret"]).now()

    def kustos(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line on this appliance's data."""
        command = [sys.executable, "-m", "appliance.cli", *arguments, "--data", str(self.data)]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120)

    def processes(self, name: str) -> list[psutil.Process]:
        """Return the running processes of one program (node, gateway, web, worker, nginx), children included."""
        control = [
            sys.executable,
            "-m",
            "supervisor.supervisorctl",
            "-c",
            str(self.data / "run" / "supervisord.conf"),
        ]
        lines = subprocess.run([*control, "status"], capture_output=True, text=True).stdout.splitlines()
        pids = [
            int(line.split("pid ")[1].split(",")[0]) for line in lines if line.startswith(name) and "pid " in line
        ]
        found = []
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended since
                process = psutil.Process(pid)
                found += [process, *process.children(recursive=True)]
        return found

    def kill(self, name: str) -> int:
        """Kill -9 one process of a program; return its pid."""
        victim = self.processes(name)[0]
        for process in (*victim.children(recursive=True), victim):
            process.kill()
        victim.wait(10)
        return victim.pid

    def logs(self) -> str:
        """Return the last lines of all logs, for a failing test's message."""
        parts = []
        for file in sorted((self.data / "logs").glob("*.log")):
            tail = "\n".join(file.read_text(errors="replace").splitlines()[-40:])
            parts.append(f"===== {file.name}\n{tail}")
        return "\n".join(parts)


def ask_socket(file: Path, path: str, seconds: float = 15) -> httpx.Response:
    """Ask a process for its figures or its health."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(file)), timeout=seconds) as client:
        return client.get(f"http://process{path}")
