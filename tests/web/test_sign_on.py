"""Single sign-on over HTTP: a real OpenID provider, a real directory, and what is refused."""

import dataclasses
import json
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from sqlalchemy import select

from appliance.models import (
    AuditEntry,
    Company,
    IdentityProvider,
    LinkedIdentity,
    LoginSession,
    SignOnAttempt,
    SignOnSession,
    User,
)
from appliance.services import identity_providers
from appliance.services.identity_providers import Entered
from appliance.vault import row_secrets
from appliance.vocabulary import IdentityProviderKind, LocalPasswords, ProvedBy, Role
from tests.appliance.sign_on.conftest import back_channel, oidc_provider, slapd
from tests.appliance.sign_on.provider import CLIENT, SECRET, log_in_there, log_out_there
from tests.appliance.sign_on.slapd import BASE, PASSWORD, SERVICE, SERVICE_PASSWORD
from tests.factories import PASSWORD as LOCAL_PASSWORD
from tests.web.conftest import TOTP_SECRET

__all__ = ["back_channel", "oidc_provider", "slapd"]

RULES = [{"group": "admins", "role": "admin"}, {"group": "proctors", "role": "proctor"}]


@pytest.fixture
def settings(settings):
    return dataclasses.replace(settings, demo=True, public_url="http://localhost")


@pytest.fixture
def company(make, session):
    made = make.company()
    session.commit()
    return made


@pytest.fixture
def add(session, vault, settings, make, company):
    """``add(IdentityProviderKind.OIDC, {…})``: a provider that is switched on."""

    def make_provider(kind, own, secret, **fields):
        fields = {"name": "Example University", "role_rules": RULES, "enabled": True, **fields}
        entered = Entered(settings=own, secret=secret, **fields)
        made = identity_providers.create(session, make.actor(), vault, settings, company, kind, entered)
        session.commit()
        return made

    return make_provider


@pytest.fixture
def openid(add, oidc_provider):
    def make_provider(own=None, **fields):
        scopes = ["openid", "profile", "email", "groups"]
        own = {"issuer": oidc_provider.issuer, "client_id": CLIENT, "scopes": scopes, **(own or {})}
        return add(IdentityProviderKind.OIDC, own, SECRET, **fields)

    return make_provider


@pytest.fixture
def directory(add, slapd):
    def make_provider(own=None, **fields):
        own = {
            "servers": [slapd.ldaps],
            "bind_dn": SERVICE,
            "base_dn": BASE,
            "ca_certificate": slapd.authority,
            **(own or {}),
        }
        return add(IdentityProviderKind.LDAP, own, SERVICE_PASSWORD, **fields)

    return make_provider


def set_out(browser, provider, next_page=""):
    answer = browser.get(
        f"/sign-on/{provider.id}/start", params={"next": next_page} if next_page else None, status=303
    )
    return answer.location


def come_back(browser, address, status=303):
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}", status=status)


def log_in(browser, provider, login, status=303, next_page=""):
    return come_back(browser, log_in_there(set_out(browser, provider, next_page), login), status)


