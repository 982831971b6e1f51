"""Where everything lies below the data folder, and the settings file that all processes read."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import HostNotReady

MORE_GATEWAYS, MORE_NODES = 1010, 1030
"""Where the ports of the second gateway and the second node are from the public one on."""
AT_MOST = 16
"""Of each on one machine: more would need more processors, and so other machines."""


@dataclass(frozen=True)
class Ports:
    """TCP ports of one standalone appliance; all but the two of nginx are on loopback only."""

    http: int
    https: int
    web: int
    gateway: int
    node: int
    more_gateways: tuple[int, ...] = ()
    more_nodes: tuple[int, ...] = ()

    @classmethod
    def from_public(cls, http: int, https: int | None = None, gateways: int = 1, nodes: int = 1) -> "Ports":
        """Derive the inner ports from the one the user chose, so that two appliances on one machine stay apart."""
        more_gateways = tuple(http + MORE_GATEWAYS + number for number in range(gateways - 1))
        more_nodes = tuple(http + MORE_NODES + number for number in range(nodes - 1))
        return cls(http, https or http + 363, http + 1001, http + 1002, http + 1003, more_gateways, more_nodes)

    @property
    def gateways(self) -> tuple[int, ...]:
        """Ports of all gateways."""
        return (self.gateway, *self.more_gateways)

    @property
    def nodes(self) -> tuple[int, ...]:
        """Ports of all media nodes."""
        return (self.node, *self.more_nodes)

    @property
    def named(self) -> list[tuple[str, int]]:
        """Every port with the name of what listens there."""
        return [
            *(("http", self.http), ("https", self.https), ("web", self.web)),
            *(("gateway", port) for port in self.gateways),
            *(("node", port) for port in self.nodes),
        ]


@dataclass(frozen=True)
class Layout:
    """Folders and files of one standalone appliance."""

    data: Path

    @property
    def settings_file(self) -> Path:
        """TOML file that ``KUSTOS_SETTINGS`` names for every process."""
        return self.data / "kustos.toml"

    @property
    def postgres(self) -> Path:
        """Data folder of the embedded PostgreSQL."""
        return self.data / "postgres"

    @property
    def run(self) -> Path:
        """Generated configuration, sockets and pid files; may be deleted while stopped."""
        return self.data / "run"

    @property
    def logs(self) -> Path:
        """One log a process, rotated by supervisord."""
        return self.data / "logs"

    @property
    def keys(self) -> Path:
        """Master key, certificate, session secret: what a backup must keep apart."""
        return self.data / "keys"

    def make(self) -> None:
        """Make the folders; raise ``HostNotReady`` naming the one that cannot be made."""
        private = (self.keys, self.run, self.logs, self.data / "vault", self.data / "recordings")
        for folder in (self.data, self.postgres, *private):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                message = f"The data folder {folder} cannot be made ({error.strerror}); choose another with --data."
                raise HostNotReady(message) from error
        for folder in private:
            folder.chmod(0o700)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep a second `kustos up` off this data; raise ``HostNotReady`` when there is a first one.

        Its ports would be free, but it would write the first one's configuration anew and share its database.
        """
        with (self.run / "up.lock").open("a") as lock:  # closed, and so given up, with this process however it ends
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                message = (
                    f"Another `kustos up` works with {self.data}: stop it, or choose another folder with --data."
                )
                raise HostNotReady(message) from error
            yield

    def write_settings(self, database_url: str, ports: Ports, demo: bool) -> None:
        """Write the settings file anew; a value is overridden by its environment variable."""
        values: dict[str, object] = {
            "data_dir": str(self.data),
            "database_url": database_url,
            "public_url": f"http://localhost:{ports.http}",
            "secret_key": self._secret(),
            "web_listen": f"127.0.0.1:{ports.web}",
            "gateway_listen": f"127.0.0.1:{ports.gateway}",
            "kurento_urls": [f"ws://127.0.0.1:{port}/kurento" for port in ports.nodes],
            "demo": demo,
        }
        lines = [
            "# Written by `kustos up` at each start; override a value by its environment variable KUSTOS_<NAME>."
        ]
        lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
        write_private(self.settings_file, "\n".join(lines) + "\n")

    def _secret(self) -> str:
        file = self.keys / "secret.key"
        if not file.exists():
            write_private(file, secrets.token_urlsafe(48))
        return file.read_text(encoding="ascii").strip()


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
