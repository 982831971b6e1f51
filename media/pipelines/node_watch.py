"""The nodes' health, written down by the gateway that leads; and pipelines that nobody knows, found and released."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import from_ms, utcnow
from appliance.errors import ApplianceError
from appliance.models import Gateway, NodeReading
from appliance.models import Node as NodeRow
from appliance.services import nodes as services
from media.kurento import KurentoError, MediaPipeline
from media.pipelines import conversations, leases, ledger
from media.pipelines.adoption import owner_of
from media.pipelines.membership import Membership
from media.pipelines.nodes import MANAGER, Node, Nodes
from media.pipelines.shared_folder import NOT_SEEN, is_shared
from media.pipelines.store import Store
from media.recordings import sweep

LOOK_SECONDS = 3.0
CPU_MS = 1000
"""Over which a node measures its own CPU: the shortest that Kurento advises."""
READING_EVERY = timedelta(minutes=10)
READINGS_KEPT = timedelta(days=30)
ORPHAN_SECONDS = 20.0
"""How long a pipeline may be without a row: one that is just made gets its row within a second."""
SWEEP_SECONDS = 600.0
"""Between looks into the folder of recordings; the first one comes a minute after the start."""
FOLDER_SECONDS = 8.0
"""Until a look for a node's files is given up; the look itself takes 3 s at most."""
WATCH = Actor.appliance("node watch")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """What a node said of itself, or why it did not."""

    node_id: int
    version: str = ""
    cpu: float = 0.0
    memory_kb: int = 0
    pipelines: int = 0
    started_at: datetime | None = None
    failure: str = ""


class NodeWatch:
    """Looks at all nodes every few seconds while this gateway leads."""

    def __init__(self, store: Store, nodes: Nodes, membership: Membership, folder: Path) -> None:
        """``folder`` is where nodes write parts."""
        self._store, self._nodes, self._membership, self._folder = store, nodes, membership, folder
        self._folder_seen: set[str] = set()  # nodes that were asked since they came
        self._unknown: dict[str, float] = {}  # pipelines without a row: since when
        self._swept = time.monotonic() - SWEEP_SECONDS + 60

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            outlook = self._membership.outlook
            if outlook is None or not outlook.leads:
                continue
            try:
                await asyncio.gather(*(self._look(node) for node in self._nodes))
                if time.monotonic() - self._swept >= SWEEP_SECONDS:
                    self._swept = time.monotonic()
                    await self._store.run(leases.forget_old)
                    await self._store.run(sweep.find, self._folder)
            except ApplianceError as error:
                log.warning("nodes not looked at", error=error.message)
            except Exception:
                log.exception("nodes not looked at")

    async def _look(self, node: Node) -> None:
        row = node.row
        if row is None:
            return
        pipelines = await node.pipelines() if node.healthy else None
        health = await _health(node, row.id, pipelines)
        await self._store.run(note, health)
        if pipelines is None:
            self._folder_seen.discard(node.url)
            return
        await self._release_orphans(node, pipelines)
        if node.url not in self._folder_seen:
            self._folder_seen.add(node.url)
            await self._look_for_its_files(node)

    async def _look_for_its_files(self, node: Node) -> None:
        """Tell of a node that writes elsewhere before a sitting finds out: once after it came."""
        try:
            async with asyncio.timeout(FOLDER_SECONDS):  # a disk that hangs is told by others
                shared = await is_shared(node.client, self._folder, "watch")
        except (KurentoError, OSError) as error:
            log.warning("recordings' folder not looked for", node=node.url, error=str(error) or type(error).__name__)
            return
        if not shared:
            log.warning("recordings not visible", node=node.url, warning=NOT_SEEN.format(folder=self._folder))

    async def _release_orphans(self, node: Node, there: frozenset[str]) -> None:
        """Release what a gateway of ours left that is gone, and nothing in the ledger needs."""
        known = await self._store.run(_known, node.url)
        unknown, now = there - known, time.monotonic()
        self._unknown = {
            key: since
            for key, since in self._unknown.items()
            if not key.startswith(f"{node.url} ") or key.removeprefix(f"{node.url} ") in unknown
        }
        for pipeline_id in unknown:
            since = self._unknown.setdefault(f"{node.url} {pipeline_id}", now)
            if now - since >= ORPHAN_SECONDS:
                with contextlib.suppress(KurentoError):
                    await self._release_if_dead(node, MediaPipeline(node.client, pipeline_id))

    async def _release_if_dead(self, node: Node, pipeline: MediaPipeline) -> None:
        owner = await owner_of(pipeline)
        if owner is None or not self._membership.judges:
            return  # another appliance's, or somebody's at work
        if await self._store.run(note_orphan, node.url, pipeline.id, owner):
            log.warning("orphan released", node=node.url, pipeline=pipeline.id, gateway=owner)
            await pipeline.release()


async def _health(node: Node, node_id: int, pipelines: frozenset[str] | None) -> Health:
    if pipelines is None:
        return Health(node_id, failure=node.failure or f"{node.url} does not answer.")
    try:
        info = await node.client.invoke(MANAGER, "getInfo")
        cpu = await node.client.invoke(MANAGER, "getUsedCpu", interval=CPU_MS)
        memory = await node.client.invoke(MANAGER, "getUsedMemory")
        created = await node.client.invoke(MANAGER, "getCreationTime")
    except KurentoError as error:
        return Health(node_id, failure=error.message)
    version = str(info.get("version", "")) if isinstance(info, dict) else ""
    started_at = from_ms(1000 * int(created)) if created else None
    return Health(node_id, version, float(cpu), int(memory), len(pipelines), started_at)


def note(session: Session, health: Health) -> None:
    """Write down a node's health, and now and then a point of its trend."""
    row = session.get(NodeRow, health.node_id)
    if row is None:
        return
    if health.failure:
        if not row.failure:
            log.error("media node does not answer", node=row.name, failure=health.failure)
        row.failure = health.failure
        return
    row.failure, row.seen_at, row.version, row.started_at = "", utcnow(), health.version, health.started_at
    row.cpu, row.memory_kb, row.pipelines = round(health.cpu, 2), health.memory_kb, health.pipelines
    newest = session.scalar(
        select(NodeReading.at).where(NodeReading.node_id == row.id).order_by(NodeReading.at.desc()).limit(1)
    )
    if newest is None or utcnow() - newest >= READING_EVERY:
        sittings = services.sittings_on(session, row)
        session.add(NodeReading(node_id=row.id, cpu=row.cpu, memory_kb=health.memory_kb, sittings=sittings))
        session.execute(delete(NodeReading).where(NodeReading.at < utcnow() - READINGS_KEPT))


def _known(session: Session, node_url: str) -> frozenset[str]:
    return frozenset(ledger.pipelines(session, node_url)) | conversations.pipelines(session, node_url)


def note_orphan(session: Session, node_url: str, pipeline_id: str, gateway_id: str) -> bool:
    """Return whether a pipeline was left by a gateway of ours that is gone, and serves nobody; note its release."""
    if session.get(Gateway, gateway_id) is None or gateway_id in leases.living_gateways(session):
        return False
    if pipeline_id in _known(session, node_url):
        return False
    audit.record(session, WATCH, "node.release_orphan", ("pipeline", pipeline_id), node=node_url, gateway=gateway_id)
    return True