def test_a_person_of_the_provider_gets_an_account_with_the_role_of_the_group(browser, openid, session):
    provider = openid()
    answer = log_in(browser, provider, "ann")
    assert answer.location == "http://localhost/account"  # no second factor was shown there, none is set up here
    user = session.scalars(select(User).where(User.email == "ann@example.org")).one()
    assert (user.name, user.role, user.password_hash) == ("Ann Proctor", Role.PROCTOR, None)
    link = session.scalars(select(LinkedIdentity)).one()
    assert (link.subject, link.groups) == ("ann", ["staff", "proctors"])
    login = session.scalars(select(LoginSession)).one()
    assert login.wants == ["second_factor"]
    assert browser.get("/api/v1/room", status=403).json["error"]["code"] == "enrolment_wanted"
    actions = [row.action for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert actions[-3:] == ["user.create", "user.link", "user.log_in"]


def test_who_has_a_second_factor_here_is_asked_for_it(browser, openid, session, vault):
    provider = openid()
    log_in(browser, provider, "ann")
    user = session.scalars(select(User).where(User.email == "ann@example.org")).one()
    row_secrets.keep(session, vault, user, User.totp_secret, TOTP_SECRET.encode())
    session.commit()
    browser.reset()
    answer = log_in(browser, provider, "ann", next_page="/archive")
    assert answer.location == "http://localhost/sign-on/factor"
    assert browser.get("/room", status=303).location.startswith("http://localhost/login")
    form = browser.get("/sign-on/factor").forms["login-form"]
    form["code"] = "000000"
    assert "not right" in form.submit(status=401).text
    form["code"] = pyotp.TOTP(TOTP_SECRET).now()
    assert form.submit(status=303).location == "http://localhost/archive"
    login = session.scalars(select(LoginSession).order_by(LoginSession.id.desc())).first()
    assert (login.proved_by, login.wants) == (ProvedBy.TOTP, [])
    assert browser.get("/sign-on/factor", status=303).location == "http://localhost/login"  # used up


@pytest.fixture
def vouching(oidc_provider):
    """The provider says that Ann showed two factors."""
    oidc_provider.people["ann"]["amr"] = ["pwd", "mfa"]
    oidc_provider.restart()
    yield
    del oidc_provider.people["ann"]["amr"]
    oidc_provider.restart()


@pytest.mark.usefixtures("vouching")
def test_a_second_factor_shown_there_is_not_asked_for_here(browser, openid, session):
    provider = openid()
    assert log_in(browser, provider, "ann").location == "http://localhost/room"
    login = session.scalars(select(LoginSession)).one()
    assert (login.proved_by, login.wants) == (ProvedBy.SINGLE_SIGN_ON, [])
    assert 0 <= (login.created_at - login.proved_at).total_seconds() < 60  # auth_time
    assert browser.get("/api/v1/room").status_int == 200


def test_nobody_without_a_mapped_group_gets_in(browser, openid, session):
    page = log_in(browser, openid(), "eve", status=403)
    assert "none of the groups that have a role" in page.text
    assert session.scalars(select(User).where(User.email == "eve@example.org")).first() is None
    entry = session.scalars(select(AuditEntry).where(AuditEntry.result == "refused")).one()
    assert (entry.details["reason"], entry.details["groups"]) == ("no_group", ["visitors"])


def test_the_order_of_the_rules_decides_and_a_lost_group_takes_the_role(browser, openid, session):
    provider = openid(role_rules=[{"group": "staff", "role": "reviewer"}, *RULES])
    log_in(browser, provider, "ann")
    user = session.scalars(select(User).where(User.email == "ann@example.org")).one()
    assert user.role is Role.REVIEWER
    provider.role_rules = RULES
    session.commit()
    browser.reset()
    log_in(browser, provider, "ann")
    session.refresh(user)
    assert user.role is Role.PROCTOR
    first, second = session.scalars(select(LoginSession).order_by(LoginSession.id))
    assert first.ended_at is not None and second.ended_at is None
    provider.role_rules = RULES[:1]
    session.commit()
    browser.reset()
    log_in(browser, provider, "ann", status=403)


def test_an_answer_works_once_and_only_in_the_browser_that_set_out(browser, open_browser, openid, session):
    provider = openid()
    answer = log_in_there(set_out(browser, provider), "ann")
    other = open_browser()
    assert "another window" in come_back(other, answer, status=401).text
    assert session.query(SignOnAttempt).count() == 0
    assert "another window" in come_back(browser, answer, status=401).text  # a stranger has used the state up
    answer = log_in_there(set_out(browser, provider), "ann")
    come_back(browser, answer)
    assert "another window" in come_back(browser, answer, status=401).text


def test_an_answer_of_another_provider_is_refused(browser, openid, session):
    """Mix-up: the address of one provider with the state of another, and with another's name in ``iss``."""
    first, second = openid(), openid(name="Second")
    answer = log_in_there(set_out(browser, first), "ann")
    come_back(browser, answer.replace(f"/sign-on/{first.id}/", f"/sign-on/{second.id}/"), status=401)
    answer = log_in_there(set_out(browser, first), "ann")
    page = come_back(browser, re.sub(r"iss=[^&]*", "iss=https%3A%2F%2Fevil.example", answer), status=401)
    assert "another provider" in page.text


def test_a_token_for_another_log_in_is_refused(browser, openid, session):
    provider = openid()
    answer = log_in_there(set_out(browser, provider), "ann")
    session.execute(SignOnAttempt.__table__.update().values(nonce="of another log-in"))
    session.commit()
    assert "nonce" in come_back(browser, answer, status=401).text
    assert session.query(LoginSession).count() == 0


def test_a_stolen_code_is_worth_nothing_without_the_verifier(browser, openid, session, vault):
    provider = openid()
    answer = log_in_there(set_out(browser, provider), "ann")
    session.execute(SignOnAttempt.__table__.update().values(verifier=vault.wrap(b"x" * 43)))
    session.commit()
    assert "invalid_grant" in come_back(browser, answer, status=401).text


def test_who_gives_up_there_is_told_so(browser, openid):
    provider = openid()
    state = parse_qs(urlsplit(set_out(browser, provider)).query)["state"][0]
    page = browser.get(f"/sign-on/{provider.id}/callback?state={state}&error=access_denied", status=401)
    assert "did not let you in" in page.text


def test_a_provider_that_is_away_is_said_plainly(browser, add, company):
    provider = add(IdentityProviderKind.OIDC, {"issuer": "http://127.0.0.1:9", "client_id": "x"}, "s")
    page = browser.get(f"/sign-on/{provider.id}/start", status=503)
    assert "refuses the connection" in page.text
    assert page.forms["login-form"].action == "/login"


def test_a_key_that_was_changed_is_fetched_and_the_old_one_forgotten(browser, openid, oidc_provider, application):
    from tests.appliance.sign_on.provider import signing_key  # noqa: PLC0415

    provider = openid()
    log_in(browser, provider, "ann")
    oidc_provider.keys = [signing_key("second")]
    oidc_provider.restart()
    browser.reset()
    discovery = application.application.application.registry.oidc_client.discovery
    ahead = discovery._clock() + 30  # the provider is asked again at most so often
    discovery._clock = lambda: ahead
    log_in(browser, provider, "ann")


def test_an_email_alone_links_nobody(browser, openid, session, make, company):
    user = make.user(Role.ADMIN, company=company, email="ann@example.org", totp_secret=TOTP_SECRET)
    session.commit()
    provider = openid()
    assert "account with your e-mail already" in log_in(browser, provider, "ann", status=401).text
    provider.links_by_email = True
    session.commit()
    assert log_in(browser, provider, "ann").location.endswith("/sign-on/factor")
    session.refresh(user)
    assert user.role is Role.PROCTOR


def test_an_unverified_email_links_nobody_even_where_it_may(browser, openid, session, make, company):
    make.user(Role.ADMIN, company=company, email="max@example.org")
    session.commit()
    assert "account with your e-mail already" in log_in(browser, openid(links_by_email=True), "max", status=401).text


def test_another_companys_account_is_never_linked(browser, openid, session, make):
    make.user(Role.ADMIN, company=make.company(), email="ann@example.org")
    session.commit()
    log_in(browser, openid(links_by_email=True), "ann", status=401)


def test_an_account_that_an_administrator_disabled_stays_closed(browser, openid, session):
    from appliance.db import utcnow  # noqa: PLC0415

    provider = openid()
    log_in(browser, provider, "ann")
    session.scalars(select(User).where(User.email == "ann@example.org")).one().disabled_at = utcnow()
    session.commit()
    browser.reset()
    assert "disabled" in log_in(browser, provider, "ann", status=401).text


def test_log_out_goes_on_to_the_provider(browser, openid, session, oidc_provider):
    provider = openid()
    address = set_out(browser, provider)
    with httpx.Client() as there:
        come_back(browser, log_in_there(address, "ann", there))
    csrf = session.scalars(select(LoginSession)).one().csrf_token
    page = browser.post("/logout", {"csrf_token": csrf})
    onward = page.html.find(id="onward")["href"]
    assert onward.startswith(f"{oidc_provider.issuer}/session/end?id_token_hint=")
    assert parse_qs(urlsplit(onward).query)["post_logout_redirect_uri"] == ["http://localhost/login"]
    session.expire_all()
    assert session.scalars(select(LoginSession)).one().ended_at is not None


def test_the_log_in_page_offers_the_providers(browser, openid, make, session):
    provider = openid(name="Example <University>")
    page = browser.get("/login")
    link = page.html.find("a", href=f"/sign-on/{provider.id}/start")
    assert link.text.strip() == "Log in with Example <University>"
    # with a second company nobody is told which organisations there are
    other = make.company()
    session.add(
        IdentityProvider(company_id=other.id, kind=IdentityProviderKind.OIDC, name="Other", enabled=True, settings={})
    )
    session.commit()
    page = browser.get("/login")
    assert page.html.find("a", href=f"/sign-on/{provider.id}/start") is None
    assert page.html.find(id="company") is not None
    slug = session.get_one(Company, provider.company_id).slug
    page = browser.get("/login", params={"company": slug})
    assert page.html.find("a", href=f"/sign-on/{provider.id}/start") is not None


# the directory


def submit(browser, provider, username, password, status=303):
    form = browser.get(f"/sign-on/{provider.id}/start").forms[0]
    form["username"], form["password"] = username, password
    return form.submit(status=status)


def test_a_person_of_the_directory_logs_in_and_sets_up_a_second_factor(browser, directory, slapd, session):
    slapd.add_group("admins", [slapd.add_person("dora", "Dora Directory")])
    answer = submit(browser, directory(), "dora", PASSWORD)
    assert answer.location == "http://localhost/account"
    user = session.scalars(select(User).where(User.email == "dora@example.org")).one()
    assert (user.name, user.role) == ("Dora Directory", Role.ADMIN)
    assert session.scalars(select(LoginSession)).one().wants == ["second_factor"]


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("frida", "not the password"),
        ("frida", ""),
        ("nobody", PASSWORD),
        ("*", PASSWORD),
        ("frida)(uid=*", PASSWORD),
        ("", ""),
    ],
)
def test_a_wrong_name_or_password_says_only_that(browser, directory, slapd, session, username, password):
    if "uid=frida" not in slapd.log:
        slapd.add_group("proctors", [slapd.add_person("frida", "Frida")])
    page = submit(browser, directory(), username, password, status=401)
    assert "User name or password is wrong." in page.text
    assert session.query(LoginSession).count() == 0
    if password:
        assert password not in page.text
    refused = session.scalars(select(AuditEntry).where(AuditEntry.result == "refused")).one()
    assert (refused.details["reason"], refused.actor_name) == ("password", "unknown")


