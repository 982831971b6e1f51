"""Access that wants a second look: rules with thresholds in one table; each finding says why it is one.

A finding accuses nobody: it names the entries it was made from.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import from_ms, to_ms
from appliance.errors import BadInput
from appliance.models import Assignment, AuditEntry, Sitting, User
from appliance.services import audit_log
from appliance.vocabulary import Role

VIEWS: Final = frozenset(
    {"recording.view", "recording.watch", "recording.deliver", "photo.view", "document.view", "challenge.view"}
    | {"sitting.view", "media.watch"}
)
"""Acts that show somebody's face, room or screen."""

MAX_DAYS: Final = 31
MAX_ENTRIES: Final = 200_000
MAX_NAMED: Final = 20
"""Entries that a finding names."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    code: str
    """The page words it."""
    actions: frozenset[str]
    find: Callable[[Session, "Rule", Sequence[AuditEntry]], Iterable[dict[str, Any]]]
    threshold: int
    """So many make a finding."""
    hours: float = 1.0
    """Within this span."""


@dataclass(frozen=True, slots=True)
class Night:
    """Hours in which nobody is expected to look at recordings, by the clock of the server."""

    begins: int = 22
    ends: int = 6

    def has(self, moment: datetime) -> bool:
        """Say whether the moment lies in it."""
        hour = moment.astimezone().hour
        return hour >= self.begins or hour < self.ends


NIGHT: Final = Night()


def unusual(session: Session, actor: Actor, company_id: int, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
    """Return the findings of a span of at most 31 days, newest first; asking is an act. Raises ``BadInput``."""
    if not 0 < end_ms - start_ms <= MAX_DAYS * 86_400_000:
        raise BadInput(f"Choose a span of at most {MAX_DAYS} days.")
    audit.record(session, actor, "audit.unusual", ("audit", "entries"), from_ms=start_ms, to_ms=end_ms)
    wanted = frozenset().union(*(rule.actions for rule in RULES))
    entries = _entries(session, company_id, start_ms, end_ms, wanted)
    found = [
        {"rule": rule.code, "threshold": rule.threshold, "hours": rule.hours, **finding}
        for rule in RULES
        for finding in rule.find(session, rule, [row for row in entries if row.action in rule.actions])
    ]
    return sorted(found, key=lambda finding: -finding["to_ms"])


def _entries(
    session: Session, company_id: int, start_ms: int, end_ms: int, actions: frozenset[str]
) -> list[AuditEntry]:
    start, end = from_ms(start_ms), from_ms(end_ms)
    rows: list[AuditEntry] = []
    for scope in audit_log.scopes(session, company_id):
        query = select(AuditEntry).where(
            scope, AuditEntry.action.in_(actions), AuditEntry.at >= start, AuditEntry.at < end
        )
        rows += session.scalars(query.order_by(AuditEntry.id).limit(MAX_ENTRIES)).all()
    return sorted(rows, key=lambda row: row.id)


def bulk(session: Session, rule: Rule, entries: Sequence[AuditEntry]) -> Iterable[dict[str, Any]]:
    """One person, many different sittings within an hour."""
    for rows in _by_actor(entries).values():
        yield from _windows(rule, rows, _sitting_of)


def often(session: Session, rule: Rule, entries: Sequence[AuditEntry]) -> Iterable[dict[str, Any]]:
    """One asker, one kind of act, many times."""
    for rows in _by_actor(entries).values():
        yield from _windows(rule, rows, lambda row: row.id)


def refused(session: Session, rule: Rule, entries: Sequence[AuditEntry]) -> Iterable[dict[str, Any]]:
    """Many refusals from one address: guessing at passwords, or trying doors. Folded ones count by their number."""
    by_address = defaultdict(list)
    for row in entries:
        if row.result != "success":
            by_address[row.address].append(row)
    for rows in by_address.values():
        yield from _windows(rule, rows, lambda row: row.id, lambda row: int(row.details.get("more", 1)))


def at_night(session: Session, rule: Rule, entries: Sequence[AuditEntry]) -> Iterable[dict[str, Any]]:
    """Views of recordings, not of running exams, at an hour when nobody works."""
    for rows in _by_actor(entries).values():
        yield from _windows(rule, [row for row in rows if NIGHT.has(row.at)], _sitting_of)


def never_assigned(session: Session, rule: Rule, entries: Sequence[AuditEntry]) -> Iterable[dict[str, Any]]:
    """Views of sittings that the person neither watches over nor is assigned to."""
    numbers = {number for row in entries if (number := _sitting_of(row)) is not None}
    rows = session.execute(select(Sitting.id, Sitting.exam_id, Sitting.proctor_id).where(Sitting.id.in_(numbers)))
    known = {row.id: row for row in rows}
    for (kind, actor_id), own in _by_actor(entries).items():
        if kind != "user" or not actor_id.isdecimal():
            continue
        exams, single, sees_all = _assigned(session, int(actor_id))
        if sees_all:
            continue
        strange = []
        for row in own:
            sitting = known.get(_sitting_of(row) or 0)
            mine = sitting is None or sitting.proctor_id == int(actor_id)
            if not mine and sitting is not None and sitting.exam_id not in exams and sitting.id not in single:
                strange.append(row)
        yield from _windows(rule, strange, _sitting_of)


RULES: Final[tuple[Rule, ...]] = (
    Rule("bulk_views", VIEWS - {"media.watch", "sitting.view"}, bulk, threshold=15),
    Rule("bulk_exports", frozenset({"media.export", "export.request", "audit.export"}), often, 5, hours=24),
    Rule("night", VIEWS - {"media.watch", "sitting.view"}, at_night, threshold=1, hours=8),
    Rule("never_assigned", VIEWS, never_assigned, threshold=1, hours=24),
    Rule("refused", frozenset({"user.log_in", "access.refuse", "user.prove"}), refused, threshold=10),
    Rule(
        "searches",
        frozenset({"audit.search", "sitting.search", "person.search", "audit.watchers"}),
        often,
        threshold=40,
    ),
)
"""The table. A threshold is a customer's to change here; the reason is in the finding's words."""


def _by_actor(entries: Iterable[AuditEntry]) -> dict[tuple[str, str], list[AuditEntry]]:
    found = defaultdict(list)
    for row in entries:
        if row.actor_kind in {"user", "api", "cli"}:
            found[row.actor_kind, row.actor_id].append(row)
    return found


def _windows(
    rule: Rule,
    rows: Sequence[AuditEntry],
    thing: Callable[[AuditEntry], Any],
    weight: Callable[[AuditEntry], int] | None = None,
) -> Iterable[dict[str, Any]]:
    """Yield each span of the rule's length, one after another, in which enough different things lie.

    ``weight``: how many times a thing counts; without it once, however often it is there.
    """
    begin = end = 0
    seen: Counter[Any] = Counter()
    while begin < len(rows):
        until = rows[begin].at + timedelta(hours=rule.hours)
        while end < len(rows) and rows[end].at < until:
            seen[thing(rows[end])] += weight(rows[end]) if weight else 1
            end += 1
        count = seen.total() if weight else len(seen) - (None in seen)
        if count >= rule.threshold:
            yield _finding(rows[begin:end], count)
            begin, seen = end, Counter()
        else:
            first = thing(rows[begin])
            seen[first] -= weight(rows[begin]) if weight else 1
            if seen[first] <= 0:
                del seen[first]
            begin += 1


def _finding(window: Sequence[AuditEntry], count: int) -> dict[str, Any]:
    first = window[0]
    return {
        "actor": {"kind": first.actor_kind, "id": first.actor_id, "name": first.actor_name},
        "addresses": sorted({row.address for row in window if row.address})[:5],
        "from_ms": to_ms(first.at),
        "to_ms": to_ms(window[-1].at),
        "count": count,
        "sittings": sorted({number for row in window if (number := _sitting_of(row)) is not None})[:MAX_NAMED],
        "entries": [row.id for row in window[:MAX_NAMED]],
        "more": max(0, len(window) - MAX_NAMED),
    }


def _sitting_of(row: AuditEntry) -> int | None:
    number = row.subject_id if row.subject_kind == "sitting" else row.details.get("sitting_id")
    return int(number) if isinstance(number, int) or (isinstance(number, str) and number.isdecimal()) else None


def _assigned(session: Session, user_id: int) -> tuple[set[int], set[int], bool]:
    """Return the exams and sittings that a person is assigned to, and whether their work is all of the company's."""
    user = session.get(User, user_id)
    rows = session.execute(
        select(Assignment.exam_id, Assignment.sitting_id).where(Assignment.user_id == user_id)
    ).all()
    whole = user is not None and user.role in {Role.REVIEWER, Role.ORGANISER} and not rows
    return {row.exam_id for row in rows if row.exam_id}, {row.sitting_id for row in rows if row.sitting_id}, whole
