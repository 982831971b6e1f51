"""Who may see and do what: the matrix, assignments, grants for a ticket, second persons, API clients."""

from typing import Any

from appliance.db import utcnow
from appliance.models import Company
from appliance.security.permission_map import Permission
from appliance.security.predicates import may
from appliance.services import accounts, api_clients, approvals, assignments, exams, grants
from appliance.services.actors import names
from appliance.vocabulary import Role
from web import contexts
from web.contexts import ExamContext, Nothing, SittingContext
from web.presenters import access
from web.services import Request


def _company_id(request: Request) -> int:
    return request.asker.company_id


def overview(context: Nothing, request: Request) -> dict[str, Any]:
    """Give what the page shows: to each what their permissions are for, to all the matrix and their own requests."""
    who, company_id = request.asker, _company_id(request)
    decides, gives = may(who, Permission.APPROVAL_DECIDE), may(who, Permission.GRANT_GIVE)
    sees_grants = gives or who.role in {Role.AUDITOR, Role.SUPPORT}
    engineer = who.id if who.role is Role.SUPPORT else None
    company = request.db.get_one(Company, company_id)
    found: dict[str, Any] = {
        "matrix": access.matrix(request),
        "four_eyes": {"wanted": company.four_eyes, "acts": access.acts(request)},
        "approvals": approvals.listing(request.db, company_id, None if decides else request.actor),
        "grants": grants.listing(request.db, company_id, engineer) if sees_grants else None,
        "new_exams_to_proctors": company.new_exams_to_proctors,
    }
    if gives:
        people = accounts.staff(request.db, company_id)
        found["engineers"] = [
            {"id": row["id"], "name": row["name"]}
            for row in people
            if row["role"] == Role.SUPPORT and not row["disabled"]
        ]
    if may(who, Permission.API_CLIENT_EDIT):
        found["api_clients"] = api_clients.listing(request.db, company_id)
        found["api_permissions"] = access.api_permissions(request)
        found["exams"] = [{"id": row["id"], "name": row["name"]} for row in exams.listing(request.db, who)]
    return found


def set_four_eyes(context: Nothing, request: Request) -> dict[str, Any]:
    """Say which acts take two people."""
    company_id, acts = _company_id(request), frozenset(request.body_struct.acts)
    approvals.set_wanted(request.db, request.actor, company_id, acts)
    return {"wanted": request.db.get_one(Company, company_id).four_eyes}


def decide(context: Nothing, request: Request) -> dict[str, Any]:
    """Agree to a request, or refuse it."""
    body, number = request.body_struct, contexts.number(request, "id")
    row = approvals.decide(request.db, request.actor, number, body.agreed, body.reason)
    person = names(request.db, [row.decided_by_id]).get(row.decided_by_id or 0, "")
    return {"approval": approvals.payload(row, person, utcnow())}


def grant(context: Nothing, request: Request) -> dict[str, Any]:
    """Open faces or recordings to a support engineer for a ticket."""
    body = request.body_struct
    row = grants.give(
        request.db,
        request.actor,
        _company_id(request),
        body.user_id,
        body.ticket,
        body.sights,
        body.hours,
        body.sitting_id,
    )
    return {"grant": grants.payload(row, utcnow())}


def revoke_grant(context: Nothing, request: Request) -> dict[str, Any]:
    """End a grant."""
    row = grants.revoke(request.db, request.actor, contexts.number(request, "id"), _company_id(request))
    return {"grant": grants.payload(row, utcnow())}


def create_api_client(context: Nothing, request: Request) -> dict[str, Any]:
    """Make an API client; its token is shown in this answer and never again."""
    body = request.body_struct
    row, token = api_clients.create(
        request.db, request.actor, _company_id(request), body.name, body.permissions, body.days, body.exam_ids
    )
    return {"id": row.id, "name": row.name, "token": token}


def revoke_api_client(context: Nothing, request: Request) -> dict[str, Any]:
    """Make an API client's token worthless."""
    row = api_clients.revoke(request.db, request.actor, contexts.number(request, "id"), _company_id(request))
    return {"id": row.id}


def assignable(context: Nothing, request: Request) -> dict[str, Any]:
    """List who can be assigned, with their exams."""
    company = request.db.get_one(Company, _company_id(request))
    people = assignments.people(request.db, company.id)
    return {"people": people, "new_exams_to_proctors": company.new_exams_to_proctors}


def assign_exam(context: ExamContext, request: Request) -> dict[str, Any]:
    """Say who works on an exam."""
    assignments.set_exam(request.db, request.actor, context.exam, request.body_struct.user_ids)
    return {"people": assignments.people(request.db, context.exam.company_id)}


def assigned_to_sitting(context: SittingContext, request: Request) -> dict[str, Any]:
    """List who works on a sitting by name, and who could."""
    people = assignments.people(request.db, context.sitting.company_id)
    return {"user_ids": assignments.of_sitting(request.db, context.sitting.id), "people": people}


def assign_sitting(context: SittingContext, request: Request) -> dict[str, Any]:
    """Say who works on a sitting by name."""
    assignments.set_sitting(request.db, request.actor, context.sitting, request.body_struct.user_ids)
    return {"user_ids": assignments.of_sitting(request.db, context.sitting.id)}


def limit(context: Nothing, request: Request) -> dict[str, Any]:
    """Say whether an organiser or reviewer reaches only exams they are assigned to."""
    person = accounts.get(request.db, contexts.number(request, "id"), _company_id(request))
    assignments.set_limited(request.db, request.actor, person, request.body_struct.limited)
    return {"id": person.id, "limited": person.limited}


def new_exams(context: Nothing, request: Request) -> dict[str, Any]:
    """Say whether exams that an LMS brings are assigned to all proctors."""
    to_proctors = request.body_struct.to_proctors
    assignments.set_new_exams(request.db, request.actor, _company_id(request), to_proctors)
    return {"new_exams_to_proctors": to_proctors}
