"""Four eyes: one asks, another agrees, the agreement is for exactly that and is used up."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.db import SessionFactory, utcnow
from appliance.errors import ApprovalWanted, BadInput, ImpossibleStep, NotAllowed, NotFound
from appliance.models import Approval, AuditEntry
from appliance.services import approvals
from appliance.vocabulary import ApprovalState, FourEyesAct, Role
from tests.factories import Factories

ACT = FourEyesAct.EXPORT


@pytest.fixture
def asker(session: Session, make: Factories) -> Actor:
    make.first_company().four_eyes = [ACT.value]
    actor = make.actor(make.user(Role.REVIEWER))
    session.commit()
    return actor


@pytest.fixture
def second(session: Session, make: Factories, asker: Actor) -> Actor:
    actor = make.actor(make.user(Role.ADMIN))
    session.commit()
    return actor


def ask(session: Session, actor: Actor, number: int = 7, **details: object) -> int:
    with pytest.raises(ApprovalWanted) as caught:
        approvals.demand(session, actor, ACT, ("sitting", number), actor.company_id, **details)
    session.rollback()
    return caught.value.details["approval_id"]


def may(session: Session, actor: Actor, number: int = 7, **details: object) -> None:
    approvals.demand(session, actor, ACT, ("sitting", number), actor.company_id, **details)


def test_without_the_switch_nobody_is_asked(session: Session, make: Factories) -> None:
    actor = make.actor()
    may(session, actor)
    assert session.query(Approval).count() == 0


def test_the_request_outlives_the_act_that_was_refused(session: Session, asker: Actor) -> None:
    number = ask(session, asker, contents=["video"])
    row = session.get_one(Approval, number)
    assert (row.state, row.subject_id, row.details) == (ApprovalState.WAITING, "7", {"contents": ["video"]})
    assert row.requested_by == {"kind": "user", "id": asker.id, "name": asker.name}
    entry = session.query(AuditEntry).filter_by(action="approval.request").one()
    assert (entry.actor_id, entry.subject_id, entry.details["act"]) == (asker.id, str(number), "export")


def test_asked_again_it_is_one_request(session: Session, asker: Actor) -> None:
    assert ask(session, asker, a=1) == ask(session, asker, a=1)
    assert session.query(AuditEntry).filter_by(action="approval.request").count() == 1


def test_agreed_it_can_be_done_once(session: Session, asker: Actor, second: Actor) -> None:
    number = ask(session, asker, a=1)
    approvals.decide(session, second, number, True, "the commission asked for it")
    session.commit()
    may(session, asker, a=1)
    session.commit()
    assert session.get_one(Approval, number).state is ApprovalState.USED
    assert ask(session, asker, a=1) != number


def test_an_act_that_fails_leaves_the_agreement(session: Session, asker: Actor, second: Actor) -> None:
    approvals.decide(session, second, ask(session, asker), True, "yes")
    session.commit()
    may(session, asker)
    session.rollback()
    may(session, asker)


def test_an_agreement_is_for_exactly_that(session: Session, make: Factories, asker: Actor, second: Actor) -> None:
    number = ask(session, asker, a=1)
    approvals.decide(session, second, number, True, "yes")
    colleague = make.actor(make.user(Role.REVIEWER))
    session.commit()
    others = {
        ask(session, asker, a=2),
        ask(session, asker, 8, a=1),
        ask(session, asker),
        ask(session, colleague, a=1),
    }
    assert len(others) == 4
    assert number not in others
    with pytest.raises(ApprovalWanted):  # nor may who agreed do it
        may(session, second, a=1)


def test_nobody_agrees_to_their_own(session: Session, asker: Actor) -> None:
    number = ask(session, asker)
    with pytest.raises(NotAllowed):
        approvals.decide(session, asker, number, True, "me")


def test_refused_it_is_asked_for_anew(session: Session, asker: Actor, second: Actor) -> None:
    number = ask(session, asker)
    approvals.decide(session, second, number, False, "not needed")
    session.commit()
    with pytest.raises(ImpossibleStep):
        approvals.decide(session, second, number, True, "after all")
    assert ask(session, asker) != number


def test_a_reason_is_given(session: Session, asker: Actor, second: Actor) -> None:
    number = ask(session, asker)
    for reason in (" ", "x" * 1001):
        with pytest.raises(BadInput):
            approvals.decide(session, second, number, True, reason)


def test_another_companys_request_is_not_there(session: Session, make: Factories, asker: Actor) -> None:
    number = ask(session, asker)
    stranger = make.actor(make.user(Role.ADMIN, company=make.company()))
    with pytest.raises(NotFound):
        approvals.decide(session, stranger, number, True, "yes")
    assert approvals.listing(session, stranger.company_id) == []


def test_time_ends_request_and_agreement(session: Session, asker: Actor, second: Actor) -> None:
    number = ask(session, asker)
    session.get_one(Approval, number).expires_at = utcnow() - timedelta(seconds=1)
    session.commit()
    with pytest.raises(ImpossibleStep):
        approvals.decide(session, second, number, True, "late")
    session.rollback()
    assert approvals.listing(session, asker.company_id)[0]["state"] == "expired"
    again = ask(session, asker)
    assert again != number
    approvals.decide(session, second, again, True, "yes").expires_at = utcnow()
    session.commit()
    with pytest.raises(ApprovalWanted):
        may(session, asker)


def test_two_at_once_use_one_agreement_once(
    session: Session, session_factory: SessionFactory, asker: Actor, second: Actor
) -> None:
    approvals.decide(session, second, ask(session, asker), True, "yes")
    session.commit()
    may(session, asker)
    with session_factory() as other:
        other.connection().exec_driver_sql("SET lock_timeout = '100ms'")
        with pytest.raises(Exception, match="lock timeout"):
            may(other, asker)
    session.commit()
    with session_factory() as other, pytest.raises(ApprovalWanted):
        may(other, asker)


def test_to_want_fewer_takes_two(session: Session, make: Factories, asker: Actor, second: Actor) -> None:
    company = make.first_company()
    approvals.set_wanted(session, second, company.id, frozenset({ACT, FourEyesAct.ERASURE}))
    session.commit()
    assert company.four_eyes == ["erasure", "export"]
    with pytest.raises(ApprovalWanted) as caught:
        approvals.set_wanted(session, second, company.id, frozenset({ACT}))
    session.rollback()
    approvals.decide(session, asker, caught.value.details["approval_id"], True, "agreed in the meeting")
    session.commit()
    approvals.set_wanted(session, second, company.id, frozenset({ACT}))
    session.commit()
    assert company.four_eyes == ["export"]
    with pytest.raises(BadInput):
        approvals.set_wanted(session, second, company.id, frozenset({FourEyesAct.FOUR_EYES_OFF}))
