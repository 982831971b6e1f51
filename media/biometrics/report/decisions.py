"""What a heap of distances with labels amounts to."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.biometrics.matching import Thresholds
from media.biometrics.report.statistics import (
    Json,
    Numbers,
    best_threshold,
    bootstrapped,
    equal_error_rate,
    measured,
    rate,
    threshold_at,
)

FOLDS: Final = 10
"""Made up where a file has fewer than two, as many as LFW's protocol has."""
FALSE_MATCH_RATES: Final = (0.01, 0.001)


@dataclass(frozen=True, eq=False)
class Compared:
    """Distances of pairs, whether each is of one person, and its fold."""

    distances: Numbers
    same: NDArray[np.bool_]
    folds: list[str]

    def rates_at(self, threshold: float) -> Json:
        """False match and false non-match rate when nearer than ``threshold`` means the same person."""
        near = self.distances < threshold
        return {
            "threshold": round(threshold, 4),
            "fmr": rate(int((near & ~self.same).sum()), int((~self.same).sum())),
            "fnmr": rate(int((~near & self.same).sum()), int(self.same.sum())),
        }


def decide(compared: Compared, thresholds: Thresholds | None = None) -> Json:
    """Accuracy over folds, EER, FMR and FNMR; all of it empty where there are not both kinds of pairs."""
    if not compared.same.any() or compared.same.all():
        return {"accuracy": rate(0, 0), "eer": measured(float("nan"), None, 0), "fmr_fnmr": []}
    thresholds = thresholds or Thresholds()
    value, threshold = equal_error_rate(compared.distances, compared.same)

    def resampled(chosen: NDArray[np.intp]) -> float:
        return equal_error_rate(compared.distances[chosen], compared.same[chosen])[0]

    interval = bootstrapped(len(compared.distances), resampled)
    strangers = compared.distances[~compared.same]
    unclear = (compared.distances >= thresholds.match_below) & (compared.distances < thresholds.mismatch_from)
    return {
        "accuracy": _accuracy(compared),
        "eer": {**measured(value, interval, len(compared.distances)), "threshold": round(threshold, 4)},
        "fmr_fnmr": [
            {
                "at_most_fmr": wanted,
                **compared.rates_at(threshold_at(strangers, wanted)),
                "resolved": len(strangers) * wanted >= 1,
            }
            for wanted in FALSE_MATCH_RATES
        ],
        "at_product_thresholds": {
            "match_below": compared.rates_at(thresholds.match_below),
            "mismatch_from": compared.rates_at(thresholds.mismatch_from),
            "undetermined": rate(int(unclear.sum()), len(compared.distances)),
        },
    }


def _accuracy(compared: Compared) -> Json:
    """LFW's protocol: on each fold by the threshold that is best on all others."""
    folds = np.array(compared.folds)
    given = len(set(compared.folds)) >= 2
    if not given:
        folds = np.empty(len(folds), dtype="U4")
        for kind in (compared.same, ~compared.same):
            folds[kind] = [str(number % FOLDS) for number in range(int(kind.sum()))]
    shares, hits, thresholds = [], 0, []
    for fold in sorted(set(folds.tolist())):
        here = folds == fold
        threshold = best_threshold(compared.distances[~here], compared.same[~here])
        right = (compared.distances[here] < threshold) == compared.same[here]
        shares.append(float(right.mean()))
        hits += int(right.sum())
        thresholds.append(round(threshold, 4))
    error = float(np.std(shares, ddof=1) / np.sqrt(len(shares))) if len(shares) > 1 else float("nan")
    return {
        **rate(hits, len(folds)),
        "mean_of_folds": round(float(np.mean(shares)), 6),
        "standard_error": None if np.isnan(error) else round(error, 6),
        "folds": len(shares),
        "folds_are": "the file's" if given else "made up, the file has fewer than two",
        "thresholds": thresholds,
    }
