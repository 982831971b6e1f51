"""Descriptors to decide by: of a face and its mirror image, and of one person in several pictures.

Sides of a face differ by chance of light and alignment; the mean of both is nearer to other pictures of the person.
Further variants (turned, larger, lighter, blurred) brought nothing more on LFW: docs/decisions/0014.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from appliance.errors import BadInput
from media.biometrics.engine import Descriptor, Engine, at_length
from media.biometrics.faces import Face
from media.biometrics.regions import Image

ROOM = 1.0
"""Margin about the face that alignment may reach into, as a share of the face's width; the rest is not mirrored."""
MIRRORED_POINTS = [1, 0, 2, 3, 5, 4]
"""Eyes and ears change places."""


def describe_well(engine: Engine, image: Image, face: Face) -> Descriptor:
    """The mean of a face and its mirror image, at the common length: for check-in photos and every decision.

    Twice the time of ``engine.describe``. What the engine raises is passed on.
    """
    return describe_frames(engine, [(image, face)])


def describe_frames(engine: Engine, frames: Sequence[tuple[Image, Face]]) -> Descriptor:
    """One descriptor of one person in several pictures, each as good as its quality gate wants it.

    Raises BadInput without pictures, and what the engine raises.
    """
    if not frames:
        raise BadInput("A face is described from at least one picture.")
    both = [one for image, face in frames for one in (_about(image, face), _mirrored(*_about(image, face)))]
    return at_length(np.mean([at_length(descriptor) for descriptor in engine.describe_many(both)], axis=0))


def _about(image: Image, face: Face) -> tuple[Image, Face]:
    """The part of the picture about the face: all that is needed of a large one."""
    room = ROOM * face.width
    left, top = max(int(face.left - room), 0), max(int(face.top - room), 0)
    part = image[top : int(face.top + face.height + room) + 1, left : int(face.left + face.width + room) + 1]
    points = np.subtract(face.keypoints, (left, top), dtype=np.float32)
    return part, replace(face, left=face.left - left, top=face.top - top, keypoints=points)


def _mirrored(image: Image, face: Face) -> tuple[Image, Face]:
    width = image.shape[1]
    points = face.keypoints[MIRRORED_POINTS]
    points[:, 0] = width - points[:, 0]
    flipped = np.asarray(cv2.flip(image, 1), dtype=np.uint8)
    return flipped, replace(face, left=width - face.left - face.width, keypoints=points)
