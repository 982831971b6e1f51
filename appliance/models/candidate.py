"""The person who sits exams, as their own system names them."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id


class Candidate(Base):
    """One candidate of one company."""

    __tablename__ = "candidate"
    __table_args__ = (UniqueConstraint("company_id", "external_id"),)

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    external_id: Mapped[str]
    """The customer's ``userId``."""
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="en")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    erased_at: Mapped[datetime | None]
    """When everything that named this person was erased."""

    @property
    def name(self) -> str:
        """Return the name to show, or the external id where none was declared."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.external_id
