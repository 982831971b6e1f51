"""Media nodes as people manage them: register, drain before a restart, resume, remove; and what is known of each."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from appliance import audit, bus
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import BadInput, ImpossibleStep, NotFound
from appliance.models import Gateway, LiveMedia, Node, NodeReading, StrayFile
from appliance.services.free_text import one_line
from appliance.vocabulary import NodeSource, NodeState

TOPIC = "nodes"
"""Of the bus: gateways look at the table again."""
SILENT_AFTER = timedelta(seconds=10)
"""A node looked at every 3 s that was not seen for so long does not answer."""
GATEWAY_LOST_AFTER = timedelta(seconds=3.5)
"""A gateway beats every second; after this its sittings are another's. Above what a slow commit takes."""
TREND_DAYS = 21
GROWTH = 1.5
GROWTH_KB = 512 * 1024
"""Memory that grew by half and by half a gigabyte over at least a day, compared at its lowest: time to restart."""


def valid_url(url: str) -> str:
    """Return a node's address; raise ``BadInput`` saying what is wrong with it."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"{url} is no address: {error}.") from error
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise BadInput(f"{url} is no address of a media node: it looks like ws://host:8888/kurento (or wss://).")
    if port is None:
        raise BadInput(f"{url} names no port: Kurento's is 8888, as in ws://{parts.hostname}:8888/kurento.")
    if parts.username or parts.query or parts.fragment:
        raise BadInput(f"{url}: only host, port and path belong into a node's address.")
    return url


def enter_settings(session: Session, urls: Sequence[str]) -> None:
    """Have the nodes of the settings in the table; those the settings no longer name are retired."""
    known = {row.url: row for row in session.scalars(select(Node).order_by(Node.id).with_for_update())}
    for url in urls:
        row = known.get(url)
        if row is None:
            session.add(Node(name=_free_name(session, url), url=url, source=NodeSource.SETTINGS))
            session.flush()
        elif row.state is NodeState.RETIRED:
            row.state, row.moves = NodeState.ACTIVE, False
    for row in known.values():
        if row.source is NodeSource.SETTINGS and row.url not in urls:
            row.state = NodeState.RETIRED


def register(session: Session, actor: Actor, url: str, name: str = "", capacity: int = 0, version: str = "") -> Node:
    """Add a node that was probed; raise ``BadInput`` for a wrong address or one that is known already."""
    url = valid_url(url)
    name = one_line(name)[:64] or _free_name(session, url)
    if capacity < 0:
        raise BadInput("capacity: a number of sittings, or 0 for as many as come.")
    taken = session.scalars(select(Node).where(or_(Node.url == url, Node.name == name))).first()
    if taken is not None:
        what = f"address {url}" if taken.url == url else f"name {name}"
        raise BadInput(f"The {what} is registered already (node {taken.name}, {taken.state}).")
    node = Node(name=name, url=url, capacity=capacity, version=version)
    session.add(node)
    session.flush()
    _note(session, actor, "node.register", node, url=url, capacity=capacity, version=version)
    return node


def drain(session: Session, actor: Actor, node: Node, moves: bool = False) -> None:
    """Have a node take nothing new; ``moves``: running sittings are asked to go to others, one after another."""
    session.refresh(node, with_for_update=True)
    if node.state is NodeState.RETIRED:
        raise ImpossibleStep(f"Node {node.name} is not in use: the settings no longer name it.")
    others = select(func.count()).select_from(Node).where(Node.state == NodeState.ACTIVE, Node.id != node.id)
    if moves and not session.scalar(others):
        raise ImpossibleStep("There is no other active node that the sittings could go to; register one first.")
    node.state, node.moves = NodeState.DRAINING, moves
    _note(session, actor, "node.drain", node, moves=moves, sittings=sittings_on(session, node))


def resume(session: Session, actor: Actor, node: Node) -> None:
    """Have a drained node take sittings again."""
    session.refresh(node, with_for_update=True)
    if node.state is not NodeState.DRAINING:
        raise ImpossibleStep(f"Node {node.name} is {node.state}, not draining.")
    node.state, node.moves = NodeState.ACTIVE, False
    _note(session, actor, "node.resume", node)


def remove(session: Session, actor: Actor, node: Node) -> None:
    """Forget a registered node that has no sitting any more."""
    session.refresh(node, with_for_update=True)
    if node.source is NodeSource.SETTINGS and node.state is not NodeState.RETIRED:
        raise ImpossibleStep(
            f"Node {node.name} comes from the settings: take its address out of kurento_urls, restart the gateways."
        )
    if count := sittings_on(session, node):
        raise ImpossibleStep(f"Node {node.name} still has {count} sittings: drain it first.")
    _note(session, actor, "node.remove", node, url=node.url)
    session.delete(node)


def get(session: Session, name: str) -> Node:
    """Return a node by its name or address; raise ``NotFound`` naming those there are."""
    node = session.scalars(select(Node).where(or_(Node.name == name, Node.url == name))).one_or_none()
    if node is None:
        there = ", ".join(session.scalars(select(Node.name).order_by(Node.name))) or "none"
        raise NotFound(f"There is no node {name}; there are: {there}.")
    return node


def by_id(session: Session, node_id: int) -> Node:
    """Return a node; raise ``NotFound``."""
    node = session.get(Node, node_id)
    if node is None:
        raise NotFound("There is no such node.")
    return node


def sittings_on(session: Session, node: Node) -> int:
    """Return how many sittings have live media in a node."""
    return counts(session).get(node.url, 0)


def counts(session: Session) -> dict[str, int]:
    """Return how many sittings have live media, by node's address."""
    query = select(LiveMedia.node_url, func.count(LiveMedia.sitting_id.distinct())).group_by(LiveMedia.node_url)
    return dict(session.execute(query).all())


