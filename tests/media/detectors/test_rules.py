from itertools import pairwise

import pytest

from appliance.errors import BadInput
from appliance.vocabulary import ObservationType
from media.detectors.rules import Change, Rule, RuleState, Sample

RULE = Rule(threshold=0.8, clear_below=0.4, min_duration_ms=1000, release_ms=400, unknown_ms=2000)


def state(rule=RULE):
    return RuleState(ObservationType.NO_USER_IN_FRAME, "absence", rule, {"models": {"net": "abc"}})


def play(followed, scores, step_ms=500):
    """Feed one score every ``step_ms`` from 0 on; None is no judgement."""
    return [event for number, score in enumerate(scores) for event in followed.feed(Sample(number * step_ms, score))]


def test_opens_after_the_minimum_duration_with_the_start_of_the_condition():
    (opened,) = play(state(), [0, 0, 1, 1, 1])
    assert opened.change is Change.OPENED
    assert (opened.start_ms, opened.at_ms, opened.end_ms) == (1000, 2000, None)
    assert opened.confidence == 1.0
    assert opened.details == {"models": {"net": "abc"}, "threshold": 0.8, "min_duration_ms": 1000, "score": 1}


def test_what_is_too_short_is_never_told():
    assert play(state(), [0, 1, 1, 0, 1, 1, 0]) == []


def test_closes_at_the_first_picture_in_which_it_was_over():
    opened, closed = play(state(), [1, 1, 1, 0, 0])
    assert closed.change is Change.CLOSED
    assert (closed.start_ms, closed.end_ms, closed.at_ms) == (0, 1500, 2000)
    assert closed.key == opened.key


def test_one_stray_picture_does_not_close():
    events = play(state(), [1, 1, 1, 0, 1, 1])
    assert [event.change for event in events] == [Change.OPENED]


def test_between_the_thresholds_what_was_thought_before_stays():
    assert [event.change for event in play(state(), [1, 1, 1, 0.5, 0.5, 0.5])] == [Change.OPENED]
    assert play(state(), [0, 0.5, 0.5, 0.5, 0.5]) == []
    closing = play(state(), [1, 1, 1, 0, 0.5])
    assert (closing[1].change, closing[1].end_ms) == (Change.CLOSED, 1500)


def test_a_lapse_before_opening_is_borne_only_if_the_rule_says_so():
    patient = Rule(threshold=0.8, clear_below=0.4, min_duration_ms=2000, lapse_ms=600)
    assert play(state(), [1, 1, 0, 1, 1]) == []
    (opened,) = play(state(patient), [1, 1, 0, 1, 1])
    assert opened.start_ms == 0


def test_without_judgement_for_long_it_ends_where_the_doubt_began():
    opened, closed = play(state(), [1, 1, 1, *[None] * 6])
    assert opened.change is Change.OPENED
    assert (closed.end_ms, closed.at_ms) == (1500, 3500)


def test_doubt_alone_opens_nothing():
    assert play(state(), [None] * 20) == []


def test_a_short_doubt_neither_opens_nor_closes():
    assert [event.change for event in play(state(), [1, None, 1, 1, None, None, 1])] == [Change.OPENED]


def test_the_detector_may_know_the_start_better():
    followed = state()
    assert followed.feed(Sample(5000, 0.0)) == []
    (opened,) = followed.feed(Sample(6000, 1.0, since_ms=4200))
    assert (opened.start_ms, opened.at_ms) == (4200, 6000)


def test_finish_closes_what_is_open_and_forgets_what_is_not():
    followed = state()
    play(followed, [1, 1, 1])
    (closed,) = followed.finish(1700)
    assert (closed.change, closed.end_ms) == (Change.CLOSED, 1700)
    assert followed.finish(1800) == []
    play(followed, [1])
    assert followed.finish(900) == []


def test_finish_in_a_gap_ends_where_the_gap_began():
    followed = state()
    play(followed, [1, 1, 1, None])
    assert followed.finish(9000)[0].end_ms == 1500


def test_updates_come_seldom_and_only_with_news():
    steady = play(state(), [1] * 60)
    assert [event.change for event in steady] == [Change.OPENED]
    changing = play(state(), [1] * 4 + [0.5] * 60)
    updates = [event for event in changing if event.change is Change.UPDATED]
    assert updates
    assert all(later.at_ms - earlier.at_ms >= 5000 for earlier, later in pairwise(changing))
    assert updates[-1].confidence < 0.7


def test_each_observation_has_its_own_key():
    events = play(state(), [1, 1, 1, 0, 0, 1, 1, 1])
    assert [event.change for event in events] == [Change.OPENED, Change.CLOSED, Change.OPENED]
    assert events[0].key == events[1].key != events[2].key


@pytest.mark.parametrize("fields", [{"threshold": 1.2}, {"clear_below": 0.9}, {"min_duration_ms": -1}])
def test_a_rule_that_makes_no_sense_is_refused(fields):
    with pytest.raises(BadInput):
        Rule(**{"threshold": 0.8, "clear_below": 0.4, "min_duration_ms": 1000, **fields})
