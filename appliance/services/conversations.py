"""Calls, broadcasts and conferences: who is asked in, who comes, who leaves, and when it is over."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit, bus
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import BadInput, ImpossibleStep, NotFound
from appliance.models import Conversation, Seat, Sitting, User
from appliance.services.actors import user_id
from appliance.services.free_text import storable
from appliance.services.payloads import ms
from appliance.sitting_machine import LIVE
from appliance.vocabulary import ConversationKind, SeatState

CONFERENCE_SEATS: Final = 8
"""Everybody sends to everybody: eight people are 56 streams, a commission has four."""
BROADCAST_SEATS: Final = 200
MAX_TITLE: Final = 120

CHANGED: Final = "conversation.changed"


def open_conversation(
    session: Session,
    actor: Actor,
    kind: ConversationKind,
    users: Sequence[User],
    sittings: Sequence[Sitting],
    title: str = "",
) -> Conversation:
    """Begin a conversation with these people; the acting member of staff is its host and in it at once.

    Raises ``BadInput`` for too few or too many people, ``ImpossibleStep`` when the host or a called candidate is in
    another one, or a candidate's sitting does not go on.
    """
    host_id = user_id(actor)
    others = [user for user in users if user.id != host_id]
    _check_people(kind, others, sittings)
    for sitting in sittings:
        if sitting.state not in LIVE:
            raise ImpossibleStep(
                "A candidate can be spoken to only while the sitting goes on.", sitting_id=sitting.id
            )
    _check_free(session, kind, host_id, sittings)
    row = Conversation(company_id=actor.company_id, kind=kind, title=storable(title).strip()[:MAX_TITLE])
    row.host = session.get_one(User, host_id)
    row.seats = [Seat(user=row.host, state=SeatState.JOINED)]
    row.seats += [Seat(user=user, state=SeatState.INVITED) for user in others]
    row.seats += [Seat(sitting=sitting, state=SeatState.INVITED) for sitting in sittings]
    session.add(row)
    session.flush()
    people = {"users": [user.id for user in others], "sittings": [sitting.id for sitting in sittings]}
    _record(session, actor, row, "conversation.open", kind=kind.value, **people)
    _tell(session, row, [sitting.id for sitting in sittings])
    return row


def get(session: Session, conversation_id: int, company_id: int | None = None) -> Conversation:
    """Return the conversation, of this company if one is given; raise ``NotFound``."""
    row = session.get(Conversation, conversation_id)
    if row is None or company_id not in (None, row.company_id):
        raise NotFound("There is no such conversation.", conversation_id=conversation_id)
    return row


def open_ones(session: Session, *, user_id: int | None = None, sitting_id: int | None = None) -> list[Conversation]:
    """Return the open conversations that this member of staff, or this sitting's candidate, is asked into."""
    mine = Seat.user_id == user_id if user_id is not None else Seat.sitting_id == sitting_id
    query = select(Conversation).join(Seat).where(mine, Conversation.ended_at.is_(None))
    return list(session.scalars(query.order_by(Conversation.id)).unique())


def seat_of(conversation: Conversation, *, user_id: int | None = None, sitting_id: int | None = None) -> Seat:
    """Return the person's seat; raise ``NotFound`` for who was not asked in: others are not told of it."""
    for seat in conversation.seats:
        if (user_id is not None and seat.user_id == user_id) or (
            sitting_id is not None and seat.sitting_id == sitting_id
        ):
            return seat
    raise NotFound("There is no such conversation.", conversation_id=conversation.id)


def may_send(conversation: Conversation, seat: Seat) -> bool:
    """Say whether others hear this person: the host always, the others in a conference."""
    return seat.user_id == conversation.host_id or conversation.kind is ConversationKind.CONFERENCE


def join(session: Session, actor: Actor, seat: Seat) -> Conversation:
    """Come in, or come back; a second time changes nothing."""
    row = _locked(session, seat)
    if seat.state is not SeatState.JOINED:
        _change(session, row, seat, SeatState.JOINED)
        _record(session, actor, row, "conversation.join", seat=seat.id)
    return row


