"""Writing: entries are queued with their act, numbered, chained and inserted just before its commit."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from appliance.audit.canonical import chain_hash, clean, plain
from appliance.commit_queue import CommitQueue
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import AuditBroken, AuditUnavailable
from appliance.models import AuditActor, AuditEntry, AuditHead

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
    datetimes, enums and paths). Raises ``TypeError`` at once for a detail that is none; the commit raises
    ``AuditUnavailable`` when the log cannot be written, and nothing of the act is done.
    """
    kind, subject_id = subject
    _queue.put(
        session,
        {
            "actor_kind": clean(actor.kind),
            "actor_id": clean(actor.id),
            "actor_name": clean(actor.name),
            "address": clean(actor.address),
            "action": action,
            "result": result,
            "subject_kind": kind,
            "subject_id": clean(str(subject_id)),
            "company_id": actor.company_id if company_id is None else company_id,
            "details": plain(details),
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


_PASSING = {"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03"}
"""SQLSTATEs of a conflict or of a server that goes away: not the log's, and worth a new try."""


def _write(session: Session, entries: list[dict[str, Any]]) -> None:
    try:
        _append(session, entries)
    except DBAPIError as error:
        if error.connection_invalidated or getattr(error.orig, "sqlstate", None) in {*_PASSING, None}:
            raise
        raise AuditUnavailable from error


def _append(session: Session, entries: list[dict[str, Any]]) -> None:
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
    session.execute(upsert(AuditActor).values(_actors(rows)).on_conflict_do_nothing())
    session.execute(update(AuditHead).values(entries=number, hash=previous))


def _actors(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {(row["company_id"] or 0, row["actor_kind"], row["actor_id"], row["actor_name"]) for row in rows}
    return [{"company_id": company, "kind": kind, "id": id_, "name": name} for company, kind, id_, name in found]


_queue: CommitQueue[dict[str, Any]] = CommitQueue("audit", _write)
