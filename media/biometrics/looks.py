"""What one picture of a challenge shows: the face, its mesh, its eyes. Pictures come from a candidate's browser."""

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from media.biometrics.engine import Descriptor
from media.biometrics.faces import Face, face_detector
from media.biometrics.matching import face_brightness
from media.biometrics.mesh import EyeGaze, FaceMesh, mesh_network
from media.biometrics.regions import Image

SURE: Final = 0.6
"""Score of the detector and belief of the mesh network from which something is a face."""
SECOND_FACE: Final = 0.3
"""A second face counts from this share of the width of the first: posters behind are smaller."""
THUMB: Final = (24, 18)


@dataclass(frozen=True, eq=False)
class Look:
    """One picture of a challenge."""

    at_ms: int
    """Since the challenge began, by the browser's own clock."""
    step: int
    """Which of the steps was shown."""
    faces: int
    face: Face | None = field(default=None, repr=False)
    mesh: FaceMesh | None = field(default=None, repr=False)
    eyes: tuple[EyeGaze, EyeGaze] | None = None
    brightness: float = 0.0
    """Mean grey of the face, 0..255."""
    thumb: NDArray[np.float32] | None = field(default=None, repr=False)
    """18x24 grey, to see where pictures were cut together."""
    descriptor: Descriptor | None = field(default=None, repr=False)

    @property
    def opening(self) -> float:
        """Mean opening of both eyes; 0 without a face."""
        return (self.eyes[0].opening + self.eyes[1].opening) / 2 if self.eyes else 0.0


def look_at(image: Image, at_ms: int, step: int) -> Look:
    """Find the face of a picture, its mesh and its eyes; about 15 ms of a core at 480 pixels."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    thumb = cv2.resize(grey, THUMB, interpolation=cv2.INTER_AREA).astype(np.float32)
    found = [face for face in face_detector().all(image) if face.score >= SURE]
    if not found:
        return Look(at_ms, step, 0, thumb=thumb)
    face = max(found, key=lambda one: one.width)
    network = mesh_network()
    mesh = network.mesh(image, face)
    count = sum(one.width >= SECOND_FACE * face.width for one in found)
    if mesh.presence < SURE:
        return Look(at_ms, step, 0, thumb=thumb)
    return Look(at_ms, step, count, face, mesh, network.gaze(image, mesh), face_brightness(image, face), thumb)
