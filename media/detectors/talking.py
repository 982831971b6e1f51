"""talk: the candidate speaks, as far as a moving mouth together with a voice can tell."""

from collections import deque
from math import fsum, sqrt
from statistics import median

import numpy as np

from appliance.vocabulary import ObservationType
from media.biometrics.mesh import FaceMesh
from media.biometrics.model_files import FACE_MESH, VOICE
from media.detectors.rules import Rule, Sample
from media.detectors.scene import PRESENT, Scene
from media.detectors.speech import SpeechStream
from media.detectors.voice import EVERY
from media.frames.frame import NoSound, Sound

UPPER_LIP, LOWER_LIP, FOREHEAD, CHIN = 13, 14, 10, 152
SPAN_MS = 3000
"""Of the mouth that counts: six pictures at two a second."""
FEWEST = 4
"""Pictures in that span, from which movement can be told."""
SMALLEST = 80
"""Width of a face in pixels, below which the lips are not told apart."""
MOVES = 0.012
"""Standard deviation of the mouth's opening, in heights of the face: a still mouth has up to 0.005, a speaking one
0.017 to 0.06."""
ABOVE_USUAL = 1.8
"""How many times the movement without any voice a speaking mouth must show: who chews or grimaces is no speaker."""
USUAL_SAMPLES = 60
QUIET = 0.15
HEARD = 0.6
"""Score of a voice that is certain; half of it is where a voice begins (``Voice.default_rule``)."""


class Talk:
    """Scores the lesser of two: that there is a voice, and that the mouth moves more than it does without one."""

    name = "talk"
    type = ObservationType.TALK
    default_rule = Rule(threshold=0.5, clear_below=0.4, min_duration_ms=1500, lapse_ms=1000, release_ms=2000)
    models = (VOICE, FACE_MESH)

    def __init__(self, stream: SpeechStream | None = None) -> None:
        """``stream``: shared with whoever hears the same sound."""
        self._stream = stream or SpeechStream()
        self._openings: deque[tuple[int, float]] = deque(maxlen=64)  # 3 s, at whatever rate pictures come
        self._usual: deque[float] = deque(maxlen=USUAL_SAMPLES)
        self._voice_ms = 0

    def sample(self, scene: Scene) -> None:
        """Note how far the mouth is open; the next sound tells what that means."""
        face = scene.main_face
        if face is None or face.width < SMALLEST:
            return
        mesh = scene.mesh_of(face)
        if mesh.presence >= PRESENT:
            self._openings.append((scene.at_ms, mouth_opening(mesh)))

    def hear(self, sound: Sound) -> list[Sample]:
        """See SoundDetector. No judgement without a mouth to be seen."""
        return [self._judge(moment.at_ms, moment.score) for moment in self._stream.hear(sound)[::EVERY]]

    def hear_nothing(self, nothing: NoSound) -> list[Sample]:
        """See SoundDetector."""
        return [Sample(nothing.at_ms, None)]

    def _judge(self, at_ms: int, voice: float) -> Sample:
        recent = [opening for when, opening in self._openings if at_ms - SPAN_MS <= when <= at_ms]
        if voice >= QUIET:
            self._voice_ms = at_ms
        if len(recent) < FEWEST:
            return Sample(at_ms, None)
        mean = fsum(recent) / len(recent)
        movement = sqrt(fsum((opening - mean) ** 2 for opening in recent) / len(recent))
        if at_ms - self._voice_ms > SPAN_MS:
            self._usual.append(movement)
        bound = max(MOVES, ABOVE_USUAL * median(self._usual)) if self._usual else MOVES
        score = min(1.0, voice / HEARD, movement / bound / 2)
        return Sample(at_ms, score, details={"mouth": round(movement, 3), "voice": round(voice, 2)})


def mouth_opening(mesh: FaceMesh) -> float:
    """Distance of the lips' inner edges, in heights of the face."""
    upper, lower, top, bottom = (mesh.points[point, :2] for point in (UPPER_LIP, LOWER_LIP, FOREHEAD, CHIN))
    return float(np.hypot(*(lower - upper)) / max(float(np.hypot(*(bottom - top))), 1.0))
