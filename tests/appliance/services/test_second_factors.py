"""Second factors, links, and passwords by the rules: what no page can show."""

import base64
import json
import threading
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from appliance.db import unit_of_work, utcnow
from appliance.errors import AccountLinkInvalid, BadInput, LoginRefused, LoginRequired
from appliance.models import AuditEntry, FormerPassword, LoginSession, RecoveryCode, User
from appliance.security import password_rules, recovery_codes
from appliance.services import account_links, accounts, login_sessions, own_passwords, second_factors, security_keys
from appliance.services.security_keys import KeyAnswer, Place
from appliance.settings import load_settings
from appliance.vault import row_secrets
from appliance.vocabulary import LinkKind, ProvedBy
from tests.factories import PASSWORD

SECRET = pyotp.random_base32(32)
CHOSEN = "heron lantern pocket glacier"


@pytest.fixture
def user(session, make):
    user = make.user(totp_secret=SECRET)
    session.commit()
    return user


def log_in(factory, vault, settings, user, code, password=PASSWORD):
    with unit_of_work(factory) as own:
        return accounts.log_in(own, vault, user.email, password, code, "", "", settings)[0]


def test_a_recovery_code_works_once_also_for_many_at_once(session, session_factory, vault, settings, user, make):
    codes = second_factors.new_recovery_codes(session, make.actor(user), user)
    session.commit()
    assert len(set(codes)) == recovery_codes.COUNT
    ready, outcomes = threading.Barrier(3), []

    def try_it():
        ready.wait(10)
        try:
            outcomes.append(log_in(session_factory, vault, settings, user, codes[0]).proved_by)
        except LoginRefused:
            outcomes.append("refused")

    threads = [threading.Thread(target=try_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == [ProvedBy.RECOVERY_CODE, "refused", "refused"]
    assert second_factors.recovery_codes_left(session, user) == recovery_codes.COUNT - 1
    assert log_in(session_factory, vault, settings, user, codes[1].replace("-", " ").lower())


def test_a_code_that_was_refused_for_the_password_is_not_used_up(
    session, session_factory, vault, settings, user, make
):
    (code,) = second_factors.new_recovery_codes(session, make.actor(user), user, 1)
    session.commit()
    with pytest.raises(LoginRefused):
        log_in(session_factory, vault, settings, user, code, "wrong")
    assert log_in(session_factory, vault, settings, user, code)


@pytest.mark.parametrize("typed", ["", "ABCD", "ABCD-EFGH-IJKL-MN28", "0" * 16, "АБВГ-ДЕЖЗ-ИЙКЛ-МНОП", "A" * 10_000])
def test_what_has_not_a_codes_shape_is_none(typed):
    assert recovery_codes.code_hash(typed) is None


def test_a_proposed_authenticator_is_its_persons_and_grows_old(session, vault, user, make, monkeypatch):
    other = make.user()
    pending = second_factors.set_up(vault, user)
    code = pyotp.TOTP(pending.secret).now()
    for who, sealed in [(other, pending.pending), (user, "x"), (user, pending.pending[:-6]), (user, "é")]:
        with pytest.raises(BadInput):
            second_factors.confirm(session, make.actor(who), vault, who, sealed, code)
    later = utcnow() + second_factors.SET_UP_WITHIN + timedelta(seconds=1)
    with monkeypatch.context() as patch:
        patch.setattr(second_factors, "utcnow", lambda: later)
        with pytest.raises(BadInput):
            second_factors.confirm(session, make.actor(user), vault, user, pending.pending, code)
    second_factors.confirm(session, make.actor(user), vault, user, pending.pending, code)
    assert row_secrets.read(vault, user, User.totp_secret).decode() == pending.secret
    session.flush()
    assert second_factors.shown(session, vault, user, code, None, "prove") is None  # the first code is used up


def test_a_challenge_is_good_for_one_answer_of_its_own_kind(session, session_factory, settings, user):
    place = Place("localhost", ("http://localhost:8080",))
    given = security_keys.log_in_options(session, settings, place, user.email)["challenge"]
    session.commit()
    said = json.dumps({"type": "webauthn.get", "challenge": given, "origin": place.origins[0]}).encode()
    client_data = base64.urlsafe_b64encode(said).decode().rstrip("=")
    answer = json.dumps({"id": "eA", "response": {"clientDataJSON": client_data}})
    with unit_of_work(session_factory) as own:
        assert security_keys._taken_challenge(own, answer, "prove", user.id) is None
        assert security_keys._taken_challenge(own, answer, "log_in", None) is not None
        assert security_keys._taken_challenge(own, answer, "log_in", None) is None
    assert not security_keys.answers(session, session_factory, user, KeyAnswer(answer, place), "log_in")


@pytest.mark.parametrize(
    ("public_url", "host_url", "works"),
    [
        ("https://exam.example.org", "https://exam.example.org", True),
        ("http://localhost:8080", "http://localhost:9999", True),
        ("https://exam.example.org", "https://evil.example", False),
        ("https://192.0.2.1", "https://192.0.2.1", False),
        ("https://[2001:db8::1]", "https://[2001:db8::1]", False),
    ],
)
def test_keys_belong_to_one_host_name(public_url, host_url, works):
    settings = load_settings({}, public_url=public_url, secret_key="x")
    assert security_keys.is_place(settings, host_url) is works


def test_passwords_of_before_are_kept_only_as_long_as_they_count(session, user, make):
    texts = [f"{CHOSEN} number {word}" for word in ("one", "two", "three", "four", "five", "six", "seven")]
    for text in texts:
        own_passwords.choose(session, make.actor(user), user, text)
    session.flush()
    assert len(session.scalars(select(FormerPassword)).all()) == password_rules.of_profile("none").history
    with pytest.raises(BadInput) as refused:
        own_passwords.choose(session, make.actor(user), user, texts[2])
    assert refused.value.details["reason"] == "used"
    own_passwords.choose(session, make.actor(user), user, texts[0])


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "length"),
        ("x" * 257, "length"),
        ("passwordpassword", "guessable"),
        ("qwertyuiop12345", "guessable"),
        ("paula.proctor@x", "guessable"),
        ("Kustos2026Kustos", "guessable"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "guessable"),
    ],
)
def test_known_and_guessable_passwords_are_refused(password, reason):
    with pytest.raises(BadInput) as refused:
        password_rules.demand_good(
            password, password_rules.of_profile("eu"), ("paula.proctor@x.org", "Paula Proctor")
        )
    assert refused.value.details["reason"] == reason


