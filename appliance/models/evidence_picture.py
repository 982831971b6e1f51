"""The pictures that show why an observation was made."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base
from appliance.models.columns import Id


class EvidencePicture(Base):
    """One JPEG of the candidate's camera, sealed under the key of the sitting's pictures."""

    __tablename__ = "evidence_picture"
    __table_args__ = (UniqueConstraint("observation_id", "number"),)

    id: Mapped[Id]
    observation_id: Mapped[int] = mapped_column(ForeignKey("observation.id", ondelete="CASCADE"))
    number: Mapped[int]
    """1: of its beginning, 2: of the time after."""
    taken_at: Mapped[datetime]
    vault_object_id: Mapped[int] = mapped_column(ForeignKey("vault_object.id"))
