"""What was seen, and what of it counts."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.models.evidence_picture import EvidencePicture
from appliance.vocabulary import Decision, ObservationSource, ObservationType


class Observation(Base):
    """What a detector or the browser reports, with start, end and confidence; a person decides on it."""

    __tablename__ = "observation"
    __table_args__ = (Index("ix__observation_sitting_start", "sitting_id", "started_at"),)

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"))
    type: Mapped[ObservationType] = mapped_column(word(ObservationType))
    source: Mapped[ObservationSource] = mapped_column(word(ObservationSource))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """None while it goes on."""
    confidence: Mapped[float] = mapped_column(default=1.0)
    detector: Mapped[str] = mapped_column(default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Detector's score, threshold, model hash; or the browser's own words."""
    decision: Mapped[Decision] = mapped_column(word(Decision), default=Decision.PENDING)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    pictures: Mapped[list[EvidencePicture]] = relationship(
        lazy="selectin", order_by=EvidencePicture.number, passive_deletes=True
    )


class Incident(Base):
    """A confirmed observation or a human mark on the timeline; a warning once it was sent."""

    __tablename__ = "incident"
    __table_args__ = (Index("ix__incident_sitting_start", "sitting_id", "started_at"),)

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"))
    observation_id: Mapped[int | None] = mapped_column(ForeignKey("observation.id", ondelete="SET NULL"), unique=True)
    type: Mapped[ObservationType] = mapped_column(word(ObservationType))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(default="")
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    """Who made it; None: the appliance, by the exam's rule."""
    sent_at: Mapped[datetime | None]
    """When it was sent to the candidate as a warning."""
    seen_at: Mapped[datetime | None]
    """When the candidate's page showed the warning."""
    withdrawn_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
