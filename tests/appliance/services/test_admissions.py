"""Start links and the LMS's server calls."""

import base64
import json
import threading
from datetime import timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import SessionFactory, unit_of_work, utcnow
from appliance.errors import ImpossibleStep, LinkExpired, LinkInvalid, MediaUnavailable, NotFound, TokenInvalid
from appliance.models import AuditEntry, Candidate, Company, Exam, Sitting
from appliance.services import admissions, sittings
from appliance.services.admissions import Admission
from appliance.vault import Vault
from appliance.vocabulary import ExamMode, FinishedBy
from appliance.vocabulary import SittingState as S
from tests.appliance.services.conftest import BOX, actions, by_candidate, events
from tests.appliance.services.test_start_claims import CLAIMS
from tests.factories import INTEGRATION_SECRET, Factories

WEB = Actor("candidate", "", "", "192.0.2.7")


def claims(**changes: Any) -> dict[str, Any]:
    now = utcnow()
    window = {"startDate": (now - timedelta(hours=1)).isoformat(), "endDate": (now + timedelta(hours=1)).isoformat()}
    return {**CLAIMS, **window, **changes}


def sign(secret: str = INTEGRATION_SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm)


def ago(seconds: float) -> int:
    return int((utcnow() - timedelta(seconds=seconds)).timestamp())


@pytest.fixture
def company(session: Session, make: Factories) -> Company:
    company = make.first_company()
    session.commit()
    return company


def admit(session: Session, vault: Vault, company: Company, token: str | None = None, **changes: Any) -> Admission:
    admission = admissions.admit(session, WEB, vault, company.slug, token or sign(**changes))
    session.commit()
    return admission


def test_a_link_makes_candidate_exam_and_sitting(session: Session, vault: Vault, company: Company) -> None:
    admission = admit(session, vault, company, firstName="Ada", lastName="Lovelace", rules={"allow_voices": True})
    sitting = admission.sitting
    assert (sitting.state, sitting.duration_minutes, sitting.external_id) == (S.CHECK_IN, 90, "s-1")
    assert (sitting.candidate.name, sitting.candidate.external_id) == ("Ada Lovelace", "u-1")
    assert (sitting.exam.name, sitting.exam.mode, sitting.exam.rules) == (
        "Algebra",
        ExamMode.ONLINE,
        {"allow_voices": True},
    )
    assert sitting.opens_at < utcnow() < sitting.closes_at and sitting.csrf_token
    assert admissions.sitting_by_token(session, sitting.id, admission.cookie_token) is sitting
    assert admission.cookie_token not in repr(sitting.__dict__)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "sitting.enter")).one()
    assert (entry.actor_kind, entry.actor_name, entry.address) == (
        "candidate",
        f"candidate of sitting {sitting.id}",
        "192.0.2.7",
    )
    assert events(session, f"company:{company.id}", "sitting.changed")[0].payload["state"] == "check_in"


def test_the_same_session_goes_on_and_the_newer_start_wins(session: Session, vault: Vault, company: Company) -> None:
    first = admit(session, vault, company)
    second = admit(session, vault, company, firstName="Ada")
    assert second.sitting is first.sitting and second.sitting.candidate.first_name == "Ada"
    with pytest.raises(LinkInvalid):
        admissions.sitting_by_token(session, first.sitting.id, first.cookie_token)
    assert admissions.sitting_by_token(session, first.sitting.id, second.cookie_token)
    assert actions(session).count("sitting.open_check_in") == 1


def test_another_try_is_another_sitting_of_the_same_candidate(
    session: Session, vault: Vault, company: Company
) -> None:
    first, second = admit(session, vault, company), admit(session, vault, company, sessionId="s-2")
    assert first.sitting.id != second.sitting.id and first.sitting.candidate_id == second.sitting.candidate_id
    assert len(session.scalars(select(Exam)).all()) == 1


def test_an_interrupted_sitting_returns(session: Session, vault: Vault, company: Company) -> None:
    sitting = admit(session, vault, company).sitting
    sittings.interrupt(session, BOX, sitting)
    session.commit()
    assert admit(session, vault, company).sitting.state is S.CHECK_IN


def test_a_running_sitting_is_resumed_after_the_window(
    session: Session, vault: Vault, company: Company, proctor: Actor
) -> None:
    sitting = admit(session, vault, company).sitting
    sittings.wait(session, by_candidate(sitting), sitting)
    sittings.start(session, proctor, sitting)
    session.commit()
    late = (utcnow() - timedelta(minutes=1)).isoformat()
    again = admit(session, vault, company, endDate=late, duration=5)
    assert again.sitting.state is S.RUNNING and again.sitting.duration_minutes == 90 and not again.is_over


