"""Whose sitting it is: who hears the words and sees the findings of a sitting, as far as the gateway knows."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from appliance.models import Assignment, Sitting

KNOWN = 4096
"""Sittings remembered: several days' of a large company."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Who a sitting is assigned to; the same that ``appliance.security.scopes`` asks the database."""

    proctor_id: int | None = None
    of_exam: frozenset[int] = frozenset()
    """Users assigned to its exam."""
    by_name: frozenset[int] = frozenset()
    """Users assigned to the sitting itself."""

    def is_for(self, user_id: int) -> bool:
        """Whether it is theirs, or nobody's of an exam of theirs (``Scope.SITTING``)."""
        waits = self.proctor_id is None and user_id in self.of_exam
        return waits or user_id == self.proctor_id or user_id in self.by_name

    def concerns(self, user_id: int) -> bool:
        """Whether it is at least of an exam of theirs (``Scope.EXAM``)."""
        return user_id in self.of_exam or user_id == self.proctor_id or user_id in self.by_name


NOBODYS = Desk()


class Desks:
    """The desk of each sitting, as far as events told or a look into the database."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._desks: OrderedDict[int, Desk] = OrderedDict()

    def unknown(self, sitting_ids: Iterable[int]) -> list[int]:
        """Return those that must be looked up first."""
        return sorted({number for number in sitting_ids if number not in self._desks})

    def learn(self, sitting_id: int, desk: Desk) -> None:
        """Know who a sitting is assigned to."""
        self._desks[sitting_id] = desk
        self._desks.move_to_end(sitting_id)
        while len(self._desks) > KNOWN:
            self._desks.popitem(last=False)

    def claimed(self, sitting_id: int, proctor_id: int | None) -> None:
        """Know the proctor of a sitting; None while it is nobody's. What is unknown stays so."""
        known = self._desks.get(sitting_id)
        if known is not None:
            self.learn(sitting_id, replace(known, proctor_id=proctor_id))

    def forget(self) -> None:
        """Assignments changed: all must be looked up anew."""
        self._desks.clear()

    def of(self, sitting_id: int) -> Desk:
        """Return the desk of a sitting; one that is not known is nobody's, and for nobody."""
        return self._desks.get(sitting_id, NOBODYS)


def look_up(session: Session, sitting_ids: Iterable[int]) -> list[tuple[int, Desk]]:
    """Return the desks of these sittings."""
    query = select(Sitting.id, Sitting.proctor_id, Sitting.exam_id).where(Sitting.id.in_(list(sitting_ids)))
    found = session.execute(query).all()
    exam_ids = {row.exam_id for row in found}
    assigned = select(Assignment.user_id, Assignment.exam_id, Assignment.sitting_id).where(
        Assignment.user_id.is_not(None),
        or_(Assignment.exam_id.in_(exam_ids), Assignment.sitting_id.in_([row.id for row in found])),
    )
    of_exam: defaultdict[int, set[int]] = defaultdict(set)
    by_name: defaultdict[int, set[int]] = defaultdict(set)
    for row in session.execute(assigned).mappings():
        group = of_exam[row["exam_id"]] if row["sitting_id"] is None else by_name[row["sitting_id"]]
        group.add(row["user_id"])
    return [
        (row.id, Desk(row.proctor_id, frozenset(of_exam[row.exam_id]), frozenset(by_name[row.id]))) for row in found
    ]


def sitting_of(payload: dict[str, Any]) -> int | None:
    """Return the sitting that an event of a company is about."""
    number = payload.get("sitting_id")
    return number if isinstance(number, int) else None
