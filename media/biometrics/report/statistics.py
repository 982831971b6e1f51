"""Rates with their intervals, and what two heaps of scores say about each other. All intervals are 95 %."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Json = dict[str, Any]

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 1000
"""Of a bootstrap; the interval's ends then move by about a tenth of its width from run to run, were there no seed."""
SEED: Final = 20
DIGITS: Final = 4


def rate(hits: int, n: int) -> Json:
    """A share with its Wilson score interval; value and interval are None when nothing was counted."""
    from scipy.stats import binomtest  # type: ignore[import-untyped]  # noqa: PLC0415 - loads half a second

    if not n:
        return {"value": None, "n": 0, "hits": 0, "interval": None}
    bounds = binomtest(hits, n).proportion_ci(CONFIDENCE, method="wilson")
    interval = [round(float(bounds.low), DIGITS + 2), round(float(bounds.high), DIGITS + 2)]
    return {"value": round(hits / n, DIGITS + 2), "n": n, "hits": hits, "interval": interval}


def bootstrapped(count: int, statistic: Callable[[NDArray[np.intp]], float]) -> list[float] | None:
    """Percentile interval of ``statistic`` over resampled indices 0..count-1; None for fewer than three.

    The indices are what was drawn independently of each other: pairs, pictures, or whole files, never frames.
    """
    from scipy.stats import bootstrap  # noqa: PLC0415

    if count < 3:
        return None
    with warnings.catch_warnings():  # that all resamples may agree is no news
        warnings.simplefilter("ignore")
        found = bootstrap(
            (np.arange(count),),
            lambda chosen: statistic(np.asarray(chosen, dtype=np.intp)),
            n_resamples=RESAMPLES,
            vectorized=False,
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(SEED),
        ).confidence_interval
    return None if np.isnan(found.low) else [round(float(found.low), DIGITS), round(float(found.high), DIGITS)]


def measured(value: float, interval: list[float] | None, n: int) -> Json:
    """A figure that is no share."""
    return {"value": None if np.isnan(value) else round(value, DIGITS), "n": n, "interval": interval}


def mean_of(values: Sequence[float], unit: str) -> Json:
    """Mean with its bootstrap interval."""
    numbers = np.asarray(values, dtype=np.float64)
    if not numbers.size:
        return {"value": None, "n": 0, "interval": None, "unit": unit}
    interval = bootstrapped(len(numbers), lambda chosen: float(numbers[chosen].mean()))
    return {**measured(float(numbers.mean()), interval, len(numbers)), "unit": unit}


def area_under_curve(scores: Numbers, positive: NDArray[np.bool_]) -> float:
    """Share of pairs (one positive, one negative) in which the positive has the higher score; ties count half.

    The Mann-Whitney U statistic over its largest value. NaN when one of the two is missing.
    """
    from scipy.stats import rankdata  # noqa: PLC0415

    ours, theirs = int(positive.sum()), int((~positive).sum())
    if not ours or not theirs:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - ours * (ours + 1) / 2) / (ours * theirs))


def equal_error_rate(distances: Numbers, same: NDArray[np.bool_]) -> tuple[float, float]:
    """Rate at which false matches and false non-matches are equally frequent, and its threshold.

    Between two thresholds at which the two rates cross, their mean. NaN when one kind of pair is missing.
    """
    if same.all() or not same.any():
        return float("nan"), float("nan")
    thresholds = np.unique(distances)
    false_match = np.searchsorted(np.sort(distances[~same]), thresholds, side="left") / (~same).sum()
    false_non_match = 1 - np.searchsorted(np.sort(distances[same]), thresholds, side="left") / same.sum()
    at = int(np.argmin(np.abs(false_match - false_non_match)))
    return float((false_match[at] + false_non_match[at]) / 2), float(thresholds[at])


def best_threshold(distances: Numbers, same: NDArray[np.bool_]) -> float:
    """Distance below which calling a pair the same is right most often; the middle of the best stretch."""
    ordered = np.unique(distances)
    if not ordered.size:
        return 0.0
    cuts = np.concatenate([[ordered[0]], (ordered[1:] + ordered[:-1]) / 2, [ordered[-1] + 1e-6]])
    right = np.searchsorted(np.sort(distances[same]), cuts, side="left") + (
        (~same).sum() - np.searchsorted(np.sort(distances[~same]), cuts, side="left")
    )
    best = np.flatnonzero(right == right.max())
    return float(cuts[best[len(best) // 2]])


def threshold_at(distances: Numbers, false_match_rate: float) -> float:
    """Largest threshold at which not more than that share of ``distances`` (of strangers) lies below it."""
    ordered = np.sort(distances)
    return float(ordered[min(int(false_match_rate * len(ordered) + 1e-9), len(ordered) - 1)])
