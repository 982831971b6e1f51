"""Pairs of pictures: how often the product says rightly whether two show one person."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from media.biometrics.describing import describe_well, together
from media.biometrics.engine import Descriptor, Engine, distance
from media.biometrics.engines import default_engine
from media.biometrics.faces import Face, face_detector
from media.biometrics.matching import QualityGate, Thresholds
from media.biometrics.mesh import mesh_network
from media.biometrics.photos import check_photo
from media.biometrics.regions import Image
from media.biometrics.report.contents import Contents, Pair
from media.biometrics.report.crossed import AT_MOST, all_against_all, chosen_elsewhere, several_against_one
from media.biometrics.report.decisions import Compared, decide
from media.biometrics.report.statistics import Json, rate

SURE: Final = 0.5
"""A weaker face is none, as in ``Scene.sure_faces``."""
Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Described:
    """What became of one picture."""

    descriptor: Descriptor | None
    objection: str
    """Why it cannot be compared: ``missing``, ``unreadable``, ``no_face`` (no descriptor), or the quality gate's."""
    check_in: tuple[str, ...] = ()
    """Why the check-in would ask for another photo."""


class _NoEngine:
    """Lets ``check_photo`` judge a picture without describing it a second time."""

    models = ()

    def describe(self, image: Image, face: Face) -> Descriptor:
        return np.zeros(128)

    def describe_many(self, faces: Sequence[tuple[Image, Face]]) -> list[Descriptor]:
        return [np.zeros(128) for _ in faces]


def report(found: Contents, progress: Progress) -> Json:
    """Accuracy, EER, FMR and FNMR, failure to enrol."""
    described = _described(found, progress)
    every = _compared(found.pairs, described, gated=False)
    gated = _compared(found.pairs, described, gated=True)
    pictures = list(described.values())
    return {
        "files": [found.name(path) for path in found.pair_files],
        "pairs": len(found.pairs),
        "pictures": len(pictures),
        "how": "every pair whose faces were found; of several faces in a picture the largest that covers its middle",
        **decide(every),
        "excluded_pairs": _excluded(found.pairs, described, gated=False),
        "failures_as_errors": _strict(every, len(found.pairs)),
        "quality_gated": {
            "how": "pairs in which both pictures pass the gate that every picture passes before it is compared",
            **decide(gated),
            "excluded_pairs": _excluded(found.pairs, described, gated=True),
        },
        "several_pictures": _several(found, described),
        "every_picture_with_every_other": all_against_all(_by_person(found, described)),
        "several_against_every_other": {
            **several_against_one(_by_person(found, described)),
            "chosen_elsewhere": chosen_elsewhere(_by_person(found, described)),
        },
        "failure_to_enrol": _failures(pictures),
        "groups": _groups(found, described),
    }


def _described(found: Contents, progress: Progress) -> dict[Path, Described]:
    wanted = {path for pair in found.pairs for path in (pair.picture_a, pair.picture_b)}
    wanted |= {path for paths in found.people.values() for path in paths}
    described: dict[Path, Described] = {}
    engine = default_engine()
    for number, path in enumerate(sorted(wanted), 1):
        described[path] = Described(None, "unreadable")
        with found.attempt(path):
            described[path] = _describe(path, engine)
        if described[path].objection in ("missing", "unreadable"):
            found.skipped.setdefault(path, f"named in pairs.csv but {described[path].objection}")
        if number % 100 == 0 or number == len(wanted):
            progress(f"faces: {number} of {len(wanted)} pictures described")
    return described


def _describe(path: Path, engine: Engine) -> Described:
    try:
        content = path.read_bytes()
    except OSError:
        return Described(None, "missing")
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if image is None:
        return Described(None, "unreadable")
    picture = np.asarray(image, dtype=np.uint8)
    check_in = tuple(hint.value for hint in check_photo(content, engine=_NoEngine()).hints)
    face = _labelled(picture)
    if face is None:
        return Described(None, "no_face", check_in)
    objection = QualityGate().objection(picture, face, mesh_network().mesh(picture, face))
    return Described(describe_well(engine, picture, face), objection, check_in)


def _labelled(image: Image) -> Face | None:
    """The face that a label means: the largest over the picture's middle, else the largest."""
    faces = [face for face in face_detector().all(image) if face.score >= SURE]
    height, width = image.shape[:2]
    central = [
        face
        for face in faces
        if face.left <= width / 2 <= face.left + face.width and face.top <= height / 2 <= face.top + face.height
    ]
    return next(iter(central or faces), None)


def _usable(one: Described, gated: bool) -> bool:
    return one.descriptor is not None and not (gated and one.objection)


