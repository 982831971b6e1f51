"""The customer, or a part of one, whose data is kept apart from all others'."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import IcePolicy, LocalPasswords


class Company(Base):
    """Owner of exams, candidates and staff."""

    __tablename__ = "company"

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    profile: Mapped[str] = mapped_column(default="none")
    """Compliance profile: ``ru``, ``eu`` or ``none``."""
    integration_secret: Mapped[bytes]
    """Wrapped (``row_secrets``) HS256 secret shared with the company's LMS."""
    support_email: Mapped[str] = mapped_column(default="")
    ice_policy: Mapped[IcePolicy] = mapped_column(word(IcePolicy), default=IcePolicy.ALL)
    stun_urls: Mapped[list[Any]] = mapped_column(default=list)
    """Of its own; none: the appliance's."""
    turn_urls: Mapped[list[Any]] = mapped_column(default=list)
    turn_secret: Mapped[bytes | None]
    """Wrapped (``row_secrets``) static-auth-secret of its own TURN servers."""
    attention_monitoring: Mapped[bool] = mapped_column(default=False)
    """Whether anything may judge emotion or engagement. Kustos itself has nothing that does."""
    new_exams_to_proctors: Mapped[bool] = mapped_column(default=True)
    """Whether an exam that an LMS brings is assigned to all proctors at once; they see none otherwise."""
    four_eyes: Mapped[list[Any]] = mapped_column(default=list)
    """Words of ``FourEyesAct`` to which a second person must agree."""
    local_passwords: Mapped[LocalPasswords] = mapped_column(word(LocalPasswords), default=LocalPasswords.ALLOWED)
    """Who may log in with a password kept here, where there is single sign-on."""
    private_hosts: Mapped[list[Any]] = mapped_column(default=list)
    """Names or networks of its own house that may be asked although private (``appliance.outgoing``)."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    # AI Act 5(1)(f): not by a service, not by a statement, and not by a change of the profile afterwards
    __table_args__ = (
        CheckConstraint("profile IN ('none', 'ru', 'eu')", name="known_profile"),
        CheckConstraint("NOT (attention_monitoring AND profile = 'eu')", name="no_attention_monitoring_in_eu"),
    )
