"""The audit log: who did what, chained by hashes, in the same transaction as the act itself.

No audit, no act: an entry that cannot be written fails the commit.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, NamedTuple, Self

from sqlalchemy import RowMapping, Text, cast, insert, select, text, true, update
from sqlalchemy.orm import Session

from appliance.commit_queue import CommitQueue
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import AuditBroken
from appliance.models import AuditEntry, AuditHead

GENESIS = "0" * 64
"""``previous_hash`` of the first entry."""

LOCK = 0x6B75_7374_6175_6474
"""Advisory lock of the chain ("kustaudt")."""

Subject = tuple[str, int | str]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a candidate, an API client, the command line, or the box itself."""

    kind: str
    """``user``, ``candidate``, ``api``, ``cli`` or ``appliance``."""
    id: str
    name: str
    address: str = ""
    company_id: int | None = None
    role: str | None = None

    @classmethod
    def appliance(cls, part: str) -> Self:
        """Return the appliance as actor; ``part`` says which process or job."""
        return cls(kind="appliance", id=part, name=part)


class ChainReport(NamedTuple):
    """What a whole chain says of itself; keep ``head_hash`` elsewhere to prove later that nothing was cut off."""

    entries: int
    head_hash: str


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject: Subject,
    result: str = "success",
    company_id: int | None = None,
    **details: object,
) -> None:
    """Queue an entry that is chained and inserted when ``session`` commits.

    ``action`` is ``noun.verb``, ``result`` ``success``, ``refused`` or ``failed``; ``details`` are JSON values (also
    datetimes, enums and paths). Raises ``TypeError`` at once for a detail that is none.
    """
    kind, subject_id = subject
    _queue.put(
        session,
        {
            "actor_kind": _clean(actor.kind),
            "actor_id": _clean(actor.id),
            "actor_name": _clean(actor.name),
            "address": _clean(actor.address),
            "action": action,
            "result": result,
            "subject_kind": kind,
            "subject_id": _clean(str(subject_id)),
            "company_id": actor.company_id if company_id is None else company_id,
            "details": _plain(details),
        },
    )


def record_now(
    session_factory: SessionFactory,
    actor: Actor,
    action: str,
    subject: Subject,
    result: str = "failed",
    company_id: int | None = None,
    **details: object,
) -> None:
    """Write an entry in a transaction of its own: for an act that was refused or failed and rolls back."""
    with unit_of_work(session_factory) as session:
        record(session, actor, action, subject, result, company_id, **details)


def verify_chain(session: Session) -> ChainReport:
    """Read the whole log in its order; raise ``AuditBroken`` naming the first entry that is not as it was written."""
    rows = session.execute(_whole_log().execution_options(yield_per=1000))
    return _verify(row._mapping for row in rows)


def canonical(value: object) -> str:
    """Return the one JSON text of ``value``: sorted keys, no white space, numbers as jsonb prints them."""
    if isinstance(value, Mapping):
        members = (f"{json.dumps(key)}:{canonical(value[key])}" for key in sorted(value))
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return json.dumps(_iso(value))
    return json.dumps(value)


def chain_hash(previous_hash: str, columns: Mapping[str, object]) -> str:
    """Return SHA-256, in hex, over ``previous_hash``, a line feed and the canonical JSON of the other columns."""
    return hashlib.sha256(f"{previous_hash}\n{canonical(columns)}".encode()).hexdigest()


def _write(session: Session, entries: list[dict[str, Any]]) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    head = session.execute(select(AuditHead.entries, AuditHead.hash)).one_or_none()
    if head is None:
        raise AuditBroken("The head of the audit chain is missing; nothing can be done before it is restored.")
    number, previous = head
    rows = []
    for entry in entries:
        number += 1
        columns = {"id": number, "at": utcnow(), **entry}
        digest = chain_hash(previous, columns)
        rows.append({**columns, "previous_hash": previous, "hash": digest})
        previous = digest
    session.execute(insert(AuditEntry), rows)
    session.execute(update(AuditHead).values(entries=number, hash=previous))


_queue: CommitQueue[dict[str, Any]] = CommitQueue("audit", _write)

_HASHED = [
    column for column in AuditEntry.__table__.columns if column.name not in {"previous_hash", "hash", "details"}
]


def _whole_log() -> Any:
    """Select head and entries in one statement, so that entries written meanwhile cannot make them disagree."""
    return (
        select(
            *_HASHED,
            cast(AuditEntry.details, Text).label("details"),
            AuditEntry.previous_hash,
            AuditEntry.hash,
            AuditHead.entries.label("head_entries"),
            AuditHead.hash.label("head_hash"),
        )
        .select_from(AuditHead)
        .outerjoin(AuditEntry, true())
        .order_by(AuditEntry.id)
    )


def _verify(rows: Iterable[RowMapping]) -> ChainReport:
    number, previous, head = 0, GENESIS, None
    for row in rows:
        head = ChainReport(row["head_entries"], row["head_hash"])
        if row["id"] is None:
            continue  # an empty log: the head alone
        number += 1
        _check_entry(row, number, previous)
        previous = row["hash"]
    if head is None:
        raise AuditBroken("The head of the audit chain is missing.", entry=0)
    if head.entries > number:
        raise AuditBroken(
            f"Audit entry {number + 1} is missing: the log was cut off after entry {number}, "
            f"but {head.entries} were written.",
            entry=number + 1,
        )
    if head != (number, previous):
        raise AuditBroken(f"The head of the audit chain does not fit its last entry, {number}.", entry=number)
    return head


def _check_entry(row: RowMapping, number: int, previous: str) -> None:
    if row["id"] != number:
        if row["id"] < number:
            raise AuditBroken(f"Audit entry {row['id']} has no place in the log.", entry=row["id"])
        raise AuditBroken(f"Audit entry {number} is missing.", entry=number)
    columns = {column.name: row[column.name] for column in _HASHED}
    columns["details"] = json.loads(row["details"], parse_float=Decimal)
    if row["previous_hash"] != previous or row["hash"] != chain_hash(previous, columns):
        raise AuditBroken(f"Audit entry {number} is not as it was written.", entry=number)


def _plain(value: object) -> Any:  # noqa: PLR0911 - one kind of value a line
    """Return ``value`` as JSON values that come back from the database as they went in."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return value + 0.0  # jsonb knows no negative zero
    if isinstance(value, str | PurePath):
        return _clean(str(value))
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, Mapping):
        return {_clean(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is not a value that an audit entry can keep")


def _clean(value: str) -> str:
    """Replace what PostgreSQL cannot keep (NUL, lone surrogates): bad input must not make an act unrecordable."""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
