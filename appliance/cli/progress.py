"""How a run of Ansible is told: lines on any terminal, a last line that moves on a real one, or JSON for programs."""

import json
import shutil
import sys
import threading
import time
from dataclasses import asdict
from typing import Any, Final, TextIO

import click

from appliance.deploy.runner import Outcome, Step

COLOURS: Final = {"changed": "yellow", "failed": "red", "unreachable": "red"}
STILL_SECONDS: Final = 30.0
"""Where no line can move, so often a task that takes long is said to go on."""


class Progress:
    """Tells of one playbook."""

    def __init__(self, total: int, *, quiet: bool = False, as_json: bool = False, to: TextIO | None = None) -> None:
        """``total``: tasks there will be, 0 when nobody knows; ``quiet``: failures only."""
        self._to = to or sys.stdout
        self._total, self._quiet, self._json = total, quiet, as_json
        self._moves = not quiet and not as_json and self._to.isatty()
        self._begun = time.monotonic()
        self._count, self._task, self._task_begun, self._told_at = 0, "", self._begun, self._begun
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True)
        if not quiet and not as_json:
            self._ticking.start()

    def began(self, name: str) -> None:
        """A task begins."""
        with self._lock:
            self._count += 1
            self._task, self._task_begun = name, time.monotonic()
            self._told_at = self._task_begun
            self._draw()

    def phase(self, name: str) -> None:
        """Something follows whose tasks are not told one by one."""
        with self._lock:
            self._task, self._task_begun = name, time.monotonic()
            self._told_at = self._task_begun
            if not self._moves and not self._quiet and not self._json:
                self._line(f"          {clock(self.elapsed)}  {name}")
            self._draw()

    def ended(self, step: Step) -> None:
        """A task ended on a host."""
        if self._json:
            self.say_json({"task": self._count, "of": self._of(), "elapsed": round(self.elapsed, 1), **asdict(step)})
            return
        failed = step.state in {"failed", "unreachable"}
        if step.state == "skipped" or (self._quiet and not failed):
            return
        with self._lock:
            self._clear()
            head = f"[{self._count:>3}/{self._of() or '?'}] {clock(self.elapsed)}  "
            self._line(
                head + click.style(f"{step.state:8}", fg=COLOURS.get(step.state)) + f" {step.host}  {step.name}"
            )
            if failed and step.message:
                self._line(click.style(f"      {step.message}", fg="red"))
            for line in step.difference:
                colour = {"+": "green", "-": "red"}.get(line[:1])
                self._line(click.style(f"      {line}", fg=colour))
            self._draw()

    def close(self) -> None:
        """Nothing more comes."""
        self._over.set()
        if self._ticking.is_alive():
            self._ticking.join()
        with self._lock:
            self._clear()

    def say_json(self, values: dict[str, Any]) -> None:
        """Write one object in a line."""
        self._line(json.dumps(values, ensure_ascii=False))

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._begun

    def _of(self) -> int:
        return max(self._total, self._count) if self._total else 0

    def _tick(self) -> None:
        while not self._over.wait(1.0):
            with self._lock:
                if self._moves:
                    self._draw()
                elif self._task and time.monotonic() - self._told_at >= STILL_SECONDS:
                    self._told_at = time.monotonic()
                    self._line(f"      … {self._task}: for {clock(self._told_at - self._task_begun).strip()} now")

    def _draw(self) -> None:
        if not self._moves or not self._task:
            return
        text = f"[{self._count:>3}/{self._of() or '?'}] {clock(self.elapsed)}  … {self._task}"
        taken = time.monotonic() - self._task_begun
        text += f" ({taken:.0f} s)" if taken >= 2 else ""
        self._to.write("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])
        self._to.flush()

    def _clear(self) -> None:
        if self._moves:
            self._to.write("\r\x1b[K")

    def _line(self, text: str) -> None:
        click.echo(text, file=self._to)


def clock(seconds: float) -> str:
    """Return minutes and seconds in a width that lines up."""
    whole = int(seconds)
    return f"{whole // 60:>2}:{whole % 60:02}"


def by_host(outcome: Outcome) -> list[str]:
    """Return a line for each host: how many of its tasks ended how."""
    counts: dict[str, dict[str, int]] = {}
    for step in outcome.steps:
        of_host = counts.setdefault(step.host, {})
        of_host[step.state] = of_host.get(step.state, 0) + 1
    order = ("ok", "changed", "skipped", "failed", "unreachable")
    return [
        f"  {host}: " + ", ".join(f"{count[state]} {state}" for state in order if state in count)
        for host, count in sorted(counts.items())
    ]
