"""The newest small picture of a live track: what a proctor's wall shows of those nobody looks at closely."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base
from appliance.models.columns import word
from appliance.vocabulary import Track


class Tile(Base):
    """One picture a track, replaced about once a second while somebody wants it, gone soon after.

    No foreign key: the table is unlogged, and a logged one may not be guarded by what a crash empties.
    """

    __tablename__ = "tile"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy reads it from the class

    sitting_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    track: Mapped[Track] = mapped_column(word(Track), primary_key=True)
    wanted_until: Mapped[datetime]
    """Whoever makes pictures makes none after this."""
    taken_at: Mapped[datetime | None]
    jpeg: Mapped[bytes | None]