@pytest.mark.parametrize("state", [S.FINISHED, S.CONCLUDED, S.DECLINED, S.IDENTITY_REFUSED, S.TIMED_OUT, S.EXPIRED])
def test_what_is_over_never_opens_again(session: Session, vault: Vault, company: Company, state: S) -> None:
    sitting = admit(session, vault, company).sitting
    sitting.state = state
    session.commit()
    again = admit(session, vault, company)
    assert again.is_over and again.sitting.state is state
    assert admissions.sitting_by_token(session, sitting.id, again.cookie_token)


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"exp": ago(120)}, LinkExpired, "expired"),
        ({"nbf": ago(-3600)}, LinkInvalid, "immature"),
        ({"endDate": "2020-01-01T00:00:00Z"}, LinkExpired, "late"),
        ({"startDate": "2099-01-01T00:00:00Z"}, LinkInvalid, "early"),
        ({"secret": "another secret of the same length!!"}, LinkInvalid, "signature"),
        ({"algorithm": "HS512"}, LinkInvalid, "algorithm"),
    ],
)
def test_what_is_wrong_with_a_link(
    session: Session, vault: Vault, company: Company, changes: dict, error: type, reason: str
) -> None:
    with pytest.raises(error) as refused:
        admit(session, vault, company, **changes)
    assert type(refused.value) is error and refused.value.details["reason"] == reason
    session.rollback()
    assert session.scalars(select(Sitting)).all() == [] and session.scalars(select(Candidate)).all() == []


def b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "not a token",
        "a.b.c",
        "x" * 40_000,
        f"{b64({'alg': 'none', 'typ': 'JWT'})}.{b64(claims())}.",
        f"{b64({'alg': 'None'})}.{b64(claims())}.",
        f"{b64({'alg': 'RS256'})}.{b64(claims())}.AAAA",
        f"{b64(['alg'])}.{b64(claims())}.AAAA",
        sign()[:-4],
        sign() + "\0",
    ],
)
def test_what_is_no_token(session: Session, vault: Vault, company: Company, token: str) -> None:
    with pytest.raises(LinkInvalid):
        admissions.admit(session, WEB, vault, company.slug, token)


def test_exp_is_optional_for_a_link(session: Session, vault: Vault, company: Company) -> None:
    assert admit(session, vault, company, exp=ago(-3600)).sitting.state is S.CHECK_IN
    assert admit(session, vault, company, exp=ago(10)).sitting.state is S.CHECK_IN  # the clocks differ a little


@pytest.mark.parametrize("slug", ["nobody", "", "a\0b", "x" * 10_000])
def test_an_unknown_company(session: Session, vault: Vault, company: Company, slug: str) -> None:
    with pytest.raises(LinkInvalid):
        admissions.admit(session, WEB, vault, slug, sign())


def test_another_companys_secret_opens_nothing(
    session: Session, vault: Vault, company: Company, make: Factories
) -> None:
    other = make.company(secret="the other company's own secret, long")
    with pytest.raises(LinkInvalid):
        admit(session, vault, other)


def test_a_session_belongs_to_one_candidate_and_exam(session: Session, vault: Vault, company: Company) -> None:
    admit(session, vault, company)
    for changes in ({"userId": "u-2"}, {"examId": "e-2"}):
        with pytest.raises(LinkInvalid):
            admit(session, vault, company, **changes)
        session.rollback()


def test_a_later_link_updates_the_exam_but_not_what_it_does_not_say(
    session: Session, vault: Vault, company: Company
) -> None:
    config = {"multipliers": {"phone": 5}}
    admit(session, vault, company, scoreConfig=config, identification="face", rules={"allow_voices": True})
    admit(session, vault, company, sessionId="s-2", proctoring="offline", rules={"allow_to_use_books": True})
    exam = session.scalars(select(Exam)).one()
    assert (exam.mode, exam.weights, exam.identification) == (ExamMode.OFFLINE, {"phone": 5}, "face")
    assert exam.rules == {"allow_voices": True, "allow_to_use_books": True}
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.action == "exam.update").order_by(AuditEntry.id)
    ).all()
    assert entry[-1].details["fields"] == ["mode", "rules"]


