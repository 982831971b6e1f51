"""A bare Debian 12 or Ubuntu 24.04, systemd as init, by debootstrap and systemd-nspawn, with no way out."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import psutil
import pytest

from tests.running import wait_for


@dataclass(frozen=True)
class Suite:
    """A distribution, and where a fresh installation of it is kept between runs."""

    name: str
    mirror: str
    base: Path
    """Raised when what is in it changes."""
    components: str = "main"
    script: str = ""
    """debootstrap's own, for suites that are younger than it."""
    keyring: tuple[str, str] = ("", "")
    """Package with the archive's keys, where this machine does not know them, and the one it has to hold."""


BOOKWORM = Suite("bookworm", "http://deb.debian.org/debian", Path("/var/tmp/kustos-test-bookworm-1"))  # noqa: S108
NOBLE = Suite(
    "noble",
    "http://archive.ubuntu.com/ubuntu",
    Path("/var/tmp/kustos-test-noble-1"),  # noqa: S108 - a later run finds it again
    components="main,universe",
    script="gutsy",
    keyring=(
        "pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb",
        "F6ECB3762474EDA9D21B7022871920D1991BC93C",  # Ubuntu Archive Automatic Signing Key (2018)
    ),
)
INCLUDED = "systemd,systemd-sysv,dbus,python3,ca-certificates,iproute2,sudo"
"""What an installation of either has; nothing of what Kustos needs besides."""
STATES = ("running", "degraded")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def demand() -> None:
    """Skip where such machines cannot be had."""
    if os.geteuid() != 0:
        pytest.skip("machines of systemd-nspawn are root's: run the tests as root")
    for program in ("debootstrap", "systemd-nspawn", "nsenter"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: run .ci/packages test")


def base(suite: Suite = BOOKWORM) -> Path:
    """Return the folder of a fresh installation, made at the first use."""
    if not suite.base.exists():
        fresh = suite.base.with_name(f"{suite.base.name}.{os.getpid()}")
        options = ["--variant=minbase", f"--include={INCLUDED}", f"--components={suite.components}"]
        with tempfile.TemporaryDirectory() as folder:
            if suite.keyring[0]:
                options.append(f"--keyring={_keyring(suite, Path(folder))}")
            command = ["debootstrap", *options, suite.name, str(fresh), suite.mirror, suite.script]
            done = subprocess.run([word for word in command if word], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
        with contextlib.suppress(OSError):  # another run was first
            fresh.rename(suite.base)
    return suite.base


def _keyring(suite: Suite, folder: Path) -> Path:
    """Fetch the archive's keys and return the one whose fingerprint we know: the way there is not to be trusted."""
    path, fingerprint = suite.keyring
    (folder / "keys.deb").write_bytes(httpx.get(f"{suite.mirror}/{path}").raise_for_status().content)
    subprocess.run(["dpkg-deb", "--extract", str(folder / "keys.deb"), str(folder)], check=True)
    [found] = folder.glob("usr/share/keyrings/*-archive-keyring.gpg")
    gpg = ["gpg", "--batch", "--homedir", str(folder), "--no-default-keyring", "--keyring", str(found)]
    exported = subprocess.run([*gpg, "--export", fingerprint], capture_output=True, check=True).stdout
    assert exported, f"{fingerprint} is not among the keys of {path}"
    (folder / "one.gpg").write_bytes(exported)
    return folder / "one.gpg"


def _free_number() -> tuple[int, IO[bytes]]:
    """Return a number that no other run has, and the locked file that keeps it ours."""
    for number in range(1, 255):
        lock = Path(f"/run/lock/kustos-test-{number}").open("wb")  # noqa: SIM115 - kept open as long as the machine
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            return number, lock
    raise AssertionError("254 machines run already")


class Network:
    """A switch between machines: a bridge on this machine, which is the third host in it at ``here``."""

    def __init__(self) -> None:
        """Make it; it takes a number as a machine does."""
        number, self._lock = _free_number()
        self.name, self.here = f"kustos-br{number}", f"10.213.{number}.1"
        self._prefix, self._taken = f"10.213.{number}", 1
        for command in (
            f"ip link add {self.name} type bridge",
            f"ip addr add {self.here}/24 dev {self.name}",
            f"ip link set {self.name} up",
        ):
            subprocess.run(command.split(), check=True)

    def next_address(self) -> str:
        """Return an address that no machine in it has."""
        self._taken += 1
        return f"{self._prefix}.{self._taken}"

    def remove(self) -> None:
        """Take it away."""
        subprocess.run(["ip", "link", "delete", self.name], check=False)
        self._lock.close()


class Machine:
    """One host: its files below ``root``, its processes in namespaces of their own."""

    def __init__(
        self,
        root: Path,
        shared: Path,
        network: Network | None = None,
        binds: Mapping[Path, str] | None = None,
        suite: Suite = BOOKWORM,
    ) -> None:
        """``shared`` is at /bundle in it, not to be written to.

        ``network``: the one that it is in with others; without, it is alone with this machine. ``binds``: folders of
        this machine and where they are in it, to be written to, as a file system that several hosts share.
        """
        self.root, self.shared, self._network, self._binds = root, shared, network, dict(binds or {})
        number, self._lock = _free_number()
        self.name = f"kustos-{number}"  # an interface's name has at most 15 letters
        self.here, self.address = f"10.213.{number}.1", f"10.213.{number}.2"
        self._prefix_length = 30
        if network is not None:
            self.here, self.address, self._prefix_length = network.here, network.next_address(), 24
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0
        subprocess.run(["cp", "--archive", "--reflink=auto", str(base(suite)), str(root)], check=True)  # devices too
        key = shared.parent / "release.pem.pub"
        if key.exists():
            shutil.copy(key, root)  # beside the bundle in it as well
        if network is not None:
            self._address_itself()

    def _address_itself(self) -> None:
        """Have it take its address as a server does: by its own network service, some time after the boot began."""
        file = self.root / "etc/systemd/network/10-host0.network"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = (
            f"[Match]\nName=host0\n[Network]\nAddress={self.address}/{self._prefix_length}\nLinkLocalAddressing=no\n"
        )
        file.write_text(text)
        units = ("systemd-networkd.service", "systemd-networkd-wait-online.service")
        subprocess.run(["systemctl", "--quiet", f"--root={self.root}", "enable", *units], check=True)

    def boot(self, states: tuple[str, ...] = STATES) -> None:
        """Start it and wait until systemd has done its part; skip where this kernel does not allow it.

        ``states``: what systemd may say; with ``starting`` among it, nothing that starts with the host is waited for.
        """
        log = self.root.with_suffix(".console")
        command = [
            *("systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", f"--machine={self.name}"),
            *("--register=no", "--keep-unit", "--console=passive"),
            f"--network-bridge={self._network.name}" if self._network else "--network-veth",
            f"--bind-ro={self.shared}:/bundle",
            *(f"--bind={here}:{there}" for here, there in self._binds.items()),
        ]
        for kind in ("ve", "vb"):  # what a run that was killed left; the number is ours alone
            subprocess.run(["ip", "link", "delete", f"{kind}-{self.name}"], capture_output=True, check=False)
        with log.open("wb") as output:
            self._nspawn = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        begun = time.monotonic()
        while True:
            children = psutil.Process(self._nspawn.pid).children() if self._nspawn.poll() is None else []
            if children:
                self._leader = children[0].pid
                state = self.call("systemctl", "is-system-running").stdout
                if state.strip() in states:
                    break
            elif self._nspawn.poll() is not None:
                pytest.skip(f"systemd-nspawn does not work on this machine: {log.read_text()[-300:]}")
            assert time.monotonic() - begun < 60, log.read_text()
            time.sleep(0.2)
        if self._network is not None:
            return
        interface = f"ve-{self.name}"
        for command in (f"ip addr replace {self.here}/30 dev {interface}", f"ip link set {interface} up"):
            subprocess.run(command.split(), check=True)
        self.run("ip", "addr", "replace", f"{self.address}/{self._prefix_length}", "dev", "host0")
        self.run("ip", "link", "set", "host0", "up")

    def call(self, *command: str, seconds: float = 60, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as its root."""
        return subprocess.run(
            self._inside(command),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            input=stdin,
            env=ENVIRONMENT,
        )

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command as its root, and do not wait for it; what it says is not heard."""
        said = subprocess.DEVNULL
        return subprocess.Popen(self._inside(command), stdin=said, stdout=said, stderr=said, env=ENVIRONMENT)

    def _inside(self, command: tuple[str, ...]) -> list[str]:
        return ["nsenter", "--target", str(self._leader), "--all", "--wdns=/", "--", *command]

    def run(self, *command: str, seconds: float = 60, stdin: str | None = None) -> str:
        """Run a command that must succeed; return what it said."""
        done = self.call(*command, seconds=seconds, stdin=stdin)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def listens_outside(self, port: int) -> bool:
        """Whether a TCP port answers from another host."""
        return subprocess.run(self._probe(port), capture_output=True, check=False).returncode == 0

    def reaches(self, other: "Machine", port: int) -> bool:
        """Whether a TCP port of another machine answers this one."""
        return self.call(*other._probe(port)).returncode == 0

    def _probe(self, port: int) -> list[str]:
        return ["timeout", "1", "bash", "-c", f"</dev/tcp/{self.address}/{port}"]

    def cut_off(self) -> None:
        """End it as a power cut does: nothing in it is told."""
        assert self._nspawn is not None
        os.kill(self._leader, signal.SIGKILL)
        self._nspawn.wait()
        self._nspawn = None

    def halt(self) -> None:
        """Shut it down in order."""
        if self._nspawn is None:
            return
        self.call("systemctl", "poweroff")
        with contextlib.suppress(AssertionError):
            wait_for(lambda: self._nspawn.poll() is not None, 60, "power off")
        if self._nspawn.poll() is None:
            self._nspawn.kill()
        self._nspawn.wait()
        self._nspawn = None

    def remove(self) -> None:
        """Take its files away."""
        self.halt()
        self._lock.close()
        shutil.rmtree(self.root, ignore_errors=True)
