"""What box, mirror image and common length bring, on LFW, each picture with each other. JSON lines.

Run: python -m tests.bench.biometrics.variants   (about two minutes of CPU; docs/decisions/0016 quotes it)
"""

import csv

import cv2
import numpy as np

from media.biometrics import dlib_engine
from media.biometrics.describing import describe_well
from media.biometrics.engines import default_engine
from media.biometrics.faces import face_detector
from tests.bench.biometrics.side_by_side import described, say
from tests.media.scenarios import DATA

LFW = DATA / "faces" / "lfw"
STRANGERS_AS_NEAR = (0.01, 0.001)


def plain_mean(engine, image, face):
    """Face and mirror image without the common length."""
    single = engine.describe(image, face)
    well = describe_well(engine, image, face)
    # at one length, mean = (face + mirror) / 2 up to a factor: give it back the length of the face's own
    return well * (np.linalg.norm(single) / np.linalg.norm(well))


WAYS = {
    "detector's box": (1.0, 0.0, lambda image, face: default_engine().describe(image, face)),
    "dlib's box": (
        dlib_engine.BOX_SIZE,
        dlib_engine.BOX_UP,
        lambda image, face: default_engine().describe(image, face),
    ),
    "and mirror image": (dlib_engine.BOX_SIZE, dlib_engine.BOX_UP, lambda *face: plain_mean(default_engine(), *face)),
    "and common length": (
        dlib_engine.BOX_SIZE,
        dlib_engine.BOX_UP,
        lambda *face: describe_well(default_engine(), *face),
    ),
}


def pictures():
    """Person and picture of all that pairs.csv names."""
    with (LFW / "pairs.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    named = {(row[f"name_{side}"], int(row[f"num_{side}"])) for row in rows for side in "ab"}
    for name, number in sorted(named):
        image = cv2.imread(str(LFW / name / f"{name}_{number:04d}.jpg"))
        yield name, image, face_detector().all(image)


def main():
    found = list(pictures())
    for way, (size, up, describe) in WAYS.items():
        dlib_engine.BOX_SIZE, dlib_engine.BOX_UP = size, up
        told = [(name, described(image, faces, describe)) for name, image, faces in found]
        names = np.array([name for name, descriptor in told if descriptor is not None])
        numbers = np.array([descriptor for _, descriptor in told if descriptor is not None])
        rows, columns = np.triu_indices(len(names), 1)
        squares = (numbers**2).sum(axis=1)
        apart = np.sqrt(np.maximum(squares[rows] + squares[columns] - 2 * (numbers @ numbers.T)[rows, columns], 0))
        own = names[rows] == names[columns]
        strangers = np.sort(apart[~own])
        limits = {share: float(strangers[int(share * len(strangers))]) for share in STRANGERS_AS_NEAR}
        say(
            bench="variants",
            way=way,
            of_strangers=len(strangers),
            of_one_person=int(own.sum()),
            missed={str(share): round(float((apart[own] >= limit).mean()), 4) for share, limit in limits.items()},
            thresholds={str(share): round(limit, 3) for share, limit in limits.items()},
        )


if __name__ == "__main__":
    main()
