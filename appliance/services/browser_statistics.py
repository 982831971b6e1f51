"""What a candidate's browser last measured of its own connections: one report a sitting, the newest."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.db import utcnow
from appliance.models import BrowserReport
from appliance.services.free_text import storable_json


def keep(session: Session, sitting_id: int, content: dict[str, Any]) -> None:
    """Write a report down in place of the last; its sizes are bounded by the socket's schema."""
    values = {"sitting_id": sitting_id, "at": utcnow(), "content": storable_json(content)}
    query = insert(BrowserReport).values(**values)
    changed = {"at": query.excluded.at, "content": query.excluded.content}
    session.execute(query.on_conflict_do_update(index_elements=["sitting_id"], set_=changed))


def last(session: Session, sitting_id: int) -> BrowserReport | None:
    """Return the newest report."""
    return session.get(BrowserReport, sitting_id, populate_existing=True)
