"""The one door to Ansible: run a playbook, and tell task by task how it goes."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner

from appliance.errors import ApplianceError


class InstallFailed(ApplianceError):
    """A task of the installation failed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One task on one host, as it ended."""

    host: str
    task: str
    role: str
    state: str
    """``ok``, ``changed``, ``skipped``, ``failed`` or ``unreachable``."""
    seconds: float
    message: str = ""
    """What the host said of a failure."""


@dataclass(slots=True)
class Outcome:
    """How a whole run went."""

    steps: list[Step] = field(default_factory=list)
    status: str = ""

    @property
    def changed(self) -> list[Step]:
        """Steps that changed something, or would."""
        return [step for step in self.steps if step.state == "changed"]

    @property
    def failed(self) -> list[Step]:
        """Steps that failed."""
        return [step for step in self.steps if step.state in {"failed", "unreachable"}]


_STATES = {
    "runner_on_ok": "ok",
    "runner_on_skipped": "skipped",
    "runner_on_failed": "failed",
    "runner_item_on_failed": "failed",  # it alone says why; that of the task says that one or more items failed
    "runner_on_unreachable": "unreachable",
}


def play(
    folder: Path,
    playbook: str,
    inventory: Path,
    variables: Mapping[str, Any],
    tell: Callable[[Step], None],
    check: bool = False,
    tags: str = "",
) -> Outcome:
    """Run ``playbook`` of ``folder`` against the inventory; ``tell`` hears of each task as it ends.

    ``check``: only say what would change. Raises ``InstallFailed`` naming the task, the host and what it said.
    """
    outcome = Outcome()

    def hear(event: dict[str, Any]) -> bool:
        step = _step(event)
        if step is not None:
            outcome.steps.append(step)
            tell(step)
        return True

    with tempfile.TemporaryDirectory(prefix="kustos-install-") as private:
        result = ansible_runner.run(
            private_data_dir=private,
            project_dir=str(folder),
            playbook=playbook,
            inventory=str(inventory.resolve()),
            extravars=dict(variables),
            cmdline="--check" if check else None,
            tags=tags or None,
            envvars={"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "PATH": _path()},
            event_handler=hear,
            quiet=True,
        )
        outcome.status = str(result.status)
        words = result.stdout.read() if result.stdout else ""
    if outcome.failed:
        step = outcome.failed[0]
        raise InstallFailed(f"{step.host}: “{step.task}” {step.state}: {step.message or 'it said nothing'}")
    if result.rc:
        raise InstallFailed(f"Ansible ended with {result.rc}: {words.strip()[-2000:]}")
    return outcome


def demand_ansible() -> None:
    """Raise ``InstallFailed`` where Ansible is not installed beside Kustos."""
    if shutil.which("ansible-playbook", path=_path()) is None:
        raise InstallFailed("Ansible is missing: install Kustos with it, pip install 'kustos[install]'.")


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _step(event: dict[str, Any]) -> Step | None:
    data = event.get("event_data") or {}
    state = _STATES.get(event.get("event", ""))
    if state is None:
        return None
    result = data.get("res") or {}
    if state == "failed" and data.get("ignore_errors"):
        state = "ok"
    if state == "ok" and result.get("changed"):
        state = "changed"
    message = ""
    if state in {"failed", "unreachable"}:
        said = [result.get(name) for name in ("msg", "stderr", "stdout")]
        message = " ".join(str(text).strip() for text in said if text)[-1500:]
    return Step(
        host=str(data.get("host", "")),
        task=str(data.get("task", "")),
        role=str(data.get("role", "")),
        state=state,
        seconds=float(data.get("duration") or 0.0),
        message=message,
    )
