"""A network namespace with a cable to this machine: a browser in it can be cut off for real, UDP and TCP alike."""

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_numbers = itertools.count(os.getpid() % 200)


def missing() -> str:
    """Say what keeps this machine from making a namespace; empty if nothing does."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    absent = [name for name in ("ip", "nft") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed: run .ci/packages test" if absent else ""


class Wire:
    """``host`` is this machine's address as the far end sees it, ``far`` the far end's.

    ``program(path)`` runs things at the far end.
    """

    def __init__(self, folder: Path) -> None:
        number = next(_numbers) % 250
        self.name = f"kustos-{os.getpid()}-{number}"
        self.link = f"kw{os.getpid() % 100000}-{number}"[:15]
        self.host, self.far = f"10.213.{number}.1", f"10.213.{number}.2"
        self._folder = folder

    def __enter__(self) -> "Wire":
        _run("ip", "netns", "add", self.name)
        try:
            _run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
            _run("ip", "address", "add", f"{self.host}/24", "dev", self.link)
            _run("ip", "link", "set", self.link, "up")
            self._at_far_end("ip", "address", "add", f"{self.far}/24", "dev", "eth0")
            self._at_far_end("ip", "link", "set", "eth0", "up")
            self._at_far_end("ip", "link", "set", "lo", "up")
            self._at_far_end("ip", "route", "add", "default", "via", self.host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("ip", "netns", "delete", self.name)  # the cable goes with it

    def program(self, path: str) -> Path:
        """Return a program that runs ``path`` at the far end."""
        script = self._folder / f"{self.name}-{Path(path).name}"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {path} "$@"\n')
        script.chmod(0o755)
        return script

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Let every packet vanish without a word, as behind a dead access point."""
        self._at_far_end("nft", "add table inet cut")
        for hook in ("input", "output"):
            self._at_far_end(
                "nft", f"add chain inet cut {hook} {{ type filter hook {hook} priority 0; policy drop; }}"
            )
        try:
            yield
        finally:
            self._at_far_end("nft", "delete table inet cut")

    @contextlib.contextmanager
    def firewall(self, *rules: str) -> Iterator[None]:
        """Apply rules as nft writes them (``meta l4proto udp drop``) to what comes and goes."""
        name = f"firewall{next(_numbers)}"
        self._at_far_end("nft", f"add table inet {name}")
        for hook in ("input", "output"):
            self._at_far_end("nft", f"add chain inet {name} {hook} {{ type filter hook {hook} priority 0; }}")
            for rule in rules:
                self._at_far_end("nft", f"add rule inet {name} {hook} {rule}")
        try:
            yield
        finally:
            self._at_far_end("nft", f"delete table inet {name}")

    def _at_far_end(self, *command: str) -> None:
        _run("ip", "netns", "exec", self.name, *command)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
