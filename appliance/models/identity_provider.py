"""A company's identity providers, the accounts linked to them, and log-ins under way."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.models.company import Company
from appliance.models.user import LoginSession, User
from appliance.vocabulary import IdentityProviderKind


class IdentityProvider(Base):
    """Where a company's staff have their accounts: an OpenID provider or a directory."""

    __tablename__ = "identity_provider"

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    kind: Mapped[IdentityProviderKind] = mapped_column(word(IdentityProviderKind))
    name: Mapped[str]
    """On the button of the log-in page."""
    position: Mapped[int] = mapped_column(default=0)
    enabled: Mapped[bool] = mapped_column(default=False)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Of ``sign_on.oidc_settings`` or ``sign_on.ldap_settings``; no secrets."""
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Wrapped (``row_secrets``) client secret or password of the service account."""
    role_rules: Mapped[list[Any]] = mapped_column(default=list)
    """``{"group", "role"}`` in order: the first that fits a person decides."""
    makes_accounts: Mapped[bool] = mapped_column(default=True)
    """Whether who has a role by a group gets an account at the first log-in."""
    links_by_email: Mapped[bool] = mapped_column(default=False)
    """Whether an account that exists is linked at the first log-in by its e-mail."""
    rechecked_at: Mapped[datetime | None]
    recheck: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the last look for people who are gone has found, or why it could not."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    company: Mapped[Company] = relationship()


class LinkedIdentity(Base):
    """An account here and the person at the provider it belongs to."""

    __tablename__ = "linked_identity"

    id: Mapped[Id]
    provider_id: Mapped[int] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    subject: Mapped[str]
    """The provider's own name for the person that never changes: ``sub``, ``entryUUID``, ``objectGUID``."""
    groups: Mapped[list[Any]] = mapped_column(default=list)
    """As the provider told them last."""
    linked_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    """Last log-in, or last time the directory still had the person."""
    gone_at: Mapped[datetime | None]
    """When the account was disabled because the directory no longer had the person, or no role for them."""

    user: Mapped[User] = relationship()
    provider: Mapped[IdentityProvider] = relationship()

    __table_args__ = (
        UniqueConstraint("provider_id", "subject"),
        UniqueConstraint("user_id", "provider_id"),
    )


class SignOnAttempt(Base):
    """One browser on its way to an OpenID provider and back; used up by its return."""

    __tablename__ = "sign_on_attempt"

    id: Mapped[Id]
    provider_id: Mapped[int] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"), index=True)
    state_hash: Mapped[str] = mapped_column(unique=True)
    browser_hash: Mapped[str]
    """Of the cookie of the browser that set out: only it may return."""
    nonce: Mapped[str]
    verifier: Mapped[bytes] = mapped_column(LargeBinary)
    """Wrapped (``row_secrets``) PKCE code verifier."""
    next: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignOnPending(Base):
    """Somebody whom the provider knows and who has still to show a second factor here; used up by showing it."""

    __tablename__ = "sign_on_pending"

    id: Mapped[Id]
    provider_id: Mapped[int] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[str]
    sid: Mapped[str] = mapped_column(default="")
    id_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Wrapped."""
    next: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime] = mapped_column(index=True)

    user: Mapped[User] = relationship()


class SignOnSession(Base):
    """What a log-in through a provider must know to be ended there, and by it."""

    __tablename__ = "sign_on_session"

    login_session_id: Mapped[int] = mapped_column(
        ForeignKey("login_session.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provider_id: Mapped[int] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"), index=True)
    subject: Mapped[str] = mapped_column(index=True)
    sid: Mapped[str] = mapped_column(default="")
    """The provider's name for its own session."""
    id_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Wrapped (``row_secrets``): the provider wants to see it again at log-out."""

    login: Mapped[LoginSession] = relationship()


class LogoutTokenSeen(Base):
    """A back-channel log-out token that was used; each works once."""

    __tablename__ = "logout_token_seen"

    jti_hash: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
