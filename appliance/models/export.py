"""Exports of sittings: evidence made up to be handed to a commission or a court."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import ExportContainer, ExportState


class Export(Base):
    """One archive of a sitting's evidence; the row stays when the archive is gone, to say who took what out."""

    __tablename__ = "export"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    state: Mapped[ExportState] = mapped_column(word(ExportState), default=ExportState.WAITING, index=True)
    contents: Mapped[list[Any]]
    """Words of ``ExportContent``."""
    container: Mapped[ExportContainer] = mapped_column(word(ExportContainer))
    """Of the side-by-side film; tracks are copied into what their codec asks for."""
    with_records: Mapped[bool]
    """Whether incidents and the chat go along."""
    language: Mapped[str]
    """Of the words drawn into pictures."""
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    """None: the command line."""
    requested_by: Mapped[dict[str, Any]]
    """``{"kind", "name", "role"}`` as it was then; goes into the manifest."""
    requested_at: Mapped[datetime] = mapped_column(default=utcnow)
    progress: Mapped[float] = mapped_column(default=0.0)
    """0 to 1."""
    problem: Mapped[str] = mapped_column(default="")
    """Why it failed, for people."""
    made_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When it failed or was deleted."""
    vault_object_id: Mapped[int | None] = mapped_column(ForeignKey("vault_object.id"))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    files: Mapped[list[Any]]
    """``[{"name", "size", "sha256", "at"}]``: ``at`` is where its bytes begin in the uncompressed archive."""