def decline(session: Session, actor: Actor, seat: Seat) -> Conversation:
    """Do not come; a call that is declined is over."""
    row = _locked(session, seat)
    _change(session, row, seat, SeatState.DECLINED)
    _record(session, actor, row, "conversation.decline", seat=seat.id)
    _end_if_alone(session, actor, row)
    return row


def leave(session: Session, actor: Actor, seat: Seat, reason: str = "left") -> Conversation:
    """Go; with its host a conversation ends, and with its last guest."""
    row = _locked(session, seat)
    if seat.user_id == row.host_id:
        return _end(session, actor, row, f"host_{reason}")
    if seat.state is not SeatState.LEFT:
        _change(session, row, seat, SeatState.LEFT)
        _record(session, actor, row, "conversation.leave", seat=seat.id, reason=reason)
        _end_if_alone(session, actor, row)
    return row


def end(session: Session, actor: Actor, conversation: Conversation) -> Conversation:
    """End it for all; a second time changes nothing."""
    _lock(session, conversation)
    return conversation if conversation.ended_at is not None else _end(session, actor, conversation, "ended")


def leave_sitting(session: Session, actor: Actor, sitting_id: int) -> None:
    """The sitting is over: its candidate leaves what they are in."""
    for row in open_ones(session, sitting_id=sitting_id):
        leave(session, actor, seat_of(row, sitting_id=sitting_id), "sitting_over")


def sends(session: Session, conversation_id: int, seat_id: int, endpoint_id: str) -> None:
    """Note to which endpoint a person sends from now on; empty: they do not any more."""
    row = _lock(session, get(session, conversation_id))
    seat = session.get(Seat, seat_id, populate_existing=True)
    if seat is None or row.ended_at is not None:
        raise ImpossibleStep("This conversation is over.", conversation_id=conversation_id)
    seat.endpoint_id = endpoint_id
    session.flush()
    everybody = seat.user_id == row.host_id or row.kind is ConversationKind.CONFERENCE
    _tell(session, row, _sitting_ids(row) if everybody else [])


def stopped_sending(session: Session, conversation_id: int, seat_id: int, endpoint_id: str) -> None:
    """Note that an endpoint is gone, unless a newer one has taken its place."""
    row = session.get(Conversation, conversation_id)
    seat = session.get(Seat, seat_id, populate_existing=True)
    if row is not None and row.ended_at is None and seat is not None and seat.endpoint_id == endpoint_id:
        sends(session, conversation_id, seat_id, "")


def lives_in(session: Session, conversation_id: int, node_url: str, pipeline_id: str) -> tuple[str, str]:
    """Note where its media live if nobody did before; return where they do: (node's URL, pipeline's id)."""
    row = _lock(session, get(session, conversation_id))
    if row.ended_at is not None:
        raise ImpossibleStep("This conversation is over.", conversation_id=conversation_id)
    if not row.pipeline_id:
        row.node_url, row.pipeline_id = node_url, pipeline_id
    return row.node_url, row.pipeline_id


def pipeline_gone(session: Session, conversation_id: int, pipeline_id: str) -> None:
    """Its node is lost with all objects: nobody sends any more; the pages of those who did begin anew."""
    row = _lock(session, get(session, conversation_id))
    if row.ended_at is None and row.pipeline_id == pipeline_id:
        row.node_url = row.pipeline_id = ""
        for seat in row.seats:
            seat.endpoint_id = ""
        _tell(session, row, _sitting_ids(row))


def payload(row: Conversation, sitting_id: int | None = None) -> dict[str, Any]:
    """Return it as the bus and REST tell it; to a candidate of a call or a broadcast only the host's and own seat."""
    seats = row.seats
    if sitting_id is not None and row.kind is not ConversationKind.CONFERENCE:
        seats = [seat for seat in seats if seat.user_id == row.host_id or seat.sitting_id == sitting_id]
    return {
        "id": row.id,
        "kind": row.kind.value,
        "title": row.title,
        "host_id": row.host_id,
        "host": row.host.name,
        "started_ms": to_ms(row.started_at),
        "ended_ms": ms(row.ended_at),
        "end_reason": row.end_reason,
        "seats": [_seat_payload(row, seat) for seat in seats],
    }


