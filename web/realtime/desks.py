"""Whose sitting it is: a proctor hears the words and sees the findings of their own sittings and of nobody's."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.models import Sitting

KNOWN = 4096
"""Sittings remembered: several days' of a large company."""


class Desks:
    """The proctor of each sitting, as far as events told or a look into the database."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._proctors: OrderedDict[int, int | None] = OrderedDict()

    def unknown(self, sitting_ids: Iterable[int]) -> list[int]:
        """Return those that must be looked up first."""
        return sorted({number for number in sitting_ids if number not in self._proctors})

    def learn(self, sitting_id: int, proctor_id: int | None) -> None:
        """Know the proctor of a sitting; None while it is nobody's."""
        self._proctors[sitting_id] = proctor_id
        self._proctors.move_to_end(sitting_id)
        while len(self._proctors) > KNOWN:
            self._proctors.popitem(last=False)

    def is_for(self, sitting_id: int | None, user_id: int) -> bool:
        """Whether it is this proctor's or nobody's."""
        return sitting_id is None or self._proctors.get(sitting_id) in (None, user_id)


def proctors(session: Session, sitting_ids: Iterable[int]) -> list[tuple[int, int | None]]:
    """Return the proctor of each of these sittings."""
    query = select(Sitting.id, Sitting.proctor_id).where(Sitting.id.in_(list(sitting_ids)))
    return [(sitting_id, proctor_id) for sitting_id, proctor_id in session.execute(query)]


def sitting_of(payload: dict[str, Any]) -> int | None:
    """Return the sitting that an event of a company is about."""
    number = payload.get("sitting_id")
    return number if isinstance(number, int) else None
