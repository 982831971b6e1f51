"""A master key sealed to the machine's TPM 2.0: it opens on this machine only, and only as it was started then.

By the TPM software stack's own tools (tpm2-tools), which take and give the key by pipes; its Python binding comes as
source only and would want a compiler on the appliance.
"""

import base64
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import SettingInvalid
from appliance.vault.keys import KEY_BYTES, MasterKey

SECONDS = 30
"""A TPM is slow, but not so slow."""


@dataclass(frozen=True, slots=True)
class TpmPlace:
    """How the TPM is reached (TCTI; empty: the tools' own way) and the registers it is bound to (``sha256:7``)."""

    tcti: str
    pcrs: str


def seal(place: TpmPlace, master: MasterKey) -> dict[str, str]:
    """Seal the key under the owner hierarchy's primary key and the registers' present state."""
    with tempfile.TemporaryDirectory(prefix="kustos-tpm-") as folder:
        session = _Tools(place, Path(folder))
        session.primary()
        policy: list[str] = []
        if place.pcrs:
            session.run("tpm2_createpolicy", "-Q", "--policy-pcr", "-l", place.pcrs, "-L", "policy")
            policy = ["-L", "policy"]
        files = ["-u", "public", "-r", "private"]
        session.run("tpm2_create", "-Q", "-C", "primary", *policy, "-i", "-", *files, given=master.secret)
        read = {name: (Path(folder) / name).read_bytes() for name in ("public", "private")}
    return {"pcrs": place.pcrs} | {name: base64.b64encode(value).decode() for name, value in read.items()}


def unseal(place: TpmPlace, sealed: dict[str, str]) -> MasterKey:
    """Return the key; raise ``SettingInvalid`` on another machine, or after another start than it was sealed in."""
    with tempfile.TemporaryDirectory(prefix="kustos-tpm-") as folder:
        for name in ("public", "private"):
            (Path(folder) / name).write_bytes(base64.b64decode(sealed[name]))
        session = _Tools(place, Path(folder))
        session.primary()
        session.run("tpm2_load", "-Q", "-C", "primary", "-u", "public", "-r", "private", "-c", "key")
        allowed = ["-p", f"pcr:{sealed['pcrs']}"] if sealed["pcrs"] else []
        secret = session.run("tpm2_unseal", "-c", "key", *allowed)
    if len(secret) != KEY_BYTES:
        raise SettingInvalid("The TPM gave something that is no master key.")
    return MasterKey(secret)


class _Tools:
    """The tools in one folder of contexts, none of which holds the key in the open."""

    def __init__(self, place: TpmPlace, folder: Path) -> None:
        self._folder = folder
        self._environment = {**os.environ, **({"TPM2TOOLS_TCTI": place.tcti} if place.tcti else {})}

    def primary(self) -> None:
        self.run("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", "primary")

    def run(self, tool: str, *arguments: str, given: bytes = b"") -> bytes:
        try:
            done = self._start(tool, *arguments, given=given)
            # without a resource manager in between, the TPM's few places for objects would be taken up
            self._start("tpm2_flushcontext", "-t")
        except FileNotFoundError as error:
            raise SettingInvalid("A master key in the TPM wants the package tpm2-tools.") from error
        except subprocess.TimeoutExpired as error:
            raise SettingInvalid(f"The TPM did not answer {tool} within {SECONDS} s.") from error
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().splitlines()
            raise SettingInvalid(f"The TPM refused ({tool}): {reason[-1] if reason else 'no reason given'}")
        return done.stdout

    def _start(self, tool: str, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [tool, *arguments]
        return subprocess.run(  # noqa: S603 - tools of ours by fixed names
            command,
            input=given,
            capture_output=True,
            cwd=self._folder,
            env=self._environment,
            timeout=SECONDS,
            check=False,
        )
