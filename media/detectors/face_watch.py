"""Which of the two face detectors looks at which picture: the near one at each, the far one when there is reason.

The far one costs three times as much and sees what the near one misses: distant faces, which do not come and go
within a second or two.
"""

from collections import deque
from dataclasses import replace

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
JUMP = 0.5
"""A face that moves by more than this share of its width between two pictures makes the far detector look, too."""


class FaceWatch:
    """Looks for faces in the pictures of one camera, which must come in order of time."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._far_ms: int | None = None
        self._before: list[Face] = []
        self._near_only: deque[tuple[int, Image]] = deque(maxlen=KEPT)

    def look(self, at_ms: int, image: Image) -> list[Face]:
        """All faces of a picture, largest first."""
        near = self._detector.short.detect(image)
        faces = distinct(near)
        if self._is_calm(at_ms, faces):
            self._near_only.append((at_ms, image))
        else:
            self._far_ms = at_ms
            # a sure face keeps the box of the detector that always looks: it shall not jump every fourth picture
            by_trust = sorted(near + self._detector.full.detect(image), key=lambda face: -face.score)
            sure = [face for face in near if face.score >= SURE]
            faces = self._closer(image, distinct(sure + by_trust))
        self._before = faces
        return faces

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

    def _is_calm(self, at_ms: int, faces: list[Face]) -> bool:
        """Whether there is one sure face, where it was before, and the far detector looked not long ago."""
        if self._far_ms is None or not 0 <= at_ms - self._far_ms < FAR_MS:
            return False
        if len(faces) != 1 or len(self._before) != 1 or faces[0].score < SURE:
            return False
        (x, y), (old_x, old_y) = faces[0].centre, self._before[0].centre
        return max(abs(x - old_x), abs(y - old_y)) <= JUMP * faces[0].width
