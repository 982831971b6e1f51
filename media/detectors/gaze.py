"""avert_eyes: head or eyes turned away from the screen for a while."""

from collections import deque
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from appliance.vocabulary import ObservationType
from media.biometrics.faces import Face
from media.biometrics.gaze_map import GazeMap, features_of, readable
from media.biometrics.mesh import FaceMesh, HeadPose
from media.biometrics.model_files import FACE_MESH, IRIS
from media.detectors.rules import Rule, Sample
from media.detectors.scene import PRESENT, Scene
from media.frames.frame import NoPicture

EYE_DEGREES = 120.0
"""Degrees of gaze for a shift of the iris by the whole width of the eye; people who turn the head by 12 degrees and
keep looking at the screen shift their irises back by 0.10."""
GAZE_AWAY = 14.0
"""Degrees of head and eyes together, away from where this candidate usually looks. Reading along a line of a screen
takes 6 or so, a look past the screen 17 and more."""
HEAD_AWAY = 25.0
"""Degrees of yaw away from the usual, when the eyes cannot be seen."""
HEAD_UP_OR_DOWN = 22.0
"""Degrees of pitch, likewise."""
SHUT = 0.12
"""Opening of an eye below which nothing can be said of where it looks."""
HEAD_HIDES_EYES = 20.0
"""Degrees of yaw from the usual, from which the irises are no longer trusted, only the head."""
USUAL_MS = 120_000
"""What makes the usual direction: the last two minutes."""
LEARNING_MS = 5500
"""Before that nothing is said: the usual direction of whoever sits there is not known yet."""
FORGET_MS = 1500
"""Without a face for that long the usual direction is learned anew."""
EYES_MS = 1400
"""As long as nothing is suspected, the irises are read every 1.5 s: in each third picture."""
CALM_BELOW = 0.35
"""Score below which nothing is suspected."""
BESIDE = 0.35
"""How far beside the screen, in shares of it, a look falls that scores 0.5: a calibration errs by up to 0.30."""


@dataclass(frozen=True)
class _Look:
    """Where the head points and the irises stand in one picture."""

    at_ms: int
    pose: HeadPose
    across: float | None
    """Mean of both irises; None: they cannot be trusted, or were not read."""


