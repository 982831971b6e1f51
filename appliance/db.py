"""The store: PostgreSQL through SQLAlchemy, and the unit of work in which every act happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Engine, MetaData, create_engine, make_url
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from appliance.errors import DatabaseUnavailable

SessionFactory = sessionmaker[Session]


class Base(DeclarativeBase):
    """Root of the models; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix__%(column_0_label)s",
            "uq": "uq__%(table_name)s__%(column_0_name)s",
            "ck": "ck__%(table_name)s__%(constraint_name)s",
            "fk": "fk__%(table_name)s__%(column_0_name)s__%(referred_table_name)s",
            "pk": "pk__%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


def utcnow() -> datetime:
    """Return the time of this server, aware, in UTC: the one clock of the house."""
    return datetime.now(UTC)


def to_ms(moment: datetime) -> int:
    """Return UTC milliseconds since the epoch, the unit of every timeline."""
    return round(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """Return the aware UTC datetime of a timeline's milliseconds."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def make_engine(database_url: str, pool_size: int = 10) -> Engine:
    """Return an engine that checks a pooled connection before use, so that a restarted database is survived."""
    return create_engine(
        database_url,
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=10,
        connect_args={"connect_timeout": 5},  # libpq waits minutes for a host that swallows packets; a page must not
        hide_parameters=True,  # an error's text goes to the log, and values of a statement may be secrets
    )


def libpq_url(database_url: str) -> str:
    """Return the URL as psycopg itself understands it, without SQLAlchemy's name of the driver."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def make_session_factory(engine: Engine) -> SessionFactory:
    """Return the factory of sessions; objects stay readable after commit."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def unit_of_work(factory: SessionFactory) -> Iterator[Session]:
    """Open a session, commit at the end, roll back on any error; raise ``DatabaseUnavailable`` when it is away."""
    session = factory()
    try:
        yield session
        session.commit()
    except OperationalError as error:
        session.rollback()
        raise DatabaseUnavailable from error
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
