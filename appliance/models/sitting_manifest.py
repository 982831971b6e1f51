"""What was signed of a sitting's evidence."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id


class SittingManifest(Base):
    """One version of the signed list of all that a sitting has in the vault; the same lies beside the files."""

    __tablename__ = "sitting_manifest"
    __table_args__ = (UniqueConstraint("sitting_id", "number"),)

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"))
    number: Mapped[int]
    """From 1; each names the SHA-256 of the one before it."""
    content: Mapped[str] = mapped_column(Text)
    """Canonical JSON (RFC 8785), as it was signed."""
    signature: Mapped[str]
    """Ed25519 by the evidence key, in hex."""
    sha256: Mapped[str]
    """Of the content, in hex."""
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
