import threading

import cv2
import numpy as np
import pytest

from appliance.vocabulary import IdentityVerdict
from media.biometrics.dlib_engine import dlib_engine
from media.biometrics.engine import DESCRIPTOR_SIZE, distance
from media.biometrics.faces import face_detector
from media.biometrics.matching import QualityGate, Thresholds, compare, verdict_of
from media.biometrics.mesh import mesh_network
from media.clips.drawn import portrait
from tests.media.scenarios import SCENARIOS, needs_scenarios


def described(picture):
    return dlib_engine().describe(picture, face_detector().detect(picture)[0])


@pytest.fixture(scope="module")
def reference():
    return described(portrait())


def test_a_descriptor_is_128_numbers_and_repeatable(reference):
    assert reference.shape == (DESCRIPTOR_SIZE,)
    assert np.linalg.norm(reference) > 0.5
    assert distance(reference, described(portrait())) == 0


@pytest.mark.parametrize("change", ["smaller", "leaning", "darker", "mirrored"])
def test_the_same_person_stays_near(reference, change):
    picture = portrait()
    height, width = picture.shape[:2]
    changed = {
        "smaller": lambda: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        "leaning": lambda: cv2.warpAffine(
            picture, cv2.getRotationMatrix2D((width / 2, height / 2), 15, 1), (width, height)
        ),
        "darker": lambda: (picture * 0.6).astype(np.uint8),
        "mirrored": lambda: np.ascontiguousarray(picture[:, ::-1]),
    }[change]()
    assert compare(reference, described(changed), Thresholds())[0] is IdentityVerdict.MATCH


@needs_scenarios
def test_different_people_are_far_apart():
    people = [described(cv2.imread(str(path))) for path in sorted(SCENARIOS.glob("*.candidate.jpg"))[:3]]
    people.append(described(portrait()))
    for number, person in enumerate(people):
        for other in people[number + 1 :]:
            assert distance(person, other) > Thresholds().mismatch_from


def test_threads_share_the_engine(reference):
    results = []
    threads = [threading.Thread(target=lambda: results.append(described(portrait()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [distance(reference, each) for each in results] == [0, 0, 0]


def test_between_the_thresholds_nothing_is_said():
    verdicts = [verdict_of(apart, Thresholds()) for apart in (0.3, 0.549, 0.55, 0.6, 0.62, 0.9)]
    match, unclear, mismatch = IdentityVerdict.MATCH, IdentityVerdict.UNDETERMINED, IdentityVerdict.MISMATCH
    assert verdicts == [match, match, unclear, unclear, mismatch, mismatch]


def test_the_gate_names_what_is_wrong():
    picture, gate = portrait(), QualityGate()
    (face, *_) = face_detector().detect(picture)
    mesh = mesh_network().mesh(picture, face)
    assert gate.objection(picture, face, mesh) == ""
    assert gate.objection((picture * 0.1).astype(np.uint8), face, mesh) == "too_dark"
    assert QualityGate(min_width=1000).objection(picture, face, mesh) == "too_small"
    assert QualityGate(min_score=1.1).objection(picture, face, mesh) == "unclear"
    assert QualityGate(max_yaw=-1).objection(picture, face, mesh) == "turned_away"
