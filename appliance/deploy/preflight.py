"""Before anything is installed: look at every host of an inventory at once, and name every problem with its fix."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from appliance.deploy import fitness
from appliance.deploy.fitness import Finding, Severity, Wanted
from appliance.deploy.redaction import Redaction
from appliance.deploy.runner import InstallFailed, Listener, Play, Step, play

PLAYBOOK: Final = "preflight.yml"
LISTEN_SECONDS: Final = 25
"""As long as hosts try each other's ports."""
WAYS: Final[tuple[tuple[str, str, str, int | str], ...]] = (
    *((source, "database", "tcp", 5432) for source in ("web", "gateway", "worker")),
    *((source, "media", "tcp", 8888) for source in ("gateway", "worker")),
    ("web", "gateway", "tcp", 6544),
    ("gateway", "turn", "udp", 3478),
    ("worker", "turn", "tcp", 3478),
    ("turn", "media", "udp", "kustos_ice_ports"),
    ("media", "worker", "udp", "kustos_rtp_ports"),
)
"""From a host of which group one of which other group must be reached: a port, or the first of a range of the
inventory's."""
RANGES: Final = {"kustos_ice_ports": "40000-49999", "kustos_rtp_ports": "51000-51999"}
NUMBERS: Final = {"kustos": "base_user_number", "kustos-node": "base_node_number"}
DEFAULT_NUMBERS: Final = {"kustos": 643, "kustos-node": 644}
"""As the role ``base`` has them."""


@dataclass(slots=True)
class Report:
    """What was found on all hosts."""

    hosts: list[str]
    findings: list[Finding] = field(default_factory=list)
    probes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Host -> what was seen there."""

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the way; warnings do not."""
        return not any(finding.severity is Severity.REFUSED for finding in self.findings)


@dataclass(slots=True)
class _Heard:
    steps: list[Step] = field(default_factory=list)
    looked: dict[str, dict[str, Any]] = field(default_factory=dict)
    tried: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def returned(self, host: str, task: str, result: dict[str, Any]) -> None:
        into = {"Look": self.looked, "Try": self.tried}.get(task)
        if into is not None:
            with contextlib.suppress(ValueError, IndexError):  # what is no JSON is told by the step's message
                into[host] = json.loads(str(result.get("stdout") or "").strip().splitlines()[-1])  # type: ignore[index]


def examine(inventory: Path, bundle: Path, private: Path) -> Report:
    """Look at every host of the inventory; takes some 10 s, most of it for the disks."""
    wanted = read_wanted(inventory, bundle)
    several = len(wanted) > 1
    orders = {name: _orders(one, wanted, inventory) for name, one in wanted.items()}
    what = Play(
        folder=bundle.resolve() / "ansible",
        playbook=PLAYBOOK,
        inventory=inventory,
        variables={"preflight_orders": orders, "preflight_several": several},
        private=private,
    )
    heard = _Heard()
    with contextlib.suppress(InstallFailed):  # what failed on which host is in the steps
        play(what, Listener(ended=heard.steps.append, returned=heard.returned), Redaction.of_inventory(inventory))
    report = Report(sorted(wanted), probes=heard.looked)
    for name, one in sorted(wanted.items()):
        if name in heard.looked:
            report.findings += fitness.judge(one, heard.looked[name])
            report.findings += _ways(one, wanted, heard)
        else:
            report.findings.append(_not_looked(name, heard.steps))
    return report


def read_wanted(inventory: Path, bundle: Path) -> dict[str, Wanted]:
    """Return what an inventory that was checked makes of each of its hosts."""
    top = yaml.safe_load(inventory.read_text(encoding="utf-8"))["kustos"]
    variables = top.get("vars") or {}
    groups: dict[str, set[str]] = {}
    own: dict[str, dict[str, Any]] = {}
    for group, content in top["children"].items():
        for host, values in ((content or {}).get("hosts") or {}).items():
            groups.setdefault(host, set()).add(group)
            own.setdefault(host, {}).update(values or {})
    system = _bundle_system(bundle)
    return {
        host: Wanted(
            host=host,
            groups=frozenset(names),
            public_name=str(variables.get("kustos_host_name", "")),
            address=str(own[host].get("kustos_address", "")) if len(groups) > 1 else "",
            analysis_workers=int({**variables, **own[host]}.get("kustos_analysis_workers", 2)),
            numbers={name: int(variables.get(NUMBERS[name], number)) for name, number in DEFAULT_NUMBERS.items()},
            bundle_system=system,
        )
        for host, names in groups.items()
    }


