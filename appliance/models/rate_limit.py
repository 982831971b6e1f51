"""How often somebody has knocked lately, for all processes of the house at once."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base


class RateLimitState(Base):
    """One bucket that is not full. Unlogged: a crash of the database forgets it, and no write waits for the disk."""

    __tablename__ = "rate_limit_state"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy reads it from the class

    key: Mapped[str] = mapped_column(primary_key=True)
    """``limit:hash``; the hash hides who it was, as these rows are nobody's log."""
    full_at: Mapped[datetime] = mapped_column(index=True)
    """When the bucket will be full again; a row whose time has come says nothing any more."""
