"""The migrations lead to what the models say, from nothing and back."""

from importlib import metadata, resources

import psycopg
import pytest
from sqlalchemy import Engine, text

from appliance import schema
from appliance.db import libpq_url
from appliance.errors import DatabaseUnavailable
from appliance.schema import MIGRATIONS


def test_head_is_what_the_models_say(engine: Engine):
    with engine.connect() as connection:
        assert schema.differences(connection) == []


def test_a_missing_column_would_be_seen(engine: Engine):
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE sitting DROP COLUMN score"))
        assert len(schema.differences(connection)) == 1


def test_upgrade_from_nothing_twice_and_back(empty_database_url: str):
    assert schema.current(empty_database_url) is None
    schema.upgrade(empty_database_url)
    schema.upgrade(empty_database_url)
    assert schema.current(empty_database_url) == schema.head()
    schema.downgrade(empty_database_url, "base")
    with psycopg.connect(libpq_url(empty_database_url)) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic%'"
            " UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " UNION SELECT typname FROM pg_type"
            " WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%alembic%'"
        )
        assert left.fetchall() == []
    schema.upgrade(empty_database_url)


def test_queue_schema_is_the_installed_version(empty_database_url: str):
    """Fails when procrastinate is upgraded: write a revision with its migrations since, and the new copy."""
    installed = resources.files("procrastinate.sql").joinpath("schema.sql").read_text(encoding="utf-8")
    kept = (MIGRATIONS / "sql" / "procrastinate_3_10.sql").read_text(encoding="utf-8")
    assert installed == kept, f"procrastinate {metadata.version('procrastinate')} has another schema"


def test_no_database_is_said_clearly():
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        schema.upgrade("postgresql+psycopg://nobody@/none?host=/nonexistent")
