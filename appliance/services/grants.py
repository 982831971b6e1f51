"""Grants for a ticket: a support engineer sees faces or recordings for some hours, because somebody said so."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from appliance import audit
from appliance.audit import Actor
from appliance.db import to_ms, utcnow
from appliance.errors import BadInput, NotFound
from appliance.models import AccessGrant, Sitting
from appliance.security import scopes
from appliance.security.identity import Identity
from appliance.security.permission_map import Permission
from appliance.services import accounts, sittings
from appliance.services.actors import user_id
from appliance.services.free_text import one_line
from appliance.services.payloads import ms
from appliance.vocabulary import GrantedSight, Role

MAX_HOURS: Final = 24.0
MAX_TICKET: Final = 100
MAX_LISTED: Final = 100


def give(
    session: Session,
    actor: Actor,
    company_id: int,
    engineer_id: int,
    ticket: str,
    sights: Collection[GrantedSight],
    hours: float,
    sitting_id: int | None = None,
) -> AccessGrant:
    """Open faces or recordings of one sitting (None: of the company) to a support engineer, for a ticket.

    Raises ``NotFound`` for another company's engineer or sitting, ``BadInput`` for the rest.
    """
    engineer = accounts.get(session, engineer_id, company_id)
    if engineer.role is not Role.SUPPORT or engineer.disabled_at is not None:
        raise BadInput("Only a support engineer is granted something for a ticket.", field="user_id")
    if sitting_id is not None:
        sittings.get(session, sitting_id, company_id)
    number = one_line(ticket)
    if not 0 < len(number) <= MAX_TICKET:
        raise BadInput(f"Give the ticket's number, of at most {MAX_TICKET} characters.", field="ticket")
    if not sights:
        raise BadInput("Say what is to be seen.", field="sights")
    if not 0 < hours <= MAX_HOURS:
        raise BadInput(f"A grant lasts at most {MAX_HOURS:.0f} hours.", field="hours")
    now = utcnow()
    row = AccessGrant(
        company_id=company_id,
        user=engineer,
        sitting_id=sitting_id,
        ticket=number,
        sights=sorted(sight.value for sight in set(sights)),
        granted_by_id=user_id(actor),
        granted_at=now,
        expires_at=now + timedelta(hours=hours),
    )
    session.add(row)
    session.flush()
    _record(session, actor, row, "give", sights=row.sights, expires=row.expires_at)
    return row


def revoke(session: Session, actor: Actor, grant_id: int, company_id: int) -> AccessGrant:
    """End a grant now; again changes nothing."""
    row = session.get(AccessGrant, grant_id, with_for_update=True, populate_existing=True)
    if row is None or row.company_id != company_id:
        raise NotFound("There is no such grant.", grant_id=grant_id)
    if row.revoked_at is None:
        row.revoked_at = utcnow()
        _record(session, actor, row, "revoke")
    return row


def in_use(session: Session, who: Identity, permission: Permission, sitting: Sitting) -> AccessGrant | None:
    """Return the grant under which ``who`` sees this; one of the sitting comes before one of the company."""
    covers = or_(AccessGrant.sitting_id == sitting.id, AccessGrant.sitting_id.is_(None))
    mine = (AccessGrant.user_id == who.id, AccessGrant.company_id == sitting.company_id)
    query = select(AccessGrant).where(*mine, covers, scopes.in_force(utcnow()), scopes.opens(permission))
    return session.scalars(query.order_by(AccessGrant.sitting_id, AccessGrant.id).limit(1)).first()


def note_use(session: Session, who: Identity, row: AccessGrant, permission: Permission, sitting: Sitting) -> None:
    """Write to the audit log what was seen for which ticket."""
    _record(session, who.actor, row, "use", permission=permission.value, seen=sitting.id)


def sights_of(session: Session, who: Identity) -> frozenset[GrantedSight]:
    """Return what is open to a support engineer just now, somewhere."""
    query = select(AccessGrant.sights).where(AccessGrant.user_id == who.id, scopes.in_force(utcnow()))
    return frozenset(GrantedSight(word) for sights in session.scalars(query) for word in sights)


def listing(session: Session, company_id: int, engineer_id: int | None = None) -> list[dict[str, Any]]:
    """Return the company's grants (or one engineer's), newest first."""
    query = select(AccessGrant).where(AccessGrant.company_id == company_id)
    if engineer_id is not None:
        query = query.where(AccessGrant.user_id == engineer_id)
    people = joinedload(AccessGrant.user), joinedload(AccessGrant.granted_by)
    rows = session.scalars(query.options(*people).order_by(AccessGrant.id.desc()).limit(MAX_LISTED))
    now = utcnow()
    return [payload(row, now) for row in rows]


def payload(row: AccessGrant, now: datetime) -> dict[str, Any]:
    """Return a grant for the page."""
    over = row.revoked_at is not None or row.expires_at <= now
    return {
        "id": row.id,
        "user": {"id": row.user_id, "name": row.user.name},
        "sitting_id": row.sitting_id,
        "ticket": row.ticket,
        "sights": row.sights,
        "granted_by": row.granted_by.name,
        "granted_ms": to_ms(row.granted_at),
        "expires_ms": to_ms(row.expires_at),
        "revoked_ms": ms(row.revoked_at),
        "over": over,
    }


def _record(session: Session, actor: Actor, row: AccessGrant, verb: str, **details: object) -> None:
    said: dict[str, Any] = {"ticket": row.ticket, "user": row.user_id, "sitting_id": row.sitting_id, **details}
    audit.record(session, actor, f"grant.{verb}", ("access_grant", row.id), company_id=row.company_id, **said)
