"""Erasing one person: everywhere, at once, in steps that may be killed and taken up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit, jobs
from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import unit_of_work
from appliance.errors import BadInput, ImpossibleStep, NotFound
from appliance.models import Candidate, Erasure, Sitting
from appliance.retention import anonymise, certificate
from appliance.retention.due import AT_WORK
from appliance.retention.removal import Removed, Remover, remove_files
from appliance.services import approvals, holds
from appliance.services.free_text import one_line
from appliance.services.payloads import ms
from appliance.vocabulary import AskedBy, DataClass, ErasureState, FourEyesAct, LegalBasis
from appliance.vocabulary import SittingState as S

ERASER: Final = Actor.appliance("erasure")

MAX_REFERENCE: Final = 200

BUSY: Final = frozenset({*AT_WORK, S.CHECK_IN, S.WAITING})
"""A sitting that is going on, or whose evidence is still made, has to end first."""

CLASSES: Final = (DataClass.RECORDING, DataClass.PHOTO, DataClass.CHAT, DataClass.LOG)
"""Removed whole; findings stay as figures of nobody, the rest is the person's own."""

JOB: Final = "retention.erase"


def request(
    session: Session,
    actor: Actor,
    candidate: Candidate,
    legal_basis: LegalBasis,
    asked_by: AskedBy,
    reference: str,
    now: datetime,
) -> Erasure:
    """Have a person erased: a job does it within moments, and nobody can take it back.

    Raises ``OnHold``, ``ImpossibleStep`` while a sitting goes on or after an earlier erasure, ``BadInput`` for a
    reference that names the person, ``ApprovalWanted`` where the company wants a second person for it.
    """
    said = one_line(reference)[:MAX_REFERENCE]
    _demand_nameless(candidate, said)
    session.refresh(candidate, with_for_update=True)
    if candidate.erased_at is not None or _of(session, candidate.id) is not None:
        raise ImpossibleStep("This person was erased already.", candidate_id=candidate.id)
    _demand_possible(session, candidate.id)
    subject, why = ("candidate", candidate.id), {"legal_basis": legal_basis, "asked_by": asked_by, "reference": said}
    approvals.demand(session, actor, FourEyesAct.ERASURE, subject, candidate.company_id, **why)
    row = Erasure(
        company_id=candidate.company_id,
        candidate_id=candidate.id,
        legal_basis=legal_basis,
        asked_by=asked_by,
        reference=said,
        requested_by={"kind": actor.kind, "id": actor.id, "name": actor.name, "role": actor.role or ""},
        requested_at=now,
        removed={},
        files=[],
    )
    session.add(row)
    session.flush()
    details: dict[str, Any] = {"candidate_id": candidate.id, **why}
    audit.record(session, actor, "erasure.request", ("erasure", row.id), company_id=row.company_id, **details)
    jobs.defer(session, JOB, queueing_lock=f"erase:{row.id}", erasure_id=row.id)
    return row


def carry_out(own: Collaborators, erasure_id: int, now: datetime) -> Erasure:
    """Do what is still to be done of an erasure; each step is committed before the next begins.

    Raises ``OnHold`` or ``ImpossibleStep`` when something came between; it is tried again every day.
    """
    with unit_of_work(own.session_factory) as session:
        row = _locked(session, erasure_id)
        if row.state is ErasureState.REQUESTED:
            _erase_rows(session, own, row, now)
    with unit_of_work(own.session_factory) as session:
        row = _locked(session, erasure_id)
        if row.state is ErasureState.ROWS_GONE:
            remove_files(own, row.files)
            own.vault.sweep(session)  # keys that a killed step destroyed and did not overwrite yet
            row.files, row.state = [], ErasureState.FILES_GONE
    with unit_of_work(own.session_factory) as session:
        row = _locked(session, erasure_id)
        if row.state is ErasureState.FILES_GONE:
            made = certificate.certify_erasure(session, own, row, now)
            subject = ("erasure", row.id)
            audit.record(
                session, ERASER, "erasure.certify", subject, company_id=row.company_id, certificate_id=made.id
            )
    return row


def undone(session: Session) -> Sequence[int]:
    """Return the numbers of erasures that are not finished."""
    query = select(Erasure.id).where(Erasure.state != ErasureState.DONE)
    return session.scalars(query.order_by(Erasure.id)).all()


def listing(session: Session, company_id: int, limit: int = 200) -> Sequence[Erasure]:
    """Return the company's erasures, newest first."""
    query = select(Erasure).where(Erasure.company_id == company_id)
    return session.scalars(query.order_by(Erasure.id.desc()).limit(limit)).all()


def get_person(session: Session, candidate_id: int, company_id: int) -> Candidate:
    """Return the person, of this company; raise ``NotFound``."""
    row = session.get(Candidate, candidate_id)
    if row is None or row.company_id != company_id:
        raise NotFound("There is no such person.", candidate_id=candidate_id)
    return row


def payload(row: Erasure) -> dict[str, Any]:
    """Return an erasure for pages."""
    return {
        "id": row.id,
        "candidate_id": row.candidate_id,
        "state": row.state.value,
        "legal_basis": row.legal_basis.value,
        "asked_by": row.asked_by.value,
        "reference": row.reference,
        "requested_by": row.requested_by["name"],
        "requested_ms": ms(row.requested_at),
        "erased_ms": ms(row.erased_at),
        "certificate_id": row.certificate_id,
    }


def _erase_rows(session: Session, own: Collaborators, row: Erasure, now: datetime) -> None:
    _demand_possible(session, row.candidate_id)
    remover, removed = Remover(session, own, ERASER), Removed()
    sittings = session.scalars(select(Sitting.id).where(Sitting.candidate_id == row.candidate_id)).all()
    for sitting_id in sittings:
        for data_class in CLASSES:
            removed.add(remover.sitting(data_class, sitting_id))
        removed.add(remover.challenges(sitting_id)).add(remover.tiles(sitting_id))
    removed.add(remover.template(row.candidate_id)).add(remover.person_exports(row.candidate_id))
    removed.add(anonymise.person(session, row.candidate_id, now))
    row.state, row.erased_at = ErasureState.ROWS_GONE, now
    row.removed, row.files = removed.to_json(), removed.files
    details: dict[str, Any] = {"candidate_id": row.candidate_id, "sittings": list(sittings), **row.removed}
    audit.record(session, ERASER, "erasure.erase", ("erasure", row.id), company_id=row.company_id, **details)


def _demand_possible(session: Session, candidate_id: int) -> None:
    holds.demand_none(session, candidate_id=candidate_id)
    busy = select(Sitting.id).where(Sitting.candidate_id == candidate_id, Sitting.state.in_(BUSY))
    going_on = session.scalars(busy.order_by(Sitting.id)).first()
    if going_on is not None:
        raise ImpossibleStep(
            f"Sitting {going_on} is going on or being sealed; end it first, then erase.", sitting_id=going_on
        )


def _demand_nameless(candidate: Candidate, reference: str) -> None:
    lower = reference.lower()
    if any(word.lower() in lower for word in anonymise.identifying(candidate)):
        words = "The reference names the person; it stays for ever, so give the letter's or ticket's number alone."
        raise BadInput(words, field="reference")


def _of(session: Session, candidate_id: int) -> Erasure | None:
    return session.scalars(select(Erasure).where(Erasure.candidate_id == candidate_id)).one_or_none()


def _locked(session: Session, erasure_id: int) -> Erasure:
    row = session.get(Erasure, erasure_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("There is no such erasure.", erasure_id=erasure_id)
    return row
