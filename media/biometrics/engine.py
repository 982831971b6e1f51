"""What an identity engine offers; ``engines.default_engine`` is the one to use, ``dlib_engine`` the reference."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from media.biometrics.faces import Face
from media.biometrics.model_files import ModelFile
from media.biometrics.regions import Image

Descriptor = NDArray[np.float64]
"""128 numbers; the Euclidean distance of two tells how unlike the faces are."""
DESCRIPTOR_SIZE = 128


class Engine(Protocol):
    """Turns a face into a descriptor. Thread-safe; loads its files when first used."""

    @property
    def models(self) -> tuple[ModelFile, ...]:
        """The files its descriptors come from; descriptors of different files must not be compared."""

    def describe(self, image: Image, face: Face) -> Descriptor:
        """The descriptor of one face of a picture."""

    def describe_many(self, faces: Sequence[tuple[Image, Face]]) -> list[Descriptor]:
        """The descriptors of faces, each with its picture, in their order."""


def distance(first: Descriptor, second: Descriptor) -> float:
    """Euclidean distance; 0 for the same picture, below 0.6 for most pairs of one person."""
    return float(np.linalg.norm(first - second))
