"""Organisations: made once, by who runs the server."""

import re
import secrets
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.errors import BadInput, NotFound
from appliance.models import Candidate, Company, User
from appliance.services import profiles
from appliance.services.free_text import one_line
from appliance.vault import Vault, row_secrets

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")
MAX_NAME: Final = 250


def create(
    session: Session, actor: Actor, vault: Vault, slug: str, name: str, profile: str = "none", support_email: str = ""
) -> tuple[Company, str]:
    """Return a new company and its integration secret, shown once; raise ``BadInput``."""
    if not _SLUG.fullmatch(slug):
        text = "A short name has 1 to 48 of a-z, 0-9 and -, and neither begins nor ends with -."
        raise BadInput(text, field="slug")
    name = one_line(name)
    if not 0 < len(name) <= MAX_NAME:
        raise BadInput(f"A name has 1 to {MAX_NAME} characters.", field="name")
    if profile not in profiles.PROFILES:
        raise BadInput(f"Known profiles are {', '.join(profiles.PROFILES)}.", field="profile")
    if session.scalars(select(Company.id).where(Company.slug == slug)).first() is not None:
        raise BadInput(f"There is a company {slug} already.", field="slug")
    secret = secrets.token_urlsafe(32)
    company = Company(
        slug=slug,
        name=name,
        profile=profile,
        integration_secret=b"",
        support_email=one_line(support_email),
        four_eyes=sorted(act.value for act in profiles.PROFILES[profile].four_eyes),
    )
    row_secrets.keep(session, vault, company, Company.integration_secret, secret.encode())
    audit.record(
        session, actor, "company.create", ("company", company.id), company_id=company.id, slug=slug, profile=profile
    )
    return company, secret


def by_slug(session: Session, slug: str) -> Company:
    """Return the company; raise ``NotFound`` that names those there are."""
    found = session.scalars(select(Company).where(Company.slug == slug)).one_or_none()
    if found is None:
        known = ", ".join(session.scalars(select(Company.slug).order_by(Company.slug)))
        raise NotFound(f"There is no company {slug}; known are: {known or 'none yet'}.")
    return found


def person(session: Session, slug: str, external_id: str) -> Candidate:
    """Return who has this id in the company's own system; raise ``NotFound``."""
    known = (Candidate.company_id == by_slug(session, slug).id, Candidate.external_id == external_id)
    found = session.scalars(select(Candidate).where(*known)).one_or_none()
    if found is None:
        raise NotFound(f"{slug} has no person {external_id}.")
    return found


def listing(session: Session) -> list[dict[str, Any]]:
    """Return all companies of the appliance by short name."""
    staff = select(func.count()).where(User.company_id == Company.id, User.disabled_at.is_(None)).scalar_subquery()
    rows = session.execute(select(Company, staff.label("staff")).order_by(Company.slug))
    return [
        {"slug": company.slug, "name": company.name, "profile": company.profile, "staff": count}
        for company, count in rows
    ]
