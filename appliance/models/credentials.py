"""What a member of staff logs in with besides the password: keys, recovery codes, one-time links."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.models.user import User
from appliance.vocabulary import LinkKind


class SecurityKey(Base):
    """A WebAuthn credential: a key on a chain, or one that lives in a phone or a computer."""

    __tablename__ = "security_key"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    """COSE, as the authenticator gave it."""
    sign_count: Mapped[int] = mapped_column(default=0)
    """The authenticator's own counter; 0 for those that have none. One that goes back is a copy."""
    transports: Mapped[list[Any]] = mapped_column(default=list)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_used_at: Mapped[datetime | None]


class KeyChallenge(Base):
    """Random bytes that one answer of a security key must sign; taken away by the first that claims to."""

    __tablename__ = "key_challenge"

    id: Mapped[Id]
    challenge: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    purpose: Mapped[str]
    """``register``, ``prove`` or ``log_in``."""
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    """Whom it was given to; nobody yet at a log-in."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RecoveryCode(Base):
    """One of the codes on paper for who has lost the second factor; only its hash is kept."""

    __tablename__ = "recovery_code"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    used_at: Mapped[datetime | None]


class FormerPassword(Base):
    """A password that was in use before, so that it is not chosen again too soon."""

    __tablename__ = "former_password"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    password_hash: Mapped[str]
    replaced_at: Mapped[datetime] = mapped_column(default=utcnow)


class AccountLink(Base):
    """A one-time link to an account's first or next password; only the hash of its token is kept."""

    __tablename__ = "account_link"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    kind: Mapped[LinkKind] = mapped_column(word(LinkKind))
    token_hash: Mapped[str] = mapped_column(unique=True)
    made_by: Mapped[str]
    """Name of who made it, for the account's owner."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    """Used, or made void by a newer one."""

    user: Mapped[User] = relationship()
