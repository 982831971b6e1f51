"""What a candidate's browser recorded by itself while its connection was lost, on its way into the vault."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import HandInState, Track


class HandIn(Base):
    """One recording of one track for one gap: the segments' files one behind the other, sent in chunks."""

    __tablename__ = "hand_in"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    track: Mapped[Track] = mapped_column(word(Track))
    state: Mapped[HandInState] = mapped_column(word(HandInState), default=HandInState.RECEIVING)
    started_at: Mapped[datetime]
    """Claimed by the browser, in the server's time; as is ``ended_at``."""
    ended_at: Mapped[datetime]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    """Of the whole, in hex."""
    mime: Mapped[str]
    segments: Mapped[list[Any]]
    """``[{"start_ms", "end_ms", "size"}]``: each is a file of its own; the sizes add up to ``size_bytes``."""
    reason: Mapped[str] = mapped_column(default="")
    """Why it was refused."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    completed_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    """When the worker took or refused it."""


class HandInChunk(Base):
    """One received piece; its bytes lie in a file until the whole is taken or refused."""

    __tablename__ = "hand_in_chunk"
    __table_args__ = (UniqueConstraint("hand_in_id", "number"),)

    id: Mapped[Id]
    hand_in_id: Mapped[int] = mapped_column(ForeignKey("hand_in.id", ondelete="CASCADE"))
    number: Mapped[int]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(default=utcnow)
