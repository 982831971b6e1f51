"""Checks of a sitting's path or of the whole appliance, and what candidates' browsers last said of their media."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id


class PipelineCheck(Base):
    """One check that a support engineer asked for."""

    __tablename__ = "pipeline_check"

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    sitting_id: Mapped[int | None] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    """None: of the whole appliance."""
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    requested_at: Mapped[datetime] = mapped_column(default=utcnow)
    claimed_at: Mapped[datetime | None]
    """When a gateway took it; none for a few seconds: no gateway answers."""
    ended_at: Mapped[datetime | None]
    version: Mapped[str] = mapped_column(default="")
    steps: Mapped[list[Any]] = mapped_column(default=list)
    """``appliance.diagnostics.report.Step`` as JSON, in the order of the path; grows while the check runs."""
    failure: Mapped[str] = mapped_column(default="")
    """Why the check itself broke off."""
    bundle_object_id: Mapped[int | None] = mapped_column(ForeignKey("vault_object.id"))
    """The sealed ZIP for the ticket."""


class BrowserReport(Base):
    """The last that a candidate's browser reported of its own connections."""

    __tablename__ = "browser_report"

    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utcnow)
    content: Mapped[dict[str, Any]]
    """``{"values": {…}, "pairs": {…}, "ice_errors": […]}`` as of ``web.realtime.messages.Stats``."""
