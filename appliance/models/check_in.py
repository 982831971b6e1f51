"""What the check-in leaves behind: consent, the system check, photos."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import IdentityVerdict, PhotoKind, PhotoState


class Consent(Base):
    """A candidate's answer to one version of the text, given or refused."""

    __tablename__ = "consent"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    accepted: Mapped[bool]
    text_version: Mapped[str]
    text_hash: Mapped[str]
    """SHA-256 of the text as it was shown."""
    language: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime] = mapped_column(default=utcnow)


class SystemCheck(Base):
    """One run of the browser's system check; every run is kept, also failed ones."""

    __tablename__ = "system_check"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    passed: Mapped[bool]
    results: Mapped[dict[str, Any]]
    """``{"camera": {"state": "passed", …}, …}`` by check name."""
    client: Mapped[dict[str, Any]]
    """Browser, operating system, page version."""
    checked_at: Mapped[datetime] = mapped_column(default=utcnow)


class IdentityPhoto(Base):
    """A face or document photo in the vault, with what the comparison said of it."""

    __tablename__ = "identity_photo"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    kind: Mapped[PhotoKind] = mapped_column(word(PhotoKind))
    state: Mapped[PhotoState] = mapped_column(word(PhotoState), default=PhotoState.SUBMITTED)
    vault_object_id: Mapped[int] = mapped_column(ForeignKey("vault_object.id"))
    content_type: Mapped[str] = mapped_column(default="image/jpeg")
    width: Mapped[int]
    height: Mapped[int]
    verdict: Mapped[IdentityVerdict | None] = mapped_column(word(IdentityVerdict))
    distance: Mapped[float | None]
    hints: Mapped[list[Any]] = mapped_column(default=list)
    """Quality hints as codes: ``no_face``, ``too_dark``, ``several_faces`` …"""
    taken_at: Mapped[datetime] = mapped_column(default=utcnow)
