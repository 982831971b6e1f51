"""All pictures of a set against each other: enough comparisons of strangers to speak of one false match in 1,000."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media.biometrics.describing import together
from media.biometrics.engine import Descriptor, at_length
from media.biometrics.matching import Thresholds
from media.biometrics.report.statistics import CONFIDENCE, RESAMPLES, SEED, Json, rate

Counts = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]
People = Mapping[Any, Sequence[Descriptor]]
AT_MOST: Final = 3
"""Pictures of one person that are taken together."""
FOLDS: Final = 10
FALSE_MATCHES: Final = 0.001
FALSE_MISMATCHES: Final = 0.01


def all_against_all(people: People) -> Json:
    """FMR and FNMR of every picture with every other; intervals by bootstrap over people.

    A picture takes part in many comparisons: only people are independent of each other, so they are resampled.
    """
    known = [descriptors for descriptors in people.values() if descriptors]
    faces, owner = _flat(known)
    return _crossed(faces, owner, faces, owner, len(known), "every picture with every other")


def several_against_one(people: People) -> Json:
    """Several pictures of a person, as one descriptor, against single pictures of everybody.

    For each picture of a person the mean of two or three of that person's others is what is held against it, as an
    exam's pictures are against a check-in photo; strangers are all pictures of all others.
    """
    held = _held(people)
    if not len(held.mates):
        return {"people": held.people, "rates": []}
    how = f"the mean of 2 to {AT_MOST} pictures of a person against single pictures of everybody"
    return _crossed(held.probes, held.whose, held.faces, held.owner, held.people, how, held.mates)


def chosen_elsewhere(people: People) -> Json:
    """The same, each tenth of the people judged by thresholds that the other nine tenths chose.

    By the one that one in 1,000 strangers of the others is below, and by the one that all but one in 100 comparisons
    of the others' own pictures are below. A file's own folds divide pairs, not people, and may be two.
    """
    named = sorted(people, key=str)
    parts = [set(named[number::FOLDS]) for number in range(FOLDS)]
    judged = [found for part in parts if (found := _chosen_elsewhere(people, part)) is not None]
    pooled = {
        key: _pooled(np.concatenate([counted[key] for _, counted in judged])) if judged else rate(0, 0)
        for key in _COUNTED
    }
    return {
        "how": f"people in {FOLDS} folds, each judged by thresholds chosen on the people of the others; intervals by "
        "bootstrap over people",
        **pooled,
        **{key: _range([row[key] for row, _ in judged]) for key in ("match_below", "mismatch_from")},
        "folds": [
            {
                **row,
                **{key: round(float(counts[:, 0].sum() / counts[:, 1].sum()), 6) for key, counts in counted.items()},
            }
            for row, counted in judged
        ],
    }


_COUNTED: Final = ("fnmr", "fmr", "told_as_another", "strangers_not_told")


def _chosen_elsewhere(people: People, fold: set[Any]) -> tuple[dict[str, float], dict[str, Counts]] | None:
    """One fold's thresholds, and by person how many comparisons went wrong of how many (Nx2).

    None where the fold or the rest has nobody with three pictures.
    """
    here, elsewhere = (
        _held({person: pictures for person, pictures in people.items() if (person in fold) is own})
        for own in (True, False)
    )
    if not len(here.mates) or not len(elsewhere.mates):
        return None
    known, unknown, are_strangers = elsewhere.distances()
    near = float(np.quantile(unknown[are_strangers], FALSE_MATCHES))
    far = float(np.quantile(known, 1 - FALSE_MISMATCHES))
    own, others, are_strangers = here.distances()
    counted = {
        "fnmr": here.by_person(own >= near, np.ones_like(own)),
        "fmr": here.by_person(((others < near) & are_strangers).sum(axis=1), are_strangers.sum(axis=1)),
        "told_as_another": here.by_person(own >= far, np.ones_like(own)),
        "strangers_not_told": here.by_person(((others < far) & are_strangers).sum(axis=1), are_strangers.sum(axis=1)),
    }
    return {"match_below": round(near, 4), "mismatch_from": round(far, 4)}, counted


def _pooled(counts: Counts) -> Json:
    """The share over all people of Nx2 (wrong, of), its interval over people drawn anew."""
    wrong, of = counts.sum(axis=0)
    drawn = _drawn(len(counts)) @ counts
    return {**_figure(wrong, of, drawn[:, 0], drawn[:, 1]), "n": int(of), "hits": int(wrong)}


def _range(values: list[float]) -> Json:
    if not values:
        return {"mean": None, "lowest": None, "highest": None}
    return {"mean": round(float(np.mean(values)), 4), "lowest": min(values), "highest": max(values)}


@dataclass(frozen=True, eq=False)
class _Held:
    """Means of several pictures, and the single pictures they are held against."""

    probes: Counts
    whose: Indices
    faces: Counts
    owner: Indices
    mates: Indices
    people: int

    def distances(self) -> tuple[Counts, Counts, Flags]:
        """Of each probe to the one picture of its person held against it; to all pictures; which are strangers'."""
        own = np.linalg.norm(self.probes - self.faces[self.mates], axis=1)
        return own, _distances(self.probes, self.faces), self.whose[:, None] != self.owner[None]

    def by_person(self, wrong: NDArray[Any], of: NDArray[Any]) -> Counts:
        """Counts of each probe, summed by person: Nx2."""
        sums = [np.bincount(self.whose, weights=each.astype(np.float64)) for each in (wrong, of)]
        both = np.stack(sums, axis=1)
        return np.asarray(both[both[:, 1] > 0])


