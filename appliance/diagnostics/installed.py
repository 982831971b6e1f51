"""Checks of an installed host: its units, ports, figures, and what keeps its database and backups.

What the host is for stands in ``/etc/kustos/host.json``, which ``kustos install`` writes; where it is not (``kustos
up``), there is nothing to look at. Each check is a function of ``Host`` that returns its steps and never raises.
"""

import errno
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from appliance.diagnostics.host import SECONDS, Host
from appliance.diagnostics.report import Step, failed, passed, skipped, warning

HOST_FILE: Final = Path("/etc/kustos/host.json")
FIGURES_FOLDER: Final = Path("/run/kustos")
MANY_RESTARTS: Final = 3
RECENT_SECONDS: Final = 3600.0
"""A process that systemd started anew thrice within this is not well, although it runs just now."""
UNITS: Final[dict[str, tuple[str, ...]]] = {
    "web": ("kustos-web.service", "nginx.service"),
    "gateway": ("kustos-gateway.service",),
    "media": (),
    "worker": ("kustos-worker.service", "kustos-background.service"),
    "database": ("postgresql.service",),
    "turn": ("coturn.service",),
}
EVERYWHERE: Final = ("kustos.target", "nftables.service")
_PROPERTIES: Final = "Id,LoadState,ActiveState,SubState,UnitFileState,NRestarts,StateChangeTimestamp,Result"


@dataclass(frozen=True, slots=True)
class OwnHost:
    """What this host is for, as the inventory says."""

    groups: frozenset[str]
    address: str = "127.0.0.1"
    analysis_workers: int = 0
    media_node: str = "embedded"

    @property
    def units(self) -> list[str]:
        """Return the units that must run here."""
        found = [*EVERYWHERE, *(unit for group in UNITS if group in self.groups for unit in UNITS[group])]
        if "worker" in self.groups:
            found += [f"kustos-analysis@{number}.service" for number in range(1, self.analysis_workers + 1)]
        if "media" in self.groups and self.media_node == "embedded":
            found.append("kustos-media-node.service")
        return found


def own_host(file: Path | None = None) -> OwnHost | None:
    """Return what this host is for; None where ``kustos install`` did not say."""
    try:
        told = json.loads((file or HOST_FILE).read_text(encoding="utf-8"))
        return OwnHost(
            frozenset(told["groups"]),
            str(told.get("address") or "127.0.0.1"),
            int(told.get("analysis_workers", 0)),
            str(told.get("media_node") or "embedded"),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_units(_host: Host) -> list[Step]:
    """Every unit of this host is there, runs, comes back with the machine, and is not started again and again."""
    own = own_host()
    if own is None:
        return []
    try:
        seen = _shown([*own.units, *_further(own.units)])
    except (OSError, subprocess.SubprocessError) as error:
        return [skipped("units", "systemd_silent", figures={"source": str(error)[:200]})]
    found = [step for unit in seen if (step := _judged(unit)) is not None]
    return found or [passed("units", units=len(seen))]


def _further(known: list[str]) -> list[str]:
    """Return what else of Kustos is enabled here: timers, exporters, backups."""
    said = _systemctl("list-unit-files", "--state=enabled", "--no-legend", "--plain", "kustos*")
    names = [line.split()[0] for line in said.splitlines() if line.strip()]
    return [name for name in names if name not in known and "@." not in name and not name.endswith(".mount")]


def _shown(units: list[str]) -> list[dict[str, str]]:
    blocks = _systemctl("show", f"--property={_PROPERTIES}", "--timestamp=unix", *units).strip().split("\n\n")
    shown = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in blocks]
    return [one | {"Asked": name} for name, one in zip(units, shown, strict=False)]


