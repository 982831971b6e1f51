"""Several pictures of one person say the same in the candidate's browser as on the appliance."""

from dataclasses import asdict

import numpy as np
import pytest

from media.biometrics.describing import together
from media.biometrics.engine import distance
from media.biometrics.faces import Face
from media.biometrics.matching import QualityGate, Thresholds, verdict_of
from media.detectors.impostor import IdentityInterval, Impostor
from media.detectors.scene import Light, Scene
from tests.media.in_browser.test_agreement import node_says

STEP_MS = 500
PLAN = [0.2] * 3 + [0.53] * 5 + [0.55] * 6 + [0.75] * 8 + [0.3] * 4 + [0.6, 0.45, 0.62, 0.44] * 3
"""Distances from the check-in photo, picture by picture: the candidate, doubtful ones, a stranger, who is back."""


class Scripted:
    """An engine that describes whoever the plan says sits there."""

    models = ()

    def __init__(self, pictures):
        self.pictures, self.at = pictures, 0

    def describe_many(self, faces):
        return [self.pictures[self.at]] * len(faces)


@pytest.fixture(scope="module")
def made_up():
    """A reference and one descriptor for each distance of the plan: always the same look, a little off each time."""
    random = np.random.default_rng(4)
    reference = random.normal(size=128)
    reference *= 1.414 / np.linalg.norm(reference)
    look, pictures = random.normal(size=128), []
    for apart in PLAN:
        away = look + random.normal(size=128) * 0.3
        away -= reference * (away @ reference) / (reference @ reference)
        cosine = 1 - apart**2 / (2 * 1.414**2)
        pictures.append(cosine * reference + np.sqrt(1 - cosine**2) * 1.414 * away / np.linalg.norm(away))
    return reference, pictures


@pytest.fixture(scope="module")
def said(made_up):
    reference, pictures = made_up
    return node_says(
        "impostor.mjs",
        {
            "thresholds": asdict(Thresholds()),
            "interval": asdict(IdentityInterval()),
            "reference": reference.tolist(),
            "pictures": [picture.tolist() for picture in pictures],
            "step_ms": STEP_MS,
        },
    )


def test_the_mean_of_three_and_what_it_says(made_up, said):
    reference, pictures = made_up
    assert said["of_several"] == asdict(Thresholds().of_several)
    for number, mean in enumerate(said["means"]):
        ours = together(pictures[number : number + 3])
        assert np.abs(ours - mean).max() < 1e-5
        assert said["lengths"][number] == pytest.approx(1.414, abs=1e-4)
        assert said["distances"][number] == pytest.approx(distance(ours, reference), abs=1e-5)
        assert said["verdicts"][number] == verdict_of(distance(ours, reference), Thresholds().of_several).value
    assert set(said["verdicts"]) == {"match", "undetermined", "mismatch"}, "the plan shows each"


def test_the_detector_compares_at_the_same_times_and_scores_alike(made_up, said):
    reference, pictures = made_up
    engine = Scripted(pictures)
    detector = Impostor(engine, reference, IdentityInterval(), Thresholds(), _Open())
    image = np.full((480, 640, 3), 128, np.uint8)
    face = Face(200, 100, 200, 200, 0.95, np.zeros((6, 2), np.float32))
    told = []
    for number in range(len(pictures)):
        engine.at = number
        light = Light(image[:, :, 0], image[:60, :80, 0] + np.arange(80, dtype=np.uint8))
        scene = Scene(number * STEP_MS, image, light, (face,), lambda _: None, lambda _: None)
        told.append(detector.sample(scene))
    for ours, (at_ms, score, since_ms, doubt) in zip(told, said["samples"], strict=True):
        assert ours.at_ms == at_ms
        assert (ours.score is None) == (score is None), at_ms
        if score is not None:
            assert score == pytest.approx(ours.score, abs=1e-5)
            assert since_ms == ours.since_ms
            assert doubt == ours.doubt
    scores = [sample.score for sample in told if sample.score is not None]
    assert min(scores) < Impostor.default_rule.clear_below < Impostor.default_rule.threshold < max(scores)


class _Open(QualityGate):
    """Lets every face through: what the gate says is compared elsewhere."""

    def objection(self, image, face, mesh):
        return ""
