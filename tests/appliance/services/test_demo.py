"""The demo's company, accounts and links."""

import json
import stat

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.errors import NotFound, SettingInvalid
from appliance.models import Company, Exam, User
from appliance.security import passwords
from appliance.services import accounts, admissions, demo
from appliance.settings import Settings
from appliance.vault import Vault
from appliance.vocabulary import ExamMode, Role
from appliance.vocabulary import SittingState as S

WEB = Actor.appliance("web")


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch) -> None:
    """Seven accounts a test: hash them with argon2 still, but not as slowly as production must."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))


def counts(session: Session) -> list[int]:
    return [session.scalar(select(func.count()).select_from(model)) for model in (Company, Exam, User)]


def test_made_once_and_kept(session: Session, vault: Vault, settings: Settings) -> None:
    first = demo.ensure(session, vault, settings)
    session.commit()
    assert counts(session) == [1, 2, len(Role)]
    assert {account.role for account in first.staff} == {role.value for role in Role}
    assert len({account.password for account in first.staff}) == len(Role)
    hashes = session.scalars(select(User.password_hash).order_by(User.id)).all()
    assert demo.ensure(session, vault, settings) == first == demo.load(settings)
    session.commit()
    assert counts(session) == [1, 2, len(Role)]
    assert session.scalars(select(User.password_hash).order_by(User.id)).all() == hashes
    path = settings.data_dir / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(json.loads(path.read_text())) == {"staff", "candidate_links"}


def test_everybody_can_log_in(session: Session, vault: Vault, settings: Settings) -> None:
    for account in demo.ensure(session, vault, settings).staff:
        session.commit()
        now = pyotp.TOTP(account.totp_secret).now()
        login, _ = accounts.log_in(session, vault, account.email, account.password, now, "", "", settings)
        assert login.user.role.value == account.role


def test_a_lost_file_gives_new_secrets(session: Session, vault: Vault, settings: Settings) -> None:
    first = demo.ensure(session, vault, settings)
    session.commit()
    (settings.data_dir / "demo.json").unlink()
    second = demo.ensure(session, vault, settings)
    session.commit()
    assert counts(session) == [1, 2, len(Role)] and second.staff[0].password != first.staff[0].password
    account = second.staff[0]
    now = pyotp.TOTP(account.totp_secret).now()
    assert accounts.log_in(session, vault, account.email, account.password, now, "", "", settings)


def test_a_lost_database_keeps_the_secrets(session: Session, vault: Vault, settings: Settings) -> None:
    first = demo.ensure(session, vault, settings)
    session.rollback()
    assert counts(session) == [0, 0, 0]
    assert demo.ensure(session, vault, settings) == first


def test_no_demo_and_a_broken_one_are_named(session: Session, vault: Vault, settings: Settings) -> None:
    with pytest.raises(NotFound):
        demo.load(settings)
    with pytest.raises(NotFound):
        demo.start_token(session, vault, "online", 1)
    demo.ensure(session, vault, settings)
    with pytest.raises(NotFound, match="known are online, auto"):
        demo.start_token(session, vault, "geography", 1)
    (settings.data_dir / "demo.json").write_text("{")
    with pytest.raises(SettingInvalid, match=r"demo\.json"):
        demo.load(settings)


def test_links_open_fresh_sessions(session: Session, vault: Vault, settings: Settings) -> None:
    demo.ensure(session, vault, settings)
    session.commit()
    tokens = [
        demo.start_token(session, vault, "online", 7),
        demo.start_token(session, vault, "online", 7, language="ru"),
        demo.start_token(session, vault, "auto", 8, name="Grace Brewster Hopper"),
    ]
    sittings = [admissions.admit(session, WEB, vault, demo.SLUG, token).sitting for token in tokens]
    session.commit()
    assert len({sitting.id for sitting in sittings}) == 3
    assert sittings[0].candidate is sittings[1].candidate and sittings[1].language == "ru"
    assert sittings[2].candidate.name == "Grace Brewster Hopper"
    assert [sitting.state for sitting in sittings] == [S.CHECK_IN] * 3
    assert [sitting.exam.mode for sitting in sittings] == [ExamMode.ONLINE, ExamMode.ONLINE, ExamMode.AUTO]
    assert [sitting.duration_minutes for sitting in sittings] == [10, 10, 5]
    exam = sittings[0].exam
    assert len(exam.questions) == 5 and exam.rules["custom_rules"] and exam.identification == "face_and_passport"
    again = demo.start_token(session, vault, "online", 7)
    assert len({demo._name(number) for number in range(100)}) == 100 and again != tokens[0]


def test_an_edited_exam_stays(session: Session, vault: Vault, settings: Settings) -> None:
    demo.ensure(session, vault, settings)
    exam = session.scalars(select(Exam).where(Exam.external_id == "auto")).one()
    exam.questions = [{"text": "Mine"}]
    session.commit()
    demo.ensure(session, vault, settings)
    admissions.admit(session, WEB, vault, demo.SLUG, demo.start_token(session, vault, "auto", 1))
    session.commit()
    assert exam.questions == [{"text": "Mine"}]