def listing(session: Session) -> list[dict[str, Any]]:
    """Return every node with its state, load, trend and what to do about it."""
    now, sittings = utcnow(), counts(session)
    rows = session.scalars(select(Node).order_by(Node.name)).all()
    readings = _readings(session, now - timedelta(days=TREND_DAYS))
    return [_payload(row, sittings.get(row.url, 0), readings.get(row.id, []), now) for row in rows]


def gateways(session: Session) -> list[dict[str, Any]]:
    """Return the gateways that run or ended within a day."""
    now = utcnow()
    recent = or_(Gateway.ended_at.is_(None), Gateway.ended_at > now - timedelta(days=1))
    rows = session.scalars(
        select(Gateway).where(recent, Gateway.beat_at > now - timedelta(days=1)).order_by(Gateway.started_at)
    )
    return [
        {
            "id": row.id,
            "address": row.address,
            "alive": row.ended_at is None and now - row.beat_at < GATEWAY_LOST_AFTER,
            "ended": row.ended_at is not None,
            "started_ms": to_ms(row.started_at),
            "beat_ms": to_ms(row.beat_at),
        }
        for row in rows
    ]


def stray_files(session: Session) -> dict[str, Any]:
    """Return the files that no sitting knows: count, bytes and the hundred largest."""
    total, size = session.execute(select(func.count(), func.coalesce(func.sum(StrayFile.size_bytes), 0))).one()
    largest = session.scalars(select(StrayFile).order_by(StrayFile.size_bytes.desc()).limit(100))
    files = [
        {
            "path": row.path,
            "size_bytes": row.size_bytes,
            "reason": row.reason,
            "modified_ms": to_ms(row.modified_at),
            "found_ms": to_ms(row.found_at),
        }
        for row in largest
    ]
    return {"count": int(total), "size_bytes": int(size), "files": files}


def advice(readings: Iterable[tuple[datetime, int]]) -> dict[str, Any] | None:
    """Return {from_kb, to_kb, days} when a node's memory grew so much that it should be drained and restarted.

    ``readings`` are those since its last start. The lowest ones of their first and their last quarter are compared:
    load comes and goes, what never comes back is the leak.
    """
    since = list(readings)
    if len(since) < 8:
        return None
    first, last = since[0][0], since[-1][0]
    if last - first < timedelta(days=1):
        return None
    quarter = (last - first) / 4
    before = min(kb for at, kb in since if at <= first + quarter)
    after = min(kb for at, kb in since if at >= last - quarter)
    if after < before * GROWTH or after - before < GROWTH_KB:
        return None
    return {"from_kb": before, "to_kb": after, "days": max(1, (last - first).days)}


def _readings(session: Session, since: datetime) -> dict[int, list[NodeReading]]:
    found: dict[int, list[NodeReading]] = {}
    for row in session.scalars(select(NodeReading).where(NodeReading.at >= since).order_by(NodeReading.at)):
        found.setdefault(row.node_id, []).append(row)
    return found


def _payload(row: Node, sittings: int, readings: list[NodeReading], now: datetime) -> dict[str, Any]:
    seen = row.seen_at is not None and now - row.seen_at < SILENT_AFTER
    step = max(1, len(readings) // 48)  # what a sparkline can show
    return {
        "id": row.id,
        "name": row.name,
        "url": row.url,
        "state": row.state.value,
        "source": row.source.value,
        "moves": row.moves,
        "capacity": row.capacity,
        "answers": seen and not row.failure,
        "failure": row.failure or ("" if seen else "No gateway has seen it yet." if row.seen_at is None else ""),
        "seen_ms": None if row.seen_at is None else to_ms(row.seen_at),
        "version": row.version,
        "cpu": row.cpu,
        "memory_kb": row.memory_kb,
        "pipelines": row.pipelines,
        "sittings": sittings,
        "trend": [[to_ms(one.at), one.memory_kb] for one in readings[::step]],
        "started_ms": None if row.started_at is None else to_ms(row.started_at),
        "advice": advice((one.at, one.memory_kb) for one in readings if one.at >= (row.started_at or row.added_at)),
        "empty": row.state is NodeState.DRAINING and sittings == 0,
    }


def _free_name(session: Session, url: str) -> str:
    parts = urlsplit(url)
    name = f"{parts.hostname}:{parts.port}" if parts.port else (parts.hostname or url)
    taken = set(session.scalars(select(Node.name).where(Node.name.startswith(name, autoescape=True))))
    return next(one for one in (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)


def _note(session: Session, actor: Actor, action: str, node: Node, **details: Any) -> None:
    audit.record(session, actor, action, ("node", node.id), name=node.name, **details)
    bus.publish(session, TOPIC, "nodes.changed", {"node": node.name})
