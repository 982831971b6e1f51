"""Which gateway acts on which sitting's live media. Each function is a unit of work; times are the database's clock.

A gateway beats every second. Whoever beat too long ago, or said good-bye, has no sittings any more: another takes
their leases. A lease is checked in every unit of work of its pipeline, so that one only asleep writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.errors import MediaUnavailable
from appliance.models import Gateway, Lease, LiveMedia, Node, Sitting
from appliance.services import nodes
from appliance.services.nodes import GATEWAY_LOST_AFTER
from media.pipelines.evidence import RECORDED

KEPT = timedelta(days=7)
"""How long the rows of gateways that ended are kept: pipelines they left are known as ours by them."""
UNOWNED_AFTER = timedelta(seconds=2)
"""A sitting that started is left so long to the gateway that has its candidate's socket."""
AT_ONCE = 64
"""Sittings taken over in one look; the next second takes the rest, or another gateway does."""


class LeaseLost(MediaUnavailable):
    """Another gateway has this sitting now; it will be tried again there."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one look at the tables told a gateway."""

    others: int
    """Other gateways that beat."""
    leads: bool
    """Whether this one does what one gateway is enough for: it beats longest."""
    nodes: Sequence[Node]
    sittings: dict[str, int]
    """With live media, by node's address."""
    held: frozenset[int]
    """Sittings that are ours."""
    wanted: Sequence[int]
    """Sittings of ours whose candidate is at another gateway now."""
    taken: Sequence[int]
    """Sittings that had no living gateway and are ours from now on."""


def enter(session: Session, gateway_id: str, address: str) -> None:
    """Begin to live; who was at this address before is dead."""
    former = update(Gateway).where(Gateway.address == address, Gateway.id != gateway_id, Gateway.ended_at.is_(None))
    session.execute(former.values(ended_at=func.clock_timestamp()))
    now = func.clock_timestamp()
    made = insert(Gateway).values(id=gateway_id, address=address, started_at=now, beat_at=now)
    session.execute(made.on_conflict_do_update(index_elements=["id"], set_={"beat_at": now, "ended_at": None}))


def leave(session: Session, gateway_id: str) -> None:
    """Say good-bye: all leases may be taken at once."""
    gone = update(Gateway).where(Gateway.id == gateway_id)
    session.execute(gone.values(ended_at=func.clock_timestamp()))


def beat(session: Session, gateway_id: str) -> bool:
    """Live on; False when somebody thought us dead (then ``enter`` again, and own nothing unchecked)."""
    alive = update(Gateway).where(Gateway.id == gateway_id, Gateway.ended_at.is_(None)).returning(Gateway.id)
    return session.execute(alive.values(beat_at=func.clock_timestamp())).first() is not None


def look(session: Session, gateway_id: str, judges: bool) -> Outlook:
    """Read what a gateway has to know each second, and take what has no living gateway."""
    living = living_gateways(session)
    held = select(Lease.sitting_id).where(Lease.gateway_id == gateway_id)
    wanted = select(Lease.sitting_id).where(Lease.gateway_id == gateway_id, Lease.wanted_by != "")
    return Outlook(
        others=len([one for one in living if one != gateway_id]),
        leads=bool(living) and living[0] == gateway_id,
        nodes=session.scalars(select(Node).order_by(Node.id)).all(),
        sittings=nodes.counts(session),
        held=frozenset(session.scalars(held)),
        wanted=session.scalars(wanted).all(),
        taken=take_unowned(session, gateway_id, judges, AT_ONCE),
    )


def living_gateways(session: Session) -> Sequence[str]:
    """Return the ids of the gateways that beat, the oldest first."""
    return session.scalars(select(Gateway.id).where(_lives(True)).order_by(Gateway.started_at, Gateway.id)).all()


def take_unowned(session: Session, gateway_id: str, judges: bool, limit: int | None = None) -> list[int]:
    """Take the leases of gateways that are gone and sittings that nobody has; return whose.

    ``judges``: also of gateways that did not say good-bye. Only who could beat all the while may tell that of others.
    """
    living = select(Gateway.id).where(_lives(judges))
    dead = select(Lease).where(Lease.gateway_id.not_in(living), Lease.gateway_id != gateway_id)
    rows = session.scalars(dead.order_by(Lease.sitting_id).limit(limit).with_for_update(skip_locked=True)).all()
    for row in rows:
        row.gateway_id, row.taken_at, row.wanted_by = gateway_id, func.clock_timestamp(), ""
    taken = [row.sitting_id for row in rows]
    return sorted(taken + _take_new(session, gateway_id))


