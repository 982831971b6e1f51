"""The person behind an actor, and people's names."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.errors import NotAllowed
from appliance.models import User


def user_id(actor: Actor) -> int:
    """Return the id of the acting member of staff; raise ``NotAllowed`` for machines and candidates."""
    if actor.kind != "user":
        raise NotAllowed("Only a member of staff can do that.")
    return int(actor.id)


def names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of these users, in one query or none."""
    wanted = {number for number in ids if number is not None}
    if not wanted:
        return {}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(wanted)))
    return {row.id: row.name for row in rows}
