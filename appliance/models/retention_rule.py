"""How long data are kept, what was warned of, and what was deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import DataClass


class RetentionRule(Base):
    """A company's term for a data class, or one exam's own; where there is none the profile's default counts."""

    __tablename__ = "retention_rule"
    __table_args__ = (
        Index("ix__retention_rule_exam", "exam_id", "data_class", unique=True),
        Index(
            "ix__retention_rule_company",
            "company_id",
            "data_class",
            unique=True,
            postgresql_where=text("exam_id IS NULL"),
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    exam_id: Mapped[int | None] = mapped_column(ForeignKey("exam.id", ondelete="CASCADE"))
    """None: of all exams that have no rule of their own."""
    data_class: Mapped[DataClass] = mapped_column(word(DataClass))
    days: Mapped[int | None]
    """From the end of the sitting on; None: without end, where the profile allows that."""
    warn_days: Mapped[int]
    """So long before a deletion it is announced."""
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)


class Disposal(Base):
    """One announced deletion: a data class of one sitting, or of one candidate. It stays, to say what was done."""

    __tablename__ = "disposal"
    __table_args__ = (
        CheckConstraint("(sitting_id IS NULL) <> (candidate_id IS NULL)", name="one_subject"),
        Index(
            "ix__disposal_of_sitting",
            "sitting_id",
            "data_class",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND sitting_id IS NOT NULL"),
        ),
        Index(
            "ix__disposal_of_candidate",
            "candidate_id",
            "data_class",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND candidate_id IS NOT NULL"),
        ),
        Index("ix__disposal_open", "company_id", "delete_at", postgresql_where=text("deleted_at IS NULL")),
        Index(
            "ix__disposal_uncertified",
            "company_id",
            postgresql_where=text("deleted_at IS NOT NULL AND certificate_id IS NULL"),
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    data_class: Mapped[DataClass] = mapped_column(word(DataClass))
    sitting_id: Mapped[int | None] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"))
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"))
    ended_at: Mapped[datetime]
    """When the sitting ended: the term's beginning."""
    days: Mapped[int]
    """The term that counted."""
    warned_at: Mapped[datetime]
    delete_at: Mapped[datetime]
    """Not before this; never earlier than announced."""
    deleted_at: Mapped[datetime | None]
    removed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``retention.removal.Removed`` as JSON."""
    files: Mapped[list[Any]] = mapped_column(default=list)
    """Paths that are still to be removed, relative to the data folder's stores; empty: none is left."""
    certificate_id: Mapped[int | None] = mapped_column(ForeignKey("deletion_certificate.id"))


class DeletionCertificate(Base):
    """A signed statement of what was deleted; never changed, never deleted."""

    __tablename__ = "deletion_certificate"

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    kind: Mapped[str]
    """Words of ``CertificateKind``."""
    made_at: Mapped[datetime]
    rows: Mapped[int] = mapped_column(BigInteger)
    files: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[str]
    """The canonical JSON that was signed, byte by byte."""
    signature: Mapped[str]
    """Ed25519, in base64."""
