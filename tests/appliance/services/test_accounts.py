"""Log-in, lock-out, sessions, accounts."""

import statistics
import threading
import time
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import BadInput, LockedOut, LoginRefused, LoginRequired, NotFound
from appliance.models import AuditEntry, LoginSession, User
from appliance.security import identity
from appliance.services import accounts
from appliance.settings import Settings
from appliance.vault import Vault
from appliance.vocabulary import Role
from tests.appliance.services.conftest import BOX, actions
from tests.factories import PASSWORD, Factories

SECRET = pyotp.random_base32(32)


@pytest.fixture
def user(session: Session, make: Factories) -> User:
    user = make.user(email="paula@example.org", totp_secret=SECRET)
    session.commit()
    return user


def code(steps: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(int(time.time()), counter_offset=steps)


WRONG_CODE = "abcdef"


def log_in(
    factory: SessionFactory,
    vault: Vault,
    settings: Settings,
    email: str = "paula@example.org",
    password: str = PASSWORD,
    one_time: str | None = None,
) -> tuple[LoginSession, str]:
    """As a view does it: a unit of work that is rolled back when it fails."""
    with unit_of_work(factory) as own:
        one_time = code() if one_time is None else one_time
        return accounts.log_in(own, vault, email, password, one_time, "192.0.2.9", "Browser/1\0", settings)


def test_the_right_words_open_a_session(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    login, token = log_in(session_factory, vault, settings, email=" Paula@Example.org ")
    found = accounts.session_by_token(session, token, settings)
    assert found.id == login.id and found.user.id == user.id and found.csrf_token
    assert token not in (found.token_hash, found.csrf_token) and len(found.token_hash) == 64
    assert found.expires_at - found.created_at == timedelta(minutes=settings.session_minutes)
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.result, entry.actor_name, entry.address) == (
        "user.log_in",
        "success",
        user.name,
        "192.0.2.9",
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"email": "nobody@example.org"}, "unknown"),
        ({"email": "a\0b"}, "unknown"),
        ({"password": "wrong"}, "password"),
        ({"password": ""}, "password"),
        ({"password": "x" * 100_000}, "password"),
        ({"one_time": WRONG_CODE}, "code"),
        ({"one_time": ""}, "code"),
    ],
)
def test_all_refusals_look_the_same_and_are_written_down(
    session: Session,
    session_factory: SessionFactory,
    vault: Vault,
    settings: Settings,
    user: User,
    words: dict,
    reason: str,
) -> None:
    with pytest.raises(LoginRefused) as refused:
        log_in(session_factory, vault, settings, **words)
    assert refused.value.message == LoginRefused().message and refused.value.details == {}
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.result, entry.details) == ("user.log_in", "refused", {"reason": reason})
    assert session.scalars(select(LoginSession)).all() == []
    if reason == "unknown":  # it may have been a password
        assert words["email"] not in f"{entry.actor_name}{entry.subject_id}{entry.details}"


