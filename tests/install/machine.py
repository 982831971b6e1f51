"""A bare Debian 12 with systemd as init on this machine, by debootstrap and systemd-nspawn, with no way out."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import IO

import psutil
import pytest

from tests.running import wait_for

SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
BASE = Path("/var/tmp/kustos-test-bookworm-1")  # noqa: S108 - a later run finds it again
"""Kept between runs; raised when what is in it changes."""
INCLUDED = "systemd,systemd-sysv,dbus,python3,ca-certificates,iproute2,sudo"
"""What an installation of Debian has; nothing of what Kustos needs besides."""
STATES = ("running", "degraded")


def demand() -> None:
    """Skip where such machines cannot be had."""
    if os.geteuid() != 0:
        pytest.skip("machines of systemd-nspawn are root's: run the tests as root")
    for program in ("debootstrap", "systemd-nspawn", "nsenter"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: run .ci/packages test")


def base() -> Path:
    """Return the folder of a fresh installation, made at the first use."""
    if not BASE.exists():
        fresh = BASE.with_name(f"{BASE.name}.{os.getpid()}")
        command = ["debootstrap", "--variant=minbase", f"--include={INCLUDED}", SUITE, str(fresh), MIRROR]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
        with contextlib.suppress(OSError):  # another run was first
            fresh.rename(BASE)
    return BASE


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


class Machine:
    """One host: its files below ``root``, its processes in namespaces of their own."""

    def __init__(self, root: Path, shared: Path) -> None:
        """``shared`` is at /bundle in it, not to be written to."""
        self.root, self.shared = root, shared
        number, self._lock = _free_number()
        self.name = f"kustos-{number}"  # an interface's name has at most 15 letters
        self.here, self.address = f"10.213.{number}.1", f"10.213.{number}.2"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0
        subprocess.run(["cp", "--archive", "--reflink=auto", str(base()), str(root)], check=True)  # devices too

    def boot(self) -> None:
        """Start it and wait until systemd has done its part; skip where this kernel does not allow it."""
        log = self.root.with_suffix(".console")
        command = [
            *("systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", f"--machine={self.name}"),
            *("--register=no", "--keep-unit", "--network-veth", "--console=passive"),
            f"--bind-ro={self.shared}:/bundle",
        ]
        with log.open("wb") as output:
            self._nspawn = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        begun = time.monotonic()
        while True:
            children = psutil.Process(self._nspawn.pid).children() if self._nspawn.poll() is None else []
            if children:
                self._leader = children[0].pid
                state = self.call("systemctl", "is-system-running").stdout
                if state.strip() in STATES:
                    break
            elif self._nspawn.poll() is not None:
                pytest.skip(f"systemd-nspawn does not work on this machine: {log.read_text()[-300:]}")
            assert time.monotonic() - begun < 60, log.read_text()
            time.sleep(0.2)
        for at in ("ip addr replace {}/30 dev {}", "ip link set {1} up"):
            subprocess.run(at.format(self.here, f"ve-{self.name}").split(), check=True)
            self.run(*at.format(self.address, "host0").split())

    def call(self, *command: str, seconds: float = 60, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as its root."""
        return subprocess.run(
            ["nsenter", "--target", str(self._leader), "--all", "--wdns=/", "--", *command],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            input=stdin,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        )

    def run(self, *command: str, seconds: float = 60, stdin: str | None = None) -> str:
        """Run a command that must succeed; return what it said."""
        done = self.call(*command, seconds=seconds, stdin=stdin)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def listens_outside(self, port: int) -> bool:
        """Whether a TCP port answers from another host."""
        probe = ["timeout", "1", "bash", "-c", f"</dev/tcp/{self.address}/{port}"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

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
