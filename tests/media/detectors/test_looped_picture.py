"""A film that is played again and again, and people who only sit, move or type."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from media.detectors.looped_picture import LoopedPicture
from media.detectors.settings import AnalysisSettings
from media.frames.frame import NoPicture


def film(seed, pictures):
    """Slowly changing shapes: somebody who moves before a wall."""
    random = np.random.default_rng(seed)
    path = np.cumsum(random.normal(0, 0.25, (pictures, 4)), axis=0)
    for at in path:
        picture = np.full((60, 80, 3), 80, np.uint8)
        for number, x in enumerate(np.sin(at) * 25 + 40):
            cv2.circle(picture, (int(x), 15 + 12 * number), 11, (60 * number, 220, 255 - 40 * number), -1)
        yield np.clip(picture + random.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


def scores(pictures):
    detector = LoopedPicture()
    return [
        detector.sample(SimpleNamespace(image=picture, at_ms=index * 500)) for index, picture in enumerate(pictures)
    ]


def with_noise(pictures, seed=9):
    random = np.random.default_rng(seed)
    return [np.clip(picture + random.normal(0, 4, picture.shape), 0, 255).astype(np.uint8) for picture in pictures]


@pytest.mark.parametrize("period", [12, 50, 120])
def test_a_film_that_repeats_is_a_sign(period):
    once = list(film(1, period))
    found = scores(with_noise((once * 40)[: 2 * period + 130]))
    assert found[-1].score >= 0.5
    assert found[-1].details["reason"] == "looped" and found[-1].details["period"] % period == 0


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_who_moves_is_none(seed):
    assert all(sample.score is None or sample.score < 0.4 for sample in scores(film(seed, 400)))


def test_of_who_sits_still_nothing_is_said():
    wall = next(film(5, 1))
    assert all(sample.score is None for sample in scores(with_noise([wall] * 200)))


def test_after_a_gap_it_begins_anew_and_no_exam_has_it_unasked():
    detector = LoopedPicture()
    for index, picture in enumerate((list(film(1, 20)) * 20)[:200]):
        last = detector.sample(SimpleNamespace(image=picture, at_ms=index * 500))
    assert last.score is not None
    assert detector.sample_nothing(NoPicture(100_000, 99_000, "nothing")).score is None
    assert detector.sample(SimpleNamespace(image=picture, at_ms=100_500)).score is None
    assert "looped_picture" in AnalysisSettings.for_exam({}, {}).disabled
    assert "looped_picture" not in AnalysisSettings.for_exam({}, {"looped_picture": {"enabled": True}}).disabled
