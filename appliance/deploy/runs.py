"""A run on the hosts of an inventory: its log, its playbook, and afterwards the word to the appliance's audit log.

Install, uninstall and upgrade go through ``carry_out``. A run that failed or was killed is simply run again: the
roles leave alone what is as it should be.
"""

import contextlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from appliance.deploy import inventory as inventories
from appliance.deploy import leftovers, run_log
from appliance.deploy.redaction import Redaction
from appliance.deploy.runner import InstallFailed, InstallInterrupted, Listener, Outcome, Play, Step, play
from appliance.errors import ApplianceError

AFTER: Final = "after.yml"
NOTE_TASK, CHECK_TASK = "Write runs to the audit log", "Check what was installed"
"""Tasks of the playbook ``after.yml`` whose results are read."""
INSTALLER: Final = Path("/opt/kustos/installer")
"""The environment that ``install.sh`` makes; whoever takes everything away runs in it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run on which hosts."""

    kind: str
    """``install``, ``uninstall``, ``upgrade``: said in the log."""
    playbook: str
    inventory: Path
    bundle: Path
    """Folder of an unpacked bundle, with the playbooks in ``ansible``."""
    runs: Path = field(default_factory=run_log.default_folder)
    variables: Mapping[str, Any] = field(default_factory=dict)
    check: bool = False
    tags: str = ""

    def play(self, playbook: str = "", **variables: Any) -> Play:
        """Return the run of one of its playbooks."""
        known = {"kustos_version": metadata.version("kustos"), "kustos_bundle": str(self.bundle.resolve())}
        main = not playbook
        return Play(
            folder=self.bundle.resolve() / "ansible",
            playbook=playbook or self.playbook,
            inventory=self.inventory,
            variables={**known, **self.variables, **variables},
            private=leftovers.private_folder(self.runs, self.kind),
            check=self.check and main,
            tags=self.tags if main else "",
        )


@dataclass(slots=True)
class Result:
    """What came of a run."""

    outcome: Outcome
    folder: Path | None = None
    """Of its log; None: it only looked."""
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Host -> the report of ``kustos check --quick --json`` there; empty where none was asked for."""
    noted: bool = False
    """Whether the audit log has it."""


def carry_out(order: Order, listener: Listener, verify: bool = False) -> Result:
    """Run the order; keep every task, tell the audit log, and with ``verify`` have every host check itself.

    Raises ``InstallFailed`` and ``InstallInterrupted`` when it is all kept and told, with ``details["folder"]``.
    """
    redaction = Redaction.of_inventory(order.inventory)
    if order.check:
        return Result(play(order.play(), listener, redaction))
    groups = inventories.check(order.inventory)
    hosts = sorted({host for names in groups.values() for host in names})
    version = metadata.version("kustos")
    with run_log.begin(order.runs, order.kind, version, order.inventory, hosts) as log:
        leftovers.clear(order.runs)
        begun = time.monotonic()

        def ended(step: Step) -> None:
            log.step(step)
            listener.ended(step)

        try:
            outcome = play(order.play(), replace(listener, ended=ended), redaction)
        except ApplianceError as error:
            state = run_log.INTERRUPTED if isinstance(error, InstallInterrupted) else run_log.FAILED
            _end(log, state, error.details.get("outcome"), begun)
            if state == run_log.FAILED:
                _after(order, False)
            error.details["folder"] = str(log.folder)
            raise
        except BaseException:
            _end(log, run_log.INTERRUPTED, None, begun)
            raise
        _end(log, run_log.DONE, outcome, begun)
        listener.phase(
            "checking what was installed, and telling the audit log" if verify else "telling the audit log"
        )
        checks, noted = _after(order, verify)
        return Result(outcome, log.folder, checks, noted)


def interrupted_before(order: Order) -> run_log.Summary | None:
    """Return the last run on the inventory if it did not come to its end; one that was killed could not say so."""
    former = run_log.former(order.runs, order.inventory)
    last = former[-1][1] if former else None
    if last is None or last.kind != order.kind or last.state == run_log.DONE:
        return None
    return replace(last, state=run_log.KILLED) if last.state == run_log.RUNNING else last


def remove_installer() -> bool:
    """Take away the environment that this process runs in, as the last act; say whether there was one."""
    if not INSTALLER.exists():
        return False
    shutil.rmtree(INSTALLER, ignore_errors=True)
    with contextlib.suppress(OSError):  # not empty: somebody else's, or a host that keeps its program
        INSTALLER.parent.rmdir()
    return True


def _end(log: run_log.RunLog, state: str, outcome: object, begun: float) -> None:
    known = outcome if isinstance(outcome, Outcome) else Outcome()
    known.seconds = time.monotonic() - begun
    log.end(state, known)


def _after(order: Order, verify: bool) -> tuple[dict[str, dict[str, Any]], bool]:
    """Tell the audit log of all runs it does not know yet; return the hosts' reports, and whether it was told."""
    waiting = run_log.not_noted(order.runs, order.inventory)
    notes = [{"result": _RESULTS.get(one.state, "failed"), "details": one.details()} for _, one in waiting]
    checks: dict[str, dict[str, Any]] = {}
    told = False

    def returned(host: str, task: str, result: dict[str, Any]) -> None:
        if task == CHECK_TASK:
            checks[host] = _report(result)

    def ended(step: Step) -> None:
        nonlocal told
        if step.task == CHECK_TASK and step.state == "skipped":  # such a host is looked at from the others
            checks.pop(step.host, None)
        told = told or (step.task == NOTE_TASK and step.state in {"ok", "changed"})

    words = [_words(note) for note in notes]
    with contextlib.suppress(InstallFailed):  # no appliance to tell yet; the next run does
        play(
            order.play(AFTER, kustos_notes=words, kustos_verify=verify),
            Listener(ended, returned=returned),
            Redaction(),
        )
    for folder, one in waiting if told else ():
        run_log.mark_noted(folder, one)
    return checks, told


_RESULTS: Final = {run_log.DONE: "success"}


def _words(note: dict[str, Any]) -> list[str]:
    """Return the arguments of ``kustos audit note`` after the action."""
    details = [word for name, value in note["details"].items() for word in ("--detail", f"{name}={value}")]
    return ["--subject", "appliance:this", "--result", note["result"], *details]


def _report(result: dict[str, Any]) -> dict[str, Any]:
    text = str(result.get("stdout") or "")
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    return {
        "unreadable": " ".join(str(result.get(name) or "") for name in ("msg", "stderr", "stdout")).strip()[-1500:]
    }
