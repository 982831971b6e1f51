"""Who has a sitting: claimed, wished for, given, taken from the dead, and checked in every unit of work."""

from datetime import timedelta

import pytest
from sqlalchemy import func, update

from appliance.db import unit_of_work
from appliance.models import Gateway
from appliance.vocabulary import SittingState
from media.pipelines import leases
from media.pipelines.leases import LeaseLost

A, B = "gateway-a", "gateway-b"


@pytest.fixture
def sitting(make, session):
    row = make.sitting(SittingState.WAITING)
    session.commit()
    return row


@pytest.fixture
def do(session_factory):
    """``do(leases.claim, …)`` is one unit of work."""

    def unit(work, *arguments):
        with unit_of_work(session_factory) as session:
            return work(session, *arguments)

    unit(leases.enter, A, "host a")
    unit(leases.enter, B, "host b")
    return unit


def silence(session, gateway_id):
    stale = func.clock_timestamp() - timedelta(seconds=10)
    session.execute(update(Gateway).where(Gateway.id == gateway_id).values(beat_at=stale))


def test_one_gateway_has_it_until_it_gives_it(do, sitting):
    assert do(leases.claim, sitting.id, A, True, False)
    assert do(leases.claim, sitting.id, A, True, False)
    assert not do(leases.claim, sitting.id, B, True, False)
    assert do(leases.give, sitting.id, A) is None
    assert not do(leases.claim, sitting.id, B, True, True)
    assert do(leases.look, A, True).wanted == [sitting.id]
    assert do(leases.give, sitting.id, A) == B
    do(leases.check, sitting.id, B)
    with pytest.raises(LeaseLost):
        do(leases.check, sitting.id, A)


def test_a_wish_ends_when_the_candidate_comes_back(do, sitting):
    do(leases.claim, sitting.id, A, True, False)
    do(leases.wish, sitting.id, B)
    assert do(leases.is_wanted, sitting.id, A)
    do(leases.wish, sitting.id, A)
    assert not do(leases.is_wanted, sitting.id, A)
    assert do(leases.give, sitting.id, A) is None
    do(leases.check, sitting.id, A)


def test_a_silent_gateways_sittings_are_taken_by_who_may_judge(do, sitting):
    do(leases.claim, sitting.id, A, True, False)
    do(silence, A)
    assert do(leases.look, B, False).taken == []
    assert not do(leases.claim, sitting.id, B, False, False)
    outlook = do(leases.look, B, True)
    assert (outlook.taken, outlook.others, outlook.leads) == ([sitting.id], 0, True)
    with pytest.raises(LeaseLost):
        do(leases.check, sitting.id, A)


def test_a_good_bye_and_a_successor_at_the_same_place_need_no_judge(do, sitting):
    do(leases.claim, sitting.id, A, True, False)
    do(leases.leave, A)
    assert do(leases.take_unowned, B, False) == [sitting.id]
    do(leases.enter, "gateway-b2", "host b")
    assert not do(leases.beat, B)
    assert do(leases.take_unowned, "gateway-b2", False) == [sitting.id]


def test_the_oldest_leads(do):
    assert do(leases.look, A, True).leads
    assert not do(leases.look, B, True).leads
    do(silence, A)
    assert do(leases.look, B, True).leads


def test_what_is_recorded_and_nobodys_is_taken(do, make, session):
    old = make.sitting(SittingState.RUNNING)
    old.started_at = func.clock_timestamp() - timedelta(seconds=30)
    new = make.sitting(SittingState.RUNNING)
    new.started_at = func.clock_timestamp()
    session.commit()
    assert do(leases.take_unowned, A, False) == [old.id]
    assert do(leases.take_unowned, B, False) == []


def test_a_given_up_lease_is_nobodys(do, sitting):
    do(leases.claim, sitting.id, A, True, False)
    do(leases.give_up, sitting.id, B)
    assert do(leases.owner, sitting.id) == A
    assert do(leases.is_elsewhere, sitting.id, B)
    do(leases.give_up, sitting.id, A)
    assert do(leases.owner, sitting.id) is None
