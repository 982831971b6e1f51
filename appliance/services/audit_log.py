"""The audit log as people read it: searched by what an index answers, page after page from the newest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    String,
    cast,
    func,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, aliased

from appliance import audit
from appliance.audit import Actor
from appliance.audit.canonical import canonical, entry_text, iso
from appliance.audit.reading import Link
from appliance.db import from_ms, to_ms
from appliance.errors import BadInput
from appliance.models import AuditActor, AuditEntry, Company
from appliance.services.free_text import storable

PAGE_SIZE: Final = 100

MAX_ACTORS: Final = 100
"""People whom a part of a name may mean at once; each is a look into the index of its own."""

PATIENCE_MS: Final = 5000
"""What no index answers is given up after this; the page asks for a narrower search."""

CLOCKS: Final = timedelta(minutes=5)
"""Numbers grow with time but for clocks that differ: so much is looked beyond both ends, then left out exactly."""

_CANCELLED: Final = "57014"

MAX_WAYS: Final = 100
"""Ways into the log that are merged: whose, times which acts, times which results."""

Conditions = tuple[ColumnElement[bool], ...]
Person = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; empty fields do not matter."""

    who: str = ""
    """Part of a name, or ``kind:id``."""
    action: str = ""
    """The beginning of one: ``recording.``."""
    subject: str = ""
    """``sitting 12``, ``sitting:12`` or ``sitting``."""
    result: str = ""
    address: str = ""
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Return what was filled in, for the log and for exports."""
        names = ("who", "action", "subject", "result", "address", "from_ms", "to_ms")
        return {name: value for name in names if (value := getattr(self, name)) not in {"", None}}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the log."""

    entries: list[dict[str, Any]]
    next_before: int | None
    """Give it as ``before`` to go on; None: there is no more."""


def search(
    session: Session, company_id: int, wanted: Search, before: int | None = None, limit: int = PAGE_SIZE
) -> Page:
    """Return the newest entries that fit, older than ``before`` if given; raise ``BadInput`` if it is too broad."""
    rows = found(session, company_id, wanted, before, limit + 1)
    page = rows[:limit]
    return Page([payload(row) for row in page], page[-1].id if len(rows) > limit else None)


