"""What the vault holds, and the wrapped keys it is sealed under."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id


class DataKey(Base):
    """A key of one sitting or person; destroying it erases what it sealed. The key itself lies in a file of keys."""

    __tablename__ = "data_key"

    id: Mapped[Id]
    purpose: Mapped[str] = mapped_column(unique=True)
    """``sitting:42``: one key a purpose."""
    wrapped: Mapped[bytes | None]
    """Only of rows from before keys had files of their own, until they are moved there."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    destroyed_at: Mapped[datetime | None]
    """The truth of whether there is a key: a file of keys out of an old backup brings none back."""


class VaultObject(Base):
    """One sealed file."""

    __tablename__ = "vault_object"

    id: Mapped[Id]
    data_key_id: Mapped[int] = mapped_column(ForeignKey("data_key.id"), index=True)
    kind: Mapped[str]
    """``part``, ``photo`` …; bound into the file's authentication."""
    path: Mapped[str]
    """Relative to the vault's folder."""
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    """Of the plain data."""
    sha256: Mapped[str]
    """Of the plain data, in hex."""
    sealed_sha256: Mapped[str] = mapped_column(default="")
    """Of the sealed file, in hex, which anybody can check without a key; empty: sealed before it was kept."""
    manifest_id: Mapped[int | None] = mapped_column(
        ForeignKey("sitting_manifest.id", ondelete="SET NULL"), index=True
    )
    """The first manifest that names it; None: none does yet."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
