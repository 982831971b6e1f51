"""Is a host fit to be installed on? Judges what ``preflight_probe.py`` saw there; every problem with its fix.

Thresholds are measured, see ``docs/operating/install.md``: memory and room as an installation on one host takes them,
speeds against what 20 sittings at once write.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Severity(StrEnum):
    """``refused``: nothing is installed before this is mended; ``warning``: it would work, but not well."""

    REFUSED = "refused"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of one host."""

    host: str
    key: str
    """What was looked at: ``memory``, ``port`` …"""
    severity: Severity
    said: str
    fix: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the inventory makes of a host."""

    host: str
    groups: frozenset[str]
    public_name: str
    address: str = ""
    """Where the other hosts reach it; empty where it is alone."""
    analysis_workers: int = 2
    relay_ports: str = "50000-50999"
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Users that will be made, with their numbers."""
    offline: bool = True
    """Packages come from a bundle, which fits one distribution."""
    bundle_system: str = ""
    """``debian 12``: what the bundle was made for; empty: unknown."""


Probe = dict[str, Any]
SYSTEMS: Final = {("debian", "12"): "Debian 12", ("ubuntu", "24.04"): "Ubuntu 24.04"}
MACHINES: Final = ("x86_64", "aarch64")
KERNEL: Final = (5, 15)
"""Of the older of the two distributions with its own security updates (Ubuntu's HWE and Debian's are later)."""
MEMORY_MB: Final = {"web": 300, "gateway": 200, "media": 200, "worker": 500, "database": 200, "turn": 50}
"""As it idles, and half as much again: an appliance on one host takes 923 MB of its own (PSS of all processes)."""
SYSTEM_MB: Final = 500
COMFORT_MB: Final = 8 * 1024 - 512
"""20 sittings on one host (docs/operating/media.md), less what firmware keeps of 8 GB."""
OPT_MB, OPT_AGAIN_MB, OPT_COMFORT_MB = 3000, 1500, 6000
"""A release and its installer take 2379 MB (`du -sm /opt/kustos`), an upgrade another half of it."""
DATA_MB, DATA_COMFORT_MB = 4096, 60 * 1024
"""The reserve below which nobody is admitted, twice; and 20 sittings of three hours."""
WRITE_MB_S, WRITE_COMFORT_MB_S = 12.0, 50.0
"""20 sittings write 60 GB in three hours, 5.7 MB/s, and sealing writes them once more."""
FSYNC_MS, FSYNC_COMFORT_MS = 250.0, 20.0
"""Every act waits for one; four in a row must fit in the second between two heartbeats."""
CLOCK_SECONDS, CLOCK_COMFORT_SECONDS = 2.0, 0.5
"""As `kustos check` has it: start links are good for minutes, timelines are read in seconds."""
PORTS: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "web": (("tcp", 80), ("tcp", 443), ("tcp", 6543)),
    "gateway": (("tcp", 6544),),
    "media": (("tcp", 8888),),
    "worker": (),
    "database": (("tcp", 5432),),
    "turn": (("tcp", 3478), ("udp", 3478), ("tcp", 5349), ("udp", 5349)),
}
_OURS: Final = re.compile(r"^(kustos-|nginx\.service|postgresql|coturn\.service|kurento|docker-kurento)")
"""Units that an earlier run installed."""
FOLDERS: Final = ("/opt/kustos", "/var/lib/kustos", "/var/lib/postgresql")


def judge(wanted: Wanted, probe: Probe) -> list[Finding]:
    """Return everything that is wrong with a host, at once."""
    return [Finding(wanted.host, *found) for check in CHECKS for found in check(wanted, probe)]


Found = tuple[str, Severity, str, str]
REFUSED, WARNING = Severity.REFUSED, Severity.WARNING


def _system(wanted: Wanted, probe: Probe) -> Iterator[Found]:
    release = probe["system"]
    name, version = str(release.get("ID", "")), str(release.get("VERSION_ID", ""))
    known = " or ".join(SYSTEMS.values())
    told = release.get("PRETTY_NAME") or f"{name} {version}".strip() or "an unknown system"
    if (name, version) not in SYSTEMS:
        yield "system", REFUSED, f"It runs {told}.", f"Install {known}; nothing else is tested."
    elif wanted.bundle_system and wanted.bundle_system != f"{name} {version}":
        fix = f"Take the bundle that was made for {told}; `kustos bundle verify` says for what one was made."
        yield "system", REFUSED, f"It runs {told}, the bundle is for {wanted.bundle_system}.", fix
    if probe["machine"] not in MACHINES:
        yield "system", REFUSED, f"Its processor is {probe['machine']}.", f"Use one of {', '.join(MACHINES)}."
    if probe["init"] != "systemd":
        fix = "Use a machine or a container whose first process is systemd; the appliance is made of its units."
        yield "init", REFUSED, f"Its first process is {probe['init']}, not systemd.", fix
    if probe["user"] != 0:
        yield "root", REFUSED, "Commands do not run as root there.", "Let the user of the inventory use sudo."
    packages = probe["packages"]
    if not packages["dpkg"]:
        yield "packages", REFUSED, "There is no dpkg.", f"Install {known}."


