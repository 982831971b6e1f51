"""Faces enrolled per person and company, what protects them, and what comparing them said."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import IdentityCheckKind, IdentityVerdict


class FaceProtection(Base):
    """One version of a company's protection; its secret is the vault's key ``faces:COMPANY:VERSION``."""

    __tablename__ = "face_protection"
    __table_args__ = (
        UniqueConstraint("company_id", "version"),
        Index("ix__face_protection_in_force", "company_id", unique=True, postgresql_where=text("retired_at IS NULL")),
    )

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    retired_at: Mapped[datetime | None]
    """When its key was destroyed; None: in force."""


class FaceTemplate(Base):
    """One enrolled face: 128 numbers, turned by the company's secret, encrypted under the person's and that."""

    __tablename__ = "face_template"
    __table_args__ = (
        Index("ix__face_template_in_use", "company_id", "id", postgresql_where=text("revoked_at IS NULL")),
        Index(
            "ix__face_template_revoked", "company_id", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"), index=True)
    sitting_id: Mapped[int | None] = mapped_column(ForeignKey("sitting.id", ondelete="SET NULL"), index=True)
    """The check-in it was taken from."""
    protection_version: Mapped[int]
    model_hash: Mapped[str]
    """SHA-256 of the network's weights: descriptors of two networks are never compared."""
    content: Mapped[bytes | None]
    """Nonce and AES-256-GCM ciphertext of 128 float32; None once revoked."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str] = mapped_column(default="")


class IdentityCheck(Base):
    """One comparison of a check-in's photo, with its outcome; never what was compared."""

    __tablename__ = "identity_check"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    photo_id: Mapped[int | None] = mapped_column(ForeignKey("identity_photo.id", ondelete="CASCADE"), index=True)
    kind: Mapped[IdentityCheckKind] = mapped_column(word(IdentityCheckKind))
    verdict: Mapped[IdentityVerdict] = mapped_column(word(IdentityVerdict))
    distance: Mapped[float | None]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Thresholds, how many were compared, model's hash, or why nothing could be told."""
    checked_at: Mapped[datetime] = mapped_column(default=utcnow)


class SimilarFace(Base):
    """Another profile of the company that looks like this sitting's candidate. Never a proof."""

    __tablename__ = "similar_face"
    __table_args__ = (UniqueConstraint("sitting_id", "candidate_id"),)

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"), index=True)
    """The other."""
    other_sitting_id: Mapped[int | None] = mapped_column(ForeignKey("sitting.id", ondelete="SET NULL"), index=True)
    """The sitting that the other's face was enrolled at."""
    distance: Mapped[float]
    found_at: Mapped[datetime] = mapped_column(default=utcnow)
