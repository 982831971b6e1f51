"""Descriptors to decide by: of a face and its mirror image, and of one person in several pictures.

Sides of a face differ by chance of light and alignment; the mean of both is nearer to other pictures of the person.
Further variants (turned, larger, lighter, blurred) brought nothing more on LFW: docs/decisions/0016.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from appliance.errors import BadInput
from media.biometrics.engine import ROOM, Descriptor, Engine, at_length
from media.biometrics.faces import Face
from media.biometrics.regions import Image

MIRRORED_POINTS = [1, 0, 2, 3, 5, 4]
"""Eyes and ears change places."""


def describe_well(engine: Engine, image: Image, face: Face) -> Descriptor:
    """The mean of a face and its mirror image, at the common length: for check-in photos and every decision.

    Twice the time of ``engine.describe``. What the engine raises is passed on.
    """
    return describe_frames(engine, [(image, face)])


def describe_alone(engine: Engine, image: Image, face: Face) -> Descriptor:
    """The face without its mirror image, in half the time: tells sure matches (``Thresholds.alone_match_below``)."""
    return together(engine.describe_many([face.with_surroundings(image, ROOM)]))


def describe_frames(engine: Engine, frames: Sequence[tuple[Image, Face]]) -> Descriptor:
    """One descriptor of one person in several pictures, each as good as its quality gate wants it.

    Raises BadInput without pictures, and what the engine raises.
    """
    if not frames:
        raise BadInput("A face is described from at least one picture.")
    near = [face.with_surroundings(image, ROOM) for image, face in frames]
    both = [one for image, face in near for one in ((image, face), _mirrored(image, face))]
    return together(engine.describe_many(both))


def together(descriptors: Sequence[Descriptor]) -> Descriptor:
    """What several descriptors of one person say together: their mean direction, at the common length."""
    return at_length(np.mean([at_length(descriptor) for descriptor in descriptors], axis=0))


def _mirrored(image: Image, face: Face) -> tuple[Image, Face]:
    width = image.shape[1]
    points = face.keypoints[MIRRORED_POINTS]
    points[:, 0] = width - points[:, 0]
    flipped = np.asarray(cv2.flip(image, 1), dtype=np.uint8)
    return flipped, replace(face, left=width - face.left - face.width, keypoints=points)
