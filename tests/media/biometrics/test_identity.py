import cv2
import numpy as np

from appliance.vocabulary import IdentityVerdict
from media.biometrics.engine import distance
from media.biometrics.engines import default_engine
from media.biometrics.faces import face_detector
from media.biometrics.matching import QualityGate, Thresholds, verdict_of
from media.biometrics.mesh import mesh_network
from media.clips.drawn import portrait
from tests.media.scenarios import SCENARIOS, needs_scenarios


def described(picture):
    return default_engine().describe(picture, face_detector().all(picture)[0])


@needs_scenarios
def test_different_people_are_far_apart():
    people = [described(cv2.imread(str(path))) for path in sorted(SCENARIOS.glob("*.candidate.jpg"))[:3]]
    people.append(described(portrait()))
    for number, person in enumerate(people):
        for other in people[number + 1 :]:
            assert distance(person, other) > Thresholds().mismatch_from


def test_between_the_thresholds_nothing_is_said():
    verdicts = [verdict_of(apart, Thresholds()) for apart in (0.3, 0.524, 0.525, 0.6, 0.62, 0.9)]
    match, unclear, mismatch = IdentityVerdict.MATCH, IdentityVerdict.UNDETERMINED, IdentityVerdict.MISMATCH
    assert verdicts == [match, match, unclear, unclear, mismatch, mismatch]


def test_the_gate_names_what_is_wrong():
    picture, gate = portrait(), QualityGate()
    (face, *_) = face_detector().all(picture)
    mesh = mesh_network().mesh(picture, face)
    assert gate.objection(picture, face, mesh) == ""
    assert gate.objection((picture * 0.1).astype(np.uint8), face, mesh) == "too_dark"
    assert QualityGate(min_width=1000).objection(picture, face, mesh) == "too_small"
    assert QualityGate(min_score=1.1).objection(picture, face, mesh) == "unclear"
    assert QualityGate(max_yaw=-1).objection(picture, face, mesh) == "turned_away"