def test_no_new_candidates_on_a_full_disk(session: Session, vault: Vault, company: Company) -> None:
    with pytest.raises(MediaUnavailable):
        admissions.admit(session, WEB, vault, company.slug, sign(), reserve_mb=10**9)
    session.rollback()
    admit(session, vault, company)
    assert admissions.admit(session, WEB, vault, company.slug, sign(), reserve_mb=10**9)  # who is in stays in


def test_of_two_starts_at_once_both_get_the_same_sitting(
    session_factory: SessionFactory, session: Session, vault: Vault, company: Company
) -> None:
    ready = threading.Barrier(4)
    got: list[tuple[int, str]] = []

    def start() -> None:
        with unit_of_work(session_factory) as own:
            ready.wait(10)
            admission = admissions.admit(own, WEB, vault, company.slug, sign())
            got.append((admission.sitting.id, admission.cookie_token))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 4 and len({number for number, _ in got}) == 1
    assert len(session.scalars(select(Candidate)).all()) == len(session.scalars(select(Exam)).all()) == 1
    fitting = 0
    for number, token in got:
        try:
            admissions.sitting_by_token(session, number, token)
            fitting += 1
        except LinkInvalid:
            continue
    assert fitting == 1


def test_a_wrong_cookie_opens_nothing(session: Session, make: Factories) -> None:
    sitting = make.sitting(token="right")
    never_started = make.sitting()
    for number, token in ((sitting.id, "wrong"), (sitting.id + 99, "right"), (never_started.id, "")):
        with pytest.raises(LinkInvalid):
            admissions.sitting_by_token(session, number, token)


def header(secret: str = INTEGRATION_SECRET, **payload: Any) -> str:
    return "JWT " + jwt.encode(payload or {"exp": ago(-30)}, secret, "HS256")


def test_the_lms_asks_for_a_session(session: Session, vault: Vault, company: Company) -> None:
    sitting = admit(session, vault, company).sitting
    assert admissions.integration_sitting(session, vault, company.slug, "s-1", header()) is sitting
    with pytest.raises(NotFound):
        admissions.integration_sitting(session, vault, company.slug, "s-9", header())


@pytest.mark.parametrize(
    "authorization",
    ["", "JWT", header().replace("JWT", "Bearer"), header(exp=ago(120)), header(iat=ago(0)), header("x" * 40)],
)
def test_the_lms_must_sign_with_an_expiry(
    session: Session, vault: Vault, company: Company, authorization: str
) -> None:
    admit(session, vault, company)
    with pytest.raises(TokenInvalid):
        admissions.integration_sitting(session, vault, company.slug, "s-1", authorization)


def test_the_lms_of_another_company_sees_nothing(
    session: Session, vault: Vault, company: Company, make: Factories
) -> None:
    admit(session, vault, company)
    with pytest.raises(NotFound):
        admissions.integration_sitting(session, vault, make.company().slug, "s-1", header())


@pytest.mark.parametrize(
    ("state", "opens", "closes", "status"),
    [
        (S.CREATED, None, None, "ready_to_start"),
        (S.SCHEDULED, -1, 1, "ready_to_start"),
        (S.SCHEDULED, 1, 2, "early_to_start"),
        (S.CREATED, -2, -1, "late_to_start"),
        (S.EXPIRED, -2, -1, "late_to_start"),
        (S.CHECK_IN, -2, -1, "started"),
        (S.INTERRUPTED, None, None, "started"),
        (S.FINISHED, None, None, "finished"),
        (S.DECLINED, None, None, "finished"),
    ],
)
def test_the_status_told_to_the_lms(
    make: Factories, state: S, opens: int | None, closes: int | None, status: str
) -> None:
    now = utcnow()
    window = {"opens_at": opens, "closes_at": closes}
    moments = {name: None if hours is None else now + timedelta(hours=hours) for name, hours in window.items()}
    assert admissions.integration_status(make.sitting(state, **moments), now) == status


def test_the_lms_finishes(session: Session, running, make: Factories) -> None:
    sitting = running()
    admissions.finish_by_integration(session, BOX, sitting)
    admissions.finish_by_integration(session, BOX, sitting)
    session.commit()
    assert sitting.finished_by is FinishedBy.CANDIDATE and actions(session).count("sitting.finish") == 1
    with pytest.raises(ImpossibleStep):
        admissions.finish_by_integration(session, BOX, make.sitting(S.WAITING))
