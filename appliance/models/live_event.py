"""The live bus's memory, from which a reconnected socket is told what it missed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id


class LiveEvent(Base):
    """One published event; ``id`` grows in commit order within a topic."""

    __tablename__ = "live_event"
    __table_args__ = (Index("ix__live_event_topic_id", "topic", "id"),)

    id: Mapped[Id]
    topic: Mapped[str]
    """``sitting:42`` or ``company:7``."""
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
