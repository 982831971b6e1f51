"""The switch for judging emotion and engagement: Kustos cannot; the switch says whether anything ever may."""

from typing import Any

from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.errors import BadInput
from appliance.models import Company
from appliance.services import profiles


def describe(company: Company) -> dict[str, Any]:
    """Return whether it is switched on, whether it may be, and by which profile not."""
    return {
        "on": company.attention_monitoring,
        "allowed": profiles.of(company).attention_monitoring,
        "profile": company.profile,
    }


def switch(session: Session, actor: Actor, company: Company, on: bool) -> Company:
    """Switch it. Raises ``BadInput`` where the company's profile forbids it; the database would, too."""
    if on and not profiles.of(company).attention_monitoring:
        raise BadInput(
            f"The profile “{company.profile}” of this organisation forbids judging emotion or engagement.", field="on"
        )
    company.attention_monitoring = on
    subject = ("company", company.id)
    audit.record(session, actor, "company.attention_monitoring", subject, company_id=company.id, on=on)
    return company
