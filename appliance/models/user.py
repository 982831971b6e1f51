"""A member of staff and their log-ins."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.models.company import Company
from appliance.vocabulary import ProvedBy, Role


class User(Base):
    """A person who works with the appliance; candidates are not users."""

    __tablename__ = "user"

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    email: Mapped[str] = mapped_column(unique=True)
    """Lower case."""
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(word(Role))
    language: Mapped[str] = mapped_column(default="en")
    password_hash: Mapped[str | None]
    """None before the invitation was followed, and for who comes by single sign-on only."""
    password_changed_at: Mapped[datetime | None] = mapped_column(default=utcnow)
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Wrapped (``row_secrets``) base32 secret; None without an authenticator."""
    totp_last_step: Mapped[int] = mapped_column(default=0)
    """The last 30-second step that was used, so that no code works twice."""
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    break_glass: Mapped[bool] = mapped_column(default=False)
    """The sealed account for emergencies: local, and each use of it is told to the security officers."""
    limited: Mapped[bool] = mapped_column(default=False)
    """Whether the account reaches only exams it is assigned to; a proctor's never reaches more."""
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    company: Mapped[Company] = relationship()


class LoginSession(Base):
    """One log-in of a user on one browser; the cookie holds a token of which only the hash is kept."""

    __tablename__ = "login_session"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    csrf_token: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    active_at: Mapped[datetime] = mapped_column(default=utcnow)
    """When a person last did something, rather than a page by itself."""
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    locked_at: Mapped[datetime | None]
    """Since when nobody has been at the page; it opens again to the password or a second factor."""
    proved_by: Mapped[ProvedBy] = mapped_column(word(ProvedBy), default=ProvedBy.TOTP)
    proved_at: Mapped[datetime] = mapped_column(default=utcnow)
    """When a second factor was last shown."""
    wants: Mapped[list[Any]] = mapped_column(default=list)
    """Words of ``Wanted``: until it is empty only the own account is open."""

    user: Mapped[User] = relationship()
