"""What was read on the document of the check-in."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import IdentityVerdict


class DocumentReading(Base):
    """The outcome of reading one document photo; what stands on the document lies sealed in the vault."""

    __tablename__ = "document_reading"

    id: Mapped[Id]
    photo_id: Mapped[int] = mapped_column(ForeignKey("identity_photo.id", ondelete="CASCADE"), unique=True)
    kind: Mapped[str]
    """``td1``, ``td2``, ``td3``, ``mrv_a``, ``mrv_b``, ``rus``, ``fra``; ``print`` without a machine readable zone;
    empty when nothing could be read."""
    name_verdict: Mapped[IdentityVerdict] = mapped_column(word(IdentityVerdict))
    expired: Mapped[bool | None]
    """On the day it was read; None when its expiry is not known for certain."""
    hints: Mapped[list[Any]] = mapped_column(default=list)
    """What the candidate can do better, as codes."""
    vault_object_id: Mapped[int | None] = mapped_column(ForeignKey("vault_object.id"))
    """Sealed JSON under the key of the sitting's pictures: fields, how the names compare. None: nothing was read."""
    engines: Mapped[dict[str, Any]]
    """Name of each network -> SHA-256 of its file."""
    read_at: Mapped[datetime] = mapped_column(default=utcnow)
