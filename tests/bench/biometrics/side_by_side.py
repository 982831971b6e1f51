"""Detecting and describing faces beside the real library ``face_recognition`` 1.3.0: same frames, one run."""

import csv
import json
import sys
import time
from functools import partial
from math import comb

import numpy as np

from media.analysis import check_photo
from media.biometrics.describing import describe_well
from media.biometrics.engine import distance
from media.biometrics.engines import default_engine
from media.biometrics.faces import face_detector
from media.biometrics.report.decisions import Compared, decide
from media.biometrics.report.statistics import best_threshold
from media.clips import drawn
from media.detectors.face_watch import SURE
from media.frames import FileSource, Frame
from tests.media.scenarios import DATA, SCENARIOS

TARGET = 20
"""Times as many frames per core-second."""


def say(**values):
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def chosen(image, boxes):
    """Number of the largest box (left, top, right, bottom) over the picture's middle, else of the largest."""
    height, width = image.shape[:2]

    def rank(number):
        left, top, right, bottom = boxes[number]
        central = left <= width / 2 <= right and top <= height / 2 <= bottom
        return central, (right - left) * (bottom - top)

    return max(range(len(boxes)), key=rank, default=None)


def described(image, faces, describe):
    boxes = [(face.left, face.top, face.left + face.width, face.top + face.height) for face in faces]
    number = chosen(image, boxes)
    return None if number is None else describe(image, faces[number])


def ours(image):
    """Descriptor of who sits before the camera; None without a face.

    As in an exam (``FaceWatch``): distant faces are looked for where no near one is sure.
    """
    near = face_detector().near(image)
    sure = any(face.score >= SURE for face in near)
    return described(image, near if sure else face_detector().all(image), default_engine().describe)


def ours_far(image):
    """The same, distant faces looked for in each picture."""
    return described(image, face_detector().all(image), default_engine().describe)


def ours_well(image):
    """Distant faces as well, and the mirror image described, too: what check-in photos and decisions get."""
    return described(image, face_detector().all(image), partial(describe_well, default_engine()))


def theirs(image):
    """What the library's own examples do: all defaults (HOG detector, one jitter)."""
    import face_recognition  # noqa: PLC0415 - installed for the bench alone

    colours = np.ascontiguousarray(image[:, :, ::-1])
    places = face_recognition.face_locations(colours)
    number = chosen(image, [(left, top, right, bottom) for top, right, bottom, left in places])
    return None if number is None else face_recognition.face_encodings(colours, [places[number]])[0]


WAYS = {
    "kustos": ours,
    "kustos_distant_faces_too": ours_far,
    "kustos_distant_faces_and_mirror_image": ours_well,
    "face_recognition": theirs,
}


def frames_of_webcams(count):
    """Frames of labelled clips where they are, else of the drawn webcam; 640x480."""
    clips = sorted(SCENARIOS.glob("*.webm"))
    if not clips:
        return list(drawn.webcam())[:count]
    frames = []
    for clip in clips:
        found = [piece.image for piece in FileSource(clip, rate=0.2).frames() if isinstance(piece, Frame)]
        frames += found[: max(count // len(clips), 1) + 1]
    return frames[:count]


def speed(count):
    images = frames_of_webcams(count)
    rates = {}
    for name, way in WAYS.items():
        way(drawn.portrait())  # loads the models
        started = time.process_time()
        found = [way(image) for image in images]
        took = time.process_time() - started
        rates[name] = len(images) / took
        say(
            bench="detect_and_describe",
            library=name,
            frames=len(images),
            faces_described=sum(each is not None for each in found),
            cpu_ms_per_frame=round(1000 * took / len(images), 1),
            frames_per_core_second=round(rates[name], 1),
        )
    say(
        bench="detect_and_describe_ratio",
        target=TARGET,
        **{name: round(rate / rates["face_recognition"], 1) for name, rate in rates.items()},
    )


def accuracy(count):
    folder = DATA / "faces" / "lfw"
    if not (folder / "pairs.csv").exists():
        say(bench="lfw_pairs", skipped=f"no labelled pairs at {folder} (set KUSTOS_TEST_DATA)")
        return
    rows = list(csv.DictReader((folder / "pairs.csv").open()))
    same = [row for row in rows if row["same"] == "1"][:: max(len(rows) // count, 1)][: count // 2]
    different = [row for row in rows if row["same"] == "0"][:: max(len(rows) // count, 1)][: count // 2]
    pairs = same + different
    right = {}
    for name, way in WAYS.items():
        started = time.process_time()
        distances = distances_of(folder, pairs, way, plain=name == "face_recognition")
        took = time.process_time() - started
        kept = ~np.isnan(distances)
        own = np.array([row["same"] == "1" for row in pairs])
        decided = decide(Compared(distances[kept], own[kept], ["1"] * int(kept.sum())))
        right[name] = rightly(distances, own)
        say(
            bench="lfw_pairs",
            library=name,
            pairs=len(pairs),
            not_compared=int((~kept).sum()),
            accuracy=decided["accuracy"]["value"],
            interval=decided["accuracy"]["interval"],
            accuracy_not_compared_as_errors=round(float(right[name].mean()), 4),
            eer=decided["eer"]["value"],
            cpu_seconds=round(took, 1),
        )
    for name in WAYS:
        if name != "face_recognition":
            say(
                bench="lfw_pairs_beside_face_recognition",
                library=name,
                **mcnemar(right[name], right["face_recognition"]),
            )


def distances_of(folder, pairs, way, plain):
    """Of each pair; nan where a face is not found."""
    import cv2  # noqa: PLC0415 - the speed alone needs no files

    known, distances = {}, []
    for row in pairs:
        sides = []
        for side in "ab":
            person, number = row[f"name_{side}"], int(row[f"num_{side}"])
            path = folder / person / f"{person}_{number:04d}.jpg"
            if path not in known:
                known[path] = way(cv2.imread(str(path)))
            sides.append(known[path])
        found = all(each is not None for each in sides)
        distances.append((np.linalg.norm(sides[0] - sides[1]) if plain else distance(*sides)) if found else np.nan)
    return np.array(distances, float)


def rightly(distances, own, folds=10):
    """Which pairs are decided rightly, each fold by what is best on the others; not compared: wrongly."""
    right, kept, fold = np.zeros(len(own), bool), ~np.isnan(distances), np.zeros(len(own), int)
    for kind in (own, ~own):
        fold[kind] = np.arange(kind.sum()) % folds
    for number in range(folds):
        others = kept & (fold != number)
        here = kept & (fold == number)
        right[here] = (distances[here] < best_threshold(distances[others], own[others])) == own[here]
    return right


def mcnemar(first, second):
    """Pairs that only one of two decided rightly, and the exact two-sided p of as unlike counts by chance."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    count, least = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(count, number) for number in range(least + 1)) / 2**count
    return {"only_ours_right": only_first, "only_theirs_right": only_second, "p": round(min(1.0, 2 * tail), 4)}


def main(frames=20, pairs=100):
    assert check_photo(drawn.portrait_jpeg()).descriptor is not None
    speed(frames)
    accuracy(pairs)


if __name__ == "__main__":
    main()
