"""The schema of the database: brought up to date from code, with no command line and no ini file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

import appliance.models  # noqa: F401 - registers every table
from appliance.db import Base, make_engine
from appliance.errors import DatabaseUnavailable

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

_LOCK = 0x6B75_7374_6D69_6772
"""Advisory lock of migrations ("kustmigr"): processes that start together take turns."""


def upgrade(database_url: str) -> None:
    """Bring the database to the newest revision; do nothing where it is there already.

    Raises ``DatabaseUnavailable`` when it cannot be reached.
    """
    _run(database_url, "upgrade", "head")


def downgrade(database_url: str, revision: str) -> None:
    """Take revisions back down to ``revision``; for tests and for taking back a failed upgrade."""
    _run(database_url, "downgrade", revision)


def head() -> str:
    """Return the newest revision this code knows."""
    return ScriptDirectory.from_config(config()).get_current_head() or ""


def current(database_url: str) -> str | None:
    """Return the revision the database is at, None for an empty one."""
    engine = make_engine(database_url, pool_size=1)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        raise DatabaseUnavailable(f"The database cannot be reached: {_reason(error)}") from error
    finally:
        engine.dispose()


def differences(connection: Connection) -> list[Any]:
    """Return what the models have and the database has not, or the other way round; empty is right."""
    options = {"include_name": is_ours, "compare_type": True}
    found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    return found


def is_ours(name: str | None, kind: str, parents: Mapping[Any, str | None]) -> bool:
    """Tell our tables from those of procrastinate, which come from its own SQL."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def config() -> Config:
    """Return Alembic's configuration; ``attributes["connection"]`` is the caller's to set."""
    options = Config()
    options.set_main_option("script_location", str(MIGRATIONS))
    return options


def _run(database_url: str, direction: str, revision: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    options = config()
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            options.attributes["connection"] = connection
            getattr(command, direction)(options, revision)
    except OperationalError as error:
        raise DatabaseUnavailable(f"The database cannot be reached: {_reason(error)}") from error
    finally:
        engine.dispose()


def _reason(error: OperationalError) -> str:
    return str(error.orig).strip().splitlines()[0] if error.orig else str(error)