def test_a_directory_that_is_down_is_said_plainly_and_local_accounts_still_work(
    browser, directory, session, make, company
):
    local = make.user(Role.ADMIN, company=company, totp_secret=TOTP_SECRET)
    session.commit()
    provider = directory({"servers": ["ldaps://127.0.0.1:9"]})
    page = submit(browser, provider, "dora", PASSWORD, status=503)
    assert "refuses the connection at port 9" in page.text
    form = browser.get("/login").forms["login-form"]
    form["email"], form["password"], form["code"] = local.email, LOCAL_PASSWORD, pyotp.TOTP(TOTP_SECRET).now()
    form.submit(status=303)


def test_only_the_emergency_account_may_use_a_local_password_where_the_company_says_so(
    browser, directory, session, make, company, vault
):
    directory()
    company.local_passwords = LocalPasswords.BREAK_GLASS
    usual = make.user(Role.ADMIN, company=company, totp_secret=TOTP_SECRET)
    sealed = make.user(Role.ADMIN, company=company, totp_secret=TOTP_SECRET, break_glass=True)
    session.commit()
    for user, status in ((usual, 403), (sealed, 303)):
        form = browser.get("/login").forms["login-form"]
        form["email"], form["password"], form["code"] = user.email, LOCAL_PASSWORD, pyotp.TOTP(TOTP_SECRET).now()
        page = form.submit(status=status)
        if status == 403:
            assert "only through its own log-in" in page.text


