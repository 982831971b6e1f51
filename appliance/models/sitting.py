"""One candidate's attempt at one exam: the trunk that all evidence hangs on."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.db import Base, utcnow
from appliance.models.candidate import Candidate
from appliance.models.columns import Id, word
from appliance.models.exam import Exam
from appliance.vocabulary import CheckInStep, Conclusion, FinishedBy, SittingState


class Sitting(Base):
    """The attempt; its ``state`` changes only through ``services.sittings``."""

    __tablename__ = "sitting"
    __table_args__ = (UniqueConstraint("company_id", "external_id"),)

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exam.id"), index=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), index=True)
    proctor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    external_id: Mapped[str]
    """The customer's ``sessionId``."""
    session_url: Mapped[str] = mapped_column(default="")
    """Where the LMS shows this attempt."""
    token_hash: Mapped[str] = mapped_column(default="")
    """SHA-256 of the candidate's cookie token; a newer start link replaces it."""
    csrf_token: Mapped[str] = mapped_column(default="")
    state: Mapped[SittingState] = mapped_column(word(SittingState), default=SittingState.CREATED, index=True)
    resume_state: Mapped[SittingState | None] = mapped_column(word(SittingState))
    """The state to go back to from ``interrupted``."""
    step: Mapped[CheckInStep] = mapped_column(word(CheckInStep), default=CheckInStep.CONSENT)
    language: Mapped[str] = mapped_column(default="en")
    duration_minutes: Mapped[int]
    extra_ms: Mapped[int] = mapped_column(default=0)
    """Time given back after faults of the appliance or pauses."""
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    waiting_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    interrupted_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    finished_by: Mapped[FinishedBy | None] = mapped_column(word(FinishedBy))
    finish_comment: Mapped[str] = mapped_column(default="")
    deadline_at: Mapped[datetime | None]
    """When the clock ends it: started + duration + extra time; none while paused."""
    last_seen_at: Mapped[datetime | None]
    clock_offset_ms: Mapped[int] = mapped_column(default=0)
    """Browser's clock minus the server's."""
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Answers to the exam's own questions by index."""
    score: Mapped[int | None]
    conclusion: Mapped[Conclusion | None] = mapped_column(word(Conclusion))
    conclusion_comment: Mapped[str] = mapped_column(default="")
    concluded_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    concluded_at: Mapped[datetime | None]

    exam: Mapped[Exam] = relationship()
    candidate: Mapped[Candidate] = relationship()


class Score(Base):
    """A computed trust score with its explanation; older ones are kept."""

    __tablename__ = "score"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    value: Mapped[int]
    explanation: Mapped[list[Any]]
    """``[{"metric", "mean", "weight", "points"} …]``: every point lost."""
    metrics: Mapped[dict[str, Any]]
    """Per-minute metrics it was computed from: ``{"c2": [0, 40, …] …}``."""
    computed_at: Mapped[datetime] = mapped_column(default=utcnow)
