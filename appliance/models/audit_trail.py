"""What stands beside the audit log: signed checkpoints, rotated segments, copies sent out, and what was watched."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id


class AuditCheckpoint(Base):
    """One signed word on how long the log was and what its head was; also in a file outside the database."""

    __tablename__ = "audit_checkpoint"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3 … without a hole."""
    entries: Mapped[int] = mapped_column(BigInteger)
    head_hash: Mapped[str]
    at: Mapped[datetime]
    statement: Mapped[str]
    """The very text that is signed: canonical JSON."""
    signature: Mapped[str]
    """Ed25519 (RFC 8032), in hex."""


class AuditSegment(Base):
    """Old entries that were taken out of the table into a sealed file; the statement keeps the chain whole."""

    __tablename__ = "audit_segment"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    statement: Mapped[str]
    signature: Mapped[str]
    vault_object_id: Mapped[int | None] = mapped_column(ForeignKey("vault_object.id", ondelete="SET NULL"))
    """None: the entries were erased when their time was over; the signed statement remains."""
    erased_at: Mapped[datetime | None]


class AuditActor(Base):
    """Who ever acted, for the search by a part of a name; no evidence, it can be made anew from the log."""

    __tablename__ = "audit_actor"

    company_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """0: of no company."""
    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class AuditRefusal(Base):
    """Refused requests of one asker within one minute, folded: a flood makes one row and two entries."""

    __tablename__ = "audit_refusal"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    actor_kind: Mapped[str] = mapped_column(primary_key=True)
    actor_id: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    actor_name: Mapped[str]
    company_id: Mapped[int | None] = mapped_column(BigInteger)
    count: Mapped[int]
    what: Mapped[list[Any]]
    """The first few things that were refused."""


class AuditForwarding(Base):
    """How far the log was copied to a collector."""

    __tablename__ = "audit_forwarding"

    target: Mapped[str] = mapped_column(primary_key=True)
    """Its address as set."""
    last_id: Mapped[int] = mapped_column(BigInteger, default=0)
    sent_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")


class AuditVerification(Base):
    """The outcome of the newest verification by the appliance itself, for the page."""

    __tablename__ = "audit_verification"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[dict[str, Any]]


class KnownSettings(Base):
    """The settings that a process started with last, so that a change of the file is noticed."""

    __tablename__ = "known_settings"

    process: Mapped[str] = mapped_column(primary_key=True)
    """``web@host``."""
    digests: Mapped[dict[str, Any]]
    """Name -> keyed hash of the value: differing names are told, values never kept."""
    at: Mapped[datetime] = mapped_column(default=utcnow)


class Delivery(Base):
    """What of a part was sent to one log-in, and what its player said it played."""

    __tablename__ = "delivery"
    __table_args__ = (UniqueConstraint("session_key", "part_id"),)

    id: Mapped[Id]
    session_key: Mapped[str]
    part_id: Mapped[int] = mapped_column(ForeignKey("part.id", ondelete="CASCADE"), index=True)
    actor: Mapped[dict[str, Any]]
    served: Mapped[list[Range[int]]] = mapped_column(INT8MULTIRANGE)
    """Bytes of the file."""
    played: Mapped[list[Range[int]]] = mapped_column(INT8MULTIRANGE)
    """Milliseconds of the part, as reported and believed."""
    told: Mapped[list[Range[int]]] = mapped_column(INT8MULTIRANGE)
    """Milliseconds that were sent without being played and are in the log as that."""
    touched_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    settled_at: Mapped[datetime | None]
    """When what was sent by then was told."""
