"""Putting a company under another compliance profile: refused while something contradicts it, each thing named."""

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor
from appliance.errors import BadInput, ImpossibleStep
from appliance.models import Company, Exam, RetentionRule
from appliance.outgoing import is_host_rule
from appliance.security import password_rules
from appliance.services import approvals, profiles
from appliance.services.profiles import Profile
from appliance.settings import Settings

MOST_HOSTS: Final = 50


def lock(session: Session, company_id: int) -> Company:
    """Return the company, read anew and locked until the end of the transaction."""
    return session.get_one(Company, company_id, with_for_update={"key_share": True}, populate_existing=True)


def describe(company: Company, settings: Settings) -> dict[str, Any]:
    """Return the company's profile, what counts by it, and the other profiles to choose from."""
    return {
        "profile": company.profile,
        "sessions": _sessions(profiles.session_rules(company, settings)),
        "private_hosts": list(company.private_hosts),
        "profiles": [_limits(name, profile) for name, profile in profiles.PROFILES.items()],
    }


def contradictions(session: Session, company: Company, name: str) -> list[dict[str, Any]]:
    """Return everything of the company that the profile ``name`` forbids: {kind, id, name, words} each."""
    profile = _known(name)
    found = [*_exams_against(session, company, profile), *_terms_against(session, company, profile)]
    if company.attention_monitoring and not profile.attention_monitoring:
        words = "Judging emotion or engagement is switched on."
        found.append({"kind": "attention", "id": company.id, "name": company.name, "words": words})
    return found


def change(session: Session, actor: Actor, company: Company, name: str) -> list[str]:
    """Put the company under a profile; return the acts that take two people from now on.

    ``company`` is locked (``lock``). Raises ``BadInput`` for a name that is none, ``ImpossibleStep`` with
    ``contradictions`` while something contradicts it: nothing is changed by itself.
    """
    profile, before = _known(name), company.profile
    against = contradictions(session, company, name)
    if against:
        things = "; ".join(f"{one['name']}: {one['words']}" for one in against[:5])
        more = f" (and {len(against) - 5} more)" if len(against) > 5 else ""
        raise ImpossibleStep(f"The profile “{name}” forbids what is set now: {things}{more}", contradictions=against)
    company.profile = name
    added = sorted(act.value for act in profile.four_eyes if act.value not in company.four_eyes)
    company.four_eyes = [*company.four_eyes, *added]
    audit.record(
        session,
        actor,
        "company.profile",
        ("company", company.id),
        company_id=company.id,
        before=before,
        after=name,
        four_eyes_added=added,
    )
    session.flush()
    return added


def set_private_hosts(session: Session, actor: Actor, company: Company, hosts: list[str]) -> list[str]:
    """Say which private hosts may be asked in this company's name; raise ``BadInput`` naming what is none."""
    wanted = list(dict.fromkeys(host.strip().lower() for host in hosts if host.strip()))
    if len(wanted) > MOST_HOSTS:
        raise BadInput(f"At most {MOST_HOSTS} hosts can be named; name a network.", field="private_hosts")
    for host in wanted:
        if not is_host_rule(host):
            raise BadInput(f"“{host}” is no host name, address or network of the house.", field="private_hosts")
    before, company.private_hosts = list(company.private_hosts), wanted
    details: dict[str, Any] = {"before": before, "after": wanted}
    audit.record(session, actor, "company.private_hosts", ("company", company.id), company_id=company.id, **details)
    session.flush()
    return wanted


def _known(name: str) -> Profile:
    if name not in profiles.PROFILES:
        raise BadInput(f"Known profiles are {', '.join(profiles.PROFILES)}.", field="profile")
    return profiles.PROFILES[name]


def _exams_against(session: Session, company: Company, profile: Profile) -> list[dict[str, Any]]:
    found = []
    for exam in session.scalars(select(Exam).where(Exam.company_id == company.id).order_by(Exam.id)):
        words = []
        if exam.biometrics not in profile.modes:
            words.append(f"measures faces by mode “{exam.biometrics.value}”")
        if exam.identity_action not in profile.actions:
            words.append("ends itself when somebody else sits there")
        found += [{"kind": "exam", "id": exam.id, "name": exam.name, "words": one} for one in words]
    return found


def _terms_against(session: Session, company: Company, profile: Profile) -> list[dict[str, Any]]:
    rules = select(RetentionRule).where(RetentionRule.company_id == company.id).order_by(RetentionRule.id)
    return [
        {
            "kind": "retention",
            "id": rule.id,
            "name": rule.data_class.value,
            "words": f"is kept {rule.days or 'without end'}, allowed are {term.least} to {term.most} days",
        }
        for rule in session.scalars(rules)
        if (term := profile.retention[rule.data_class]).within(rule.days) != rule.days
    ]


def _limits(name: str, profile: Profile) -> dict[str, Any]:
    rules = password_rules.of_profile(name)
    return {
        "name": name,
        "modes": sorted(mode.value for mode in profile.modes),
        "default_mode": profile.default_mode.value,
        "identity_actions": sorted(action.value for action in profile.actions),
        "attention_monitoring": profile.attention_monitoring,
        "sessions": _sessions(profile.sessions),
        "password": {
            "min_length": rules.min_length,
            "history": rules.history,
            "max_age_days": rules.max_age_days,
        },
        "four_eyes": sorted(act.value for act in profile.four_eyes & approvals.SELECTABLE),
        "retention": {
            data_class.value: {"least": term.least, "most": term.most, "default": term.default}
            for data_class, term in profile.retention.items()
        },
    }


def _sessions(rules: profiles.SessionRules) -> dict[str, int]:
    return {
        "session_minutes": rules.session_minutes,
        "idle_minutes": rules.idle_minutes,
        "lock_minutes": rules.lock_minutes,
        "login_attempts": rules.login_attempts,
        "lockout_minutes": rules.lockout_minutes,
    }
