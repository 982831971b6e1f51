"""Tries at the challenges of the check-in: movements before the camera, points to look at."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import ChallengeKind, ChallengeState


class Challenge(Base):
    """One try, drawn by the appliance and judged by it."""

    __tablename__ = "challenge"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    kind: Mapped[ChallengeKind] = mapped_column(word(ChallengeKind))
    state: Mapped[ChallengeState] = mapped_column(word(ChallengeState), default=ChallengeState.OPEN)
    steps: Mapped[list[Any]] = mapped_column(default=list)
    """``[{"movement": "turn_left", "ms": 3500}]`` or ``[{"x": 0.5, "y": 0.5, "ms": 1800}]``; told one by one."""
    shown: Mapped[int] = mapped_column(default=0)
    """Index of the step that is shown now; as many as there are steps: all were."""
    begun_at: Mapped[datetime] = mapped_column(default=utcnow)
    step_at: Mapped[datetime] = mapped_column(default=utcnow)
    """When the step shown now was told."""
    judged_at: Mapped[datetime | None]
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    """Why it was not passed, as codes."""
    finding: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What was found step by step, with thresholds and models."""
    gaze_map: Mapped[dict[str, Any] | None]
    """What a calibration learned: ``media.biometrics.gaze_map.GazeMap.to_json``."""


class ChallengePictures(Base):
    """A batch of pictures on its way to the judgement (``number`` is its step), or evidence of one that failed."""

    __tablename__ = "challenge_pictures"
    __table_args__ = (UniqueConstraint("challenge_id", "evidence", "number"),)

    id: Mapped[Id]
    challenge_id: Mapped[int] = mapped_column(ForeignKey("challenge.id", ondelete="CASCADE"))
    evidence: Mapped[bool] = mapped_column(default=False)
    number: Mapped[int]
    vault_object_id: Mapped[int] = mapped_column(ForeignKey("vault_object.id"))
