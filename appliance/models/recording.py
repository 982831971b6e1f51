"""Recordings: parts on disk, gaps between them, and the live media objects that make them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import GapCause, PartSource, PartState, Track


class Part(Base):
    """One contiguous recording of one track."""

    __tablename__ = "part"
    __table_args__ = (UniqueConstraint("sitting_id", "track", "sequence"),)

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    track: Mapped[Track] = mapped_column(word(Track))
    sequence: Mapped[int]
    source: Mapped[PartSource] = mapped_column(word(PartSource), default=PartSource.NODE)
    """A candidate's part has no ``node_url`` and no ``path``: it comes to be sealed."""
    state: Mapped[PartState] = mapped_column(word(PartState), default=PartState.RECORDING)
    path: Mapped[str]
    """Plain file while recording; emptied when sealed."""
    node_url: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    """When the recorder was told to record: the zero of the file's time."""
    ended_at: Mapped[datetime | None]
    end_cause: Mapped[str] = mapped_column(default="")
    duration_ms: Mapped[int | None]
    size_bytes: Mapped[int | None]
    sha256: Mapped[str] = mapped_column(default="")
    """Of the remuxed plain file, in hex."""
    vault_object_id: Mapped[int | None] = mapped_column(ForeignKey("vault_object.id"))
    media: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Codecs, frame size, counts of packets."""


class Gap(Base):
    """A span of a running sitting that the media node recorded nothing of, and why."""

    __tablename__ = "gap"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    track: Mapped[Track] = mapped_column(word(Track))
    cause: Mapped[GapCause] = mapped_column(word(GapCause))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    detail: Mapped[str] = mapped_column(default="")
    covered_by_id: Mapped[int | None] = mapped_column(ForeignKey("part.id", ondelete="SET NULL"))
    """The candidate-supplied part that shows exactly this span. A gap covered partly is split: what no part
    shows is a row of its own, with None here."""


class LiveMedia(Base):
    """Ledger of the media objects that serve a sitting's track just now; a restarted gateway adopts them."""

    __tablename__ = "live_media"
    __table_args__ = (UniqueConstraint("sitting_id", "track"),)

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"))
    track: Mapped[Track] = mapped_column(word(Track))
    node_url: Mapped[str]
    session_id: Mapped[str]
    """Kurento's session that owns the objects."""
    pipeline_id: Mapped[str]
    endpoint_id: Mapped[str]
    recorder_id: Mapped[str] = mapped_column(default="")
    part_id: Mapped[int | None] = mapped_column(ForeignKey("part.id", ondelete="SET NULL"))
    connection: Mapped[str] = mapped_column(default="")
    """Name the browser gave its RTCPeerConnection, so that it can resume it after a lost socket."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
