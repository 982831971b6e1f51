"""camera_no_picture: black, covered, or no pictures at all."""

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import ModelFile
from media.detectors.rules import Rule, Sample
from media.detectors.scene import BLACK_BELOW, Scene
from media.frames.frame import NoPicture


class PictureLoss:
    """Scores 1 when there is nothing to be seen, whatever the reason; ``reason`` tells which."""

    name = "picture_loss"
    type = ObservationType.CAMERA_NO_PICTURE
    default_rule = Rule(threshold=0.5, clear_below=0.5, min_duration_ms=1500)
    models: tuple[ModelFile, ...] = ()

    def sample(self, scene: Scene) -> Sample:
        """See Detector."""
        if not scene.is_blank:
            return Sample(scene.at_ms, 0.0)
        reason = "black" if scene.light.brightness < BLACK_BELOW else "covered"
        return Sample(scene.at_ms, 1.0, details={"reason": reason, "brightness": round(scene.light.brightness, 1)})

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """See Detector."""
        return Sample(nothing.at_ms, 1.0, since_ms=nothing.since_ms, details={"reason": "no_frames"})
