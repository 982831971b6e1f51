"""The one door to Ansible: run a playbook, and tell task by task how it goes."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import ansible_runner
import yaml

from appliance.deploy import leftovers
from appliance.deploy.differences import lines_of
from appliance.deploy.redaction import Redaction
from appliance.errors import ApplianceError


class InstallFailed(ApplianceError):
    """A task of the installation failed."""


class InstallInterrupted(ApplianceError):
    """The run was stopped."""


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
    difference: tuple[str, ...] = ()
    """Lines that a check would take away and put there, as ``diff`` writes them."""

    @property
    def name(self) -> str:
        """Role and task, as people read them."""
        return f"{self.role}: {self.task}" if self.role else self.task


@dataclass(slots=True)
class Outcome:
    """How a whole run went."""

    steps: list[Step] = field(default_factory=list)
    status: str = ""
    seconds: float = 0.0

    @property
    def changed(self) -> list[Step]:
        """Steps that changed something, or would."""
        return [step for step in self.steps if step.state == "changed"]

    @property
    def failed(self) -> list[Step]:
        """Steps that failed."""
        return [step for step in self.steps if step.state in {"failed", "unreachable"}]


@dataclass(frozen=True, slots=True)
class Play:
    """What is to be run, and for whom."""

    folder: Path
    """With the playbooks, ``ansible.cfg`` and the roles."""
    playbook: str
    inventory: Path
    variables: Mapping[str, Any]
    private: Path
    """A folder of its own for what Ansible writes meanwhile; emptied afterwards."""
    check: bool = False
    """Only say what would change."""
    tags: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of a run while it goes on; all of it is called in the thread that runs it."""

    ended: Callable[[Step], None] = lambda _step: None
    """A task ended on a host."""
    began: Callable[[str], None] = lambda _name: None
    """A task begins, on all its hosts."""
    returned: Callable[[str, str, dict[str, Any]], None] = lambda _host, _task, _result: None
    """Host, task and all that its module gave back: for playbooks that gather."""
    phase: Callable[[str], None] = lambda _name: None
    """Something follows that is told as a whole."""


_STATES: Final = {
    "runner_on_ok": "ok",
    "runner_on_skipped": "skipped",
    "runner_on_failed": "failed",
    "runner_item_on_failed": "failed",  # it alone says why; that of the task says that one or more items failed
    "runner_on_unreachable": "unreachable",
}
HIDDEN: Final = "what it said may hold a secret and is not shown"


def play(what: Play, listener: Listener, redaction: Redaction) -> Outcome:
    """Run a playbook against the inventory; the listener hears of each task.

    Raises ``InstallFailed`` naming task, host and what it said, ``InstallInterrupted`` when it was told to stop.
    Either has the steps until then in ``details["outcome"]``.
    """
    outcome = Outcome()

    def hear(event: dict[str, Any]) -> bool:
        data = event.get("event_data") or {}
        if event.get("event") == "playbook_on_task_start":
            listener.began(_named(data))
        step = _step(event, what.check, redaction)
        if step is not None:
            outcome.steps.append(step)
            listener.returned(step.host, step.task, data.get("res") or {})
            listener.ended(step)
        return True

    with leftovers.owned(what.private):  # events and variables as they are, secrets among them
        result = ansible_runner.run(
            private_data_dir=str(what.private),
            project_dir=str(what.folder),
            playbook=what.playbook,
            inventory=str(what.inventory.resolve()),
            extravars=dict(what.variables),
            cmdline="--check --diff" if what.check else None,
            tags=what.tags or None,
            envvars=_environment(what.folder),
            event_handler=hear,
            quiet=True,
        )
        words = result.stdout.read() if result.stdout else ""
    outcome.status = str(result.status)
    _judge(outcome, result.rc, redaction.of(words))
    return outcome


def _judge(outcome: Outcome, code: int | None, words: str) -> None:
    if outcome.status == "canceled":
        raise InstallInterrupted(outcome=outcome)
    if outcome.failed:
        step = outcome.failed[0]
        said = f"{step.host}: “{step.name}” {step.state}: {step.message or 'it said nothing'}"
        raise InstallFailed(said, outcome=outcome)
    if code:
        raise InstallFailed(f"Ansible ended with {code}: {words.strip()[-2000:]}", outcome=outcome)


def expected_tasks(folder: Path, playbook: str) -> int:
    """Return how many tasks a playbook and its roles have in their files: some of them are left out on some hosts."""
    plays = yaml.safe_load((folder / playbook).read_text(encoding="utf-8")) or []
    return sum(_tasks_of_play(folder, one) for one in plays if isinstance(one, dict))


def _tasks_of_play(folder: Path, one: dict[str, Any]) -> int:
    if "ansible.builtin.import_playbook" in one:
        return expected_tasks(folder, str(one["ansible.builtin.import_playbook"]))
    names = [role["role"] if isinstance(role, dict) else str(role) for role in one.get("roles", ())]
    roles = [folder / "roles" / name for name in names]
    inside = sum(_of_file(role / "tasks" / "main.yml") for role in roles)
    inside += sum((role / "meta" / "argument_specs.yml").exists() for role in roles)  # are checked by a task each
    return inside + sum(_count(one.get(part), folder / "roles") for part in ("pre_tasks", "tasks", "post_tasks"))


def _of_file(file: Path) -> int:
    return _count(yaml.safe_load(file.read_text(encoding="utf-8")), file.parent) if file.is_file() else 0


def _count(tasks: Any, place: Path) -> int:
    """Count tasks with what they include by name; ``place``: the folder of their file, or that of the roles."""
    found = 0
    for task in tasks or ():
        included = task.get("ansible.builtin.include_tasks", task.get("ansible.builtin.import_tasks"))
        role = task.get("ansible.builtin.include_role", task.get("ansible.builtin.import_role"))
        if "block" in task:
            found += _count(task["block"], place)
        else:
            found += 1
        if isinstance(included, str):
            found += _of_file(place / included)
        elif isinstance(role, dict):
            found += _of_file(place / str(role.get("name")) / "tasks" / f"{role.get('tasks_from', 'main')}.yml")
    return found


def demand_ansible() -> None:
    """Raise ``InstallFailed`` where Ansible is not installed beside Kustos."""
    if shutil.which("ansible-playbook", path=_path()) is None:
        raise InstallFailed("Ansible is missing: install Kustos with it, pip install 'kustos[install]'.")


def _environment(folder: Path) -> dict[str, str]:
    return {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "PATH": _path()}


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _named(data: dict[str, Any]) -> str:
    role, task = data.get("role"), str(data.get("task", ""))
    return f"{role}: {task}" if role else task


def _step(event: dict[str, Any], check: bool, redaction: Redaction) -> Step | None:
    data = event.get("event_data") or {}
    state = _STATES.get(event.get("event", ""))
    if state is None:
        return None
    result = data.get("res") or {}
    if state == "failed" and data.get("ignore_errors"):
        state = "ok"
    if state == "ok" and result.get("changed"):
        state = "changed"
    return Step(
        host=str(data.get("host", "")),
        task=str(data.get("task", "")),
        role=str(data.get("role", "")),
        state=state,
        seconds=float(data.get("duration") or 0.0),
        message=_message(result, redaction) if state in {"failed", "unreachable"} else "",
        difference=tuple(lines_of(result, redaction)) if check and state == "changed" else (),
    )


def _message(result: dict[str, Any], redaction: Redaction) -> str:
    if "censored" in result:
        return HIDDEN
    said = [result.get(name) for name in ("msg", "stderr", "stdout")]
    return redaction.of(" ".join(str(text).strip() for text in said if text))[-1500:]
