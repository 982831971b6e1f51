"""The only door to dlib: five points to align a face, ResNet to describe it.

Networks: D. King, dlib_face_recognition_resnet_model_v1, shape_predictor_5_face_landmarks (both CC0).
The released wheel has no BLAS: one description takes 0.1 to 0.2 s of a core, an alignment about 1 ms.
"""

import threading
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from media.biometrics.engine import ROOM, Descriptor
from media.biometrics.faces import Face
from media.biometrics.model_files import DESCRIPTOR, FIVE_POINTS, once
from media.biometrics.regions import Image

CHIP_SIZE, CHIP_PADDING = 150, 0.25
"""What the descriptor network was trained on: side in pixels, margin as a share of the face."""

BOX_SIZE, BOX_UP = 1.1, 0.05
"""What makes of a detector's box one as dlib's five points were trained on: times as wide, up by that share of it.
Lower or smaller ones lose the eyes: by 5 % of the width, one pair of LFW in fifty more is told apart wrongly."""


def aligned(image: Image, face: Face) -> Image:
    """The face upright, 150x150, red green blue: eyes and nose where dlib's networks want them.

    The five points expect a box like dlib's: a square about the eyes, nose and mouth.
    """
    image, face = face.with_surroundings(image, ROOM)
    colours = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    dlib, predictor = _five_points()
    shape = predictor(colours, dlib.rectangle(*_square(face)))
    chip = dlib.get_face_chip(colours, shape, size=CHIP_SIZE, padding=CHIP_PADDING)
    return np.asarray(chip, dtype=np.uint8)


def _square(face: Face) -> tuple[int, int, int, int]:
    """Left, top, right and bottom."""
    centre_x, centre_y = face.centre
    centre_y -= BOX_UP * face.width
    half = max(face.width, face.height) * BOX_SIZE / 2
    return round(centre_x - half), round(centre_y - half), round(centre_x + half), round(centre_y + half)


@once
def _five_points() -> tuple[Any, Any]:  # dlib has no type hints
    import dlib  # type: ignore[import-untyped]  # noqa: PLC0415 - native code that only describing needs

    return dlib, dlib.shape_predictor(str(FIVE_POINTS.path))


class DlibEngine:
    """See Engine. The reference: slow, one description at a time."""

    models = (FIVE_POINTS, DESCRIPTOR)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._network: Any = None

    def describe(self, image: Image, face: Face) -> Descriptor:
        """See Engine."""
        return self._of_chip(aligned(image, face))

    def describe_many(self, faces: Sequence[tuple[Image, Face]]) -> list[Descriptor]:
        """See Engine."""
        return [self.describe(image, face) for image, face in faces]

    def _of_chip(self, chip: Image) -> Descriptor:
        with self._lock:
            if self._network is None:
                import dlib  # noqa: PLC0415 - as above

                self._network = dlib.face_recognition_model_v1(str(DESCRIPTOR.path))
            return np.array(self._network.compute_face_descriptor(chip), dtype=np.float64)


@once
def dlib_engine() -> DlibEngine:
    """The process's one engine."""
    return DlibEngine()
