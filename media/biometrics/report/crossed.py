"""All pictures of a set against each other: enough comparisons of strangers to speak of one false match in 1,000."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.biometrics.engine import Descriptor
from media.biometrics.matching import Thresholds
from media.biometrics.report.statistics import CONFIDENCE, RESAMPLES, SEED, Json

Counts = NDArray[np.float64]


def all_against_all(people: Mapping[Any, Sequence[Descriptor]]) -> Json:
    """FMR and FNMR of every picture with every other; intervals by bootstrap over people.

    A picture takes part in many comparisons: only people are independent of each other, so they are resampled.
    """
    names = [name for name, descriptors in people.items() if descriptors]
    if len(names) < 3:
        return {"people": len(names), "rates": []}
    faces = np.concatenate([np.stack(people[name]) for name in names])
    owner = np.repeat(np.arange(len(names)), [len(people[name]) for name in names])
    squares = np.einsum("ij,ij->i", faces, faces)
    distances = np.sqrt(np.clip(squares[:, None] + squares[None] - 2 * faces @ faces.T, 0, None))
    strangers = np.sort(distances[np.triu(owner[:, None] != owner[None], 1)])
    wanted = {
        "match_below": Thresholds().match_below,
        "mismatch_from": Thresholds().mismatch_from,
        "fmr_0.01": float(strangers[int(0.01 * len(strangers))]),
        "fmr_0.001": float(strangers[int(0.001 * len(strangers))]),
    }
    own = np.triu(owner[:, None] == owner[None], 1)
    return {
        "people": len(names),
        "pictures": len(faces),
        "comparisons_of_strangers": len(strangers),
        "comparisons_of_one_person": int(own.sum()),
        "rates": [
            {"at": name, "threshold": round(threshold, 4), **_rates(distances, owner, own, threshold)}
            for name, threshold in wanted.items()
        ],
    }


def _rates(distances: Counts, owner: NDArray[np.intp], own: NDArray[np.bool_], threshold: float) -> Json:
    count = int(owner[-1]) + 1
    near = distances < threshold
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    sizes = np.bincount(owner).astype(np.float64)
    false = np.add.reduceat(np.add.reduceat(near.astype(np.float64), first, axis=0), first, axis=1)
    np.fill_diagonal(false, 0)
    of_strangers = np.outer(sizes, sizes)
    np.fill_diagonal(of_strangers, 0)
    rows, columns = np.nonzero(own)
    missed = np.bincount(owner[rows], weights=~near[rows, columns], minlength=count)
    of_own = np.bincount(owner[rows], minlength=count).astype(np.float64)
    generator = np.random.default_rng(SEED)
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)
    fmr = np.einsum("ri,ij,rj->r", drawn, false, drawn, optimize=True) / np.einsum(
        "ri,ij,rj->r", drawn, of_strangers, drawn, optimize=True
    )
    fnmr = (drawn @ missed) / np.clip(drawn @ of_own, 1, None)
    return {
        "fmr": _figure(false.sum() / of_strangers.sum(), fmr),
        "fnmr": _figure(missed.sum() / max(of_own.sum(), 1), fnmr),
    }


def _figure(value: float, resampled: Counts) -> Json:
    ends = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"value": round(float(value), 6), "interval": [round(float(end), 6) for end in ends]}
