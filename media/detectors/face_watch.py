"""Which of the two face detectors looks at which picture: the near one at each, the far one when there is reason.

The far one costs three times as much and sees what the near one misses: distant faces, which do not come and go
within a second or two. In a picture that stayed as it was it would see again what it saw; and whom it saw, the
near one follows in the part of the picture about them, enlarged.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from media.biometrics.faces import Face, FaceDetector, distinct
from media.biometrics.regions import Image

FAR_MS = 1900
"""So often the far detector looks though nothing calls for it: every fourth picture at two a second."""
SURE = 0.6
"""A weaker face must be confirmed by the mesh network: BlazeFace sees faces in the noise of a dark picture."""
KEPT = 4
"""Pictures kept that only the near detector saw, 1 MB each: what the far one finds may have been there before."""
NEARLY_SURE = SURE - 0.01
CLOSER_LOOKS = 2
"""Weak faces of a picture that are looked at enlarged, the largest first; noise may have many."""
SURROUNDINGS = 0.5
"""Margin of the enlarged part, in widths of the weak face, whose box is often too large."""
STILL = 8
"""Grey levels by which each part of the thumbnail may differ for a picture to be the same as before. The mean of 64
pixels hides a camera's noise; a face of 20 pixels that is told from its background covers several parts."""
JUMP = 0.5
"""A face that moves by more than this share of its width between two pictures makes the far detector look, too."""


class FaceWatch:
    """Looks for faces in the pictures of one camera, which must come in order of time."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._far_ms: int | None = None
        self._far: list[Face] = []
        self._thumbnail: NDArray[np.uint8] | None = None
        """Of the picture that the far detector looked at last."""
        self._before: list[Face] = []
        self._denied: list[Face] = []
        self._near_only: deque[tuple[int, Image]] = deque(maxlen=KEPT)

    def look(self, at_ms: int, image: Image, thumbnail: NDArray[np.uint8]) -> list[Face]:
        """All faces of a picture, largest first. ``thumbnail``: the same in grey, 60x80."""
        near = self._detector.short.detect(image)
        believed = [face for face in near if not self._is_denied(face)]
        is_recent = self._is_recent(at_ms)
        faces = self._followed(image, distinct(believed)) if is_recent else []
        if self._is_calm(faces):
            self._near_only.append((at_ms, image))
            self._before = faces
            return faces
        if is_recent and self._is_still(thumbnail):
            self._near_only.append((at_ms, image))
            near = believed
        else:
            self._far_ms, self._thumbnail, self._denied = at_ms, thumbnail, []
            self._far = self._detector.full.detect(image)
        # a sure face keeps the box of the detector that always looks: it shall not jump every fourth picture
        by_trust = sorted(near + self._far, key=lambda face: -face.score)
        sure = [face for face in near if face.score >= SURE]
        self._before = self._closer(image, distinct(sure + by_trust))
        return self._before

    def deny(self, weak: Sequence[Face]) -> None:
        """Take note of what the mesh network does not confirm: it is looked at again when the far detector looks."""
        self._denied += [face for face in weak if face in self._before]
        self._before = [face for face in self._before if face not in weak]

    def look_again(self, image: Image) -> list[Face]:
        """All faces by both detectors, without regard to the order of pictures."""
        return self._closer(image, self._detector.all(image))

    def take_near_only(self) -> list[tuple[int, Image]]:
        """Times and pictures that only the near detector saw since the far one last looked, newest first.

        Given out once, and only after the far detector looked.
        """
        if self._far_ms is None or (self._near_only and self._near_only[-1][0] > self._far_ms):
            return []
        taken = list(reversed(self._near_only))
        self._near_only.clear()
        return taken

    def _followed(self, image: Image, faces: list[Face]) -> list[Face]:
        """The same; distant ones of before where the near detector sees them in an enlarged part of the picture."""
        sure = [face for face in faces if face.score >= SURE]
        distant = [old for old in self._before if not any(_stayed(face, old) for face in sure)]
        if not sure or not 0 < len(distant) <= CLOSER_LOOKS or any(old.score < SURE for old in distant):
            return faces
        for old in distant:
            again = [one for one in self._enlarged(image, old) if _stayed(one, old)]
            sure += [replace(again[0], score=old.score)] if again else []
        return distinct(sure + faces)

    def _closer(self, image: Image, faces: list[Face]) -> list[Face]:
        """The same; weak ones as the near detector sees them in an enlarged part of the picture, if it does."""
        weak = [face for face in faces if face.score < SURE][:CLOSER_LOOKS]
        found = [one for face in weak for one in self._enlarged(image, face)]
        rest = [face for face in faces if face.score >= SURE]
        return distinct(rest + found + weak) if found else faces

    def _enlarged(self, image: Image, face: Face) -> list[Face]:
        part, moved = face.with_surroundings(image, SURROUNDINGS)
        right, down = face.left - moved.left, face.top - moved.top
        found = [one.shifted(right, down) for one in self._detector.short.detect(part) if one.score >= SURE]
        # enlarged, folds and patches look like faces, too: the mesh network has to confirm each
        return [replace(one, score=NEARLY_SURE) for one in found]

    def _is_recent(self, at_ms: int) -> bool:
        """Whether the far detector looked not long ago."""
        return self._far_ms is not None and 0 <= at_ms - self._far_ms < FAR_MS

    def _is_denied(self, face: Face) -> bool:
        return face.score < SURE and any(_stayed(face, old) for old in self._denied)

    def _is_calm(self, faces: list[Face]) -> bool:
        """Whether there are sure faces only, as many as before and each where one was."""
        if not faces or len(faces) != len(self._before):
            return False
        return all(face.score >= SURE and any(_stayed(face, old) for old in self._before) for face in faces)

    def _is_still(self, thumbnail: NDArray[np.uint8]) -> bool:
        """Whether the picture is the one that the far detector looked at."""
        before = self._thumbnail
        return before is not None and int(cv2.absdiff(thumbnail, before).max()) <= STILL


def _stayed(face: Face, before: Face) -> bool:
    (x, y), (old_x, old_y) = face.centre, before.centre
    return max(abs(x - old_x), abs(y - old_y)) <= JUMP * face.width
