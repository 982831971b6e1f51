"""The audit log: append-only, each row chained to the one before by its hash."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base


class AuditEntry(Base):
    """One act of a person or of the appliance."""

    __tablename__ = "audit_entry"
    # Each begins with what a search asks for as equal and ends with the order of the page, so that a page is read
    # off the index's end however long the log is.
    __table_args__ = (
        Index("ix__audit_entry__company", "company_id", "id"),
        Index("ix__audit_entry__action", "company_id", "action", "id"),
        Index("ix__audit_entry__actor", "company_id", "actor_kind", "actor_id", "id"),
        Index("ix__audit_entry__subject", "company_id", "subject_kind", "subject_id", "id"),
        Index("ix__audit_entry__address", "company_id", "address", "id"),
        Index(
            "ix__audit_entry__unsuccessful",
            "company_id",
            "result",
            "id",
            postgresql_where=text("result <> 'success'"),
        ),
        Index("ix__audit_entry__at", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3 … without a hole; given by ``appliance.audit`` under a lock."""
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    """``user``, ``candidate``, ``api``, ``cli`` or ``appliance``."""
    actor_id: Mapped[str]
    actor_name: Mapped[str]
    address: Mapped[str]
    action: Mapped[str]
    """``noun.verb`` such as ``sitting.start`` or ``recording.view``."""
    result: Mapped[str]
    """``success``, ``refused`` or ``failed``."""
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    company_id: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]
    """SHA-256 over ``previous_hash`` and the canonical JSON of all other columns, in hex."""


class AuditHead(Base):
    """The one row that says how long the chain is, so that a cut-off tail is noticed."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    entries: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]
    """Hash of the last entry; of an empty chain ``audit.GENESIS``."""
