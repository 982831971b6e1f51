"""Under which terms each file of weights may be passed on: for model cards, and for what browsers are given."""

from dataclasses import dataclass
from typing import Final

from media.biometrics.documents.text_networks import DETECTION, RECOGNITION
from media.biometrics.model_files import (
    DESCRIPTOR,
    FACE_FULL_RANGE,
    FACE_MESH,
    FACE_SHORT_RANGE,
    FIVE_POINTS,
    IRIS,
    VOICE,
    ModelFile,
)


@dataclass(frozen=True)
class Terms:
    """What the makers of weights say of them; the package that carries them has a licence of its own."""

    licence: str
    """SPDX identifier."""
    makers: str
    text: str
    """Where the licence's text is."""

    def __str__(self) -> str:
        """As a model card says it."""
        return f"{self.licence} ({self.makers})"


_APACHE: Final = "https://www.apache.org/licenses/LICENSE-2.0"
_MEDIAPIPE: Final = Terms("Apache-2.0", "MediaPipe", _APACHE)
_PADDLE: Final = Terms("Apache-2.0", "PaddleOCR", _APACHE)
_DLIB: Final = Terms("CC0-1.0", "dlib-models", "https://creativecommons.org/publicdomain/zero/1.0/")

TERMS: Final[dict[ModelFile, Terms]] = {
    FACE_SHORT_RANGE: _MEDIAPIPE,
    FACE_FULL_RANGE: _MEDIAPIPE,
    FACE_MESH: _MEDIAPIPE,
    IRIS: _MEDIAPIPE,
    FIVE_POINTS: _DLIB,
    DESCRIPTOR: _DLIB,
    VOICE: Terms("MIT", "silero-vad", "https://github.com/snakers4/silero-vad/blob/master/LICENSE"),
    DETECTION: _PADDLE,
    RECOGNITION: _PADDLE,
}