def _bundle_system(bundle: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError):
        system = str(json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["system"])
        name, _, version = system.replace("-", " ").partition(" ")
        return "" if name == "any" else f"{name} {version.split()[0] if version else ''}".strip()
    return ""


def _orders(one: Wanted, wanted: Mapping[str, Wanted], inventory: Path) -> dict[str, str]:
    variables = yaml.safe_load(inventory.read_text(encoding="utf-8"))["kustos"].get("vars") or {}
    ways = [
        {"protocol": protocol, "port": _port(port, variables), "address": other.address, "host": other.host}
        for source, target, protocol, port in WAYS
        if source in one.groups
        for other in wanted.values()
        if target in other.groups and other.host != one.host
    ]
    ways = [way for number, way in enumerate(ways) if way not in ways[:number]]  # a host in several groups asks once
    listened = [(protocol, _port(port, variables)) for _, target, protocol, port in WAYS if target in one.groups]
    look = {
        "folders": fitness.folders(one.groups),
        "names": [one.public_name],
        "time_servers": list(variables.get("base_time_servers") or ()),
        "numbers": dict(one.numbers),
    }
    listen = {"address": one.address, "ports": sorted(set(listened)), "seconds": LISTEN_SECONDS}
    return {"look": _packed(look), "listen": _packed(listen), "reach": _packed({"ways": ways})}


def _port(port: int | str, variables: Mapping[str, Any]) -> int:
    if isinstance(port, int):
        return port
    return int(str(variables.get(port) or RANGES[port]).partition("-")[0])


def _packed(order: Mapping[str, Any]) -> str:
    return base64.b64encode(json.dumps(order).encode()).decode("ascii")


def _ways(one: Wanted, wanted: Mapping[str, Wanted], heard: _Heard) -> Iterator[Finding]:
    told: set[str] = set()
    for way in heard.tried.get(one.host, ()):
        name = f"{way['protocol'].upper()} {way['port']} of {way['host']} ({way['address']})"
        installed = bool(heard.looked.get(way["host"], {}).get("ours"))
        if way["host"] not in heard.looked or (installed and way["protocol"] == "udp"):
            continue  # said already; or its own program is there, which answers nobody it does not know
        if not way["open"]:
            fix = (
                "Let it through between these hosts: switches, routers and firewalls on the way, and the host's own."
            )
            yield Finding(one.host, "way", Severity.REFUSED, f"{name} is not reached ({way['error']}).", fix)
        elif way.get("offset") is not None and way["host"] not in told:
            told.add(way["host"])
            for found in fitness.clock_off(-float(way["offset"]), way["host"]):
                yield Finding(one.host, *found)


def _not_looked(host: str, steps: list[Step]) -> Finding:
    """Say why nothing is known of a host: not reached, no Python, no root, or what the script said."""
    mine = [step for step in steps if step.host == host]
    away = next((step for step in mine if step.state == "unreachable"), None)
    if away is not None:
        fix = f"Try `ssh` as the inventory says ({host}: ansible_host, ansible_user); mend name, key or firewall."
        return Finding(host, "reached", Severity.REFUSED, f"It is not reached: {away.message}", fix)
    states = {step.task: step for step in mine if step.state == "failed"}
    if "Become root" in states:
        fix = "Let the user of the inventory use sudo without a password, or be root."
        return Finding(host, "root", Severity.REFUSED, "The user does not become root by sudo.", fix)
    if "Find Python" in states:
        fix = "Install it: apt install python3."
        return Finding(host, "python3", Severity.REFUSED, "There is no python3.", fix)
    said = states["Look"].message if "Look" in states else "it said nothing"
    fix = "Read what it said; Python 3.10 or later and a Debian or Ubuntu are needed."
    return Finding(host, "look", Severity.REFUSED, f"It could not be looked at: {said}", fix)