def _take_new(session: Session, gateway_id: str) -> list[int]:
    """Take what must be recorded, or has live media, and was never anybody's."""
    started = and_(
        Sitting.started_at.is_not(None),
        Sitting.started_at < func.clock_timestamp() - UNOWNED_AFTER,
        Sitting.state.in_(RECORDED),
    )
    live = Sitting.id.in_(select(LiveMedia.sitting_id))
    unowned = select(Sitting.id).where(or_(started, live), Sitting.id.not_in(select(Lease.sitting_id)))
    unowned = unowned.order_by(Sitting.id)  # two gateways that insert must not wait for each other
    return [sitting_id for sitting_id in session.scalars(unowned).all() if _insert(session, sitting_id, gateway_id)]


def claim(session: Session, sitting_id: int, gateway_id: str, judges: bool, wish: bool) -> bool:
    """Return whether the sitting is this gateway's, taking it if no living gateway has it.

    ``wish``: the candidate's socket is here, so that a living owner is to hand over.
    """
    if _insert(session, sitting_id, gateway_id):
        return True
    row = session.get(Lease, sitting_id, with_for_update=True)
    if row is None:  # given up between the two statements
        return _insert(session, sitting_id, gateway_id)
    if row.gateway_id != gateway_id:
        owner = select(Gateway.id).where(Gateway.id == row.gateway_id, _lives(judges))
        if session.scalar(owner) is not None:
            if wish:
                row.wanted_by = gateway_id
            return False
        row.gateway_id, row.taken_at = gateway_id, func.clock_timestamp()
    if wish:
        row.wanted_by = ""
    return True


def wish(session: Session, sitting_id: int, gateway_id: str) -> None:
    """The candidate's newest socket is at this gateway: whoever has the sitting is to hand over, or to keep it."""
    wanted = case((Lease.gateway_id == gateway_id, ""), else_=gateway_id)
    session.execute(update(Lease).where(Lease.sitting_id == sitting_id).values(wanted_by=wanted))


def give(session: Session, sitting_id: int, gateway_id: str) -> str | None:
    """Hand a sitting of ours to who wants it; return who that is, None when nobody does (any more)."""
    row = session.get(Lease, sitting_id, with_for_update=True)
    if row is None or row.gateway_id != gateway_id or not row.wanted_by:
        return None
    row.gateway_id, row.taken_at, row.wanted_by = row.wanted_by, func.clock_timestamp(), ""
    return row.gateway_id


def is_wanted(session: Session, sitting_id: int, gateway_id: str) -> bool:
    """Whether another gateway still wants a sitting of ours."""
    row = session.get(Lease, sitting_id)
    return row is not None and row.gateway_id == gateway_id and row.wanted_by != ""


def owner(session: Session, sitting_id: int) -> str | None:
    """Return the gateway that has a sitting."""
    return session.scalar(select(Lease.gateway_id).where(Lease.sitting_id == sitting_id))


def is_elsewhere(session: Session, sitting_id: int, gateway_id: str) -> bool:
    """Whether another gateway that beats has a sitting."""
    found = owner(session, sitting_id)
    return found is not None and found != gateway_id and found in living_gateways(session)


def give_up(session: Session, sitting_id: int, gateway_id: str) -> None:
    """The sitting is over: nobody needs it."""
    row = session.get(Lease, sitting_id, with_for_update=True)
    if row is not None and row.gateway_id == gateway_id:
        session.delete(row)


def check(session: Session, sitting_id: int, gateway_id: str) -> None:
    """Raise ``LeaseLost`` unless the sitting is this gateway's, and stays so until this transaction ends."""
    mine = select(Lease.sitting_id).where(Lease.sitting_id == sitting_id, Lease.gateway_id == gateway_id)
    if session.scalar(mine.with_for_update(read=True)) is None:
        raise LeaseLost(sitting_id=sitting_id)


def forget_old(session: Session) -> None:
    """Delete the rows of gateways that ended long ago."""
    old = select(Gateway).where(Gateway.beat_at < func.clock_timestamp() - KEPT)
    for row in session.scalars(old):
        session.delete(row)


def _insert(session: Session, sitting_id: int, gateway_id: str) -> bool:
    values = {"sitting_id": sitting_id, "gateway_id": gateway_id, "taken_at": func.clock_timestamp(), "wanted_by": ""}
    made = insert(Lease).values(**values).on_conflict_do_nothing().returning(Lease.sitting_id)
    return session.execute(made).first() is not None


def _lives(judges: bool) -> ColumnElement[bool]:
    """Whether a gateway lives; without judging, all that did not say good-bye do."""
    if not judges:
        return Gateway.ended_at.is_(None)
    return and_(Gateway.ended_at.is_(None), Gateway.beat_at > func.clock_timestamp() - GATEWAY_LOST_AFTER)
