"""What a run left: a folder with every task as a line of JSON, and what came of the whole.

Only its owner may read it, and no secret is in it. A run that was killed is found by the next one, which goes on.
"""

import contextlib
import fcntl
import getpass
import hashlib
import itertools
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from appliance.deploy.runner import Outcome, Step
from appliance.errors import ApplianceError
from appliance.standalone.layout import write_private

SUMMARY, TASKS = "run.json", "tasks.jsonl"
RUNNING, DONE, FAILED, INTERRUPTED, KILLED = "running", "done", "failed", "interrupted", "killed"
"""The last is what the next run says of one that did not come to say how it went."""
TOLD_AT_MOST: Final = 60
"""Names of tasks in an entry of the audit log; all of them are in the run's folder."""


class RunGoesOn(ApplianceError):
    """Another run on this inventory goes on."""


def default_folder() -> Path:
    """Return where runs are kept: the system's logs for root, else the user's own state."""
    if os.geteuid() == 0:
        return Path("/var/log/kustos/runs")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "kustos" / "runs"


def whose() -> str:
    """Return who runs this, and on which machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@dataclass(slots=True)
class Summary:
    """A run as a whole."""

    run: str
    kind: str
    """``install``, ``uninstall``, ``upgrade`` …"""
    version: str
    inventory: str
    hosts: list[str]
    by: str
    """Who ran it, and on which machine."""
    begun: str
    ended: str = ""
    state: str = RUNNING
    seconds: float = 0.0
    tasks: int = 0
    changed_tasks: list[str] = field(default_factory=list)
    failed_tasks: list[str] = field(default_factory=list)
    noted: bool = False
    """Whether the appliance's audit log has it."""

    def details(self) -> dict[str, str]:
        """Return what the audit log is told."""
        return {
            "run": self.run,
            "kind": self.kind,
            "version": self.version,
            "state": self.state,
            "by": self.by,
            "hosts": ", ".join(self.hosts),
            "begun": self.begun,
            "seconds": f"{self.seconds:.0f}",
            "tasks": str(self.tasks),
            "changed": str(len(self.changed_tasks)),
            "changed_tasks": _listed(self.changed_tasks),
            "failed_tasks": _listed(self.failed_tasks),
        }


class RunLog:
    """The folder of one run, while it goes on."""

    def __init__(self, folder: Path, summary: Summary) -> None:
        """Make the folder; use ``begin``."""
        folder.mkdir(parents=True, mode=0o700)
        self.folder, self.summary = folder, summary
        descriptor = os.open(folder / TASKS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._tasks: IO[str] = os.fdopen(descriptor, "w", encoding="utf-8")
        self._write()

    def step(self, step: Step) -> None:
        """Keep one task; it is on disk when this returns, whatever happens to the run."""
        line = {"at": _now(), **asdict(step)}
        self._tasks.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._tasks.flush()

    def end(self, state: str, outcome: Outcome) -> None:
        """Say how it went."""
        one = self.summary
        one.state, one.ended, one.seconds, one.tasks = state, _now(), round(outcome.seconds, 1), len(outcome.steps)
        one.changed_tasks = [_told(step) for step in outcome.changed]
        one.failed_tasks = [_told(step) for step in outcome.failed]
        self._tasks.close()
        self._write()

    def noted(self) -> None:
        """The audit log has it."""
        self.summary.noted = True
        self._write()

    def _write(self) -> None:
        _save(self.folder, self.summary)


@contextlib.contextmanager
def begin(runs: Path, kind: str, version: str, inventory: Path, hosts: list[str]) -> Iterator[RunLog]:
    """Yield the log of a new run; raise ``RunGoesOn`` while another one on the same inventory goes on."""
    runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = str(inventory.resolve())
    with (runs / f".{hashlib.sha256(place.encode()).hexdigest()[:16]}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunGoesOn(f"Another run on {inventory} goes on; wait for it, or stop it first.") from error
        _mark_killed(runs, place)
        name = _free_name(runs, kind)
        yield RunLog(runs / name, Summary(name, kind, version, place, hosts, whose(), _now()))


def former(runs: Path, inventory: Path) -> list[tuple[Path, Summary]]:
    """Return the runs on an inventory, oldest first."""
    place = str(inventory.resolve())
    return [(folder, one) for folder, one in _all(runs) if one.inventory == place]


def not_noted(runs: Path, inventory: Path) -> list[tuple[Path, Summary]]:
    """Return the runs that no audit log knows of yet, oldest first: there was no appliance then to tell."""
    return [(folder, one) for folder, one in former(runs, inventory) if not one.noted and one.state != RUNNING]


def mark_noted(folder: Path, summary: Summary) -> None:
    """The audit log has a former run now, too."""
    summary.noted = True
    _save(folder, summary)


def _all(runs: Path) -> Iterator[tuple[Path, Summary]]:
    for file in sorted(runs.glob(f"*/{SUMMARY}")):
        with contextlib.suppress(OSError, ValueError, TypeError):  # not ours, or of another release
            yield file.parent, Summary(**json.loads(file.read_text(encoding="utf-8")))


def _mark_killed(runs: Path, inventory: str) -> None:
    """Nobody holds the lock, so what says that it runs does not any more; its tasks are told by their lines."""
    for folder, one in _all(runs):
        if one.inventory != inventory or one.state != RUNNING:
            continue
        lines = list(_lines(folder / TASKS))
        one.state, one.tasks, one.ended = KILLED, len(lines), lines[-1]["at"] if lines else one.begun
        one.changed_tasks = [_line_told(line) for line in lines if line["state"] == "changed"]
        one.failed_tasks = [_line_told(line) for line in lines if line["state"] in {"failed", "unreachable"}]
        _save(folder, one)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(OSError), file.open(encoding="utf-8") as lines:
        for line in lines:
            with contextlib.suppress(ValueError):  # the last one may be cut off
                yield json.loads(line)


def _free_name(runs: Path, kind: str) -> str:
    base = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{kind}"
    names = (base if number == 1 else f"{base}-{number}" for number in itertools.count(1))
    return next(name for name in names if not (runs / name).exists())


def _save(folder: Path, summary: Summary) -> None:
    write_private(folder / SUMMARY, json.dumps(asdict(summary), ensure_ascii=False, indent=1) + "\n")


def _told(step: Step) -> str:
    return f"{step.host} {step.name}"


def _line_told(line: dict[str, Any]) -> str:
    return " ".join(filter(None, (line["host"], f"{line['role']}:" if line["role"] else "", line["task"])))


def _listed(names: list[str]) -> str:
    more = len(names) - TOLD_AT_MOST
    return "; ".join(names[:TOLD_AT_MOST]) + (f"; and {more} more" if more > 0 else "")


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