def test_a_good_password_is_taken_however_long():
    for password in (CHOSEN, "пятьслововдлинныхзонтик", "x9" + "лес ручей " * 25):
        password_rules.demand_good(password, password_rules.of_profile("ru"))


def test_of_two_that_follow_a_link_one_gets_in(session, session_factory, settings, make):
    user = make.user()
    user.password_hash = user.totp_secret = None
    made = account_links.make(session, make.actor(), settings, user, LinkKind.INVITATION)
    session.commit()
    assert made.url(settings) == f"http://localhost:8080/join#{made.token}" and made.token not in made.link.token_hash
    ready, outcomes = threading.Barrier(2), []

    def follow():
        ready.wait(10)
        try:
            with unit_of_work(session_factory) as own:
                account_links.follow(own, settings, made.token, CHOSEN, "", "")
            outcomes.append("in")
        except AccountLinkInvalid:
            outcomes.append("refused")

    threads = [threading.Thread(target=follow) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["in", "refused"]
    session.expire_all()
    (login,) = session.scalars(select(LoginSession)).all()
    assert login.wants == ["second_factor"] and login.proved_by is ProvedBy.LINK


def test_no_secret_is_in_the_audit_log(session, session_factory, vault, settings, user, make):
    actor = make.actor(user)
    codes = second_factors.new_recovery_codes(session, actor, user)
    made = account_links.make(session, actor, settings, user, LinkKind.PASSWORD)
    own_passwords.choose(session, actor, user, CHOSEN)
    session.commit()
    log_in(session_factory, vault, settings, user, codes[0], CHOSEN)
    log = "".join(str([entry.actor_name, entry.details]) for entry in session.scalars(select(AuditEntry)))
    hashes = session.scalars(select(RecoveryCode.code_hash)).all()
    for secret in [*codes, made.token, made.link.token_hash, CHOSEN, user.password_hash, *hashes]:
        assert secret not in log


def test_a_log_in_of_nobody_is_none(session):
    for number in (None, 1):
        with pytest.raises(LoginRequired):
            login_sessions.get(session, number)
    assert not login_sessions.is_open(session, 1, None)
    assert session.get(User, 1) is None
