"""Exams, staff, support and the audit log."""

from typing import Any

import segno

from appliance import audit
from appliance.models import Company
from appliance.security import totp
from appliance.services import accounts, audit_log, disk_guard, exams, rooms
from appliance.vocabulary import WARNING_TYPES
from web.contexts import ExamContext
from web.presenters.words import QUICK_MESSAGES
from web.services import Request, now_ms


def _company_id(request: Request) -> int:
    return request.actor.company_id or 0


def room(context: object, request: Request) -> dict[str, Any]:
    """Give the live room its present sittings."""
    return {
        "sittings": rooms.entries(request.db, request.asker),
        "quick_messages": [{"code": code, "text": request.translate(text)} for code, text in QUICK_MESSAGES.items()],
        "warning_types": [type.value for type in WARNING_TYPES],
        "disk": disk_guard.told(request.db),
        "server_ms": now_ms(),
    }


def list_exams(context: object, request: Request) -> dict[str, Any]:
    """List the exams that the asker may see."""
    return {"exams": exams.listing(request.db, request.asker)}


def set_weights(context: ExamContext, request: Request) -> dict[str, Any]:
    """Set an exam's weights."""
    return {"rescored": exams.set_weights(request.db, request.actor, context.exam, request.body_struct.weights)}


def list_staff(context: object, request: Request) -> dict[str, Any]:
    """List the company's staff."""
    return {"people": accounts.staff(request.db, _company_id(request))}


def create_person(context: object, request: Request) -> dict[str, Any]:
    """Make an account; its one-time secret is shown in this answer and never again."""
    body = request.body_struct
    company = request.db.get_one(Company, _company_id(request))
    user, secret = accounts.create_user(
        request.db,
        request.actor,
        request.collaborators.vault,
        company,
        body.email,
        body.name,
        body.role,
        body.password,
        body.language,
    )
    uri = totp.provisioning_uri(secret, user.email)
    return {
        "person": {"id": user.id, "name": user.name, "email": user.email, "role": user.role.value},
        "totp_secret": secret,
        "totp_uri": uri,
        "totp_svg": segno.make(uri).svg_data_uri(scale=4),
    }


def list_audit(context: object, request: Request) -> dict[str, Any]:
    """Give a page of the audit log."""
    query = request.body_struct
    found = audit_log.listing(request.db, _company_id(request), query.action, query.actor, query.page)
    pages = max(1, math.ceil(found.total / found.page_size))
    return {"entries": found.entries, "page": found.page, "pages": pages, "total": found.total}


def verify_audit(context: object, request: Request) -> dict[str, Any]:
    """Prove the whole chain, or answer with the first row that is wrong."""
    report = audit.verify_chain(request.db)
    return {"entries": report.entries, "head_hash": report.head_hash}
