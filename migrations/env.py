"""Alembic's entry: run by ``appliance.schema``, which hands over an open connection."""

from alembic import context
from sqlalchemy import Connection

import appliance.models  # noqa: F401 - registers every table
from appliance.db import Base, make_engine
from appliance.schema import is_ours


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, include_name=is_ours, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:  # the alembic command line, with -x or alembic.ini's sqlalchemy.url
    url = context.config.get_main_option("sqlalchemy.url") or ""
    with make_engine(url).connect() as opened:
        _migrate(opened)
