from itertools import product

import pytest

from appliance.errors import ImpossibleStep
from appliance.sitting_machine import LIVE, OVER, RETURN_STEP, STEPS, next_state
from appliance.vocabulary import SittingState as S


def test_the_way_of_an_ordinary_sitting():
    state = S.CREATED
    for step in (
        "open_check_in",
        "wait",
        "start",
        "pause",
        "resume",
        "finish",
        "process",
        "offer_for_review",
        "conclude",
    ):
        state = next_state(state, step)
    assert state is S.CONCLUDED


@pytest.mark.parametrize(("state", "step"), list(product(S, STEPS)))
def test_each_step_goes_only_from_its_sources(state, step):
    sources, goal = STEPS[step]
    if state in sources:
        assert next_state(state, step) is goal
    else:
        with pytest.raises(ImpossibleStep) as caught:
            next_state(state, step)
        assert state.value in caught.value.message
        assert step in caught.value.message


def test_nothing_leads_from_over_back_to_live():
    for step, (sources, goal) in STEPS.items():
        if sources & OVER:
            assert goal in OVER, step


def test_an_interrupted_sitting_returns_to_where_it_was():
    assert next_state(S.INTERRUPTED, RETURN_STEP, S.RUNNING) is S.RUNNING
    with pytest.raises(ImpossibleStep):
        next_state(S.RUNNING, RETURN_STEP, S.RUNNING)
    with pytest.raises(ImpossibleStep):
        next_state(S.INTERRUPTED, RETURN_STEP)


def test_each_state_is_either_before_live_or_over():
    assert LIVE.isdisjoint(OVER)
    assert LIVE | OVER | {S.CREATED, S.SCHEDULED} == set(S)
