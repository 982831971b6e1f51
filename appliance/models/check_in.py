"""What the check-in leaves behind: consent, the system check, photos."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.models.document_reading import DocumentReading
from appliance.vocabulary import IdentityVerdict, PhotoKind, PhotoSource, PhotoState


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
    """A face or document photo with what the comparison said of it: in the vault, or left with the candidate."""

    __tablename__ = "identity_photo"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    kind: Mapped[PhotoKind] = mapped_column(word(PhotoKind))
    state: Mapped[PhotoState] = mapped_column(word(PhotoState), default=PhotoState.SUBMITTED)
    source: Mapped[PhotoSource] = mapped_column(word(PhotoSource), default=PhotoSource.UPLOADED)
    vault_object_id: Mapped[int | None] = mapped_column(ForeignKey("vault_object.id"))
    """None of one judged on the device: there is no picture here."""
    content_type: Mapped[str] = mapped_column(default="image/jpeg")
    width: Mapped[int]
    height: Mapped[int]
    verdict: Mapped[IdentityVerdict | None] = mapped_column(word(IdentityVerdict))
    distance: Mapped[float | None]
    hints: Mapped[list[Any]] = mapped_column(default=list)
    """Quality hints as codes: ``no_face``, ``too_dark``, ``several_faces`` …"""
    models: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Of one judged on the device: name -> SHA-256, as its browser says."""
    taken_at: Mapped[datetime] = mapped_column(default=utcnow)

    reading: Mapped[DocumentReading | None] = relationship(lazy="selectin", viewonly=True)
    """Of a document, once the worker has read it."""
