"""The only door to dlib: five points to align a face, ResNet to describe it.

Networks: D. King, dlib_face_recognition_resnet_model_v1, shape_predictor_5_face_landmarks (both CC0).
The released wheel has no BLAS: one description takes about 0.2 s of a core.
"""

import threading
from functools import cache, cached_property
from typing import Any

import cv2
import numpy as np

from media.biometrics.engine import Descriptor
from media.biometrics.faces import Face
from media.biometrics.model_files import DESCRIPTOR, FIVE_POINTS
from media.biometrics.regions import Image


class DlibEngine:
    """See Engine."""

    models = (FIVE_POINTS, DESCRIPTOR)

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @cached_property
    def _networks(self) -> tuple[Any, Any, Any]:  # dlib has no type hints
        import dlib  # type: ignore[import-untyped]  # noqa: PLC0415 - native code that only describing needs

        return dlib, dlib.shape_predictor(str(FIVE_POINTS.path)), dlib.face_recognition_model_v1(str(DESCRIPTOR.path))

    def describe(self, image: Image, face: Face) -> Descriptor:
        """See Engine. The alignment expects a box like dlib's: a square about the eyes, nose and mouth."""
        colours = np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        left, top, right, bottom = _square(face)
        with self._lock:
            dlib, predictor, network = self._networks
            shape = predictor(colours, dlib.rectangle(left, top, right, bottom))
            chip = dlib.get_face_chip(colours, shape, size=150, padding=0.25)
            return np.array(network.compute_face_descriptor(chip), dtype=np.float64)


def _square(face: Face) -> tuple[int, int, int, int]:
    centre_x, centre_y = face.centre
    half = max(face.width, face.height) / 2
    return round(centre_x - half), round(centre_y - half), round(centre_x + half), round(centre_y + half)


@cache
def dlib_engine() -> DlibEngine:
    """The process's one engine."""
    return DlibEngine()