# administration


def test_an_administrator_enters_tests_and_removes_a_provider(staff, session, slapd, settings, make):
    from tests.appliance.sign_on.slapd import SERVICE_PASSWORD as SECRET_OF_SERVICE  # noqa: PLC0415

    slapd.add_group("testers", [slapd.add_person("tess", "Tess Tester")])
    browser = staff(Role.ADMIN)
    own = {"servers": [slapd.ldap], "bind_dn": SERVICE, "base_dn": BASE, "ca_certificate": slapd.authority}
    rules = [{"group": "testers", "role": "reviewer"}]
    body = {"kind": "ldap", "name": "Directory", "settings": own, "secret": SECRET_OF_SERVICE, "role_rules": rules}
    made = browser.post_ok("/api/v1/sign-on/providers", body)["provider"]
    assert made["has_secret"] and "secret" not in made and made["settings"]["timeout_seconds"] == 5
    found = browser.post_ok(f"/api/v1/sign-on/providers/{made['id']}/test", {"username": "tess"})
    assert [(step["code"], step["state"]) for step in found["steps"]] == [
        ("server", "passed"),
        ("base", "passed"),
        ("person", "passed"),
    ]
    assert (found["person"]["role"], found["person"]["email"]) == ("reviewer", "tess@example.org")
    # the secret is not sent to another server than the one it was entered for
    moved = {**own, "servers": ["ldaps://directory.evil.example"]}
    change = {"name": "Directory", "settings": moved, "role_rules": rules}
    headers = {"X-CSRF-Token": browser.csrf}
    address = f"/api/v1/sign-on/providers/{made['id']}"
    refused = browser.post_json(address, change, headers=headers, status=400).json["error"]
    assert refused["details"]["field"] == "secret"
    browser.post_json(address, {**change, "settings": own, "enabled": True}, headers=headers)
    assert browser.get("/api/v1/sign-on").json["providers"][0]["enabled"] is True
    assert browser.delete_json(address, headers=headers).json["providers"] == []
    assert SECRET_OF_SERVICE not in json.dumps([row.details for row in session.scalars(select(AuditEntry))])


