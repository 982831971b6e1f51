"""API clients: a customer's programs, each with a token, a part of the permissions, and an end."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import make_session_factory, to_ms, utcnow
from appliance.errors import BadInput, NotFound, TokenInvalid
from appliance.models import ApiClient, Assignment
from appliance.security import cookies
from appliance.security.permission_map import API_PERMISSIONS, Permission
from appliance.services import exams
from appliance.services.actors import user_id
from appliance.services.free_text import one_line
from appliance.services.payloads import ms

PREFIX: Final = "kustos_"
"""So that a token that leaked into a repository is found by who looks for such."""

MAX_NAME: Final = 100
MAX_DAYS: Final = 366
MAX_LISTED: Final = 200
MAX_TOKEN: Final = 128

USED_EVERY: Final = timedelta(minutes=1)
"""A use more often than this writes nothing."""

ABOUT_EXAMS: Final = frozenset(
    {
        Permission.SITTING_LIST,
        Permission.SITTING_VIEW,
        Permission.SITTING_REVIEW,
        Permission.PHOTO_VIEW,
        Permission.CHAT_READ,
        Permission.RECORDING_VIEW,
        Permission.RECORDING_EXPORT,
        Permission.EXAM_LIST,
        Permission.EXAM_EDIT,
    }
)
"""What can be given for some exams only; all else is the company's, or the appliance's."""


def create(
    session: Session,
    actor: Actor,
    company_id: int,
    name: str,
    permissions: Collection[Permission],
    days: int,
    exam_ids: Collection[int] | None = None,
) -> tuple[ApiClient, str]:
    """Return the new client and its token, which is shown once; ``exam_ids`` None: the whole company.

    Raises ``BadInput``, and ``NotFound`` for another company's exam.
    """
    called = one_line(name)
    if not 0 < len(called) <= MAX_NAME:
        raise BadInput(f"A name has 1 to {MAX_NAME} characters.", field="name")
    if not permissions or set(permissions) - API_PERMISSIONS:
        raise BadInput("Choose what the program may do from what an API client may have.", field="permissions")
    if exam_ids is not None and set(permissions) - ABOUT_EXAMS:
        beyond = ", ".join(sorted(set(permissions) - ABOUT_EXAMS))
        raise BadInput(f"This cannot be limited to exams: {beyond}.", field="permissions")
    if not 0 < days <= MAX_DAYS:
        raise BadInput(f"A token lasts 1 to {MAX_DAYS} days.", field="days")
    token = PREFIX + cookies.new_token()
    row = ApiClient(
        company_id=company_id,
        name=called,
        permissions=sorted(permission.value for permission in set(permissions)),
        limited=exam_ids is not None,
        token_hash=cookies.token_hash(token),
        created_by_id=user_id(actor),
        expires_at=utcnow() + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    chosen = sorted({exams.get(session, number, company_id).id for number in exam_ids or ()})
    session.add_all(Assignment(api_client_id=row.id, exam_id=number) for number in chosen)
    about: dict[str, Any] = {"permissions": row.permissions, "limited": row.limited, "exams": chosen}
    _record(session, actor, row, "create", expires=row.expires_at, **about)
    return row, token


def by_token(session: Session, token: str, address: str) -> ApiClient:
    """Return the client whose token this is; raise ``TokenInvalid``, and write the refusal of a known one down."""
    found = None
    if token.startswith(PREFIX) and len(token) <= MAX_TOKEN:
        found = session.scalars(select(ApiClient).where(ApiClient.token_hash == cookies.token_hash(token))).first()
    if found is None:
        raise TokenInvalid("The API token is wrong.")
    now = utcnow()
    if found.revoked_at is not None or found.expires_at <= now:
        reason = "revoked" if found.revoked_at is not None else "expired"
        who = Actor("api", str(found.id), found.name, address, found.company_id)
        own = make_session_factory(session.get_bind().engine)
        audit.record_now(own, who, "api_client.enter", ("api_client", found.id), "refused", reason=reason)
        raise TokenInvalid(f"The API token is {reason}.")
    if found.last_used_at is None or now - found.last_used_at >= USED_EVERY:
        found.last_used_at = now
    return found


def revoke(session: Session, actor: Actor, client_id: int, company_id: int) -> ApiClient:
    """Make the token worthless; again changes nothing."""
    row = session.get(ApiClient, client_id, with_for_update={"key_share": True}, populate_existing=True)
    if row is None or row.company_id != company_id:
        raise NotFound("There is no such API client.", client_id=client_id)
    if row.revoked_at is None:
        row.revoked_at = utcnow()
        _record(session, actor, row, "revoke")
    return row


def listing(session: Session, company_id: int) -> list[dict[str, Any]]:
    """Return the company's API clients, newest first."""
    query = select(ApiClient).where(ApiClient.company_id == company_id).order_by(ApiClient.id.desc())
    rows = session.scalars(query.limit(MAX_LISTED)).all()
    assigned = select(Assignment.api_client_id, Assignment.exam_id).where(
        Assignment.api_client_id.in_([row.id for row in rows]), Assignment.exam_id.is_not(None)
    )
    exam_ids: dict[int | None, list[int | None]] = {row.id: [] for row in rows}
    for client_id, exam_id in session.execute(assigned.order_by(Assignment.exam_id)):
        exam_ids[client_id].append(exam_id)
    now = utcnow()
    return [
        {
            "id": row.id,
            "name": row.name,
            "permissions": row.permissions,
            "exam_ids": exam_ids[row.id] if row.limited else None,
            "created_ms": to_ms(row.created_at),
            "expires_ms": to_ms(row.expires_at),
            "last_used_ms": ms(row.last_used_at),
            "revoked_ms": ms(row.revoked_at),
            "over": row.revoked_at is not None or row.expires_at <= now,
        }
        for row in rows
    ]


def _record(session: Session, actor: Actor, row: ApiClient, verb: str, **details: object) -> None:
    said: dict[str, Any] = {"name": row.name, **details}
    audit.record(session, actor, f"api_client.{verb}", ("api_client", row.id), company_id=row.company_id, **said)
