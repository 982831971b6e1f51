"""Words between a candidate and the proctors."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import ChatAuthor, ChatKind


class ChatMessage(Base):
    """One message of a sitting's chat."""

    __tablename__ = "chat_message"

    id: Mapped[Id]
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    author: Mapped[ChatAuthor] = mapped_column(word(ChatAuthor))
    kind: Mapped[ChatKind] = mapped_column(word(ChatKind), default=ChatKind.MESSAGE)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    text: Mapped[str]
    client_ref: Mapped[str] = mapped_column(default="")
    """The sender's own name of the message, so that a repeat after a lost socket is not stored twice."""
    sent_at: Mapped[datetime] = mapped_column(default=utcnow)
