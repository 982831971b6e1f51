"""A legal hold: nothing of what it is on is destroyed until it is released."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import HoldScope


class LegalHold(Base):
    """One hold on a sitting, a candidate with all sittings, or a whole exam."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        CheckConstraint("num_nonnulls(sitting_id, candidate_id, exam_id) = 1", name="one_subject"),
        Index("ix__legal_hold_sitting", "sitting_id", postgresql_where=text("released_at IS NULL")),
        Index("ix__legal_hold_candidate", "candidate_id", postgresql_where=text("released_at IS NULL")),
        Index("ix__legal_hold_exam", "exam_id", postgresql_where=text("released_at IS NULL")),
    )

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"), index=True)
    scope: Mapped[HoldScope] = mapped_column(word(HoldScope))
    sitting_id: Mapped[int | None] = mapped_column(ForeignKey("sitting.id"))
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("candidate.id"))
    exam_id: Mapped[int | None] = mapped_column(ForeignKey("exam.id"))
    reason: Mapped[str]
    owner: Mapped[str]
    """Who answers for it and is asked whether it is still needed: a name or an office."""
    placed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    """None: the command line."""
    placed_at: Mapped[datetime] = mapped_column(default=utcnow)
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    released_at: Mapped[datetime | None]
    release_reason: Mapped[str] = mapped_column(default="")

    @property
    def subject_id(self) -> int:
        """Return the number of what it is on."""
        return self.sitting_id or self.candidate_id or self.exam_id or 0
