"""Making a picture as small as a network takes it, or cutting a turned square out, and carrying points back."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from media.biometrics.model_files import Tensor

Image = NDArray[np.uint8]
"""HxWx3, 8 bit, channels in the order blue, green, red."""
Points = NDArray[np.float32]
"""Nx2 or Nx3; x to the right, y down, in pixels of the picture; z (if any) in pixels too, away from the camera."""


def resized(image: Image, width: int, height: int) -> Image:
    """The picture in another size, mean over areas where it shrinks: halved as often as it goes, then the rest.

    Uneven areas of the whole picture would give the same and take twice as long.
    """
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@dataclass(frozen=True)
class Square:
    """A square of a picture; ``angle`` in radians, positive turns clockwise as seen on the screen."""

    centre_x: float
    centre_y: float
    side: float
    angle: float = 0.0

    def _to_picture(self, size: int, mirrored: bool) -> NDArray[np.float64]:
        """2x3 matrix from the cut-out's pixels to the picture's."""
        scale = self.side / size
        cosine, sine = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0]])
        if mirrored:
            matrix[:, 0] = -matrix[:, 0]
        matrix[:, 2] = (self.centre_x, self.centre_y)
        matrix[:, 2] -= matrix[:, :2] @ (size / 2, size / 2)
        return matrix

    def cut(self, image: Image, size: int, mirrored: bool = False) -> Tensor:
        """The square as size x size x 3, channels red, green, blue, values 0 to 1; black outside of the picture."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(image, self._to_picture(size, mirrored), (size, size), flags=flags)
        values: Tensor = np.multiply(cv2.cvtColor(cut, cv2.COLOR_BGR2RGB), np.float32(1 / 255))
        return values

    def back(self, points: Points, size: int, mirrored: bool = False) -> Points:
        """Points in pixels of the cut-out, carried into the picture; z is scaled alike."""
        matrix = self._to_picture(size, mirrored)
        result = points.astype(np.float64, copy=True)
        result[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        if points.shape[1] == 3:
            result[:, 2] *= self.side / size
        return result.astype(np.float32)
