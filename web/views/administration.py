"""Exams, staff, support and the audit log."""

from typing import Any

from appliance.services import accounts, disk_guard, exams, rooms
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