def _kernel(_wanted: Wanted, probe: Probe) -> Iterator[Found]:
    numbers = tuple(int(part) for part in re.findall(r"\d+", probe["kernel"])[:2])
    if numbers < KERNEL:
        fix = "Install the distribution's current kernel and restart the host."
        yield "kernel", REFUSED, f"Its kernel is {probe['kernel']}; {'.'.join(map(str, KERNEL))} is needed.", fix
    features = probe["features"]
    if not features["nftables"]:
        fix = "Load the module nf_tables, or use a kernel that has it; in a container the host must have loaded it."
        yield "kernel", REFUSED, "The kernel has no nftables: the firewall cannot be set.", fix
    missing = [name for name in ("seccomp", "user_namespaces") if not features[name]]
    if missing:
        fix = "Use the distribution's kernel: the units are fenced in by these."
        yield "kernel", REFUSED, f"The kernel lacks {', '.join(missing)}.", fix
    if not features["cgroup2"]:
        fix = "Start the host with systemd.unified_cgroup_hierarchy=1."
        yield "kernel", WARNING, "Without cgroup v2 the units' memory limits may not hold.", fix


def _cores(wanted: Wanted, probe: Probe) -> Iterator[Found]:
    least = 2 if len(wanted.groups & {"web", "gateway", "media", "worker", "database"}) > 1 else 1
    best = 4 if len(wanted.groups) > 3 else 2
    if "worker" in wanted.groups:
        best = max(best, wanted.analysis_workers + 1)
    cores = probe["cores"]
    if cores < least:
        yield "cores", REFUSED, f"It has {cores} core.", f"Give it {least} at least, {best} for 20 sittings at once."
    elif cores < best:
        fix = f"{best} are right for 20 sittings at once (table in docs/operating/media.md)."
        yield "cores", WARNING, f"It has {cores} cores.", fix


