"""extra_user_in_frame: a second face in the picture."""

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import FACE_FULL_RANGE, FACE_MESH, FACE_SHORT_RANGE
from media.detectors.rules import Rule, Sample
from media.detectors.scene import PRESENT, Doubt, Scene
from media.frames.frame import NoPicture

SMALLEST = 0.03
"""Face widths below this share of the picture's are not judged: 19 pixels of 640."""


class ExtraPerson:
    """Scores the second best face, which the mesh network must see too."""

    name = "extra_person"
    type = ObservationType.EXTRA_USER_IN_FRAME
    default_rule = Rule(threshold=0.5, clear_below=0.4, min_duration_ms=1000, release_ms=900)
    models = (FACE_SHORT_RANGE, FACE_FULL_RANGE, FACE_MESH)

    def sample(self, scene: Scene) -> Sample:
        """See Detector."""
        if not scene.is_readable:
            return Sample(scene.at_ms, None, doubt=Doubt.TOO_DARK if scene.is_dark and not scene.is_blank else "")
        wide = scene.image.shape[1] * SMALLEST
        candidates = [face for face in scene.faces if face.width >= wide and face.score >= 0.3]
        if len(candidates) < 2:
            return Sample(scene.at_ms, 0.0, details={"faces": len(candidates)})
        scores = sorted(
            (face.score if scene.mesh_of(face).presence >= PRESENT else face.score / 2 for face in candidates),
            reverse=True,
        )
        return Sample(scene.at_ms, scores[1], details={"faces": sum(score >= 0.5 for score in scores)})

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        return Sample(nothing.at_ms, None)
