import numpy as np
import pytest

from media.biometrics.faces import face_detector
from media.biometrics.gaze_map import (
    FEATURE_COUNT,
    CalibrationHint,
    CalibrationRefused,
    GazeMap,
    PointLooks,
    features_of,
    readable,
)
from media.biometrics.mesh import mesh_network
from tests.media.biometrics.filmed import DATA, pictures

POINTS = [(0.5, 0.5), (0.08, 0.08), (0.92, 0.08), (0.08, 0.92), (0.92, 0.92)]
USUAL = np.array([0.0, 9.0, 1.0, 0.49, 0.53, -0.10, -0.10, 0.35])
NOISE = np.array([0.7, 0.9, 0.7, 0.007, 0.006, 0.005, 0.005, 0.009])
"""Standard deviations of the features of somebody who looks at one point, from the gaze clips."""
CLIPS = DATA / "gaze"


class Person:
    """Turns head and eyes to a point, each by its share, with the noise that a webcam adds."""

    def __init__(self, seed, eyes=0.10, head=5.0):
        self.random, self.eyes, self.head = np.random.default_rng(seed), eyes, head

    def look(self, x, y):
        across, down = x - 0.5, y - 0.5
        moved = np.zeros(FEATURE_COUNT)
        # the camera sees the person mirrored: who looks to the right of the screen looks to the picture's left
        moved[0], moved[1] = -across * self.head, down * self.head
        moved[3:5], moved[5:7], moved[7] = -across * self.eyes * 2, down * self.eyes * 0.3, -down * self.eyes
        return USUAL + moved + self.random.normal(0, NOISE)

    def looks(self, x, y, at=None, count=8):
        return PointLooks(x, y, np.array([self.look(*(at or (x, y))) for _ in range(count)]))


@pytest.mark.parametrize("seed", range(5))
def test_who_follows_the_points_is_placed_on_the_screen_and_beside_it(seed):
    person = Person(seed)
    found = GazeMap.fit([person.looks(x, y) for x, y in POINTS])
    assert found.error < 0.2
    for x, y in [(0.5, 0.5), (0.25, 0.25), (0.9, 0.5)]:
        there = np.median([found.locate(person.look(x, y)) for _ in range(9)], axis=0)
        assert np.hypot(*(there - (x, y))) < 0.15
    beside = np.median([found.beside(person.look(-0.6, 0.5)) for _ in range(9)])
    assert 0.3 < beside < 0.9


def test_who_only_turns_the_head_is_understood_too():
    person = Person(1, eyes=0.01, head=30.0)
    found = GazeMap.fit([person.looks(x, y) for x, y in POINTS])
    assert found.locate(person.look(0.9, 0.5))[0] > 0.75


@pytest.mark.parametrize("seed", range(10))
def test_who_looks_elsewhere_is_refused(seed):
    person = Person(seed)
    random = np.random.default_rng(seed + 100)
    for elsewhere in ([(0.5, 0.5)] * 5, [*random.permutation(POINTS[1:]), (0.5, 0.5)]):
        if all(tuple(at) == point for at, point in zip(elsewhere, POINTS, strict=True)):
            continue
        looks = [person.looks(x, y, at=tuple(at)) for (x, y), at in zip(POINTS, elsewhere, strict=True)]
        with pytest.raises(CalibrationRefused) as refused:
            GazeMap.fit(looks)
        assert refused.value.hints == (CalibrationHint.NOT_LOOKING,)


def test_blinks_and_a_glance_away_do_not_spoil_a_point():
    person = Person(3)
    points = [person.looks(x, y) for x, y in POINTS]
    points[1].features[2, 7] = 0.05  # shut: the irises are where the lids are
    points[1].features[2, 3:7] = 0.0
    points[2].features[5] = person.look(-1.0, 0.5)
    assert GazeMap.fit(points).error < 0.2


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda looks: looks[:2], CalibrationHint.NO_FACE),
        (lambda looks: looks + np.array([45, 0, 0, 0, 0, 0, 0, 0]), CalibrationHint.TURNED_AWAY),
        (lambda looks: looks - np.array([0, 0, 0, 0, 0, 0, 0, 0.3]), CalibrationHint.EYES_SHUT),
    ],
)
def test_a_point_that_was_not_seen_is_named(change, hint):
    person = Person(2)
    points = [person.looks(x, y) for x, y in POINTS]
    points[3] = PointLooks(points[3].x, points[3].y, change(points[3].features))
    with pytest.raises(CalibrationRefused) as refused:
        GazeMap.fit(points)
    assert refused.value.hints == (hint,)


def test_a_map_comes_back_from_the_database_as_it_was():
    person = Person(4)
    found = GazeMap.fit([person.looks(x, y) for x, y in POINTS])
    again = GazeMap.from_json(found.to_json())
    look = person.look(0.2, 0.8)
    assert again.locate(look) == pytest.approx(found.locate(look), abs=1e-3)
    assert again.error == pytest.approx(found.error, abs=1e-4)
    for broken in ({**found.to_json(), "version": 9}, {**found.to_json(), "usual": [1.0]}):
        with pytest.raises(ValueError):
            GazeMap.from_json(broken)


@pytest.mark.skipif(not CLIPS.is_dir(), reason=f"the gaze clips are not here: {CLIPS} (set KUSTOS_TEST_DATA)")
def test_a_real_look_to_the_side_leaves_the_middle_and_comes_back():
    """Filmed by a phone held sideways: looks at the camera, to the left from second 5.5 to 10.2, and back."""
    middle, aside = _filmed("center_left_center.mp4", (6.0, 10.0))
    person = Person(0)
    found = GazeMap.fit([person.looks(x, y) for x, y in POINTS])
    usual = np.median(middle, axis=0)
    at_middle = np.array([found.locate(row - usual + USUAL) for row in middle])
    at_side = np.array([found.locate(row - usual + USUAL) for row in aside])
    assert np.median(np.abs(at_middle[:, 0] - 0.5)) < 0.12
    assert np.mean(at_side[:, 0] > 0.75) >= 0.9  # the picture's left is the screen's right


def _filmed(name, aside):
    """Features of a clip's pictures outside and inside of a span in seconds; four pictures a second."""
    kept = {False: [], True: []}
    for seconds, image in pictures(CLIPS / name, 4, quarter_turns=3):
        face = face_detector().all(image)[0]
        mesh = mesh_network().mesh(image, face)
        seen = features_of(mesh, mesh_network().gaze(image, mesh))
        assert readable(seen)
        if not aside[0] - 1 < seconds < aside[0] and not aside[1] < seconds < aside[1] + 1:
            kept[aside[0] <= seconds <= aside[1]].append(seen)
    return np.array(kept[False]), np.array(kept[True])
