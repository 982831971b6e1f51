"""Profiles: their hard limits, and changing one, which is refused while anything contradicts it."""

import pytest
from sqlalchemy.exc import IntegrityError

from appliance.audit import Actor
from appliance.db import utcnow
from appliance.errors import BadInput, ImpossibleStep
from appliance.models import AuditEntry, RetentionRule
from appliance.security import password_rules
from appliance.services import company_profiles, profiles
from appliance.services.retention_terms import TERMS
from appliance.settings import load_settings
from appliance.vocabulary import BiometricsMode, DataClass, IdentityAction


@pytest.fixture
def company(make):
    return make.company(profile="none")


@pytest.fixture
def officer(make, company):
    return Actor("user", "1", "Officer", "192.0.2.1", company.id, "security_officer")


def test_each_profile_is_in_every_table():
    assert set(profiles.PROFILES) == set(password_rules.RULES) == set(TERMS) == {"ru", "eu", "none"}


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_settings_count_within_the_limits(make, name):
    company = make.company(profile=name)
    loose = load_settings(
        {}, session_minutes=99999, idle_minutes=9999, lock_minutes=999, login_attempts=99, lockout_minutes=0
    )
    assert profiles.session_rules(company, loose) == profiles.PROFILES[name].sessions
    strict = load_settings(
        {}, session_minutes=10, idle_minutes=5, lock_minutes=1, login_attempts=2, lockout_minutes=600
    )
    found = profiles.session_rules(company, strict)
    assert (found.session_minutes, found.idle_minutes, found.lock_minutes) == (10, 5, 1)
    assert (found.login_attempts, found.lockout_minutes) == (2, 600)


def test_a_profile_is_changed_and_written_down(session, company, officer):
    assert company_profiles.change(session, officer, company, "ru") == ["erasure", "hold_release"]
    assert company.profile == "ru"
    assert set(company.four_eyes) == {"erasure", "hold_release"}
    session.commit()
    entry = session.query(AuditEntry).filter_by(action="company.profile").one()
    assert (entry.details["before"], entry.details["after"]) == ("none", "ru")


def test_everything_that_contradicts_is_named_and_nothing_changes(session, make, company, officer):
    exam = make.exam(company=company, name="Algebra", identity_action=IdentityAction.STOP)
    company.attention_monitoring = True
    session.add(
        RetentionRule(
            company_id=company.id, data_class=DataClass.RECORDING, days=4000, warn_days=14, changed_at=utcnow()
        )
    )
    session.flush()
    found = company_profiles.contradictions(session, company, "eu")
    assert [(one["kind"], one["name"]) for one in found] == [
        ("exam", "Algebra"),
        ("retention", "recording"),
        ("attention", company.name),
    ]
    with pytest.raises(ImpossibleStep, match="Algebra") as refused:
        company_profiles.change(session, officer, company, "eu")
    assert refused.value.details["contradictions"] == found
    assert company.profile == "none"
    exam.identity_action = IdentityAction.PAUSE
    company.attention_monitoring = False
    session.query(RetentionRule).delete()
    company_profiles.change(session, officer, company, "eu")
    assert company.profile == "eu"


def test_a_mode_that_is_forbidden_contradicts(session, make, company, monkeypatch):
    make.exam(company=company, name="Algebra", biometrics=BiometricsMode.SERVER)
    session.flush()
    strict = profiles.Profile(BiometricsMode.NONE, modes=frozenset({BiometricsMode.NONE}))
    monkeypatch.setitem(profiles.PROFILES, "ru", strict)
    assert "server" in company_profiles.contradictions(session, company, "ru")[0]["words"]


def test_a_profile_that_is_none_is_refused_by_service_and_database(session, company, officer):
    with pytest.raises(BadInput, match="none, ru, eu"):
        company_profiles.change(session, officer, company, "us")
    company.profile = "us"
    with pytest.raises(IntegrityError, match="known_profile"):
        session.flush()


def test_private_hosts_of_the_house(session, company, officer):
    hosts = [" LMS.school.local ", "10.1.0.0/16", "192.168.7.4", "fd00::/8", "lms.school.local", ""]
    found = company_profiles.set_private_hosts(session, officer, company, hosts)
    assert found == ["lms.school.local", "10.1.0.0/16", "192.168.7.4", "fd00::/8"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "0.0.0.0/0",
        "169.254.169.254",
        "::1",
        "8.8.8.0/24",
        "10.0.0.0/7",
        "a b",
        "a/b",
        "http://a",
        "1.2.3",
        "fe80::/10",
        "::/0",
        "x" * 300,
    ],
)
def test_hosts_that_no_company_may_open(session, company, officer, host):
    with pytest.raises(BadInput):
        company_profiles.set_private_hosts(session, officer, company, [host])


def test_what_is_told(company, settings):
    told = company_profiles.describe(company, settings)
    assert (told["profile"], told["private_hosts"]) == ("none", [])
    eu = next(one for one in told["profiles"] if one["name"] == "eu")
    assert not eu["attention_monitoring"] and "stop" not in eu["identity_actions"]
    assert eu["retention"]["log"]["least"] == 184