class Gaze:
    """Scores how far eyes and head point away from the screen.

    With a calibration by where on the screen, or beside it, the look falls. Without one by the deviation from the
    candidate's own usual direction: the median of the last two minutes stands for "at the screen", kept within the
    bounds that people sitting before a webcam have.
    """

    name = "gaze"
    type = ObservationType.AVERT_EYES
    # five seconds count, which at two pictures a second are seen as 4.5 at least
    # lapse, release: eyes that sweep from one side to the other pass the middle, and people blink
    default_rule = Rule(
        threshold=0.5, clear_below=0.4, min_duration_ms=4500, lapse_ms=900, release_ms=1000, unknown_ms=3000
    )
    models = (FACE_MESH, IRIS)

    def __init__(self, gaze_map: GazeMap | None = None) -> None:
        self._map = gaze_map
        self._looks: deque[_Look] = deque()
        self._seen_ms: int | None = None
        self._began_ms = 0
        self._eyes_ms: int | None = None
        self._score = 0.0
        self._unread: list[Scene] = []

    def sample(self, scene: Scene) -> Sample:
        """See Detector. Score 0.5 lies at the bounds above."""
        face = scene.main_face
        if face is None:
            return Sample(scene.at_ms, None)
        if self._seen_ms is None or scene.at_ms - self._seen_ms > FORGET_MS:
            self._forget(scene.at_ms)  # who comes back may be another, or sit otherwise
        self._seen_ms = scene.at_ms
        mesh = scene.mesh_of(face)
        if mesh.presence < PRESENT:
            return Sample(scene.at_ms, None)
        if not self._reads_eyes(scene.at_ms, mesh):
            self._unread.append(scene)
            self._learn(_Look(scene.at_ms, mesh.pose, None))
            return Sample(scene.at_ms, None)
        before, self._unread = self._unread, []
        found = self._judge(scene, face, learn=True)
        self._score = found.score or 0.0
        if self._score < self.default_rule.threshold:
            return found
        return replace(found, since_ms=self._began(before, scene.at_ms))

    def _began(self, unread: list[Scene], at_ms: int) -> int:
        """Since when the eyes are away: it may have begun in the pictures before, whose irises were not read."""
        for scene in reversed(unread):
            if scene.main_face is None:
                break
            if (self._judge(scene, scene.main_face, learn=False).score or 0.0) < self.default_rule.threshold:
                break
            at_ms = scene.at_ms
        return at_ms

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        return Sample(nothing.at_ms, None)

    def _reads_eyes(self, at_ms: int, mesh: FaceMesh) -> bool:
        if self._eyes_ms is not None and self._score < CALM_BELOW and at_ms - self._eyes_ms < EYES_MS:
            yaw, pitch = self._turn(mesh.pose)
            return max(abs(yaw) / HEAD_AWAY, abs(pitch) / HEAD_UP_OR_DOWN) / 2 >= CALM_BELOW
        return True

    def _judge(self, scene: Scene, face: Face, *, learn: bool) -> Sample:
        mesh, eyes = scene.mesh_of(face), scene.gaze_of(face)
        if learn:
            self._eyes_ms = scene.at_ms
        yaw, pitch = self._turn(mesh.pose)
        open_eyes = abs(yaw) <= HEAD_HIDES_EYES and min(eye.opening for eye in eyes) >= SHUT
        across = (eyes[0].across + eyes[1].across) / 2 if open_eyes else None
        shift = None if across is None else across - self._usual_across()
        learned = scene.at_ms - self._began_ms >= LEARNING_MS
        if learn:
            self._learn(_Look(scene.at_ms, mesh.pose, across))
        details: dict[str, Any] = {"yaw": round(yaw, 1), "pitch": round(pitch, 1)}
        if self._map is not None and readable(features_of(mesh, eyes)):
            x, y = self._map.locate(features_of(mesh, eyes))
            score = self._map.beside(features_of(mesh, eyes)) / BESIDE / 2
            return Sample(scene.at_ms, min(score, 1.0), details={**details, "x": round(x, 2), "y": round(y, 2)})
        sideways = yaw / HEAD_AWAY if shift is None else (yaw + EYE_DEGREES * shift) / GAZE_AWAY
        score = max(abs(sideways), abs(pitch) / HEAD_UP_OR_DOWN) / 2
        blinks = shift is None and score < 0.5 and abs(yaw) < HEAD_HIDES_EYES
        if blinks or not learned:
            return Sample(scene.at_ms, None)
        details["eyes"] = None if shift is None else round(shift, 3)
        return Sample(scene.at_ms, min(score, 1.0), details=details)

    def _forget(self, at_ms: int) -> None:
        self._looks.clear()
        self._began_ms, self._eyes_ms, self._unread, self._score = at_ms, None, [], 0.0

    def _learn(self, look: _Look) -> None:
        self._looks.append(look)
        while self._looks[0].at_ms < look.at_ms - USUAL_MS:
            self._looks.popleft()

    def _turn(self, pose: HeadPose) -> tuple[float, float]:
        """Yaw and pitch away from the usual."""
        usual_yaw = _usual([look.pose.yaw for look in self._looks], 0.0, 15.0)
        return pose.yaw - usual_yaw, pose.pitch - _usual([look.pose.pitch for look in self._looks], 0.0, 20.0)

    def _usual_across(self) -> float:
        return _usual([look.across for look in self._looks if look.across is not None], 0.5, 0.06)


def _usual(values: list[float], general: float, reach: float) -> float:
    """Median of the values, at most ``reach`` away from what people in general have."""
    if not values:
        return general
    return min(max(median(values), general - reach), general + reach)
