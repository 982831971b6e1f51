from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from appliance.errors import BadInput
from media.biometrics.describing import describe_frames, describe_well
from media.biometrics.engine import DESCRIPTOR_SIZE, at_length, distance
from media.biometrics.engines import default_engine
from media.biometrics.faces import face_detector
from media.clips.drawn import portrait
from tests.media.biometrics.test_engines import darker, leaning, mirrored, smaller
from tests.media.scenarios import DATA

PAIRS = DATA / "faces" / "lfw"


def with_face(picture):
    return picture, face_detector().near(picture)[0]


def well(picture):
    return describe_well(default_engine(), *with_face(picture))


def test_a_face_and_its_mirror_image_have_nearly_the_same_descriptor():
    picture = mirrored(portrait())
    plain = [default_engine().describe(*with_face(each)) for each in (portrait(), picture)]
    assert distance(well(portrait()), well(picture)) < 0.5 * distance(*plain)


def test_it_lies_between_both():
    face = with_face(portrait())
    single = default_engine().describe(*face)
    assert well(portrait()).shape == (DESCRIPTOR_SIZE,)
    assert np.linalg.norm(well(portrait())) == pytest.approx(1.414)
    assert 0 < distance(well(portrait()), single) < 0.2


def test_length_tells_nothing():
    descriptor = well(portrait())
    assert distance(descriptor, 0.5 * descriptor) < 1e-9
    assert np.linalg.norm(at_length(3 * descriptor)) == pytest.approx(1.414)
    assert np.isfinite(distance(descriptor, np.zeros(DESCRIPTOR_SIZE)))


def test_several_pictures_give_one_that_is_near_to_all():
    pictures = [portrait(), smaller(portrait()), leaning(portrait()), darker(portrait())]
    together = describe_frames(default_engine(), [with_face(picture) for picture in pictures[:3]])
    apart = [distance(well(pictures[3]), well(picture)) for picture in pictures[:3]]
    assert distance(together, well(pictures[3])) < max(apart)
    with pytest.raises(BadInput):
        describe_frames(default_engine(), [])


def test_a_face_at_the_edge_and_a_large_picture_cost_only_the_face():
    large = np.full((2000, 3000, 3), 150, np.uint8)
    large[:360, -360:] = portrait()
    picture, face = portrait(), with_face(portrait())[1]
    moved = replace(face, left=face.left + 2640, keypoints=np.add(face.keypoints, (2640, 0)))
    alone = describe_well(default_engine(), picture, face)
    assert distance(describe_well(default_engine(), large, moved), alone) < 0.15


@pytest.mark.skipif(not PAIRS.is_dir(), reason=f"the labelled faces are not here: {PAIRS} (set KUSTOS_TEST_DATA)")
def test_people_are_told_apart():
    """A small sample; ``kustos biometrics report`` has all of them."""
    both = [
        path.parent.name for path in sorted(PAIRS.glob("*/*_0002.jpg")) if Path(str(path)[:-5] + "1.jpg").exists()
    ]
    people = both[:: max(len(both) // 15, 1)]
    first, second = ([well(cv2.imread(str(PAIRS / name / f"{name}_000{n}.jpg"))) for name in people] for n in (1, 2))
    own = [distance(one, other) for one, other in zip(first, second, strict=True)]
    strangers = [distance(one, first[number - 1]) for number, one in enumerate(first)]
    assert len(people) >= 10
    assert np.mean(np.less(own, 0.6)) > 0.9
    assert min(strangers) > 0.5
