"""A real domain controller (Samba's) as a child process at an address of its own; never the service.

Active Directory's ports are fixed, so each controller takes another 127.77.x.y; root alone may listen there.
"""

import base64
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

from tests.appliance.sign_on.slapd import write_certificates

BASE = "DC=example,DC=org"
SERVICE, SERVICE_PASSWORD = "kustos@example.org", "the Service account 1"
PASSWORD = "a Person's password 1"
ADMINISTRATOR, ADMINISTRATOR_PASSWORD = "Administrator@example.org", "the Administrator 1"


def why_not() -> str:
    """Why no controller can be started here; empty when one can."""
    if shutil.which("samba") is None or not Path("/usr/share/samba/setup/ad-schema").is_dir():
        return "needs samba-ad-dc and samba-ad-provision: make test-active-directory"
    return "" if os.geteuid() == 0 else "needs root: a domain controller listens at port 389"


class ActiveDirectory:
    """Made in some 5 s of CPU, started in a second; ``add`` fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"127.77.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
        self.ldap, self.ldaps = f"ldap://{self.address}", f"ldaps://{self.address}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def authority(self) -> str:
        return (self.folder / "ca.pem").read_text()

    def create(self) -> None:
        words = [
            "--realm=EXAMPLE.ORG",
            "--domain=EXAMPLE",
            "--server-role=dc",
            "--dns-backend=NONE",
            "--host-name=dc1",
        ]
        words += [f"--adminpass={ADMINISTRATOR_PASSWORD}", f"--host-ip={self.address}", f"--targetdir={self.folder}"]
        words += [f"--option=interfaces={self.address}/8", "--option=bind interfaces only=yes"]
        done = subprocess.run(
            ["samba-tool", "domain", "provision", *words], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        write_certificates(self.folder, self.address)
        (self.folder / "server.key").chmod(0o600)

    def start(self) -> None:
        names = {"tls keyfile": "server.key", "tls certfile": "server.pem", "tls cafile": "ca.pem"}
        own = {**names, "pid directory": "run", "ncalrpc dir": "rpc"}
        options = [f"--option={name}={self.folder / place}" for name, place in own.items()]
        (self.folder / "run").mkdir()
        command = ["samba", "-s", self.folder / "etc" / "smb.conf", "-F", "--no-process-group", "-M", "single"]
        with (self.folder / "log").open("wb") as log:
            options += ["--debug-stdout", "--option=server services=ldap"]
            self._process = subprocess.Popen([*command, *options], stdout=log, stderr=subprocess.STDOUT)
        ends = time.monotonic() + 60
        while self._program("ldapsearch", "-b", "", "-s", "base", "1.1").returncode:
            assert time.monotonic() < ends and self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def add(self, ldif: str, program: str = "ldapadd") -> None:
        """Add entries, or change them with ``ldapmodify``."""
        done = self._program(program, text=ldif)
        assert done.returncode == 0, done.stderr

    def add_person(self, name: str, password: str = PASSWORD, control: int = 512, extra: str = "") -> str:
        """An enabled account, as administrators make them; its surname is Proctor."""
        dn = f"CN={name.title()} Proctor,CN=Users,{BASE}"
        secret = base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
        self.add(
            f"dn: {dn}\nobjectClass: user\nsAMAccountName: {name}\nuserPrincipalName: {name}@example.org\n"
            f"displayName: {name.title()} Proctor\nmail: {name}@mail.example.org\nunicodePwd:: {secret}\n"
            f"userAccountControl: {control}\n{extra}"
        )
        return dn

    def add_group(self, name: str, members: list[str]) -> str:
        dn = f"CN={name},CN=Users,{BASE}"
        self.add(
            f"dn: {dn}\nobjectClass: group\nsAMAccountName: {name}\n" + "".join(f"member: {one}\n" for one in members)
        )
        return dn

    def _program(self, name: str, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [name, "-x", "-H", self.ldaps, "-D", ADMINISTRATOR, "-w", ADMINISTRATOR_PASSWORD, *words]
        trust = {**os.environ, "LDAPTLS_CACERT": str(self.folder / "ca.pem")}
        return subprocess.run(command, input=text, env=trust, capture_output=True, text=True, timeout=60)
