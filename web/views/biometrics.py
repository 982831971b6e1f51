"""Faces: what they say of one sitting, what an exam may do with them, and what is stored of them."""

import math
from typing import Any

from appliance import audit
from appliance.services import biometric_inventory, exams, identity_checks
from web import contexts
from web.contexts import ExamContext, SittingContext
from web.sealed import note_search, once_a_viewing
from web.services import Request


def _company_id(request: Request) -> int:
    return request.actor.company_id or 0


def identity(context: SittingContext, request: Request) -> dict[str, Any]:
    """Give what comparing faces said of a sitting."""
    sitting = context.sitting

    def record() -> None:
        subject = ("sitting", sitting.id)
        audit.record(request.db, request.actor, "identity.view", subject, company_id=sitting.company_id)

    once_a_viewing(request, ("identity", sitting.id), record)
    return identity_checks.report(request.db, sitting)


def set_biometrics(context: ExamContext, request: Request) -> dict[str, Any]:
    """Set where an exam's faces are measured, and what follows."""
    exam, body = context.exam, request.body_struct
    exams.set_biometrics(
        request.db,
        request.actor,
        exam,
        body.biometrics,
        body.identity_action,
        body.liveness,
        body.gaze_calibration,
    )
    return {"exam": {"id": exam.id, **exams.biometrics_of(exam)}}


def inventory(context: object, request: Request) -> dict[str, Any]:
    """Give what is stored of faces."""
    return biometric_inventory.inventory(request.db, _company_id(request))


def people(context: object, request: Request) -> dict[str, Any]:
    """Give a page of who is enrolled."""
    query = request.body_struct
    note_search(request, "person.search", query.q)
    found = biometric_inventory.people(request.db, _company_id(request), query.q, query.page)
    pages = max(1, math.ceil(found.total / found.page_size))
    return {"people": found.people, "page": found.page, "pages": pages, "total": found.total}


def revoke(context: object, request: Request) -> dict[str, Any]:
    """Make a person's templates unreadable for ever."""
    person = biometric_inventory.get_person(request.db, contexts.number(request, "id"), _company_id(request))
    vault, reason = request.collaborators.vault, request.body_struct.reason
    return {"revoked": biometric_inventory.revoke(request.db, request.actor, vault, person, reason)}


def renew(context: object, request: Request) -> dict[str, Any]:
    """Have all templates of the organisation protected anew."""
    return {"asked": biometric_inventory.ask_to_renew(request.db, request.actor, _company_id(request))}
