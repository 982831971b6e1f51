"""substitution_user: another person sits there than at the check-in."""

from collections import deque
from dataclasses import dataclass
from operator import itemgetter

from appliance.vocabulary import IdentityVerdict, ObservationType
from media.biometrics.describing import describe_alone, describe_well, together
from media.biometrics.engine import Descriptor, Engine, distance
from media.biometrics.faces import Face
from media.biometrics.matching import QualityGate, Thresholds, verdict_of
from media.biometrics.model_files import ModelFile
from media.detectors.rules import Rule, Sample
from media.detectors.scene import Doubt, Scene
from media.frames.frame import NoPicture


@dataclass(frozen=True)
class IdentityInterval:
    """How often a face is described, which costs about 7 ms of a core for a match, else three times as much."""

    matched_ms: int = 8000
    """After a match, as long as the same face stays in the picture."""
    doubtful_ms: int = 2000
    """After a distance that says nothing, of three pictures together."""
    mismatched_ms: int = 3000
    """After another person was reported, to see when the candidate is back."""


CHECKS = 3
"""Who is no match is told by that many successive pictures together: strangers look less alike in their mean."""
NEAR, SPAN = 0.33, 0.4
"""Distance that scores 0, and by how much a distance is farther that scores 1."""
MATCHED = 0.35
"""Highest score of a match, so that it ends what was told before."""
JUMP = 0.8
"""A face that moves by more than this share of its width between two pictures may be another one: look again."""
OTHERS = 2
"""Further faces compared when the nearest is not the candidate's, who may sit behind."""


class Impostor:
    """Scores the distance between the face in the picture and the check-in photo.

    Compares at once when a face appears, then at the intervals above. One picture is enough for a match, else CHECKS
    of them are described, and their mean decides. The score between two comparisons is the last one's. Without a
    reference there is never a score.
    """

    name = "impostor"
    type = ObservationType.SUBSTITUTION_USER
    default_rule = Rule(threshold=0.55, clear_below=0.375, min_duration_ms=500, release_ms=400, unknown_ms=4000)
    """Scores are distances, by NEAR and SPAN: 0.55 is one of 0.55 (``Thresholds.several_mismatch_from``)."""

    def __init__(
        self,
        engine: Engine,
        reference: Descriptor | None,
        interval: IdentityInterval,
        thresholds: Thresholds,
        gate: QualityGate,
    ) -> None:
        self._engine, self._reference, self._interval = engine, reference, interval
        self._thresholds, self._gate = thresholds, gate
        self.models: tuple[ModelFile, ...] = engine.models
        self._face: Face | None = None
        self._track_ms = 0
        self._unlike: deque[Descriptor] = deque(maxlen=CHECKS)
        """Of the last pictures, none of which was a match."""
        self._apart = 0.0
        self._verdict: IdentityVerdict | None = None
        self._checked_ms: int | None = None
        self._mismatch_ms: int | None = None

    def sample(self, scene: Scene) -> Sample:
        """See Detector. Expensive when a comparison is due."""
        if self._reference is None:
            return Sample(scene.at_ms, None)
        face = scene.main_face
        if face is None or not scene.is_readable:
            self._lose()
            # nobody there is no substitution; in the dark nothing can be said
            return Sample(scene.at_ms, 0.0 if scene.is_readable else None)
        if self._face is None or _jumped(self._face, face):
            self._start(scene.at_ms)
        self._face = face
        if self._due(scene.at_ms):
            objection = self._gate.objection(scene.image, face, scene.mesh_of(face))
            if not objection:
                self._check(scene, face, self._reference)
            elif self._verdict is None:
                return Sample(scene.at_ms, None, doubt=Doubt.IDENTITY_UNCLEAR, details={"quality": objection})
        return self._score(scene.at_ms)

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        self._lose()
        return Sample(nothing.at_ms, None)

    def _start(self, at_ms: int) -> None:
        """A face appeared, or another one may have taken its place."""
        self._track_ms = at_ms
        self._unlike.clear()
        self._checked_ms, self._verdict, self._mismatch_ms = None, None, None

    def _lose(self) -> None:
        self._face = None

    def _due(self, at_ms: int) -> bool:
        if self._checked_ms is None:
            return True
        waited = at_ms - self._checked_ms
        if self._verdict is IdentityVerdict.MATCH:
            return waited >= self._interval.matched_ms
        if len(self._unlike) < CHECKS:
            return True
        doubtful = self._verdict is IdentityVerdict.UNDETERMINED
        return waited >= (self._interval.doubtful_ms if doubtful else self._interval.mismatched_ms)

    def _check(self, scene: Scene, face: Face, reference: Descriptor) -> None:
        found, self._apart = self._nearest(scene, face, reference)
        first, self._checked_ms = self._checked_ms is None, scene.at_ms
        self._verdict = verdict_of(self._apart, self._thresholds)
        if self._verdict is not IdentityVerdict.MATCH:
            self._unlike.append(found)
            self._apart = distance(together(self._unlike), reference)
            self._verdict = verdict_of(self._apart, self._thresholds.of_several)
        if self._verdict is IdentityVerdict.MATCH:
            self._unlike.clear()
            self._mismatch_ms = None
        elif self._mismatch_ms is None:
            self._mismatch_ms = self._track_ms if first else scene.at_ms

    def _nearest(self, scene: Scene, face: Face, reference: Descriptor) -> tuple[Descriptor, float]:
        """Descriptor and distance of the nearest to the reference: of the main face, or of others if that is none."""
        found = describe_alone(self._engine, scene.image, face)
        apart = distance(found, reference)
        if apart < self._thresholds.alone_match_below:
            return found, apart
        found = describe_well(self._engine, scene.image, face)
        apart = distance(found, reference)
        for other in [other for other in scene.sure_faces if other is not face][:OTHERS]:
            if apart < self._thresholds.match_below:
                break
            if not self._gate.objection(scene.image, other, scene.mesh_of(other)):
                descriptor = describe_well(self._engine, scene.image, other)
                found, apart = min((found, apart), (descriptor, distance(descriptor, reference)), key=itemgetter(1))
        return found, apart

    def _score(self, at_ms: int) -> Sample:
        matches = self._verdict is IdentityVerdict.MATCH
        if self._verdict is None or not (matches or len(self._unlike) == CHECKS):
            return Sample(at_ms, None)
        score = min(max((self._apart - NEAR) / SPAN, 0.0), MATCHED if matches else 1.0)
        doubt = Doubt.IDENTITY_UNCLEAR if self._verdict is IdentityVerdict.UNDETERMINED else ""
        return Sample(at_ms, score, self._mismatch_ms, doubt, {"distance": round(self._apart, 3)})


def _jumped(before: Face, now: Face) -> bool:
    (x, y), (new_x, new_y) = before.centre, now.centre
    moved = max(abs(new_x - x), abs(new_y - y)) > JUMP * max(before.width, now.width)
    return moved or not 0.6 < now.width / max(before.width, 1.0) < 1 / 0.6
