"""One person's rights: erasures, and exports of what is stored of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.db import Base, utcnow
from appliance.models.columns import Id, word
from appliance.vocabulary import AskedBy, ErasureState, LegalBasis, PersonExportState


class Erasure(Base):
    """One erasure of one person: who asked, who did it, how far it is. Holds nothing that names the person."""

    __tablename__ = "erasure"
    __table_args__ = (Index("ix__erasure_undone", "id", postgresql_where=text("state <> 'done'")),)

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"), index=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"), unique=True)
    state: Mapped[ErasureState] = mapped_column(word(ErasureState), default=ErasureState.REQUESTED)
    legal_basis: Mapped[LegalBasis] = mapped_column(word(LegalBasis))
    asked_by: Mapped[AskedBy] = mapped_column(word(AskedBy))
    reference: Mapped[str] = mapped_column(default="")
    """Number of the letter or ticket."""
    requested_by: Mapped[dict[str, Any]]
    """``{"kind", "id", "name", "role"}`` of who had it done."""
    requested_at: Mapped[datetime] = mapped_column(default=utcnow)
    erased_at: Mapped[datetime | None]
    """When the keys were destroyed: from then on nothing can be read."""
    removed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    files: Mapped[list[Any]] = mapped_column(default=list)
    certificate_id: Mapped[int | None] = mapped_column(ForeignKey("deletion_certificate.id"))


class PersonExport(Base):
    """What is stored of one person, made up for them: data, pages, pictures and, if wanted, recordings."""

    __tablename__ = "person_export"

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"), index=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"), index=True)
    state: Mapped[PersonExportState] = mapped_column(word(PersonExportState), default=PersonExportState.WAITING)
    with_recordings: Mapped[bool]
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    requested_at: Mapped[datetime] = mapped_column(default=utcnow)
    made_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")
    vault_object_id: Mapped[int | None] = mapped_column(ForeignKey("vault_object.id"))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
