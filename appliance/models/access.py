"""What reaches beyond a role: assignments, grants for a ticket, agreements of a second person, API clients."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.models.user import User
from appliance.vocabulary import ApprovalState, FourEyesAct


class ApiClient(Base):
    """A customer's program that calls the REST API; of its token only the hash is kept."""

    __tablename__ = "api_client"

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    name: Mapped[str]
    permissions: Mapped[list[Any]]
    """Words of ``Permission``; what an API client may have at most stands in the permission map."""
    limited: Mapped[bool] = mapped_column(default=False)
    """Whether it reaches only exams it is assigned to."""
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Assignment(Base):
    """One person or API client may work on one exam, or on one sitting."""

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("num_nonnulls(user_id, api_client_id) = 1", name="one_assignee"),
        CheckConstraint("num_nonnulls(exam_id, sitting_id) = 1", name="one_thing"),
        Index(
            "uq__assignment__all",
            "user_id",
            "api_client_id",
            "exam_id",
            "sitting_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    api_client_id: Mapped[int | None] = mapped_column(ForeignKey("api_client.id", ondelete="CASCADE"), index=True)
    exam_id: Mapped[int | None] = mapped_column(ForeignKey("exam.id", ondelete="CASCADE"), index=True)
    sitting_id: Mapped[int | None] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class AccessGrant(Base):
    """A support engineer sees faces or recordings of one sitting, or of the company, for a ticket and some hours."""

    __tablename__ = "access_grant"

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    sitting_id: Mapped[int | None] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    """None: all sittings of the company."""
    ticket: Mapped[str]
    sights: Mapped[list[Any]]
    """Words of ``GrantedSight``."""
    granted_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    granted_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    granted_by: Mapped[User] = relationship(foreign_keys=[granted_by_id])


class Approval(Base):
    """A request that a second person agree to one act on one thing, and what became of it."""

    __tablename__ = "approval"
    __table_args__ = (
        Index(
            "uq__approval__open_digest",
            "digest",
            unique=True,
            postgresql_where="state IN ('waiting', 'agreed')",
        ),
    )

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    act: Mapped[FourEyesAct] = mapped_column(word(FourEyesAct))
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    details: Mapped[dict[str, Any]]
    digest: Mapped[str]
    """SHA-256 over company, asker, act, subject and details: an agreement is to exactly this."""
    state: Mapped[ApprovalState] = mapped_column(word(ApprovalState), default=ApprovalState.WAITING, index=True)
    requested_by: Mapped[dict[str, Any]]
    """``{"kind", "id", "name"}`` of the actor."""
    requested_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    """Until when it can be agreed to; after that until when the agreement can be used."""
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    """Why it was agreed to or refused."""
    used_at: Mapped[datetime | None]
