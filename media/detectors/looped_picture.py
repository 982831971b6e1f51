"""virtual_machine (reason looped): the same film again and again, as a program plays it instead of a camera.

Off unless the exam asks for it: pictures that are played to and fro, drawn backgrounds and test films repeat
themselves, too. Its finding is technical, costs nothing, and says that it is a sign.
"""

from typing import Final

import cv2
import numpy as np

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import ModelFile
from media.detectors.rules import Rule, Sample
from media.detectors.scene import Scene
from media.frames.frame import NoPicture

THUMB: Final = (16, 12)
KEPT: Final = 600
"""Thumbnails remembered: five minutes at two a second."""
SHORTEST: Final = 10
"""Samples of the shortest period looked for: 5 s. Shorter ones are breathing and typing."""
MATCHED: Final = 60
"""Samples that must repeat in a row: half a minute."""
MOVING: Final = 3.0
"""Grey levels by which pictures of different moments must differ: nothing is said of who sits still."""
SAME: Final = 0.25
"""Difference of the repeated pictures as a share of that of any others, at or below which they are the same film. A
period that is no multiple of the sampling step leaves 0.1 to 0.2."""


class LoopedPicture:
    """Scores how much of the last half minute is what was shown once before, a fixed time ago."""

    name = "looped_picture"
    type = ObservationType.VIRTUAL_MACHINE
    default_rule = Rule(threshold=0.5, clear_below=0.4, min_duration_ms=30_000, lapse_ms=2000, release_ms=10_000)
    models: tuple[ModelFile, ...] = ()

    def __init__(self) -> None:
        self._thumbs = np.zeros((KEPT, THUMB[0] * THUMB[1]), dtype=np.float32)
        self._apart = np.zeros((MATCHED, KEPT), dtype=np.float32)
        """Of the last pictures: mean difference from the one so many samples before."""
        self._count = 0

    def sample(self, scene: Scene) -> Sample:
        """See Detector; 0.3 ms."""
        grey = cv2.cvtColor(scene.image, cv2.COLOR_BGR2GRAY)
        thumb = cv2.resize(grey, THUMB, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        self._thumbs = np.roll(self._thumbs, 1, axis=0)
        self._thumbs[0] = thumb - thumb.mean()
        self._apart = np.roll(self._apart, 1, axis=0)
        self._apart[0] = np.abs(self._thumbs - self._thumbs[0]).mean(axis=1)
        self._count = min(self._count + 1, KEPT)
        longest = self._count - MATCHED
        if longest <= SHORTEST:
            return Sample(scene.at_ms, None)
        apart = self._apart[:, SHORTEST:longest].mean(axis=0)
        typical = float(np.median(apart))
        if typical < MOVING:
            return Sample(scene.at_ms, None)
        share = float(apart.min()) / typical
        details = {"reason": "looped", "period": int(apart.argmin()) + SHORTEST, "share": round(share, 3)}
        return Sample(scene.at_ms, max(0.0, 1 - share / (2 * SAME)), details=details)

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector. A gap shifts what follows: begin anew."""
        self._count = 0
        return Sample(nothing.at_ms, None)
