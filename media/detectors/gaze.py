"""avert_eyes: head or eyes turned away from the screen for a while."""

from collections import deque
from statistics import median

from appliance.vocabulary import ObservationType
from media.biometrics.mesh import EyeGaze, HeadPose
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
USUAL_SPAN = 240
"""Samples that make the usual direction: two minutes at two a second."""
LEARNING = 12
"""Samples before which nothing is said: the usual direction of whoever sits there is not known yet."""
FORGET_MS = 1500
"""Without a face for that long the usual direction is learned anew."""


class Gaze:
    """Scores the deviation of eyes and head from the candidate's own usual direction.

    Coarse: there is no calibration at check-in yet; the median of the last two minutes stands for "at the screen",
    kept within the bounds that people sitting before a webcam have.
    """

    name = "gaze"
    type = ObservationType.AVERT_EYES
    # lapse, release: eyes that sweep from one side to the other pass the middle, and people blink
    default_rule = Rule(
        threshold=0.5, clear_below=0.4, min_duration_ms=5000, lapse_ms=900, release_ms=1000, unknown_ms=3000
    )
    models = (FACE_MESH, IRIS)

    def __init__(self) -> None:
        self._yaw: deque[float] = deque(maxlen=USUAL_SPAN)
        self._pitch: deque[float] = deque(maxlen=USUAL_SPAN)
        self._across: deque[float] = deque(maxlen=USUAL_SPAN)
        self._seen_ms = 0

    def sample(self, scene: Scene) -> Sample:
        """See Detector. Score 0.5 lies at the bounds above."""
        face = scene.main_face
        if face is None:
            return Sample(scene.at_ms, None)
        if scene.at_ms - self._seen_ms > FORGET_MS:  # who comes back may be another, or sit otherwise
            self._forget()
        self._seen_ms = scene.at_ms
        mesh = scene.mesh_of(face)
        if mesh.presence < PRESENT:
            return Sample(scene.at_ms, None)
        learned = len(self._yaw) >= LEARNING
        yaw = mesh.pose.yaw - _usual(self._yaw, 0.0, 15.0)
        pitch = mesh.pose.pitch - _usual(self._pitch, 0.0, 20.0)
        shift = self._shift(scene.gaze_of(face), yaw)
        self._learn(mesh.pose, scene.gaze_of(face) if shift is not None else None)
        across = yaw / HEAD_AWAY if shift is None else (yaw + EYE_DEGREES * shift) / GAZE_AWAY
        score = max(abs(across), abs(pitch) / HEAD_UP_OR_DOWN) / 2
        blinks = shift is None and score < 0.5 and abs(yaw) < HEAD_HIDES_EYES
        if blinks or not learned:
            return Sample(scene.at_ms, None)
        details = {"yaw": round(yaw, 1), "pitch": round(pitch, 1), "eyes": None if shift is None else round(shift, 3)}
        return Sample(scene.at_ms, min(score, 1.0), details=details)

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        return Sample(nothing.at_ms, None)

    def _shift(self, eyes: tuple[EyeGaze, EyeGaze], yaw: float) -> float | None:
        """Mean shift of both irises; None when they cannot be trusted."""
        if abs(yaw) > HEAD_HIDES_EYES or min(eye.opening for eye in eyes) < SHUT:
            return None
        return (eyes[0].across + eyes[1].across) / 2 - _usual(self._across, 0.5, 0.06)

    def _forget(self) -> None:
        for values in (self._yaw, self._pitch, self._across):
            values.clear()

    def _learn(self, pose: HeadPose, eyes: tuple[EyeGaze, EyeGaze] | None) -> None:
        self._yaw.append(pose.yaw)
        self._pitch.append(pose.pitch)
        if eyes:
            self._across.append((eyes[0].across + eyes[1].across) / 2)


def _usual(values: deque[float], general: float, reach: float) -> float:
    """Median of the values, at most ``reach`` away from what people in general have."""
    if not values:
        return general
    return min(max(median(values), general - reach), general + reach)
