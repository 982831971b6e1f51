"""Which events of the bus reach which reader, and how much of each."""

from collections.abc import Callable
from typing import Any, Final

from appliance import bus
from appliance.security.identity import Identity
from appliance.security.permission_map import Permission
from appliance.security.scopes import WHOLE, scope_of
from appliance.services import assignments, conversations
from web.realtime.desks import Desks, sitting_of
from web.realtime.feed import LiveFact
from web.realtime.messages import Event

CANDIDATE: Final[dict[str, frozenset[str]]] = {
    "sitting.changed": frozenset(
        {"state", "step", "deadline_ms", "extra_ms", "started_ms", "finished_ms", "finished_by", "reason"}
    ),
    "chat.message": frozenset({"message"}),
    "incident.warning": frozenset({"incident"}),
    "photo.requested": frozenset({"kind"}),
    "photo.submitted": frozenset({"kind", "photo_id"}),
    "photo.checked": frozenset({"kind", "photo_id", "hints"}),
    "challenge.changed": frozenset({"kind", "challenge"}),
    "media.state": frozenset({"track", "state", "cause"}),
    "conversation.changed": frozenset({"conversation"}),
}
"""Kind -> fields a candidate sees. Observations, verdicts, scores and conclusions are not among them."""

STAGES: Final = frozenset({"sitting.changed", "media.state", "presence.changed", "disk.state"})
"""What support sees: where a sitting stands, its media, the disks; nobody's face or words."""


PERSONAL: Final = frozenset({conversations.CHANGED, assignments.CHANGED})
"""What reaches the staff who are named in it (``user_ids``), and nobody else."""

RESULTS: Final = frozenset({"score", "conclusion"})
"""What a stage does not tell: how the sitting is judged."""


def topic_of(identity: Identity) -> str:
    """Return the topic a reader hears: the candidate's own sitting, or all of the company's."""
    if identity.sitting_id is not None:
        return bus.sitting_topic(identity.sitting_id)
    return bus.company_topic(identity.company_id)


def view_of(identity: Identity, desks: Desks) -> Callable[[LiveFact], Event | None]:
    """Return the function that makes a reader's message of an event, or None of what is not for them.

    Who has assigned sittings only hears of a colleague's in an exam of theirs where it stands, so that it leaves
    their wall; of other exams' nothing.
    """
    if identity.sitting_id is not None:
        return lambda event: _for_candidate(event, identity.id)
    see = _view_of_sittings(identity, desks)
    return lambda event: _if_named(event, identity.id) if event.kind in PERSONAL else see(event)


def _view_of_sittings(identity: Identity, desks: Desks) -> Callable[[LiveFact], Event | None]:
    watches, lists = scope_of(identity, Permission.ROOM_VIEW), scope_of(identity, Permission.SITTING_LIST)
    if watches in WHOLE:
        return _whole

    def see(event: LiveFact) -> Event | None:
        stage, sitting_id = event.kind in STAGES, sitting_of(event.payload)
        if sitting_id is None or (lists in WHOLE and watches is None):
            return _stage(event) if stage else None
        desk = desks.of(sitting_id)
        if watches is not None and desk.is_for(identity.id):
            return _whole(event)
        return _stage(event) if stage and desk.concerns(identity.id) else None

    return see


def _if_named(event: LiveFact, user_id: int) -> Event | None:
    return _whole(event) if user_id in event.payload.get("user_ids", ()) else None


def _whole(event: LiveFact) -> Event:
    payload: dict[str, Any] = dict(event.payload)
    sitting_id = payload.pop("sitting_id", None)
    return Event(event.id, event.kind, sitting_id, payload, event.at_ms)


def _stage(event: LiveFact) -> Event:
    seen = _whole(event)
    payload = {name: value for name, value in seen.payload.items() if name not in RESULTS}
    return Event(event.id, event.kind, seen.sitting_id, payload, event.at_ms)


def _for_candidate(event: LiveFact, sitting_id: int) -> Event | None:
    fields = CANDIDATE.get(event.kind)
    if fields is None:
        return None
    payload = {name: value for name, value in event.payload.items() if name in fields}
    return Event(event.id, event.kind, sitting_id, payload, event.at_ms)
