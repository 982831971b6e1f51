"""The two pictures that show why an observation was made: one of its beginning, one of the time after."""

import cv2
import numpy as np
from sqlalchemy.orm import Session

from appliance.services import evidence_pictures
from appliance.services.evidence_pictures import Shot
from appliance.vault import Vault
from media.biometrics.regions import Image
from media.detectors.rules import EvidencePicture, ObservationEvent
from media.frames.frame import Frame

MAX_SIDE = 640
"""Pixels: enough to see who is there, and small enough to be kept by the thousand."""
QUALITY = 80
"""Of JPEG, 0 to 100."""


def encode(image: Image) -> bytes:
    """A JPEG of the picture, no side longer than MAX_SIDE."""
    scale = MAX_SIDE / max(image.shape[:2])
    if scale < 1:
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def seal_pictures(session: Session, vault: Vault, sitting_id: int, event: ObservationEvent) -> list[Shot]:
    """Put what an event shows into the vault; raises KeyDestroyed when the sitting was erased."""
    return [evidence_pictures.seal(session, vault, sitting_id, shot.at_ms, shot.jpeg) for shot in event.pictures]


class StrongestPicture:
    """Holds the picture of the highest score, and nothing is encoded before it is taken."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._score = 0.0

    def note(self, score: float, frame: Frame | None) -> None:
        """Of equal scores the later picture counts: the condition has lasted longer."""
        if frame is not None and score >= self._score:
            self._frame, self._score = frame, score

    def take(self) -> tuple[EvidencePicture, ...]:
        """The picture, encoded, or nothing if there was none; begins anew."""
        frame = self._frame
        self.forget()
        return () if frame is None else (EvidencePicture(frame.at_ms, encode(frame.image)),)

    def forget(self) -> None:
        """Begin anew."""
        self._frame, self._score = None, 0.0
