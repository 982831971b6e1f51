"""What a gateway expects of the disks: whether the sittings that run will fit, and whether more may come."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base
from appliance.models.columns import word
from appliance.vocabulary import DiskState


class DiskOutlook(Base):
    """The newest forecast of one gateway, replaced every few seconds. Bytes everywhere."""

    __tablename__ = "disk_outlook"

    gateway: Mapped[str] = mapped_column(primary_key=True)
    """Its host and address: a restarted gateway replaces its own row."""
    state: Mapped[DiskState] = mapped_column(word(DiskState))
    measured_at: Mapped[datetime]
    free: Mapped[int] = mapped_column(BigInteger)
    """What is free where the nodes write."""
    per_second: Mapped[int] = mapped_column(BigInteger)
    """How fast the files of this gateway's recorders grow just now."""
    per_sitting_second: Mapped[int] = mapped_column(BigInteger)
    """What one recorded sitting takes."""
    to_come: Mapped[int] = mapped_column(BigInteger)
    """What all admitted sittings will still record."""
    for_sealing: Mapped[int] = mapped_column(BigInteger)
    """What the copies take besides that sealing makes of the largest parts."""
    free_at_end: Mapped[int] = mapped_column(BigInteger)
    """What is left when all of that has come; below zero: it will not fit."""
    full_at: Mapped[datetime | None]
    """When nothing is left, if that is before the sittings end."""
    sittings: Mapped[int]
