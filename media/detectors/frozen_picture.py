"""camera_no_picture: the same picture again and again."""

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import ModelFile
from media.detectors.rules import Rule, Sample
from media.detectors.scene import Scene
from media.frames.frame import NoPicture

STILL = 0.25
"""Mean difference of two pictures in grey levels: a living face before a quiet wall has 0.9 and more, a repeated
picture 0 to 0.12 (what the encoder still refines)."""


class FrozenPicture:
    """Scores how little a picture differs from the one before.

    Only while a face is in it: people always move, an empty room may truly stand still.
    """

    name = "frozen_picture"
    type = ObservationType.CAMERA_NO_PICTURE
    # release: encoders now and then redraw the whole of a standing picture, which looks like a second of movement
    default_rule = Rule(threshold=0.5, clear_below=0.5, min_duration_ms=2000, lapse_ms=0, release_ms=900)
    models: tuple[ModelFile, ...] = ()

    def __init__(self) -> None:
        self._grey: NDArray[np.uint8] | None = None
        self._at_ms = 0

    def sample(self, scene: Scene) -> Sample:
        """See Detector. The condition began with the picture that is being repeated."""
        height, width = scene.image.shape[:2]
        grey = np.asarray(cv2.cvtColor(scene.image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        before, before_ms = self._grey, self._at_ms
        self._grey, self._at_ms = grey, scene.at_ms
        if before is None or before.shape != (height, width) or scene.main_face is None:
            return Sample(scene.at_ms, None)
        difference = float(cv2.absdiff(grey, before).mean())
        score = max(0.0, 1 - difference / (2 * STILL))
        details = {"reason": "frozen", "difference": round(difference, 3)}
        return Sample(scene.at_ms, score, since_ms=before_ms, details=details)

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        self._grey = None
        return Sample(nothing.at_ms, None)
