"""An exam with its rules: what is allowed, what is watched, how it is scored."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.models.company import Company
from appliance.vocabulary import BiometricsMode, ExamMode, IdentityAction, Track


class Exam(Base):
    """What candidates sit."""

    __tablename__ = "exam"
    __table_args__ = (UniqueConstraint("company_id", "external_id"),)

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    external_id: Mapped[str]
    """The customer's ``examId``."""
    name: Mapped[str]
    mode: Mapped[ExamMode] = mapped_column(word(ExamMode))
    duration_minutes: Mapped[int]
    content_url: Mapped[str] = mapped_column(default="")
    """The LMS page shown in a frame; empty: the exam's own ``questions``."""
    questions: Mapped[list[Any]] = mapped_column(default=list)
    """``[{"text": …, "options": […]} …]`` for an exam without an LMS."""
    identification: Mapped[str] = mapped_column(default="face_and_passport")
    """Photos asked for: ``skip``, ``face``, ``passport``, ``face_and_passport``."""
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``allow_*`` flags and ``custom_rules`` (text)."""
    weights: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Weight of each metric in the trust score; missing ones take ``scoring.DEFAULT_WEIGHTS``."""
    thresholds: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``{"attention": 60, "rejected": 80}`` of suspicion (100 - trust score)."""
    detection: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Overrides of ``media.analysis.AnalysisSettings``."""
    biometrics: Mapped[BiometricsMode] = mapped_column(word(BiometricsMode), default=BiometricsMode.SERVER)
    identity_action: Mapped[IdentityAction] = mapped_column(word(IdentityAction), default=IdentityAction.NOTE)
    """What follows when identity fails during the exam."""
    liveness: Mapped[bool] = mapped_column(default=False)
    """Whether the check-in asks for movements that a picture cannot make."""
    gaze_calibration: Mapped[bool] = mapped_column(default=False)
    """Whether the check-in shows five points to look at."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    company: Mapped[Company] = relationship()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """What is evidence of its sittings. A camera that is analysed in the candidate's browser stays there."""
        if self.biometrics is BiometricsMode.ON_DEVICE:
            return (Track.SCREEN,)
        return (Track.CAMERA, Track.SCREEN)
