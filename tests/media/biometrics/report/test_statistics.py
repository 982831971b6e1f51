"""Figures against values known from elsewhere."""

import numpy as np
import pytest

from media.biometrics.report.crossed import all_against_all, several_against_one
from media.biometrics.report.decisions import Compared, decide
from media.biometrics.report.statistics import (
    area_under_curve,
    best_threshold,
    bootstrapped,
    equal_error_rate,
    mean_of,
    rate,
    threshold_at,
)


def test_wilsons_interval_of_a_known_case():
    # Newcombe 1998, table I: 81 of 263 gives .2553 to .3662
    one = rate(81, 263)
    assert one["value"] == pytest.approx(0.308, abs=0.001)
    assert one["interval"] == pytest.approx([0.2553, 0.3662], abs=0.0001)
    assert rate(0, 0) == {"value": None, "n": 0, "hits": 0, "interval": None}


def test_area_under_the_curve_counts_ties_half():
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    positive = np.array([False, False, True, True])
    assert area_under_curve(scores, positive) == 0.75
    assert area_under_curve(np.ones(4), positive) == 0.5
    assert np.isnan(area_under_curve(scores, np.ones(4, dtype=bool)))


def test_equal_error_rate_lies_where_both_rates_cross():
    random = np.random.default_rng(3)
    near, far = random.normal(0.4, 0.05, 4000), random.normal(0.6, 0.05, 4000)
    same = np.repeat([True, False], 4000)
    value, threshold = equal_error_rate(np.concatenate([near, far]), same)
    assert value == pytest.approx(0.0228, abs=0.005)  # two standard deviations from either mean
    assert threshold == pytest.approx(0.5, abs=0.01)


def test_thresholds():
    distances = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    same = np.array([True, True, True, False, False, False])
    assert 0.3 < best_threshold(distances, same) <= 0.7
    strangers = np.linspace(0.5, 1.0, 1000)
    assert (strangers < threshold_at(strangers, 0.01)).mean() <= 0.01
    assert (strangers < threshold_at(strangers, 0.001)).mean() <= 0.001


def test_a_bootstrap_holds_the_mean_and_needs_three():
    values = np.random.default_rng(1).normal(5, 1, 200)
    low, high = bootstrapped(200, lambda chosen: float(values[chosen].mean()))
    assert low < values.mean() < high
    assert high - low == pytest.approx(4 / np.sqrt(200), rel=0.3)
    assert bootstrapped(2, lambda chosen: 0.0) is None
    assert mean_of([], "s")["value"] is None


def test_the_threshold_of_a_fold_comes_from_the_others():
    """Fold b is decided by a's threshold, 0.55, which is wrong for b: its pairs of one person lie at 0.6."""
    distances = np.array([0.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.7, 0.7])
    same = np.array([True, True, False, False, True, True, False, False])
    decided = decide(Compared(distances, same, ["a"] * 4 + ["b"] * 4))["accuracy"]
    assert decided["folds"] == 2
    assert decided["folds_are"] == "the file's"
    assert decided["value"] == 0.5
    made_up = decide(Compared(np.tile(distances, 5), np.tile(same, 5), ["1"] * 40))["accuracy"]
    assert made_up["folds_are"].startswith("made up")


def test_one_kind_of_pairs_gives_no_figures():
    decided = decide(Compared(np.array([0.1]), np.array([True]), ["1"]))
    assert decided["accuracy"]["value"] is None


@pytest.fixture
def people():
    random = np.random.default_rng(5)
    middles = random.normal(0, 1, (12, 128))
    return {number: list(middle + random.normal(0, 0.2, (4, 128))) for number, middle in enumerate(middles)}


def test_all_against_all_counts_each_pair_once(people):
    found = all_against_all(people)
    assert found["comparisons_of_one_person"] == 12 * 6
    assert found["comparisons_of_strangers"] == 48 * 47 // 2 - 12 * 6
    one_in_100 = next(row for row in found["rates"] if row["at"] == "fmr_0.01")
    assert one_in_100["fmr"]["value"] == pytest.approx(0.01, abs=0.002)
    assert one_in_100["fnmr"]["value"] == 0


def test_several_pictures_are_held_against_single_ones(people):
    found = several_against_one(people)
    assert found["comparisons_of_one_person"] == 48
    assert found["comparisons_of_strangers"] == 48 * 44
    assert all(0 <= row["fmr"]["value"] <= 1 for row in found["rates"])
    assert several_against_one({1: [np.ones(128)]})["rates"] == []


def test_draws_of_one_person_alone_say_nothing_of_strangers(people):
    """Of three people one draw in nine has the same three times: nobody to mistake for another."""
    few = {number: people[number] for number in list(people)[:3]}
    for row in all_against_all(few)["rates"]:
        for name in ("fmr", "fnmr"):
            low, high = row[name]["interval"]
            assert 0 <= low <= row[name]["value"] <= high <= 1
