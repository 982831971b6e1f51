"""extra_user_in_frame: a second face in the picture."""

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import FACE_FULL_RANGE, FACE_MESH, FACE_SHORT_RANGE
from media.detectors.rules import Rule, Sample
from media.detectors.scene import PRESENT, Doubt, Scene
from media.frames.frame import NoPicture

SMALLEST = 0.03
"""Face widths below this share of the picture's are not judged: 19 pixels of 640."""

NEW = 0.5
"""Score from which there is a second face."""


class ExtraPerson:
    """Scores the second best face, which the mesh network must see too."""

    name = "extra_person"
    type = ObservationType.EXTRA_USER_IN_FRAME
    default_rule = Rule(threshold=0.5, clear_below=0.4, min_duration_ms=1000, release_ms=900)
    models = (FACE_SHORT_RANGE, FACE_FULL_RANGE, FACE_MESH)

    def __init__(self) -> None:
        self._alone = True

    def sample(self, scene: Scene) -> Sample:
        """See Detector. Where a second face is found anew, the pictures just before are looked at again."""
        if not scene.is_readable:
            return Sample(scene.at_ms, None, doubt=Doubt.TOO_DARK if scene.is_dark and not scene.is_blank else "")
        score, count = _second(scene)
        since_ms = scene.at_ms
        if score >= NEW and self._alone:
            for look in scene.earlier:
                before = look()
                if _second(before)[0] < NEW:
                    break
                since_ms = before.at_ms
        self._alone = score < NEW
        return Sample(scene.at_ms, score, since_ms, details={"faces": count})

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        return Sample(nothing.at_ms, None)


def _second(scene: Scene) -> tuple[float, int]:
    """Score of the second best face, and how many there are."""
    wide = scene.image.shape[1] * SMALLEST
    candidates = [face for face in scene.faces if face.width >= wide and face.score >= 0.3]
    if len(candidates) < 2:
        return 0.0, len(candidates)
    scores = sorted(
        (face.score if scene.mesh_of(face).presence >= PRESENT else face.score / 2 for face in candidates),
        reverse=True,
    )
    return scores[1], sum(score >= NEW for score in scores)
