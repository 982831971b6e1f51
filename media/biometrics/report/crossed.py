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


def chosen_elsewhere(people: People, folds: Mapping[Any, str]) -> Json:
    """The same, each fold's people judged by the threshold that one in 1,000 strangers of the other folds is below.

    And by the one that all but one in 100 comparisons of the others' own pictures are below. ``folds``: by person.
    """
    named = sorted({folds[person] for person in people if person in folds})
    rows: list[Json] = []
    for fold in named:
        here, elsewhere = (
            _held({person: people[person] for person in people if person in folds and (folds[person] == fold) is own})
            for own in (True, False)
        )
        if not len(here.mates) or not len(elsewhere.mates):
            continue
        own, strangers = here.distances()
        known, unknown = elsewhere.distances()
        near, far = float(np.quantile(unknown, FALSE_MATCHES)), float(np.quantile(known, 1 - FALSE_MISMATCHES))
        rows.append(
            {
                "fold": fold,
                "match_below": round(near, 4),
                "fmr": round(float((strangers < near).mean()), 6),
                "missed": int((own >= near).sum()),
                "mismatch_from": round(far, 4),
                "told_as_another": round(float((own >= far).mean()), 6),
                "strangers_not_told": round(float((strangers < far).mean()), 6),
                "comparisons_of_one_person": len(own),
            }
        )
    compared = sum(row["comparisons_of_one_person"] for row in rows)
    return {
        "how": "each fold by thresholds chosen on the other folds' people; one person has several of the comparisons",
        "fnmr": rate(sum(row["missed"] for row in rows), compared),
        "folds": rows,
    }


@dataclass(frozen=True, eq=False)
class _Held:
    """Means of several pictures, and the single pictures they are held against."""

    probes: Counts
    whose: Indices
    faces: Counts
    owner: Indices
    mates: Indices
    people: int

    def distances(self) -> tuple[Counts, Counts]:
        """To the person's own picture that is not in the mean; to all pictures of all others."""
        own = np.linalg.norm(self.probes - self.faces[self.mates], axis=1)
        return own, _distances(self.probes, self.faces)[self.whose[:, None] != self.owner[None]]


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
        shares = np.full(self.people, 1 / self.people)
        drawn = np.random.default_rng(SEED).multinomial(self.people, shares, size=RESAMPLES).astype(np.float64)
        fmr = np.einsum("ri,ri->r", drawn @ false, drawn) / np.einsum("ri,ri->r", drawn @ of_strangers, drawn)
        fnmr = (drawn @ missed) / np.clip(drawn @ of_own, 1, None)
        return {
            "fmr": _figure(false.sum() / of_strangers.sum(), fmr),
            "fnmr": _figure(missed.sum() / max(of_own.sum(), 1), fnmr),
        }

    def _by_people(self, flags: Flags) -> Counts:
        rows, columns = np.nonzero(flags)
        cells = self.whose[rows] * self.people + self.owner[columns]
        return np.bincount(cells, minlength=self.people**2).reshape(self.people, self.people).astype(np.float64)


def _figure(value: float, resampled: Counts) -> Json:
    ends = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"value": round(float(value), 6), "interval": [round(float(end), 6) for end in ends]}