def _seat_payload(row: Conversation, seat: Seat) -> dict[str, Any]:
    name = (
        seat.user.name if seat.user is not None else seat.sitting.candidate.name if seat.sitting is not None else ""
    )
    return {
        "id": seat.id,
        "user_id": seat.user_id,
        "sitting_id": seat.sitting_id,
        "name": name,
        "state": seat.state.value,
        "may_send": may_send(row, seat),
        "sends": bool(seat.endpoint_id),
        "connection": seat.endpoint_id[-16:],  # changes when the person sends anew: who views must view again
    }


def _check_people(kind: ConversationKind, users: Sequence[User], sittings: Sequence[Sitting]) -> None:
    if kind is ConversationKind.CALL and (users or len(sittings) != 1):
        raise BadInput("A call has one candidate.", field="sitting_ids")
    if kind is ConversationKind.BROADCAST and (users or not 0 < len(sittings) <= BROADCAST_SEATS):
        raise BadInput(f"A broadcast goes to 1 to {BROADCAST_SEATS} candidates.", field="sitting_ids")
    if kind is ConversationKind.CONFERENCE and not 0 < len(users) + len(sittings) < CONFERENCE_SEATS:
        raise BadInput(f"A conference has 2 to {CONFERENCE_SEATS} people, its host among them.", field="user_ids")


def _check_free(session: Session, kind: ConversationKind, host_id: int, sittings: Sequence[Sitting]) -> None:
    for row in open_ones(session, user_id=host_id):
        if seat_of(row, user_id=host_id).state is SeatState.JOINED:
            raise ImpossibleStep("You are in another conversation; leave it first.", conversation_id=row.id)
    if kind is ConversationKind.BROADCAST:
        return
    for sitting in sittings:
        if any(row.kind is not ConversationKind.BROADCAST for row in open_ones(session, sitting_id=sitting.id)):
            raise ImpossibleStep("This candidate is in another conversation.", sitting_id=sitting.id)


def _lock(session: Session, row: Conversation) -> Conversation:
    session.flush()
    session.refresh(row, with_for_update=True)
    return row


def _locked(session: Session, seat: Seat) -> Conversation:
    row = _lock(session, seat.conversation)
    if row.ended_at is not None:
        raise ImpossibleStep("This conversation is over.", conversation_id=row.id)
    return row


def _change(session: Session, row: Conversation, seat: Seat, state: SeatState) -> None:
    seat.state, seat.changed_at = state, utcnow()
    if state is not SeatState.JOINED:
        seat.endpoint_id = ""
    session.flush()
    if row.kind is ConversationKind.CONFERENCE:
        _tell(session, row, _sitting_ids(row))
    else:
        _tell(session, row, [] if seat.sitting_id is None else [seat.sitting_id])


def _end_if_alone(session: Session, actor: Actor, row: Conversation) -> None:
    gone = (SeatState.DECLINED, SeatState.LEFT)
    if all(seat.state in gone for seat in row.seats if seat.user_id != row.host_id):
        _end(session, actor, row, "nobody_left")


def _end(session: Session, actor: Actor, row: Conversation, reason: str) -> Conversation:
    row.ended_at, row.end_reason = utcnow(), reason
    _record(session, actor, row, "conversation.end", reason=reason)
    session.flush()
    _tell(session, row, _sitting_ids(row))
    return row


def _sitting_ids(row: Conversation) -> list[int]:
    return [seat.sitting_id for seat in row.seats if seat.sitting_id is not None]


def _tell(session: Session, row: Conversation, sitting_ids: Iterable[int]) -> None:
    """Tell the staff who are in it, and these candidates what each may know."""
    staff = [seat.user_id for seat in row.seats if seat.user_id is not None]
    told = {"conversation": payload(row), "user_ids": staff}
    bus.publish(session, bus.company_topic(row.company_id), CHANGED, told)
    for sitting_id in sitting_ids:
        bus.publish(session, bus.sitting_topic(sitting_id), CHANGED, {"conversation": payload(row, sitting_id)})


def _record(session: Session, actor: Actor, row: Conversation, action: str, **details: Any) -> None:
    audit.record(session, actor, action, ("conversation", row.id), company_id=row.company_id, **details)
