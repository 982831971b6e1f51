"""The acts of sockets on the database, each one unit of work: permission where it holds, then one service call."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit, bus
from appliance.audit.deliveries import union
from appliance.db import to_ms, utcnow
from appliance.models import Company, LiveEvent, Sitting
from appliance.security.identity import Identity
from appliance.security.permission_map import Permission
from appliance.security.predicates import may, require
from appliance.services import chats, identity_actions, incidents, networks, payloads, sittings
from appliance.settings import Settings
from appliance.vault import Vault
from appliance.vocabulary import (
    ChatAuthor,
    ChatKind,
    ExamMode,
    ObservationSource,
    SittingState,
    Track,
)
from media.pipelines import leases
from media.pipelines.evidence import GATEWAY
from web.realtime.feed import REPLAY_LIMIT
from web.realtime.messages import Chat, Observe
from web.realtime.watching import Watched

STARTS_BY_ITSELF = frozenset({ExamMode.AUTO, ExamMode.OFFLINE})
"""Modes without anybody who could press the button."""


ARRIVALS = "arrivals"
"""Topic for gateways: at which of them a candidate's newest socket is."""


def arrive(session: Session, sitting_id: int, gateway_id: str) -> tuple[dict[str, Any], int]:
    """A candidate's page came: end what an earlier one left open; return the summary and the known clock offset."""
    leases.wish(session, sitting_id, gateway_id)
    bus.publish(session, ARRIVALS, "candidate.arrived", {"sitting_id": sitting_id, "gateway_id": gateway_id})
    sitting = sittings.get(session, sitting_id)
    end_observations(session, sitting_id)
    summary = payloads.sitting(sitting)
    for name in ("score", "conclusion", "proctor"):
        summary.pop(name, None)
    return summary, sitting.clock_offset_ms


def ways(session: Session, vault: Vault, settings: Settings, identity: Identity) -> dict[str, Any]:
    """Return how this browser may connect: STUN and TURN servers, and the ICE policy of its company."""
    company = session.get_one(Company, identity.company_id)
    return networks.for_browser(company, vault, settings, f"{identity.kind}-{identity.id}")


def missed(session: Session, topic: str, since: int | None) -> tuple[list[bus.BusEvent], int, bool]:
    """Return what was missed since an id, the newest id now, and whether it was too much to replay."""
    newest = bus.latest(session)
    if since is None:
        return [], newest, False
    if since > newest:  # an id of another life of this database
        return [], newest, True
    rows = bus.since(session, [topic], since, REPLAY_LIMIT + 1)
    if len(rows) > REPLAY_LIMIT:
        return [], newest, True
    return [_event(row) for row in rows], newest, False


def watch(session: Session, identity: Identity, sitting_id: int, track: Track, news: bool) -> None:
    """Refuse who may not watch; write to the audit log that they do, once a socket."""
    sitting = sittings.get(session, sitting_id)
    require(identity, Permission.MEDIA_WATCH, sitting)
    if news:
        subject = ("sitting", sitting_id)
        audit.record(
            session, identity.actor, "media.watch", subject, company_id=sitting.company_id, track=track.value
        )


def watch_tiles(
    session: Session, identity: Identity, sitting_ids: frozenset[int], told: frozenset[int]
) -> frozenset[int]:
    """Return those of these sittings that may be watched; write to the audit log that they are, unless ``told``.

    One that a colleague has just taken over is left out: a wall of thirty must not go dark for it.
    """
    rows = session.scalars(select(Sitting).where(Sitting.id.in_(sitting_ids)).order_by(Sitting.id))
    seen = [sitting for sitting in rows if may(identity, Permission.MEDIA_WATCH, sitting)]
    for sitting in seen:
        if sitting.id not in told:
            subject = ("sitting", sitting.id)
            audit.record(
                session, identity.actor, "media.watch", subject, company_id=sitting.company_id, track="tiles"
            )
    return frozenset(sitting.id for sitting in seen)


def watched(session: Session, identity: Identity, spans: Sequence[Watched]) -> None:
    """Write to the audit log from when to when a person was shown live pictures, an entry a sitting."""
    by_sitting: dict[int, dict[str, list[tuple[int, int]]]] = {}
    for span in spans:
        tracks = by_sitting.setdefault(span.sitting_id, {})
        tracks.setdefault(span.track, []).append((span.start_ms, span.end_ms))
    for sitting_id, tracks in sorted(by_sitting.items()):
        told = {track: union(found) for track, found in tracks.items()}
        audit.record(session, identity.actor, "media.unwatch", ("sitting", sitting_id), spans=told)


def send_chat(session: Session, identity: Identity, sitting_id: int, message: Chat) -> None:
    """Store a chat message of either side."""
    sitting = sittings.get(session, sitting_id)
    require(identity, Permission.CHAT_WRITE, sitting)
    kind = ChatKind.INCIDENT if message.incident else ChatKind.MESSAGE
    author = ChatAuthor.PROCTOR if identity.sitting_id is None else ChatAuthor.CANDIDATE
    chats.send(session, identity.actor, sitting, author, message.text, kind, message.ref)


def begin_observation(session: Session, sitting_id: int, said: Observe, start_ms: int, end_ms: int | None) -> int:
    """Store what a browser reports of itself, or what its own analysis finds; return the observation's id."""
    source = ObservationSource.ON_DEVICE if said.detector else ObservationSource.BROWSER
    row = incidents.open_observation(
        session,
        sitting_id,
        said.kind,
        source,
        start_ms,
        said.confidence if said.detector else 1.0,
        said.detector or "browser",
        _details(said),
        end_ms,
    )
    session.flush()
    identity_actions.follow_up(session, row)
    return row.id


def update_observation(session: Session, observation_id: int, said: Observe) -> None:
    """Take in what became clearer of a finding."""
    incidents.update_observation(session, observation_id, said.confidence, _details(said))


def end_observation(session: Session, observation_id: int, said: Observe, end_ms: int) -> None:
    """End what a browser reported."""
    incidents.close_observation(session, observation_id, end_ms, said.confidence if said.detector else None)


def end_observations(session: Session, sitting_id: int) -> None:
    """The candidate's socket is gone: nobody will say when what it reported ends, so it ends now."""
    for source in (ObservationSource.BROWSER, ObservationSource.ON_DEVICE):
        incidents.close_open(session, sitting_id, source, to_ms(utcnow()))


def _details(said: Observe) -> dict[str, Any]:
    return {**said.details, **({"models": said.models} if said.models else {})}


def start_by_itself(session: Session, sitting_id: int) -> None:
    """Start a sitting that waits for nobody; another state than waiting is none of our business."""
    sitting = sittings.get(session, sitting_id)
    sittings.lock(session, sitting)
    if sitting.state is SittingState.WAITING and sitting.exam.mode in STARTS_BY_ITSELF:
        sittings.start(session, GATEWAY, sitting)


def _event(row: LiveEvent) -> bus.BusEvent:
    return bus.BusEvent(row.id, row.topic, row.kind, row.payload, to_ms(row.at))
