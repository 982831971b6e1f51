"""What a host is, before anything of Kustos is on it: run there by root's python3, with nothing but its own library.

``look ORDER`` prints what there is as JSON; ``listen ORDER`` answers on ports for a while; ``reach ORDER`` tries
other hosts' ports. ORDER is JSON in base64. What it means is judged on the machine that installs
(``appliance/deploy/preflight.py``).
"""

import base64
import contextlib
import ctypes
import grp
import itertools
import json
import os
import platform
import pwd
import selectors
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

BLOCK = 1 << 20
WRITTEN_MB = 64
SYNCS = 30
SECONDS = 3.0
LOOK_SECONDS = 0.3
NTP_EPOCH = 2_208_988_800
ANSWER = b"kustos "


def look(order: dict) -> dict:
    """Return all that is judged."""
    return {
        "system": platform.freedesktop_os_release() if hasattr(platform, "freedesktop_os_release") else {},
        "machine": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "user": os.geteuid(),
        "init": Path("/proc/1/comm").read_text().strip(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": _memory_mb(),
        "features": _features(),
        "disks": [_disk(folder) for folder in order["folders"]],
        "ports": _ports(),
        "names": {name: _resolved(name) for name in order["names"]},
        "addresses": _addresses(),
        "clock": _clock(order["time_servers"]),
        "numbers": _numbers(order["numbers"]),
        "sites": _sites(),
        "clusters": _clusters(),
        "packages": _packages(),
        "ours": _ours(Path("/")),
    }


def _ours(top: Path) -> bool:
    """Whether an installation began here: it may have been stopped when it had brought its database and no more."""
    return any(
        (top / name).exists() for name in ("etc/kustos/kustos.toml", "opt/kustos/current", "opt/kustos/releases")
    )


def _memory_mb() -> int:
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemTotal"].split()[0]) // 1024


def _features() -> dict:
    return {
        "cgroup2": Path("/sys/fs/cgroup/cgroup.controllers").exists(),
        "user_namespaces": Path("/proc/self/ns/user").exists(),
        "seccomp": Path("/proc/sys/kernel/seccomp/actions_avail").exists(),
        "nftables": _nftables(),
        "ipv6": Path("/proc/net/if_inet6").exists(),
    }


def _nftables() -> bool:
    """Ask the kernel for the generation of its rules (nfnetlink, NFT_MSG_GETGEN): loads the module where it may."""
    message = struct.pack("=IHHII BBH", 20, (10 << 8) | 16, 1, 1, 0, 0, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as asking:
            asking.settimeout(SECONDS)
            asking.send(message)
            return struct.unpack_from("=H", asking.recv(4096), 4)[0] == (10 << 8) | 15
    except OSError:
        return False


def _disk(folder: str) -> dict:
    """Room and speed of the file system that a folder is on, or will be on."""
    path = Path(folder)
    while not path.is_dir():
        path = path.parent
    usage = shutil.disk_usage(path)
    found = {"folder": folder, "on": path.stat().st_dev, "free_mb": usage.free >> 20, "size_mb": usage.total >> 20}
    probe = path / f".kustos-preflight-{os.getpid()}"
    try:
        if usage.free > 4 * WRITTEN_MB * BLOCK:
            found.update(_speed(probe))
    except OSError as error:
        found["error"] = error.strerror
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return found


def _speed(probe: Path) -> dict:
    block = os.urandom(BLOCK)
    descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        begun, written = time.monotonic(), 0
        while written < WRITTEN_MB and time.monotonic() - begun < 5:
            os.write(descriptor, block)
            written += 1
        os.fsync(descriptor)
        rate = written / (time.monotonic() - begun)
        waits, begun = [], time.monotonic()
        while len(waits) < SYNCS and time.monotonic() - begun < 5:
            os.pwrite(descriptor, block[:8192], 8192 * len(waits))
            before = time.monotonic()
            os.fsync(descriptor)
            waits.append(time.monotonic() - before)
    finally:
        os.close(descriptor)
    return {"write_mb_s": round(rate, 1), "fsync_ms": round(statistics.median(waits) * 1000, 4)}


def _ports() -> list:
    """Every port somebody listens on, with who it is."""
    owners = _owners()
    found = []
    for protocol, state in (("tcp", "0A"), ("udp", "07")):
        for version in ("", "6"):
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/net/{protocol}{version}").read_text().splitlines()[1:]:
                    words = line.split()
                    address, _, port = words[1].rpartition(":")
                    if words[3] == state:
                        who = owners.get(words[9], {"program": "", "unit": ""})
                        entry = {"protocol": protocol, "port": int(port, 16), "address": _address(address)}
                        found.append({**entry, **who})
    return found


def _address(text: str) -> str:
    raw = b"".join(struct.pack("<I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def _owners() -> dict:
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            program = (process / "comm").read_text().strip()
            unit = _unit((process / "cgroup").read_text())
            for entry in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    link = str(entry.readlink())
                    if link.startswith("socket:["):
                        found[link[8:-1]] = {"program": program, "unit": unit}
    return found


def _unit(cgroup: str) -> str:
    """The unit of a process; nothing for one that systemd does not know as such."""
    name = cgroup.strip().rpartition("/")[2]
    return name if name.endswith((".service", ".scope")) else ""


def _resolved(name: str) -> list:
    try:
        return sorted({entry[4][0] for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
    except OSError:
        return []


def _addresses() -> list:
    """The host's own addresses, as the kernel's tables tell them."""
    found = set()
    with contextlib.suppress(OSError):
        lines = Path("/proc/net/fib_trie").read_text().splitlines()
        for before, line in itertools.pairwise(lines):
            if "/32 host LOCAL" in line:
                found.add(before.split()[-1])
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            found.add(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line.split()[0])))
    return sorted(found)


def _clock(servers: list) -> dict:
    buffer = ctypes.create_string_buffer(208)
    known = ctypes.CDLL(None).adjtimex(buffer) >= 0 and ctypes.sizeof(ctypes.c_long) == 8
    kept = not struct.unpack_from("i", buffer, 40)[0] & 0x0040 if known else None
    return {"synchronised": kept, "now": time.time(), "servers": {server: _offset(server) for server in servers}}


def _offset(server: str):
    """This clock minus the server's, in seconds (RFC 4330); None when it does not answer."""
    host, _, port = server.partition(":")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(SECONDS)
            sent, begun = time.time(), time.monotonic()
            asking.sendto(bytes([0b00_100_011]) + bytes(47), (host, int(port or 123)))
            answer = asking.recv(512)
            taken = time.monotonic() - begun
        received, told = (int.from_bytes(answer[at : at + 8], "big") / 2**32 - NTP_EPOCH for at in (32, 40))
        return round(-((received - sent) + (told - sent - taken)) / 2, 4)
    except (OSError, ValueError):
        return None


def _numbers(wanted: dict) -> dict:
    """For each user that is to be made: who has its name and its number, as user and as group."""
    found = {}
    for name, number in wanted.items():
        entry = {"uid_of": None, "gid_of": None, "uid": None, "gid": None}
        with contextlib.suppress(KeyError):
            entry["uid_of"] = pwd.getpwuid(number).pw_name
        with contextlib.suppress(KeyError):
            entry["gid_of"] = grp.getgrgid(number).gr_name
        with contextlib.suppress(KeyError):
            entry["uid"] = pwd.getpwnam(name).pw_uid
        with contextlib.suppress(KeyError):
            entry["gid"] = grp.getgrnam(name).gr_gid
        found[name] = entry
    return found


def _sites() -> list:
    """Other people's sites in an nginx of this host; the distribution's own page is none."""
    folders = [Path("/etc/nginx/sites-enabled"), Path("/etc/nginx/conf.d")]
    files = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return sorted(
        str(path) for path in files if path.name not in {"default", "kustos.conf"} and path.suffix != ".bak"
    )


def _clusters() -> list:
    """PostgreSQL clusters of this host, as VERSION/NAME."""
    base = Path("/etc/postgresql")
    return sorted(f"{path.parent.name}/{path.name}" for path in base.glob("*/*") if path.is_dir())


def _packages() -> dict:
    """Whether dpkg was left in the middle of something, and whether somebody works with it now."""
    command = ["/usr/bin/dpkg", "--audit"]
    try:
        audit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return {"dpkg": False}
    updates = Path("/var/lib/dpkg/updates")
    cut_off = bool(audit) or (updates.is_dir() and any(updates.iterdir()))
    return {"dpkg": True, "cut_off": cut_off}


def listen(order: dict) -> dict:
    """Answer on the ports that are free, each with this host's time, until the time is over or this file is gone.

    Else a preflight soon after this one would find the ports taken, by a python3.
    """
    chooser, until = selectors.DefaultSelector(), time.monotonic() + order["seconds"]
    taken = []
    for protocol, port in order["ports"]:
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        server = socket.socket(socket.AF_INET, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((order["address"], port))
            if protocol == "tcp":
                server.listen(16)
            chooser.register(server, selectors.EVENT_READ, protocol)
        except OSError:
            taken.append([protocol, port])
            server.close()
    while (left := until - time.monotonic()) > 0 and Path(__file__).exists():
        for key, _ in chooser.select(min(left, LOOK_SECONDS)):
            with contextlib.suppress(OSError):
                _answer(key.fileobj, key.data)
    return {"taken": taken}


def _answer(server: socket.socket, protocol: str) -> None:
    if protocol == "udp":
        _, address = server.recvfrom(512)
        server.sendto(ANSWER + repr(time.time()).encode(), address)
        return
    client, _ = server.accept()
    with client:
        client.settimeout(1)
        client.sendall(ANSWER + repr(time.time()).encode() + b"\n")


def reach(order: dict) -> list:
    """Try every way of the order; say of each whether it is open, and how far the clocks are apart."""
    return [{**way, **_tried(way)} for way in order["ways"]]


def _tried(way: dict) -> dict:
    kind = socket.SOCK_STREAM if way["protocol"] == "tcp" else socket.SOCK_DGRAM
    for _ in range(3):
        try:
            with socket.socket(socket.AF_INET, kind) as asking:
                asking.settimeout(SECONDS / 2)
                sent = time.time()
                asking.connect((way["address"], way["port"]))
                if kind == socket.SOCK_STREAM:
                    sent = time.time()
                else:
                    asking.send(b"kustos")
                return {"open": True, "offset": _told(asking, sent)}
        except OSError as error:
            failure = error.strerror or str(error)
        time.sleep(0.3)
    return {"open": False, "error": failure}


def _told(asking: socket.socket, sent: float):
    """The other clock minus this one; None where it is not our listener that answers."""
    try:
        said = asking.recv(512)
    except TimeoutError:
        if asking.type == socket.SOCK_STREAM:
            return None  # somebody else's, and open
        raise
    now = time.time()
    return round(float(said[len(ANSWER) :]) - (sent + now) / 2, 4) if said.startswith(ANSWER) else None


if __name__ == "__main__":
    work = {"look": look, "listen": listen, "reach": reach}[sys.argv[1]]
    json.dump(work(json.loads(base64.b64decode(sys.argv[2]))), sys.stdout)
