"""Sittings of a gateway: what is kept while one is being made, and that nothing of it stays."""

import asyncio

import pytest
import pytest_asyncio

from appliance.errors import ImpossibleStep, NotFound
from appliance.vocabulary import SittingState
from media.pipelines import leases
from media.pipelines.membership import Membership
from media.pipelines.registry import SittingPipelines
from media.pipelines.store import Store

pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture
async def sittings(session_factory, tmp_path):
    store = Store(session_factory)
    membership = Membership(store, "here")
    await membership.enter()
    yield SittingPipelines(store, membership, tmp_path, lambda: None)
    store.close()


async def test_nothing_stays_of_a_sitting_that_was_not_made(sittings, make, session):
    over, taken = make.sitting(SittingState.CONCLUDED), make.sitting(SittingState.WAITING)
    session.commit()
    leases.enter(session, "other", "elsewhere")
    assert leases.claim(session, taken.id, "other", True, False)
    session.commit()
    said = await asyncio.gather(
        *(sittings._make(over.id, wish=True) for _ in range(3)),
        *(sittings._make(taken.id, wish=True) for _ in range(3)),
        sittings._make(10**6, wish=True),
        return_exceptions=True,
    )
    assert [type(one) for one in said] == [ImpossibleStep] * 3 + [type(None)] * 3 + [NotFound]
    assert sittings._making == {}