def found(session: Session, company_id: int, wanted: Search, before: int | None, limit: int) -> Sequence[AuditEntry]:
    """Return the rows of a search, newest first.

    Every way into the log is an index that begins with what is equal and ends with the number, so that a page is read
    off its end; where several values are meant, the ends of all are merged.
    """
    people = _people(session, company_id, storable(wanted.who.strip())) if wanted.who.strip() else None
    ways = _ways(session, company_id, wanted) if people != [] else []
    if not ways:
        return []
    bounds = _bounds(session, wanted, before)
    pieces = [_piece((*way, *bounds), people, limit) for way in ways]
    merged = union_all(*(select(piece) for piece in pieces)).subquery() if len(pieces) > 1 else pieces[0]
    row = aliased(AuditEntry, merged)
    try:
        session.execute(text(f"SET LOCAL statement_timeout = {PATIENCE_MS}"))
        rows = session.scalars(select(row).order_by(row.id.desc()).limit(limit)).all()
        session.execute(text("SET LOCAL statement_timeout = DEFAULT"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _CANCELLED:
            raise BadInput("This would take too long: narrow the time, or name a person or a subject.") from error
        raise
    return rows


def record_search(session: Session, actor: Actor, wanted: Search) -> None:
    """Write to the log that it was searched."""
    audit.record(session, actor, "audit.search", ("audit", "entries"), filter=wanted.facts)


def note_export(session: Session, actor: Actor, wanted: Search, form: str, count: int) -> None:
    """Write to the log that a part of it is taken out of the house."""
    subject = ("audit", "entries")
    audit.record(session, actor, "audit.export", subject, format=form, entries=count, filter=wanted.facts)


def scopes(session: Session, company_id: int) -> list[ColumnElement[bool]]:
    """Return whose entries a company's officer sees: its own, and the appliance's where it is the only company."""
    mine: list[ColumnElement[bool]] = [AuditEntry.company_id == company_id]
    only = session.scalar(select(func.count()).select_from(Company)) == 1
    return [*mine, AuditEntry.company_id.is_(None)] if only else mine


def link_of(row: AuditEntry) -> Link:
    """Return an entry as exports write it."""
    company = None if row.company_id is None else str(row.company_id)
    details = canonical(row.details)
    texts = (row.action, row.actor_id, row.actor_kind, row.actor_name, row.address, iso(row.at), company, details)
    body = entry_text(*texts, str(row.id), row.result, row.subject_id, row.subject_kind)
    return Link(row.id, row.previous_hash, row.hash, iso(row.at), body)


def payload(row: AuditEntry) -> dict[str, Any]:
    """Return an entry for pages."""
    return {
        "id": row.id,
        "at_ms": to_ms(row.at),
        "actor": {"kind": row.actor_kind, "id": row.actor_id, "name": row.actor_name, "address": row.address},
        "action": row.action,
        "result": row.result,
        "subject": {"kind": row.subject_kind, "id": row.subject_id},
        "details": row.details,
        "hash": row.hash,
    }


def _ways(session: Session, company_id: int, wanted: Search) -> list[Conditions]:
    """Return the ways into the log, each a set of equalities; none: nothing can fit."""
    equal: list[list[Conditions]] = [[(scope,) for scope in scopes(session, company_id)]]
    if wanted.subject.strip():
        equal.append([_subject(storable(wanted.subject.strip()))])
    if wanted.address.strip():
        equal.append([(AuditEntry.address == storable(wanted.address.strip()),)])
    if wanted.result.strip():
        rare = ["refused", "failed"] if wanted.result == "unsuccessful" else [storable(wanted.result.strip())]
        equal.append([(AuditEntry.result == word,) for word in rare])
    if wanted.action.strip():
        equal.append(_actions(session, company_id, storable(wanted.action.strip().lower())))
    ways = [tuple(condition for group in chosen for condition in group) for chosen in product(*equal)]
    if len(ways) > MAX_WAYS:
        raise BadInput("Too many acts fit; write more of the action.")
    return ways


def _subject(wanted: str) -> Conditions:
    kind, _, number = wanted.replace(":", " ").replace("#", " ").partition(" ")
    number = number.strip()
    same_kind = AuditEntry.subject_kind == kind
    return (same_kind, AuditEntry.subject_id == number) if number else (same_kind,)


def _piece(conditions: Conditions, people: list[Person] | None, limit: int) -> FromClause:
    """Return the newest entries of one way; with people those of each, looked up one after another, merged."""
    newest = select(AuditEntry).where(*conditions).order_by(AuditEntry.id.desc()).limit(limit)
    if people is None:
        return newest.subquery()
    columns = [list(values) for values in zip(*people, strict=True)]
    arrays = [cast(values, ARRAY(String)) for values in columns]
    person = func.unnest(*arrays).table_valued("kind", "id", "name", name="person").render_derived()
    same = (AuditEntry.actor_kind, AuditEntry.actor_id), (person.c.kind, person.c.id)
    own = newest.where(*(column == value for column, value in zip(*same, strict=True)))
    each = own.where(or_(person.c.name == "", AuditEntry.actor_name == person.c.name)).correlate(person).lateral()
    merged = select(each).select_from(person.join(each, true()))
    return merged.order_by(each.c.id.desc()).limit(limit).subquery()


def _people(session: Session, company_id: int, wanted: str) -> list[Person]:
    """Return kind, id and name of who is meant; the name is empty where any will do."""
    kind, colon, number = wanted.partition(":")
    if colon and number:
        return [(kind, number, "")]
    fits = or_(AuditActor.name.icontains(wanted, autoescape=True), AuditActor.id == wanted)
    query = select(AuditActor.kind, AuditActor.id, AuditActor.name).distinct()
    rows = session.execute(query.where(AuditActor.company_id.in_((company_id, 0)), fits).limit(MAX_ACTORS + 1)).all()
    if len(rows) > MAX_ACTORS:
        raise BadInput(f"More than {MAX_ACTORS} people are called so; write more of the name.")
    return [(row.kind, row.id, row.name) for row in rows]


def _actions(session: Session, company_id: int, beginning: str) -> list[Conditions]:
    return [(AuditEntry.action == action,) for action in actions(session, company_id) if action.startswith(beginning)]


def actions(session: Session, company_id: int) -> list[str]:
    """Return the acts that the log knows, by hops over the index instead of a walk along it."""
    return sorted({action for scope in scopes(session, company_id) for action in session.scalars(_hops(scope))})


def _hops(scope: ColumnElement[bool]) -> Select[str]:
    """Return the query of the different acts, each found from the one before in a look into the index."""
    start = select(AuditEntry.action.label("action")).where(scope).order_by(AuditEntry.action).limit(1).subquery()
    hop = select(start.c.action).cte("hop", recursive=True)
    after = select(AuditEntry.action).where(scope, AuditEntry.action > hop.c.action).correlate(hop)
    following = after.order_by(AuditEntry.action).limit(1).scalar_subquery()
    hop = hop.union_all(select(following).select_from(hop).where(hop.c.action.is_not(None)))
    return select(hop.c.action).where(hop.c.action.is_not(None))


def _bounds(session: Session, wanted: Search, before: int | None) -> Conditions:
    conditions: list[ColumnElement[bool]] = [] if before is None else [AuditEntry.id < before]
    if wanted.from_ms is not None:
        moment = from_ms(wanted.from_ms)
        conditions += [AuditEntry.id >= _number(session, moment - CLOCKS, first=True), AuditEntry.at >= moment]
    if wanted.to_ms is not None:
        moment = from_ms(wanted.to_ms)
        conditions += [AuditEntry.id <= _number(session, moment + CLOCKS, first=False), AuditEntry.at <= moment]
    return tuple(conditions)


def _number(session: Session, moment: datetime, *, first: bool) -> int:
    """Return the number of the first entry from this moment on, or of the last up to it."""
    if first:
        query = select(AuditEntry.id).where(AuditEntry.at >= moment).order_by(AuditEntry.at).limit(1)
        return session.scalar(query) or 2**63 - 1
    query = select(AuditEntry.id).where(AuditEntry.at <= moment).order_by(AuditEntry.at.desc()).limit(1)
    return session.scalar(query) or 0
