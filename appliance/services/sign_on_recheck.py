"""Every hour: who is gone from a directory, or disabled there, or in no group with a role any more."""

from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.db import utcnow
from appliance.models import IdentityProvider, LinkedIdentity, User
from appliance.services import sign_on, sign_on_accounts
from appliance.settings import Settings
from appliance.sign_on import roles
from appliance.sign_on.directory import Entry
from appliance.sign_on.failures import SignOnFailed
from appliance.vault import Vault
from appliance.vocabulary import IdentityProviderKind

ALL_GONE: Final = 2
"""From so many people on: when none of them is found, the search is wrong rather than everybody dismissed."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recheck:
    """What was found at one provider."""

    people: int
    disabled: int
    changed: int
    problem: str = ""


def directories(session: Session) -> list[int]:
    """Return the providers to look at."""
    query = select(IdentityProvider.id).where(
        IdentityProvider.enabled, IdentityProvider.kind == IdentityProviderKind.LDAP
    )
    return list(session.scalars(query.order_by(IdentityProvider.id)))


def recheck(session: Session, actor: Actor, vault: Vault, settings: Settings, provider_id: int) -> Recheck:
    """Look for the people of a directory and disable the accounts of those who are gone.

    A directory that cannot be asked changes nothing; what is wrong stands on the administrators' page.
    """
    provider = session.get_one(IdentityProvider, provider_id, with_for_update=True)
    links = _links(session, provider)
    try:
        found = sign_on.directory_of(provider, vault, settings).people([link.subject for link in links])
    except SignOnFailed as error:
        return _keep(session, actor, provider, Recheck(len(links), 0, 0, error.message))
    if len(links) >= ALL_GONE and not found:
        problem = "None of the people who log in here was found; look at base and rights of the service account."
        return _keep(session, actor, provider, Recheck(len(links), 0, 0, problem))
    disabled = changed = 0
    for link in links:
        entry, former = found.get(link.subject), link.user.role
        if _is_over(session, actor, provider, link, entry):
            disabled += 1
        elif link.user.role is not former:
            changed += 1
    return _keep(session, actor, provider, Recheck(len(links), disabled, changed))


def _links(session: Session, provider: IdentityProvider) -> list[LinkedIdentity]:
    query = (
        select(LinkedIdentity)
        .join(User)
        .where(LinkedIdentity.provider_id == provider.id, User.disabled_at.is_(None))
        .order_by(LinkedIdentity.id)
    )
    return list(session.scalars(query))


def _is_over(
    session: Session, actor: Actor, provider: IdentityProvider, link: LinkedIdentity, entry: Entry | None
) -> bool:
    role = roles.role_of(roles.of_rows(provider.role_rules), entry.person.groups) if entry is not None else None
    if entry is None or entry.disabled or role is None:
        reason = "gone" if entry is None else "disabled_there" if entry.disabled else "no_group"
        sign_on_accounts.close(session, actor, link, reason)
        return True
    link.seen_at, link.groups = utcnow(), sign_on_accounts.kept_groups(entry.person)
    sign_on_accounts.set_role(session, actor, provider, link.user, role)
    return False


def _keep(session: Session, actor: Actor, provider: IdentityProvider, found: Recheck) -> Recheck:
    told: dict[str, Any] = {
        "people": found.people,
        "disabled": found.disabled,
        "changed": found.changed,
        "problem": found.problem,
    }
    if found.problem and found.problem != provider.recheck.get("problem"):
        audit.record(
            session,
            actor,
            "sign_on.recheck",
            ("identity_provider", provider.id),
            "failed",
            provider.company_id,
            problem=found.problem,
        )
    provider.rechecked_at, provider.recheck = utcnow(), told
    log.info("directory rechecked", provider=provider.id, **told)
    return found