def _compared(pairs: Iterable[Pair], described: dict[Path, Described], gated: bool) -> Compared:
    distances, same, folds = [], [], []
    for pair in pairs:
        first, second = described[pair.picture_a], described[pair.picture_b]
        if _usable(first, gated) and _usable(second, gated):
            distances.append(_apart(first, second))
            same.append(pair.same)
            folds.append(pair.fold)
    return Compared(np.array(distances), np.array(same, dtype=bool), folds)


def _apart(first: Described, second: Described) -> float:
    assert first.descriptor is not None and second.descriptor is not None  # noqa: S101 - _usable said so
    return distance(first.descriptor, second.descriptor)


def _excluded(pairs: list[Pair], described: dict[Path, Described], gated: bool) -> Json:
    """Pairs that no decision was made on, counted under the first reason of either picture."""
    reasons: Counter[str] = Counter()
    for pair in pairs:
        bad = [one for one in (described[pair.picture_a], described[pair.picture_b]) if not _usable(one, gated)]
        if bad:
            reasons[bad[0].objection] += 1
    return {**rate(sum(reasons.values()), len(pairs)), "reasons": dict(reasons.most_common())}


def _strict(compared: Compared, pairs: int) -> Json:
    """Accuracy when every pair that could not be compared counts as wrongly decided."""
    right = decide(compared)["accuracy"].get("hits", 0)
    return rate(right, pairs)


def _several(found: Contents, described: dict[Path, Described]) -> Json:
    """The first picture against up to three of the other's person together; only where there are two."""
    distances, same, folds, used = [], [], [], 0
    for pair in found.pairs:
        folder = pair.picture_b.parent.parent
        others = [pair.picture_b, *sorted(found.people.get((folder, pair.name_b), []))]
        probes = [path for path in dict.fromkeys(others) if path != pair.picture_a and _usable(described[path], True)]
        first = described[pair.picture_a]
        if len(probes) < 2 or not _usable(first, True):
            continue
        taken = [one for path in probes[:AT_MOST] if (one := described[path].descriptor) is not None]
        used += len(taken)
        assert first.descriptor is not None  # noqa: S101 - _usable said so
        distances.append(distance(first.descriptor, together(taken)))
        same.append(pair.same)
        folds.append(pair.fold)
    compared = Compared(np.array(distances), np.array(same, dtype=bool), folds)
    return {
        "how": "quality-gated; the first picture against the mean descriptor of up to three of the other person's, "
        "where there are at least two; as the analysis of an exam does before it speaks of another person",
        "pictures_per_comparison": round(used / len(distances), 2) if distances else None,
        **decide(compared, Thresholds().of_several),
    }


def _by_person(found: Contents, described: dict[Path, Described]) -> dict[tuple[Path, str], list[Descriptor]]:
    people = {}
    for person, paths in found.people.items():
        kept = [described[path].descriptor for path in paths if _usable(described[path], True)]
        people[person] = [descriptor for descriptor in kept if descriptor is not None]
    return people


def _failures(pictures: list[Described]) -> Json:
    """Pictures that cannot be compared, by the gate of the analysis; and what the check-in would ask for again."""
    objections = Counter(one.objection for one in pictures if one.objection)
    hints = Counter(hint for one in pictures for hint in one.check_in)
    return {
        **rate(sum(objections.values()), len(pictures)),
        "reasons": dict(objections.most_common()),
        "no_descriptor_at_all": rate(sum(one.descriptor is None for one in pictures), len(pictures)),
        "check_in_asks_again": {
            **rate(sum(bool(one.check_in) for one in pictures), len(pictures)),
            "reasons": dict(hints.most_common()),
        },
    }


def _groups(found: Contents, described: dict[Path, Described]) -> Json:
    """By attribute and value: from groups.csv when both persons have the value, or from the pair's own row."""
    members: dict[tuple[str, str], list[Pair]] = {}
    for pair in found.pairs:
        first, second = (found.groups.get(name, {}) for name in (pair.name_a, pair.name_b))
        shared = {(key, value) for key, value in first.items() if second.get(key) == value}
        for label in {*shared, *pair.groups}:
            members.setdefault(label, []).append(pair)
    result: Json = {}
    for (attribute, value), pairs in sorted(members.items()):
        compared = _compared(pairs, described, gated=True)
        at = Thresholds().mismatch_from
        paths = {path for pair in pairs for path in (pair.picture_a, pair.picture_b)}
        result.setdefault(attribute, {})[value] = {
            "pairs": len(pairs),
            **compared.rates_at(at),
            "failure_to_enrol": rate(sum(bool(described[path].objection) for path in paths), len(paths)),
        }
    return result
