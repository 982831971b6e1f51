"""Media nodes with their health, gateways with their heartbeat, and which gateway has the live media of a sitting."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import NodeSource, NodeState


class Node(Base):
    """One media node: Kurento, or the embedded one."""

    __tablename__ = "node"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    url: Mapped[str] = mapped_column(unique=True)
    state: Mapped[NodeState] = mapped_column(word(NodeState), default=NodeState.ACTIVE)
    source: Mapped[NodeSource] = mapped_column(word(NodeSource), default=NodeSource.REGISTERED)
    capacity: Mapped[int] = mapped_column(default=0)
    """Sittings it takes at most; 0: as many as come."""
    moves: Mapped[bool] = mapped_column(default=False)
    """While draining: running sittings are asked to go to another node, instead of being waited for."""
    added_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime | None]
    """When it last answered the gateway that watches."""
    started_at: Mapped[datetime | None]
    """When its process began, as it says itself: its memory's trend begins there."""
    version: Mapped[str] = mapped_column(default="")
    cpu: Mapped[float | None]
    """As the node itself says: per cent."""
    memory_kb: Mapped[int | None] = mapped_column(BigInteger)
    pipelines: Mapped[int | None]
    """All it has, of whomever."""
    failure: Mapped[str] = mapped_column(default="")
    """Why it does not answer, in words; empty while it does."""


class NodeReading(Base):
    """One point of a node's trend; its memory over weeks tells when it should be drained and restarted."""

    __tablename__ = "node_reading"

    id: Mapped[Id]
    node_id: Mapped[int] = mapped_column(ForeignKey("node.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(default=utcnow)
    cpu: Mapped[float]
    memory_kb: Mapped[int] = mapped_column(BigInteger)
    sittings: Mapped[int]


class Gateway(Base):
    """One gateway process. ``ended_at``: it said good-bye, or its successor at the same address started."""

    __tablename__ = "gateway"

    id: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str]
    """Host and listening address: a second process with the same one is the successor of the first."""
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    beat_at: Mapped[datetime] = mapped_column(default=utcnow)
    ended_at: Mapped[datetime | None]


class Lease(Base):
    """Which gateway alone acts on a sitting's live media. Every unit of work of its pipeline checks this row."""

    __tablename__ = "lease"

    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), primary_key=True)
    gateway_id: Mapped[str] = mapped_column(index=True)
    taken_at: Mapped[datetime] = mapped_column(default=utcnow)
    wanted_by: Mapped[str] = mapped_column(default="")
    """The gateway to which the candidate's socket came: the owner hands over to it."""


class StrayFile(Base):
    """A file in the folder of recordings that no sitting knows, or that should have gone when its part was sealed."""

    __tablename__ = "stray_file"

    path: Mapped[str] = mapped_column(primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    modified_at: Mapped[datetime]
    reason: Mapped[str]
    """``unknown_sitting``, ``no_part`` or ``sealed``."""
    found_at: Mapped[datetime] = mapped_column(default=utcnow)
