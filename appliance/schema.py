"""The schema of the database: brought up to date from code, with no command line and no ini file.

Each revision says in ``phase`` whether the former release runs beside it (Fowler, "ParallelChange": expand, migrate,
contract). An upgrade takes the expanding ones while both releases run; the others wait until nobody runs the former.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

import appliance.models  # noqa: F401 - registers every table
from appliance.db import Base, make_engine
from appliance.errors import DatabaseUnavailable, HostNotReady

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

_LOCK = 0x6B75_7374_6D69_6772
"""Advisory lock of migrations ("kustmigr"): processes that start together take turns."""


_CONTRACTED: Final = "contracted by "
"""On the table of Alembic's own: the last contracting revision, so that a release that does not know it is told."""


class Phase(StrEnum):
    """What a revision does to the release before it."""

    EXPAND = "expand"
    """The former release runs beside it."""
    CONTRACT = "contract"
    """It takes away what only the former release needs."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One step of the schema."""

    number: str
    phase: Phase
    what: str


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Where a database is, as this release sees it."""

    current: str | None
    """None: nothing in it."""
    head: str
    pending: tuple[Revision, ...]
    """In the order in which they are taken."""
    newer: bool = False
    """A newer release brought it to a revision that this one does not know, but runs beside."""

    @property
    def expanding(self) -> tuple[Revision, ...]:
        """Return what may be taken while the former release runs: all before the first contracting one."""
        phases = [revision.phase for revision in self.pending]
        return self.pending[: phases.index(Phase.CONTRACT) if Phase.CONTRACT in phases else None]

    @property
    def contracting(self) -> tuple[Revision, ...]:
        """Return the contracting ones that wait."""
        return tuple(revision for revision in self.pending if revision.phase is Phase.CONTRACT)


def upgrade(database_url: str, scripts: Path = MIGRATIONS) -> None:
    """Bring the database to the newest revision, contracting ones included: nobody runs the former release.

    Nothing happens where it is there already, or at a newer one. Raises ``DatabaseUnavailable`` when it cannot be
    reached, ``HostNotReady`` when a newer release took away what this one needs.
    """
    if not status(database_url, scripts).newer:
        _run(database_url, "upgrade", "head", scripts)


def expand(database_url: str, scripts: Path = MIGRATIONS) -> None:
    """Take the expanding revisions up to the first contracting one; an empty database is brought to the newest.

    Raises as ``upgrade``.
    """
    there = status(database_url, scripts)
    if there.current is None:
        upgrade(database_url, scripts)
    elif there.expanding:
        _run(database_url, "upgrade", there.expanding[-1].number, scripts)


def status(database_url: str, scripts: Path = MIGRATIONS) -> SchemaStatus:
    """Return where the database is and what is pending; raises as ``upgrade``."""
    directory = ScriptDirectory.from_config(config(scripts))
    newest = directory.get_current_head() or ""
    there = current(database_url)
    if there == newest:
        return SchemaStatus(there, newest, ())
    try:
        found = list(directory.iterate_revisions("head", there or "base"))
    except RevisionError:
        _demand_runnable(database_url, directory)
        return SchemaStatus(there, newest, (), newer=True)
    return SchemaStatus(there, newest, tuple(_revision(script) for script in reversed(found)))


def downgrade(database_url: str, revision: str) -> None:
    """Take revisions back down to ``revision``; for tests."""
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


def config(scripts: Path = MIGRATIONS) -> Config:
    """Return Alembic's configuration; ``attributes["connection"]`` is the caller's to set."""
    options = Config()
    options.set_main_option("script_location", str(scripts))
    return options


def _revision(script: Script) -> Revision:
    phase = Phase(getattr(script.module, "phase", Phase.EXPAND))
    return Revision(script.revision, phase, (script.doc or "").rstrip("."))


def _run(database_url: str, direction: str, revision: str, scripts: Path = MIGRATIONS) -> None:
    engine = make_engine(database_url, pool_size=1)
    options = config(scripts)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            options.attributes["connection"] = connection
            getattr(command, direction)(options, revision)
            _note_contraction(connection, ScriptDirectory.from_config(options))
    except OperationalError as error:
        raise DatabaseUnavailable(f"The database cannot be reached: {_reason(error)}") from error
    finally:
        engine.dispose()


def _note_contraction(connection: Connection, directory: ScriptDirectory) -> None:
    """Leave word for releases that know less than this one."""
    there = MigrationContext.configure(connection).get_current_revision()
    taken = directory.iterate_revisions(there, "base") if there else ()
    last = next((one.number for one in map(_revision, taken) if one.phase is Phase.CONTRACT), None)
    if last is not None:
        connection.execute(text(f"COMMENT ON TABLE alembic_version IS '{_CONTRACTED}{last}'"))


def _demand_runnable(database_url: str, directory: ScriptDirectory) -> None:
    engine = make_engine(database_url, pool_size=1)
    try:
        with engine.connect() as connection:
            word = connection.scalar(text("SELECT obj_description('alembic_version'::regclass, 'pg_class')")) or ""
    finally:
        engine.dispose()
    number = str(word).removeprefix(_CONTRACTED)
    if word and number not in {script.revision for script in directory.walk_revisions()}:
        raise HostNotReady(
            f"A newer release took away what this one needs (revision {number}): run the newer release, "
            "or restore a backup of before."
        )


def _reason(error: OperationalError) -> str:
    return str(error.orig).strip().splitlines()[0] if error.orig else str(error)