def test_local_passwords_are_not_switched_off_without_a_way_in(staff, session):
    browser = staff(Role.ADMIN)
    answer = browser.post_ok("/api/v1/sign-on/local-passwords", {"local_passwords": "break_glass"}, 400)
    assert "identity provider on first" in answer["error"]["message"]


def test_another_companys_provider_is_not_found(staff, session, make):
    other = make.company()
    session.add(IdentityProvider(company_id=other.id, kind=IdentityProviderKind.OIDC, name="Other", settings={}))
    session.commit()
    number = session.scalars(select(IdentityProvider.id)).one()
    staff(Role.ADMIN).post_ok(f"/api/v1/sign-on/providers/{number}/test", {}, 404)


def test_a_log_out_there_ends_the_log_in_here(browser, open_browser, openid, session, oidc_provider, back_channel):
    """OpenID Connect Back-Channel Logout 1.0, told by the real provider; her log-in at another browser stays."""
    provider, elsewhere = openid(), open_browser()
    log_in(elsewhere, provider, "ann")
    with httpx.Client() as there:
        come_back(browser, log_in_there(set_out(browser, provider), "ann", there))
        kept, ended = (
            row.login for row in session.scalars(select(SignOnSession).order_by(SignOnSession.login_session_id))
        )
        log_out_there(oidc_provider.issuer, there)
    token, address = back_channel.token(), f"/sign-on/{provider.id}/back-channel-logout"
    head, body, signature = token.split(".")
    browser.post(address, {"logout_token": f"{head}.{body}.{signature[::-1]}"}, status=400)
    session.expire_all()
    assert (kept.ended_at, ended.ended_at) == (None, None)
    answer = open_browser().post(address, {"logout_token": token})  # of the provider's: no cookie, nothing to forge
    assert "no-store" in answer.headers["Cache-Control"]
    session.expire_all()
    assert kept.ended_at is None and ended.ended_at is not None
    assert browser.get("/room", status=303).location.startswith("http://localhost/login")
    browser.post(address, {"logout_token": token}, status=400)  # each token works once
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "user.log_out")).one()
    assert (entry.actor_kind, entry.actor_id) == ("appliance", "sign_on")
