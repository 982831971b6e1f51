"""Reading the log as the database has it: one stream in the order of the chain, by COPY, held nowhere in memory."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy.orm import Session

from appliance.audit.canonical import canonical_details, entry_text


class Link(NamedTuple):
    """One entry as it stands: its number, its two hashes, its time and its canonical text."""

    id: int
    previous_hash: str
    hash: str
    at: str
    text: str


class Head(NamedTuple):
    """The row that says how long the chain is."""

    entries: int
    hash: str


_ENTRIES: Final = """
    SELECT id, previous_hash, hash, action, actor_id, actor_kind, actor_name, address,
           to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), company_id, details::text, result,
           subject_id, subject_kind
    FROM audit_entry"""

_HEAD: Final = """
    UNION ALL
    SELECT 9223372036854775807, entries::text, hash, NULL, '', '', '', '', '', NULL, '', '', '', '' FROM audit_head"""
"""In the same statement, so that entries written meanwhile cannot make head and entries disagree."""


def links(session: Session, after: int | None = None, upto: int | None = None) -> Iterator[Link]:
    """Yield the entries of the table in their order, those after and up to these numbers if given."""
    conditions = [f"id > {int(after)}"] if after is not None else []
    conditions += [f"id <= {int(upto)}"] if upto is not None else []
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    for row in _copied(session, f"{_ENTRIES}{where} ORDER BY id"):
        yield _link(row)


def links_and_head(session: Session, after: int | None = None) -> Iterator[Link | Head]:
    """Yield the table's entries in their order, and last of all the head, if there is one."""
    where = "" if after is None else f" WHERE id > {int(after)}"
    for row in _copied(session, f"{_ENTRIES}{where}{_HEAD} ORDER BY 1"):
        yield Head(int(row[1] or 0), row[2] or "") if row[3] is None else _link(row)


def _copied(session: Session, query: str) -> Iterator[tuple[Any, ...]]:
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
        yield from copy.rows()


def _link(row: tuple[Any, ...]) -> Link:
    id_, previous, digest, action, actor_id, kind, name, address, at, company, details, result, sid, skind = row
    body = canonical_details(details)
    text = entry_text(action, actor_id, kind, name, address, at or "", company, body, id_, result, sid, skind)
    return Link(int(id_), previous, digest, at or "", text)