def _held(people: People) -> _Held:
    known = [descriptors for descriptors in people.values() if descriptors]
    faces, owner = _flat(known)
    probes, whose, held_against = [], [], []
    for number in range(len(known)):
        own = np.flatnonzero(owner == number)
        for reference in own if len(own) > 2 else []:
            others = own[own != reference]
            # the next ones in turn, so that none is always left out
            chosen = np.roll(others, -int(np.searchsorted(others, reference)))[:AT_MOST]
            probes.append(together(list(faces[chosen])))
            whose.append(number)
            held_against.append(reference)
    stacked = np.stack(probes) if probes else np.zeros((0, 128))
    return _Held(stacked, np.array(whose, int), faces, owner, np.array(held_against, int), len(known))


def _distances(probes: Counts, faces: Counts) -> Counts:
    squares = np.einsum("ij,ij->i", probes, probes)[:, None] + np.einsum("ij,ij->i", faces, faces)[None]
    return np.asarray(np.sqrt(np.clip(squares - 2 * probes @ faces.T, 0, None)))


def _flat(known: Sequence[Sequence[Descriptor]]) -> tuple[Counts, Indices]:
    if not known:
        return np.zeros((0, 128)), np.zeros(0, dtype=np.intp)
    faces = np.concatenate([np.stack([at_length(one) for one in descriptors]) for descriptors in known])
    return faces, np.repeat(np.arange(len(known)), [len(descriptors) for descriptors in known])


def _crossed(
    probes: Counts, whose: Indices, faces: Counts, owner: Indices, people: int, how: str, mates: Indices | None = None
) -> Json:
    """``mates``: for each probe the one picture of the same person it is held against; None: each pair once."""
    if people < 3:
        return {"people": people, "rates": []}
    distances = _distances(probes, faces)
    same = whose[:, None] == owner[None]
    if mates is None:
        counted = np.triu(np.ones_like(same), 1)
    else:
        counted = ~same
        counted[np.arange(len(probes)), mates] = True
    strangers = np.sort(distances[counted & ~same])
    thresholds = Thresholds() if mates is None else Thresholds().of_several
    wanted = {
        "match_below": thresholds.match_below,
        "mismatch_from": thresholds.mismatch_from,
        "fmr_0.01": float(strangers[int(0.01 * len(strangers))]),
        "fmr_0.001": float(strangers[int(0.001 * len(strangers))]),
    }
    crossing = _Crossing(distances, whose, owner, counted & ~same, counted & same, people)
    return {
        "how": how,
        "people": people,
        "comparisons_of_strangers": len(strangers),
        "comparisons_of_one_person": int((counted & same).sum()),
        "rates": [
            {"at": name, "threshold": round(threshold, 4), **crossing.rates(threshold)}
            for name, threshold in wanted.items()
        ],
    }


@dataclass(frozen=True, eq=False)
class _Crossing:
    distances: Counts
    whose: Indices
    owner: Indices
    strangers: Flags
    own: Flags
    people: int

    def rates(self, threshold: float) -> Json:
        """FMR and FNMR below a distance, counted by person and person, so that people can be drawn anew."""
        near = self.distances < threshold
        false, of_strangers = self._by_people(near & self.strangers), self._by_people(self.strangers)
        missed = np.diag(self._by_people(~near & self.own))
        of_own = np.diag(self._by_people(self.own))
        drawn = _drawn(self.people)
        wrong, of = (np.einsum("ri,ri->r", drawn @ counts, drawn) for counts in (false, of_strangers))
        return {
            "fmr": _figure(false.sum(), of_strangers.sum(), wrong, of),
            "fnmr": _figure(missed.sum(), of_own.sum(), drawn @ missed, drawn @ of_own),
        }

    def _by_people(self, flags: Flags) -> Counts:
        rows, columns = np.nonzero(flags)
        cells = self.whose[rows] * self.people + self.owner[columns]
        return np.bincount(cells, minlength=self.people**2).reshape(self.people, self.people).astype(np.float64)


def _drawn(people: int) -> Counts:
    """RESAMPLES x people: how often each is in a draw of as many, with replacement (bootstrap)."""
    shares = np.full(people, 1 / people)
    return np.random.default_rng(SEED).multinomial(people, shares, size=RESAMPLES).astype(np.float64)


def _figure(wrong: float, of: float, drawn_wrong: Counts, drawn_of: Counts) -> Json:
    """A share and its interval; draws of few people that have nothing to count in are left out."""
    counted = drawn_of > 0
    if of <= 0 or not counted.any():
        return {"value": None, "interval": None}
    ends = np.quantile(drawn_wrong[counted] / drawn_of[counted], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"value": round(float(wrong / of), 6), "interval": [round(float(end), 6) for end in ends]}
