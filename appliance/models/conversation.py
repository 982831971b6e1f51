"""A conversation of several people over live media, and the seats of those who are asked into it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.models.sitting import Sitting
from appliance.models.user import User
from appliance.vocabulary import ConversationKind, SeatState


class Conversation(Base):
    """A call, a broadcast or a conference; open until ``ended_at`` is set."""

    __tablename__ = "conversation"
    __table_args__ = (Index("ix__conversation_open", "company_id", postgresql_where=text("ended_at IS NULL")),)

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[ConversationKind] = mapped_column(word(ConversationKind))
    title: Mapped[str] = mapped_column(default="")
    host_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(default="")
    node_url: Mapped[str] = mapped_column(default="")
    """Where its media live; empty before the first who sends."""
    pipeline_id: Mapped[str] = mapped_column(default="")

    host: Mapped[User] = relationship()
    seats: Mapped[list["Seat"]] = relationship(
        back_populates="conversation", order_by="Seat.id", cascade="all, delete-orphan"
    )


class Seat(Base):
    """One person's place in a conversation: a member of staff, or a sitting's candidate."""

    __tablename__ = "seat"
    __table_args__ = (
        UniqueConstraint("conversation_id", "user_id", name="uq__seat__conversation_id_user_id"),
        UniqueConstraint("conversation_id", "sitting_id", name="uq__seat__conversation_id_sitting_id"),
        CheckConstraint("(user_id IS NULL) <> (sitting_id IS NULL)", name="one_person"),
    )

    id: Mapped[Id]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    sitting_id: Mapped[int | None] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    state: Mapped[SeatState] = mapped_column(word(SeatState), default=SeatState.INVITED)
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)
    endpoint_id: Mapped[str] = mapped_column(default="")
    """The WebRtcEndpoint to which this person sends; empty while they do not."""

    conversation: Mapped[Conversation] = relationship(back_populates="seats")
    user: Mapped[User | None] = relationship()
    sitting: Mapped[Sitting | None] = relationship()
