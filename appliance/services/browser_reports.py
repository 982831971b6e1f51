"""What a candidate's browser may report of itself: a stranger's word, so its kind, size and rate are limited."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.errors import BadInput, ImpossibleStep, TooMany
from appliance.models import Observation, Sitting
from appliance.services.free_text import storable
from appliance.sitting_machine import LIVE
from appliance.vocabulary import BROWSER_TYPES, ObservationSource, ObservationType

PER_MINUTE: Final = 30
"""New observations a minute; a person cannot switch windows faster for long."""

MAX_DETAILS: Final = 20
MAX_DETAIL_CHARS: Final = 500
CLOCKS_OWN: Final = frozenset({"pauses"})
"""Details that only the appliance writes: a pause is cut out of the score."""


def admit(session: Session, sitting: Sitting, type: ObservationType, now: datetime) -> Observation | None:
    """Return the browser's open observation of this type, or None when a new one may be made.

    Raises ``BadInput``, ``ImpossibleStep`` or ``TooMany``.
    """
    if type not in BROWSER_TYPES:
        raise BadInput(f"A browser cannot report “{type}”.", field="kind")
    if sitting.state not in LIVE:
        raise ImpossibleStep("The exam is over.", state=sitting.state)
    mine = (Observation.sitting_id == sitting.id, Observation.source == ObservationSource.BROWSER)
    same = select(Observation).where(*mine, Observation.type == type, Observation.ended_at.is_(None))
    still_open = session.scalars(same.order_by(Observation.id.desc()).limit(1)).first()
    if still_open is not None:
        return still_open
    count = select(func.count()).select_from(Observation)
    recent = session.scalar(count.where(*mine, Observation.created_at > now - timedelta(minutes=1)))
    if (recent or 0) >= PER_MINUTE:
        raise TooMany("This browser reports too much; wait a minute.", limit=PER_MINUTE)
    return None


def clean(details: dict[str, Any]) -> dict[str, Any]:
    """Return plain values only, cut to size."""
    kept = [(str(key), value) for key, value in details.items() if key not in CLOCKS_OWN][:MAX_DETAILS]
    return {
        storable(key[:64]): storable(value[:MAX_DETAIL_CHARS]) if isinstance(value, str) else value
        for key, value in kept
        if isinstance(value, str | int | float | bool) or value is None
    }
