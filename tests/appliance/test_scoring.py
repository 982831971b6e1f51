"""Scoring is pure: plain values, and properties that hold for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import scoring
from appliance.errors import BadInput
from appliance.scoring import Span
from appliance.vocabulary import TECHNICAL_TYPES, Decision
from appliance.vocabulary import ObservationType as T

MINUTE = 60_000
NONE = dict.fromkeys(scoring.DEFAULT_WEIGHTS, 0.0)


def test_share_of_each_minute() -> None:
    # 30 s of the first minute, 15 s of the second
    series = scoring.metrics([Span(T.EXTRA_USER_IN_FRAME, 30_000, 75_000)], 0, 3 * MINUTE)
    assert series["c3"] == [50, 25, 0]
    assert series["c4"] == [0, 0, 0]


def test_what_overlaps_counts_once() -> None:
    spans = [Span(T.AVERT_EYES, 0, 30_000), Span(T.NO_USER_IN_FRAME, 15_000, 45_000)]
    series = scoring.metrics(spans, 0, MINUTE)
    assert (series["c2"], series["c2a"], series["c2g"]) == ([75], [50], [50])


def test_what_goes_on_ends_with_the_exam() -> None:
    assert scoring.metrics([Span(T.PHONE, 90_000, None)], 0, 2 * MINUTE)["d2"] == [0, 50]


def test_what_lies_outside_the_exam_is_cut() -> None:
    spans = [Span(T.PHONE, -60_000, 15_000), Span(T.PHONE, 3 * MINUTE, 4 * MINUTE)]
    assert scoring.metrics(spans, 0, 2 * MINUTE)["d2"] == [25, 0]


def test_an_instant_is_drawn_as_one_second() -> None:
    assert scoring.metrics([Span(T.CHANGE_ACTIVE_WINDOW_ON_COMPUTER, 5_000, 5_000)], 0, MINUTE)["b1"] == [2]


def test_pauses_are_cut_out() -> None:
    span = Span(T.NO_USER_IN_FRAME, 0, MINUTE, pauses=((10_000, 40_000), (50_000, 70_000)))
    assert scoring.metrics([span], 0, MINUTE)["c2"] == [33]  # 0-10 s and 40-50 s


def test_a_begun_minute_is_drawn_by_its_own_length_and_weighs_little() -> None:
    length = MINUTE + 1000
    series = scoring.metrics([Span(T.VOICE_DETECTED, MINUTE, length)], 0, length)
    assert series["m2"] == [0, 100]
    assert scoring.score(series, {}, length).value == 98  # one second of 61
    assert scoring.score(series, {}).value == 50


def test_absent_all_the_time_is_absent_all_the_time() -> None:
    length = MINUTE + 2000
    series = scoring.metrics([Span(T.VOICE_DETECTED, 0, None)], 0, length)
    assert scoring.score(series, {}, length).value == 0


def test_no_time_no_minutes() -> None:
    series = scoring.metrics([Span(T.PHONE, 0, None)], 1000, 1000)
    assert set(series) == set(scoring.METRIC_TYPES) and not any(series.values())
    assert scoring.score(series, {}).value == 100


def test_the_formula_and_its_explanation() -> None:
    result = scoring.score({"c2a": [10, 20, 0, 10], "c3": [5, 5, 0, 0], "b1": [0, 0, 0, 0]}, {})
    assert result.value == 78  # 100 - 2 * 10 - 1 * 2.5 = 77.5
    assert result.explanation == [
        {"metric": "c2a", "label_key": "absent_user", "mean": 10.0, "weight": 2.0, "points": 20.0},
        {"metric": "c3", "label_key": "extra_user", "mean": 2.5, "weight": 1.0, "points": 2.5},
    ]


def test_the_score_never_leaves_its_range() -> None:
    assert scoring.score({code: [100] for code in scoring.METRIC_TYPES}, {}).value == 0


def test_an_exams_rules_and_weights() -> None:
    weights = scoring.effective_weights(
        {"phone": 10, "voice": 3}, {"allow_voices": True, "allow_absence_in_frame": 0}
    )
    assert weights["phone"] == 10 and weights["voice"] == 0 and weights["absent_user"] == 2


@pytest.mark.parametrize("weights", [{"phones": 1}, {"phone": -1}, {"phone": 11}, {"phone": "2"}, {"phone": True}])
def test_wrong_weights_are_named(weights: dict) -> None:
    with pytest.raises(BadInput) as refused:
        scoring.checked_weights(weights)
    assert refused.value.details["field"] in weights


moments = st.integers(0, 10 * MINUTE)
spans = st.builds(
    Span,
    type=st.sampled_from(T),
    start_ms=moments,
    end_ms=st.none() | moments,
    decision=st.sampled_from(Decision),
    pauses=st.lists(st.tuples(moments, moments), max_size=3).map(tuple),
)


@given(st.lists(spans, max_size=12), st.integers(0, 5 * MINUTE), st.integers(0, 5 * MINUTE))
def test_every_share_is_a_percentage(observations: list[Span], start: int, length: int) -> None:
    series = scoring.metrics(observations, start, start + length)
    assert {len(values) for values in series.values()} == {-(-length // MINUTE)}
    assert all(0 <= value <= 100 for values in series.values() for value in values)


@given(st.lists(spans, max_size=12))
def test_the_same_in_any_order(observations: list[Span]) -> None:
    assert scoring.metrics(observations, 0, 5 * MINUTE) == scoring.metrics(observations[::-1], 0, 5 * MINUTE)


@given(st.lists(spans, max_size=12), spans)
def test_seeing_more_never_raises_the_score(observations: list[Span], another: Span) -> None:
    def value(seen: list[Span]) -> int:
        return scoring.score(scoring.metrics(seen, 0, 5 * MINUTE), {}).value

    assert value([*observations, another]) <= value(observations)


@given(st.lists(spans.filter(lambda span: span.type in TECHNICAL_TYPES or span.decision is Decision.DISMISSED)))
def test_faults_and_dismissed_ones_never_score(observations: list[Span]) -> None:
    assert scoring.score(scoring.metrics(observations, 0, 5 * MINUTE), {}) == (100, [])


@given(st.lists(spans, max_size=12))
def test_every_point_lost_is_explained(observations: list[Span]) -> None:
    result = scoring.score(scoring.metrics(observations, 0, 5 * MINUTE), {})
    explained = 100 - sum(row["points"] for row in result.explanation)
    assert abs(result.value - min(100, max(0, explained))) <= 0.6


@given(st.lists(spans, max_size=12))
def test_no_weights_no_loss(observations: list[Span]) -> None:
    assert scoring.score(scoring.metrics(observations, 0, 5 * MINUTE), NONE).value == 100
