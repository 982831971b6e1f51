"""What every detector offers."""

from typing import Protocol

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import ModelFile
from media.detectors.rules import Rule, Sample
from media.detectors.scene import Scene
from media.frames.frame import NoPicture


class Judging(Protocol):
    """What detectors of pictures and of sound have in common: what they find, by what rule, with which files."""

    @property
    def name(self) -> str:
        """How settings and findings call it."""

    @property
    def type(self) -> ObservationType:
        """What it finds."""

    @property
    def default_rule(self) -> Rule:
        """When its scores make an incident, unless the exam says otherwise."""

    @property
    def models(self) -> tuple[ModelFile, ...]:
        """The files its scores come from."""


class Detector(Judging, Protocol):
    """Scores one kind of observation by what is seen; keeps what it must remember of one sitting."""

    def sample(self, scene: Scene) -> Sample:
        """The score of one picture; cheap unless it says otherwise."""

    def sample_nothing(self, nothing: NoPicture) -> Sample:
        """The score of having no picture."""
