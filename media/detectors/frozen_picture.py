"""camera_no_picture: the same picture again and again."""

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import ModelFile
from media.detectors.rules import Rule, Sample
from media.detectors.scene import Scene
from media.frames.frame import NoPicture

STILL = 0.6
"""Mean difference of two pictures in grey levels that scores 0.5. Living ones before a quiet wall have 0.6 and more,
a repeated one 0 to 0.5 (what the encoder still refines); for a moment 0.9, when it is drawn anew."""
STILL_FACE = 0.9
"""The same within the box of the face, which tells better: 1.6 and more for a living one; 0 to 0.9, for a moment 1.2.
Around it a drawn background or a dark border may stand still for ever."""


class FrozenPicture:
    """Scores how little a picture differs from the one before.

    Only while a face is in it: people always move, an empty room may truly stand still.
    """

    name = "frozen_picture"
    type = ObservationType.CAMERA_NO_PICTURE
    # lapse, release: encoders now and then redraw a standing picture, which looks like a second of movement
    default_rule = Rule(threshold=0.5, clear_below=0.5, min_duration_ms=2000, lapse_ms=900, release_ms=900)
    models: tuple[ModelFile, ...] = ()

    def __init__(self) -> None:
        self._grey: NDArray[np.uint8] | None = None
        self._at_ms = 0

    def sample(self, scene: Scene) -> Sample:
        """See Detector. The condition began with the picture that is being repeated."""
        # every second pixel of every second row: noise and movement are the same there, at a quarter of the cost
        height, width = scene.image.shape[:2]
        grey = scene.light.grey[::2, ::2].copy()
        before, before_ms = self._grey, self._at_ms
        self._grey, self._at_ms = grey, scene.at_ms
        if before is None or before.shape != grey.shape or scene.main_face is None:
            return Sample(scene.at_ms, None)
        difference = cv2.absdiff(grey, before)
        rows, columns = scene.main_face.inside_of(width, height)
        face_part = difference[rows.start // 2 : rows.stop // 2 + 1, columns.start // 2 : columns.stop // 2 + 1]
        whole, face = float(difference.mean()), float(face_part.mean())
        score = max(0.0, 1 - max(whole / STILL, face / STILL_FACE) / 2)
        details = {"reason": "frozen", "difference": round(whole, 3), "face_difference": round(face, 3)}
        return Sample(scene.at_ms, score, since_ms=before_ms, details=details)

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        self._grey = None
        return Sample(nothing.at_ms, None)
