"""Each hour: people whom the directory no longer has lose their accounts, and get them back with it."""

import dataclasses

import pytest
from sqlalchemy import select

from appliance.audit import Actor
from appliance.models import AuditEntry, LoginSession, User
from appliance.services import identity_providers, sign_on, sign_on_recheck
from appliance.services.identity_providers import Entered
from appliance.services.sign_on import Client
from appliance.sign_on.failures import NoRole
from appliance.vocabulary import IdentityProviderKind, Role
from tests.appliance.sign_on.conftest import slapd
from tests.appliance.sign_on.slapd import BASE, PASSWORD, SERVICE, SERVICE_PASSWORD

__all__ = ["slapd"]

WHO = Client("192.0.2.7", "a browser")
WORKER = Actor.appliance("sign_on")


@pytest.fixture
def settings(settings):
    return dataclasses.replace(settings, demo=True)


@pytest.fixture
def provider(session, vault, settings, make, slapd):
    own = {"servers": [slapd.ldaps], "bind_dn": SERVICE, "base_dn": BASE, "ca_certificate": slapd.authority}
    rules = [{"group": "leads", "role": "organiser"}, {"group": "team", "role": "proctor"}]
    entered = Entered("Directory", own, rules, enabled=True, secret=SERVICE_PASSWORD)
    kind = IdentityProviderKind.LDAP
    made = identity_providers.create(session, make.actor(), vault, settings, make.company(), kind, entered)
    session.commit()
    return made


@pytest.fixture
def team(slapd):
    """``team("ann", "bob")``: people of that group, made anew; gone at the end."""
    made = []

    def gather(*names):
        members = [slapd.add_person(name, name.title()) for name in names]
        made.extend([*members, slapd.add_group("team", members)])

    yield gather
    for dn in reversed(made):
        slapd.change(f"dn: {dn}\nchangetype: delete\n", "ldapmodify")


@pytest.fixture
def log_in(session, vault, settings, provider):
    def enter(name):
        sign_on.log_in_by_directory(session, vault, settings, provider, name, PASSWORD, WHO)
        session.commit()
        return session.scalars(select(User).where(User.email == f"{name}@example.org")).one()

    return enter


@pytest.fixture
def recheck(session, vault, settings, provider):
    def look():
        found = sign_on_recheck.recheck(session, WORKER, vault, settings, provider.id)
        session.commit()
        session.expire_all()
        return found

    return look


def leave_team(slapd, name):
    dn = f"uid={name},ou=people,{BASE}"
    change = f"dn: cn=team,ou=groups,{BASE}\nchangetype: modify\ndelete: member\nmember: {dn}\n"
    slapd.change(change, "ldapmodify")


def join(slapd, group, name):
    dn = f"uid={name},ou=people,{BASE}"
    change = f"dn: cn={group},ou=groups,{BASE}\nchangetype: modify\nadd: member\nmember: {dn}\n"
    slapd.change(change, "ldapmodify")


def test_who_is_still_there_stays(team, log_in, recheck, provider):
    team("ann", "bob")
    users = [log_in("ann"), log_in("bob")]
    found = recheck()
    assert (found.people, found.disabled, found.changed, found.problem) == (2, 0, 0, "")
    assert [user.disabled_at for user in users] == [None, None]
    assert provider.rechecked_at is not None


def test_who_lost_the_group_is_disabled_logged_out_and_comes_back_with_it(
    team, log_in, recheck, session, slapd, vault, settings, provider
):
    team("ann", "bob")
    ann, bob = log_in("ann"), log_in("bob")
    leave_team(slapd, "ann")
    assert recheck().disabled == 1
    assert (ann.disabled_at is not None, bob.disabled_at) == (True, None)
    logins = session.scalars(select(LoginSession).where(LoginSession.user_id == ann.id)).all()
    assert [login.ended_at is not None for login in logins] == [True]
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "user.disable")).one()
    assert (entry.details["reason"], entry.subject_id) == ("no_group", str(ann.id))
    with pytest.raises(NoRole):
        sign_on.log_in_by_directory(session, vault, settings, provider, "ann", PASSWORD, WHO)
    session.rollback()
    join(slapd, "team", "ann")
    log_in("ann")
    session.refresh(ann)
    assert ann.disabled_at is None


def test_another_group_gives_another_role_and_ends_the_log_in(team, log_in, recheck, session, slapd):
    team("ann", "bob")
    ann = log_in("ann")
    leads = slapd.add_group("leads", [f"uid=ann,ou=people,{BASE}"])
    try:
        assert recheck().changed == 1
        assert ann.role is Role.ORGANISER
        assert session.scalars(select(LoginSession)).one().ended_at is not None
    finally:
        slapd.change(f"dn: {leads}\nchangetype: delete\n", "ldapmodify")


def test_a_directory_that_is_away_disables_nobody(team, log_in, recheck, slapd, provider, session):
    team("ann", "bob")
    ann = log_in("ann")
    slapd.stop()
    try:
        found = recheck()
    finally:
        slapd.start()
    assert "refuses the connection" in found.problem
    assert (ann.disabled_at, provider.recheck["problem"]) == (None, found.problem)
    failed = session.scalars(select(AuditEntry).where(AuditEntry.action == "sign_on.recheck")).one()
    assert failed.result == "failed"


def test_a_search_that_finds_nobody_at_all_disables_nobody(team, log_in, recheck, provider, session):
    team("ann", "bob")
    ann, bob = log_in("ann"), log_in("bob")
    provider.settings = {**provider.settings, "base_dn": f"ou=groups,{BASE}"}
    session.commit()
    assert "None of the people" in recheck().problem
    assert (ann.disabled_at, bob.disabled_at) == (None, None)
