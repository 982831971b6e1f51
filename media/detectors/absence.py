"""no_user_in_frame: nobody sits before the camera."""

import numpy as np
from numpy.typing import NDArray

from appliance.vocabulary import ObservationType
from media.biometrics.faces import Face
from media.biometrics.model_files import FACE_FULL_RANGE, FACE_SHORT_RANGE
from media.detectors.rules import Rule, Sample
from media.detectors.scene import Doubt, Scene
from media.frames.frame import NoPicture

SAME_GREY = 14
"""Grey levels by which a pixel of a jumper may differ between two pictures and still be the same jumper."""
EDGE = 10
"""Grey levels between neighbours in the thumbnail that make an outline; flat parts may be wall or jumper."""
SETTLED = 0.25
"""Widths of the face by which somebody who sits may move between two pictures."""
LOWEST = 8
"""Rows of the thumbnail's 60 below which a body is too little to tell it from what is behind it."""
FEWEST = 60
"""Pixels of the thumbnail below which nothing is concluded from them."""
SEATED_SHARE = 0.55
"""Share of the body's pixels that stayed as they were, from which somebody is taken to sit there still."""


class Absence:
    """Scores 1 minus the best face; a face that vanished above an unchanged body is a doubt, not an absence.

    People look down at their paper, or hide the face in their hands: the body stays. It is looked for where it was
    under the last face.
    """

    name = "absence"
    type = ObservationType.NO_USER_IN_FRAME
    # two seconds are worth telling, which at four pictures a second are seen as 1.75 at least
    # a face scores above 0.5, an empty room at most 0.22; the bounds leave the half faces at the edge undecided
    default_rule = Rule(threshold=0.78, clear_below=0.5, min_duration_ms=1750)
    models = (FACE_SHORT_RANGE, FACE_FULL_RANGE)

    def __init__(self) -> None:
        self._body: tuple[slice, slice] | None = None
        self._thumbnail: NDArray[np.uint8] | None = None
        self._face: Face | None = None

    def sample(self, scene: Scene) -> Sample:
        """See Detector."""
        if scene.is_blank:
            return Sample(scene.at_ms, None)
        if scene.is_dark:
            return Sample(scene.at_ms, None, doubt=Doubt.TOO_DARK)
        best = max((face.score for face in scene.faces), default=0.0)
        if scene.main_face:
            self._remember(scene, scene.main_face)
            return Sample(scene.at_ms, 1 - best)
        seated = self._seated(scene)
        if seated >= SEATED_SHARE:
            return Sample(scene.at_ms, None, doubt=Doubt.FACE_HIDDEN, details={"body": round(seated, 2)})
        return Sample(scene.at_ms, 1 - best, details={"body": round(seated, 2)})

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        return Sample(nothing.at_ms, None)

    def _remember(self, scene: Scene, face: Face) -> None:
        """Keep the body of somebody who sits still; who walks by or out has none that could stay behind."""
        before, self._face = self._face, face
        if before is None or _moved(before, face) > SETTLED:
            self._body = None
        else:
            self._body = _body(face, scene.image.shape[1], scene.image.shape[0])
            self._thumbnail = scene.light.thumbnail

    def _seated(self, scene: Scene) -> float:
        """Share 0 to 1 of the pixels at the body's outlines that are as they were; 0 when no body is known.

        Flat areas say nothing, unless there is little else: behind a grey jumper there may be a grey wall.
        """
        if self._body is None or self._thumbnail is None:
            return 0.0
        before = self._thumbnail[self._body].astype(np.int16)
        difference = scene.light.thumbnail[self._body].astype(np.int16) - before
        if difference.shape[0] < LOWEST or difference.size < FEWEST:  # a face at the lower edge: no body to speak of
            return 0.0
        same = np.abs(difference) <= SAME_GREY
        outlines = _outlines(before)
        return float(same[outlines].mean() if outlines.sum() >= FEWEST else same.mean())


def _outlines(grey: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Where neighbours differ, and the pixels at either side of it."""
    edges = np.zeros(grey.shape, dtype=np.bool_)
    down, across = np.abs(np.diff(grey, axis=0)) >= EDGE, np.abs(np.diff(grey, axis=1)) >= EDGE
    edges[1:] |= down
    edges[:-1] |= down
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    return edges


def _moved(before: Face, now: Face) -> float:
    """How far a face moved, in widths of its own."""
    (x, y), (new_x, new_y) = before.centre, now.centre
    return max(abs(new_x - x), abs(new_y - y)) / max(now.width, 1.0)


def _body(face: Face, width: int, height: int) -> tuple[slice, slice]:
    """Rows and columns, in the thumbnail, of the body under a face: from below the chin down, two faces wide."""
    rows, columns = 60 / height, 80 / width
    top = round((face.top + face.height * 1.25) * rows)
    left, right = face.left - face.width * 0.5, face.left + face.width * 1.5
    return slice(max(top, 0), 60), slice(max(round(left * columns), 0), max(round(right * columns), 0))
