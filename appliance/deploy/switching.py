"""One host's part of an upgrade: its media nodes let go of their sittings; its processes are looked at afterwards.

The playbooks ``upgrade.yml`` and ``rollback.yml`` call this by ``kustos release …``.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import HostNotReady
from appliance.models import AuditEntry, LiveMedia, Node, Sitting
from appliance.services import nodes
from appliance.settings import Settings
from appliance.vocabulary import NodeState

LOOK_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.0
BACKUP: Final = "backup.create"
HEALTH: Final = {
    "kustos-web.service": ("web_listen", "/healthz"),
    "kustos-gateway.service": ("gateway_listen", "/live/healthz"),
}
"""Units that can be asked whether they work, the setting that says where, and the path."""


@dataclass(frozen=True, slots=True)
class Sittings:
    """Who still sits an exam."""

    count: int
    until: datetime | None = None
    """When the last of them ends at the latest; None: some have no end yet."""


@dataclass(frozen=True, slots=True)
class Process:
    """A unit of this host as systemd sees it."""

    unit: str
    state: str
    pid: int
    program: str
    """What it runs, with the release's folder."""


def last_backup(session: Session) -> datetime | None:
    """Return when the last backup was made, by the audit log."""
    return session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.action == BACKUP))


def nodes_at(session: Session, addresses: Iterable[str]) -> list[Node]:
    """Return the media nodes in use whose address names one of these hosts."""
    wanted = {address.lower() for address in addresses}
    rows = session.scalars(select(Node).where(Node.state != NodeState.RETIRED).order_by(Node.name))
    return [row for row in rows if (urlsplit(row.url).hostname or "") in wanted]


def begin_drain(session: Session, actor: Actor, addresses: Iterable[str], moves: bool) -> list[str]:
    """Have the nodes of a host take nothing new; return the names of those that took sittings until now."""
    begun = [row for row in nodes_at(session, addresses) if row.state is NodeState.ACTIVE]
    for row in begun:
        nodes.drain(session, actor, row, moves)
    return [row.name for row in begun]


def end_drain(session: Session, actor: Actor, names: Iterable[str]) -> None:
    """Have them take sittings again; those that somebody resumed or removed meanwhile are left alone."""
    for row in session.scalars(select(Node).where(Node.name.in_(list(names)))):
        if row.state is NodeState.DRAINING:
            nodes.resume(session, actor, row)


def sittings_at(session: Session, addresses: Iterable[str]) -> Sittings:
    """Return who still has live media in the nodes of a host."""
    urls = [row.url for row in nodes_at(session, addresses)]
    live = select(LiveMedia.sitting_id).where(LiveMedia.node_url.in_(urls))
    deadlines = list(session.scalars(select(Sitting.deadline_at).where(Sitting.id.in_(live))))
    ends = [deadline for deadline in deadlines if deadline is not None]
    return Sittings(len(deadlines), max(ends) if ends and len(ends) == len(deadlines) else None)


def wait_until_empty(
    factory: SessionFactory, addresses: Sequence[str], minutes: float, tell: Callable[[str], None]
) -> None:
    """Return when nobody has live media in the nodes of a host any more.

    Raises ``HostNotReady`` when that takes longer, saying how many sittings go on, until when, and what can be done.
    """
    deadline = time.monotonic() + minutes * 60
    told = -1
    while True:
        with unit_of_work(factory) as session:
            left = sittings_at(session, addresses)
        if not left.count:
            return
        if left.count != told:
            tell(f"{left.count} sittings go on.")
            told = left.count
        if time.monotonic() >= deadline:
            raise HostNotReady(_gone_on(left, minutes))
        time.sleep(LOOK_SECONDS)


def _gone_on(left: Sittings, minutes: float) -> str:
    return (
        f"After {minutes:g} minutes {left.count} sittings still go on there{_until(left)}; nothing was switched. "
        "Run it again later, or with --wait-minutes; with --sittings move, where another media node can take them; "
        "or with --sittings interrupt, which costs each a gap of some seconds that is marked and given back."
    )


def _until(left: Sittings) -> str:
    return f", the last until {left.until:%H:%M} UTC" if left.until is not None and left.until > utcnow() else ""


# ---- afterwards


def processes() -> list[Process]:
    """Return the units ``kustos-*.service`` that systemd was told to run on this host.

    Those that end by themselves, as a full backup does, are none of them: one may be under way, or have failed.
    """
    names = [
        line.split()[0] for line in _systemctl("list-units", "--all", "--plain", "--no-legend", "kustos-*.service")
    ]
    found = []
    for name in names:
        said = dict(
            line.partition("=")[::2]
            for line in _systemctl("show", "-p", "ActiveState,MainPID,Type,UnitFileState", name)
        )
        if said.get("Type") == "oneshot":
            continue
        if said.get("UnitFileState") == "enabled" or said.get("ActiveState") != "inactive":
            pid = int(said.get("MainPID") or 0)
            found.append(Process(name, said.get("ActiveState", ""), pid, _program(pid)))
    return found


def faults(settings: Settings, release: Path, running: Sequence[Process]) -> list[str]:
    """Return in words which processes of a host do not do their work, or belong to another release; empty: all do."""
    found: list[str] = []
    for process in running:
        if process.state != "active":
            found.append(f"{process.unit} is {process.state}")
        elif str(release) not in process.program and "/opt/kustos/" in process.program:
            found.append(f"{process.unit} still runs {process.program.split()[0]}")
        elif process.unit in HEALTH:
            setting, path = HEALTH[process.unit]
            found += _ask(process.unit, f"http://{getattr(settings, setting)}{path}")
    return found


def wait_until_sound(settings: Settings, release: Path, seconds: float) -> list[Process]:
    """Return the processes once all of them do their work, and did not end meanwhile; raise ``HostNotReady``."""
    deadline = time.monotonic() + seconds
    former: list[Process] = []
    while True:
        running = processes()
        wrong = faults(settings, release, running)
        if not wrong and running == former:  # twice the same: none dies and comes back
            return running
        if time.monotonic() >= deadline:
            raise HostNotReady("; ".join(wrong or ["processes end and are started anew again and again"]) + ".")
        former = running
        time.sleep(LOOK_SECONDS * 2)


def _ask(unit: str, address: str) -> list[str]:
    try:
        answer = httpx.get(address, timeout=ANSWER_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        return [f"{unit} does not answer at {address}: {error}"]
    return [] if answer.status_code == httpx.codes.OK else [f"{unit} is not ready: {answer.text.strip()[:200]}"]


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _systemctl(*words: str) -> list[str]:
    command = ["systemctl", "--no-pager", *words]
    done = subprocess.run(  # noqa: S603 - fixed words
        command, capture_output=True, text=True, check=False, env=os.environ | {"LANG": "C.UTF-8"}
    )
    if done.returncode:
        raise HostNotReady(f"systemd does not answer: {done.stderr.strip()}")
    return [line for line in done.stdout.splitlines() if line.strip()]