def test_an_unknown_email_takes_as_long(
    session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    def seconds(**words: str) -> float:
        began = time.process_time()  # of all threads: no matter how busy the machine is
        with pytest.raises(LoginRefused):
            log_in(session_factory, vault, settings, **words)
        return time.process_time() - began

    pairs = [(seconds(email=f"no{index}@x.org"), seconds(password="wrong")) for index in range(4)]
    unknown, known = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert unknown > known / 2  # without the hash of nobody it would be a tenth


def test_no_code_works_twice(session_factory: SessionFactory, vault: Vault, settings: Settings, user: User) -> None:
    once = code()
    log_in(session_factory, vault, settings, one_time=once)
    with pytest.raises(LoginRefused):
        log_in(session_factory, vault, settings, one_time=once)


def test_of_two_with_the_same_code_one_gets_in(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    once, ready = code(), threading.Barrier(3)
    outcomes: list[str] = []

    def try_it() -> None:
        ready.wait(10)
        try:
            log_in(session_factory, vault, settings, one_time=once)
            outcomes.append("in")
        except LoginRefused:
            outcomes.append("refused")

    threads = [threading.Thread(target=try_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["in", "refused", "refused"]
    assert len(session.scalars(select(LoginSession)).all()) == 1


def test_too_many_lock_the_account_for_a_while(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    for _ in range(settings.login_attempts):
        with pytest.raises(LoginRefused):
            log_in(session_factory, vault, settings, password="wrong")
    for _ in range(2):
        with pytest.raises(LockedOut):
            log_in(session_factory, vault, settings)  # even with the right words
    session.refresh(user)
    assert user.locked_until - utcnow() > timedelta(minutes=settings.lockout_minutes - 1)
    assert accounts.staff(session, user.company_id)[0]["locked"] is True
    user.locked_until = utcnow()
    session.commit()
    log_in(session_factory, vault, settings)
    session.refresh(user)
    assert (user.failed_logins, user.locked_until) == (0, None)
    reasons = [entry.details.get("reason") for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert reasons == ["password"] * settings.login_attempts + ["locked", "locked", None]


def test_many_at_once_get_no_more_tries(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    ready, outcomes = threading.Barrier(9), []

    def guess(number: int) -> None:
        ready.wait(10)
        try:
            log_in(session_factory, vault, settings, password=f"guess {number}")
        except (LoginRefused, LockedOut) as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert outcomes.count(LoginRefused) == settings.login_attempts and outcomes.count(LockedOut) == 4


def test_success_forgets_earlier_slips(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    with pytest.raises(LoginRefused):
        log_in(session_factory, vault, settings, password="wrong")
    log_in(session_factory, vault, settings)
    session.refresh(user)
    assert user.failed_logins == 0


def test_a_disabled_account_is_as_good_as_none(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    _, token = log_in(session_factory, vault, settings)
    user.disabled_at = utcnow()
    session.commit()
    with pytest.raises(LoginRefused):
        log_in(session_factory, vault, settings, one_time=code(1))
    session.expire_all()
    with pytest.raises(LoginRequired):
        accounts.session_by_token(session, token, settings)


def test_a_session_ends(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    _, token = log_in(session_factory, vault, settings)
    now = utcnow()
    idle, life = timedelta(minutes=settings.idle_minutes), timedelta(minutes=settings.session_minutes)
    later = now + idle / 2
    assert accounts.session_by_token(session, token, settings, later).last_seen_at == later
    assert accounts.session_by_token(session, token, settings, now + idle + idle / 3)  # it was seen meanwhile
    for moment in (now + 3 * idle, now + life + timedelta(seconds=1)):
        with pytest.raises(LoginRequired):
            accounts.session_by_token(session, token, settings, moment)
    for wrong in ("", "nothing", token + "x"):
        with pytest.raises(LoginRequired):
            accounts.session_by_token(session, wrong, settings)
    login = accounts.session_by_token(session, token, settings)
    login.last_seen_at = login.created_at = now
    login.expires_at = now + timedelta(seconds=1)
    with pytest.raises(LoginRequired):
        accounts.session_by_token(session, token, settings, now + timedelta(seconds=1))


def test_logging_out(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    _, token = log_in(session_factory, vault, settings)
    login = accounts.session_by_token(session, token, settings)
    actor = identity.of_user(user).actor
    accounts.log_out(session, actor, login)
    accounts.log_out(session, actor, login)
    session.commit()
    assert actions(session) == ["user.log_in", "user.log_out"]
    with pytest.raises(LoginRequired):
        accounts.session_by_token(session, token, settings)


def test_a_new_account(session: Session, vault: Vault, make: Factories, settings: Settings, session_factory) -> None:
    company = make.first_company()
    words = (company, " New@Example.org", " Nora New ", Role.REVIEWER, "a long enough password")
    user, secret = accounts.create_user(session, BOX, vault, *words)
    session.commit()
    assert (user.email, user.name, user.role) == ("new@example.org", "Nora New", Role.REVIEWER)
    assert "password" not in user.password_hash and secret.encode() not in user.totp_secret
    log_in(session_factory, vault, settings, "new@example.org", words[-1], pyotp.TOTP(secret).now())
    with pytest.raises(BadInput, match="already"):
        accounts.create_user(session, BOX, vault, *words)
    assert accounts.get(session, user.id, company.id) is user
    with pytest.raises(NotFound):
        accounts.get(session, user.id, make.company().id)


@pytest.mark.parametrize(
    "change", [{"email": "nobody"}, {"name": " "}, {"password": "short"}, {"email": "a@" + "x" * 250}]
)
def test_an_account_needs_sense(session: Session, vault: Vault, make: Factories, change: dict) -> None:
    words = {"email": "n@example.org", "name": "N", "role": Role.PROCTOR, "password": PASSWORD, **change}
    with pytest.raises(BadInput):
        accounts.create_user(session, BOX, vault, make.first_company(), **words)


def test_new_credentials_end_old_sessions(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    _, token = log_in(session_factory, vault, settings)
    fresh = pyotp.random_base32(32)
    accounts.set_credentials(session, BOX, vault, user, "another long password", fresh)
    session.commit()
    with pytest.raises(LoginRequired):
        accounts.session_by_token(session, token, settings)
    log_in(session_factory, vault, settings, password="another long password", one_time=pyotp.TOTP(fresh).now())


def test_nothing_secret_is_written_down(
    session: Session, session_factory: SessionFactory, vault: Vault, settings: Settings, user: User
) -> None:
    with pytest.raises(LoginRefused):
        log_in(session_factory, vault, settings, one_time=WRONG_CODE)
    _, token = log_in(session_factory, vault, settings)
    rows = session.scalars(select(AuditEntry)).all()
    kept = "".join(f"{row.actor_name}{row.subject_id}{row.details}" for row in rows)
    assert not any(secret in kept for secret in (PASSWORD, token, WRONG_CODE, SECRET))


def test_staff_of_ones_own_company(session: Session, make: Factories, proctor: Actor) -> None:
    make.user(company=make.company())
    make.user(Role.ADMIN, name="Alma")
    rows = accounts.staff(session, proctor.company_id)
    assert [row["name"] for row in rows] == ["Alma", proctor.name]
    assert not {"password_hash", "totp_secret"} & set(rows[0])