def _systemctl(*words: str) -> str:
    command = ["/usr/bin/systemctl", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - our own words
    return done.stdout


def _judged(unit: dict[str, str]) -> Step | None:
    name, state = unit["Asked"], unit.get("ActiveState", "")
    told = f"{state} ({unit.get('SubState', '')})"
    if unit.get("LoadState") != "loaded":
        return failed("units", "unit_missing", name, state=str(unit.get("LoadState")))
    if state != "active" and not (state == "activating" and unit.get("Result") == "success"):
        result = unit.get("Result", "")
        return failed("units", "unit_down", name, "" if result == "success" else result, state=told)
    if unit.get("UnitFileState") not in {"enabled", "static", "generated", "indirect", "alias", "enabled-runtime"}:
        return failed("units", "unit_not_enabled", name, state=str(unit.get("UnitFileState")))
    since = time.time() - float(unit.get("StateChangeTimestamp", "").removeprefix("@") or 0)
    restarts = int(unit.get("NRestarts") or 0)
    if restarts >= MANY_RESTARTS and since < RECENT_SECONDS:
        return warning("units", "unit_restarts", name, restarts=restarts, connected_for_s=round(since))
    return None


def check_ports(host: Host) -> list[Step]:
    """Whatever the others and the browsers need of this host takes a connection."""
    own = own_host()
    if own is None:
        return []
    silent = []
    wanted = list(_wanted_ports(own, host))
    for name, addresses, port in wanted:
        words = [_refusal(address, port) for address in addresses]
        if all(words):
            address = f"{addresses[0]}:{port}"
            cause = "port_blocked" if "timed out" in words[0] else "port_silent"
            silent.append(failed("ports", cause, name, words[0], address=address))
    return silent or [passed("ports", ports=len(wanted))]


def _wanted_ports(own: OwnHost, host: Host) -> Iterator[tuple[str, tuple[str, ...], int]]:
    loopback = tuple(dict.fromkeys(("127.0.0.1", own.address)))
    if "web" in own.groups:
        yield "https", loopback, 443
        yield "http", loopback, 80
        yield "web", *_listened(host.settings.web_listen)
    if "gateway" in own.groups:
        yield "gateway", *_listened(host.settings.gateway_listen)
    if "media" in own.groups:
        urls = [urlsplit(url) for url in host.settings.kurento_urls]
        ports = {url.port for url in urls if url.hostname in {*loopback, "localhost"}} or {8888}
        for port in sorted(port or 8888 for port in ports):
            yield "node", (own.address, *loopback), port
    if "database" in own.groups:
        yield "database", (own.address, *loopback), 5432
    if "turn" in own.groups:
        yield "turn", (own.address, *loopback), 3478


def _listened(listen: str) -> tuple[tuple[str, ...], int]:
    place, _, port = listen.rpartition(":")
    return ("127.0.0.1" if place in {"", "0.0.0.0", "[::]"} else place.strip("[]"),), int(port)  # noqa: S104 - asked, not opened


def _refusal(address: str, port: int) -> str:
    """Return why there is no connection, nothing when there is one."""
    try:
        socket.create_connection((address, port), timeout=SECONDS).close()
    except TimeoutError:
        return "timed out"
    except OSError as error:
        return error.strerror or errno.errorcode.get(error.errno or 0, str(error))
    return ""


def check_figures(_host: Host) -> list[Step]:
    """Every process says that it is ready, at the door where monitoring asks it."""
    if own_host() is None:
        return []
    doors = sorted(FIGURES_FOLDER.glob("*/metrics.sock"))
    if not doors:
        return [skipped("figures", "no_figures")]
    found = [step for door in doors if (step := _asked(door)) is not None]
    return found or [passed("figures", processes=len(doors))]


def _asked(door: Path) -> Step | None:
    name = door.parent.name
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(door)), timeout=SECONDS) as client:
            answer = client.get("http://process/health/ready")
            figures = client.get("http://process/metrics")
    except httpx.HTTPError as error:
        return failed("figures", "process_silent", name, str(error))
    if answer.status_code != httpx.codes.OK:
        return failed("figures", "process_not_ready", name, answer.text.strip()[:300])
    if figures.status_code != httpx.codes.OK:
        return warning("figures", "figures_missing", name, f"{figures.status_code}")
    return None


BACKUP_LATE_HOURS: Final = 26.0
"""A full backup is made every night; two hours for a long one."""
STREAM_LATE_SECONDS: Final = 300.0
"""Nothing up to the last minute is lost while the stream runs; five are a stream that does not."""


def check_backup(host: Host) -> list[Step]:
    """The newest backup is fresh, and what is committed streams into it."""
    if own_host() is None:
        return []
    told = _backup_stamp(host)
    if told is None:
        return [warning("backup", "no_backup")]
    now, steps = time.time(), []
    if told.get("failed_at"):
        steps.append(
            failed("backup", "backup_failed", detail=str(told.get("error", ""))[:300], at=_day(told["failed_at"]))
        )
    full = told.get("full_at")
    hours = None if full is None else round((now - full) / 3600, 1)
    if hours is None or hours > BACKUP_LATE_HOURS:
        steps.append(failed("backup", "backup_late", "full", age_hours=hours))
    streamed = told.get("streamed_at")
    if streamed is not None and now - streamed > STREAM_LATE_SECONDS:
        steps.append(failed("backup", "backup_stream_late", "stream", age_s=round(now - streamed)))
    return steps or [passed("backup", age_hours=hours, age_s=None if streamed is None else round(now - streamed))]


def _backup_stamp(host: Host) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        told = json.loads((host.settings.data_dir / "backup.json").read_text(encoding="utf-8"))
        return told if isinstance(told, dict) else None
    return None


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