def _memory(wanted: Wanted, probe: Probe) -> Iterator[Found]:
    least = SYSTEM_MB + sum(MEMORY_MB[group] for group in wanted.groups)
    best = max(2 * least, COMFORT_MB * least // (SYSTEM_MB + sum(MEMORY_MB.values())))
    has = probe["memory_mb"]
    if has < least:
        fix = f"Give it {_gb(least)} at least, {_gb(best)} for 20 sittings at once."
        yield "memory", REFUSED, f"It has {_gb(has)} of memory.", fix
    elif has < best:
        yield "memory", WARNING, f"It has {_gb(has)} of memory.", f"{_gb(best)} are right for 20 sittings at once."


def folders(groups: Iterable[str]) -> list[str]:
    """Return the folders whose disks are looked at on a host of these groups."""
    mine = set(groups)
    found = ["/opt/kustos"]
    found += ["/var/lib/kustos"] if mine & {"web", "gateway", "media", "worker"} else []
    return found + (["/var/lib/postgresql"] if "database" in mine else [])


def _disks(_wanted: Wanted, probe: Probe) -> Iterator[Found]:
    opt_mb = OPT_AGAIN_MB if probe["ours"] else OPT_MB
    room = {"/opt/kustos": (opt_mb, OPT_COMFORT_MB), "/var/lib/kustos": (DATA_MB, DATA_COMFORT_MB)}
    told: set[tuple[str, int]] = set()
    for disk in probe["disks"]:
        folder, free = disk["folder"], disk["free_mb"]
        least, best = room.get(folder, (1024, 4096))
        if free < least:
            fix = f"Make room for {_gb(least)} at least, or mount a larger disk there."
            yield "disk", REFUSED, f"{folder} has {_gb(free)} free.", fix
        elif free < best:
            yield "disk", WARNING, f"{folder} has {_gb(free)} free.", f"{_gb(best)} are right to begin with."
        if "error" in disk:
            fix = "Mount it writable for root, without noexec for /opt."
            yield "disk", REFUSED, f"{folder}: nothing can be written ({disk['error']}).", fix
        if folder != "/opt/kustos" and ("speed", disk["on"]) not in told:
            told.add(("speed", disk["on"]))
            yield from _speed(folder, disk)


def _speed(folder: str, disk: Mapping[str, Any]) -> Iterator[Found]:
    rate, wait = disk.get("write_mb_s"), disk.get("fsync_ms")
    if rate is not None and rate < WRITE_COMFORT_MB_S:
        said = f"{folder}: its disk writes {rate:.0f} MB/s; 20 sittings at once need {WRITE_MB_S:.0f}."
        fix = f"Use a faster disk; {WRITE_COMFORT_MB_S:.0f} MB/s leave room for sealing and backups."
        yield "disk speed", REFUSED if rate < WRITE_MB_S else WARNING, said, fix
    if wait is not None and wait > FSYNC_COMFORT_MS:
        said = f"{folder}: writing 8 KB so that they are kept takes {wait:.0f} ms; every act waits for it."
        fix = f"Use a disk (SSD, or a controller with a battery) that takes less than {FSYNC_COMFORT_MS:.0f} ms."
        yield "disk speed", REFUSED if wait > FSYNC_MS else WARNING, said, fix


def _ports(wanted: Wanted, probe: Probe) -> Iterator[Found]:
    needed = {port for group in sorted(wanted.groups) for port in PORTS.get(group, ())}
    seen = set()
    for entry in probe["ports"]:
        port, who = (entry["protocol"], entry["port"]), entry["unit"] or entry["program"] or "somebody"
        ours = probe["ours"] and _OURS.match(entry["unit"])
        if port in needed and not ours and (port, who) not in seen:
            seen.add((port, who))
            said = f"{port[0].upper()} port {port[1]} is used by {who}."
            how = f"systemctl disable --now {who}" if entry["unit"] else "it is no unit of systemd"
            fix = f"Stop it ({how}) or let it use another port."
            yield "port", REFUSED, said, fix


def _others(wanted: Wanted, probe: Probe) -> Iterator[Found]:
    if "web" in wanted.groups and probe["sites"]:
        fix = "Move them to another host: the firewall and the certificate are the appliance's alone."
        yield "nginx", WARNING, f"nginx has other sites: {', '.join(probe['sites'])}.", fix
    if "database" in wanted.groups and len(probe["clusters"]) > 1:
        fix = "Leave one (pg_lsclusters, pg_dropcluster), or take another host for the database."
        yield "postgresql", REFUSED, f"There are several clusters: {', '.join(probe['clusters'])}.", fix
    elif "database" in wanted.groups and probe["clusters"] and not probe["ours"]:
        fix = "Make sure that nobody else needs it: Kustos sets its addresses and its access rules."
        yield "postgresql", WARNING, f"PostgreSQL {probe['clusters'][0]} is there already.", fix


def _numbers(wanted: Wanted, probe: Probe) -> Iterator[Found]:
    for name, number in wanted.numbers.items():
        has = probe["numbers"].get(name, {})
        for kind, owner, own in (("user", "uid_of", "uid"), ("group", "gid_of", "gid")):
            if has.get(owner) not in {None, name}:
                fix = f"Give {has[owner]} another number, or set another one for {name} in the inventory."
                yield "user", REFUSED, f"The {kind} number {number} belongs to {has[owner]}.", fix
            elif has.get(own) not in {None, number} and not probe["ours"]:
                fix = f"Rename it or give it the number {number}: shared folders know people by number."
                yield "user", REFUSED, f"There is a {kind} {name} with the number {has[own]}.", fix


def _names(wanted: Wanted, probe: Probe) -> Iterator[Found]:
    found = probe["names"].get(wanted.public_name, [])
    own = set(probe["addresses"])
    if not found:
        fix = f"Enter {wanted.public_name} in the DNS that browsers ask, and let this host ask it, too."
        yield "dns", WARNING, f"{wanted.public_name} is not found by this host.", fix
    elif "web" in wanted.groups and not own & set(found):
        fix = "Right if a router or load balancer has it and passes 443 on to here; else mend the record."
        yield "dns", WARNING, f"{wanted.public_name} is {', '.join(found)}, which is not this host.", fix
    elif own & set(found) and all(address.startswith("127.") or address == "::1" for address in found):
        fix = "Write the host's address of the network in /etc/hosts instead of a loopback address."
        yield "dns", WARNING, f"{wanted.public_name} is {', '.join(found)} on this host.", fix
    if wanted.address and wanted.address not in own:
        fix = "Correct kustos_address in the inventory: it is the address of this host as the others reach it."
        yield "address", REFUSED, f"{wanted.address} is no address of this host ({', '.join(sorted(own))}).", fix


def _clock(_wanted: Wanted, probe: Probe) -> Iterator[Found]:
    clock = probe["clock"]
    silent = [server for server, offset in clock["servers"].items() if offset is None]
    if silent:
        fix = "Let UDP port 123 through to it, or name another one in the inventory."
        yield "clock", WARNING, f"The time server {', '.join(silent)} does not answer.", fix
    for server, offset in clock["servers"].items():
        if offset is not None and abs(offset) > CLOCK_COMFORT_SECONDS:
            yield from clock_off(offset, server)
    if clock["synchronised"] is False and all(offset is None for offset in clock["servers"].values()):
        fix = "Set up chrony or systemd-timesyncd, or name time servers in the inventory."
        yield "clock", WARNING, "Nobody keeps its clock.", fix


def clock_off(offset: float, other: str) -> Iterator[Found]:
    """Yield what is to be said of a clock that is ``offset`` seconds before another one, if it is too much."""
    if abs(offset) > CLOCK_COMFORT_SECONDS:
        said = f"Its clock is {abs(offset):.1f} s {'before' if offset > 0 else 'behind'} that of {other}."
        fix = "Have both kept by the same time server (systemd-timesyncd or chrony)."
        yield "clock", REFUSED if abs(offset) > CLOCK_SECONDS else WARNING, said, fix


CHECKS: Final[tuple[Callable[[Wanted, Probe], Iterator[Found]], ...]] = (
    *(_system, _kernel, _cores, _memory, _disks, _ports, _others, _numbers, _names, _clock),
)
"""In the order in which people read them."""


def _gb(megabytes: float) -> str:
    return f"{megabytes / 1024:.1f} GB"
