"""Faces in a picture: BlazeFace for near and for far ones.

Anchors, scores and boxes are decoded as MediaPipe does it (ssd_anchors_calculator, tensors_to_detections_calculator).
Model cards: V. Bazarevsky et al., BlazeFace, CVPR workshop 2019; both files are Apache-2.0.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from media.biometrics.model_files import FACE_FULL_RANGE, FACE_SHORT_RANGE, LiteModel, ModelFile, Tensor, once
from media.biometrics.regions import Image, Points, resized

# pictures are small and a worker analyses several at once: OpenCV's own threads would only get in each other's way
cv2.setNumThreads(1)

MIN_SCORE = 0.2
"""Weaker candidates are noise; who asks for a face decides above this."""
MIN_LOGIT = float(np.log(MIN_SCORE / (1 - MIN_SCORE)))
"""The same as the network puts it."""
OVERLAP = 0.3
"""Boxes of one network that overlap more (intersection over union) are the same face; MediaPipe's value."""
SAME_FACE = 0.5
"""Boxes of the two networks are the same face when the smaller one lies in the larger by more than this share."""


@dataclass(frozen=True, eq=False)
class Face:
    """A detected face; ``score`` 0 to 1 is the network's own confidence."""

    left: float
    top: float
    width: float
    height: float
    score: float
    keypoints: Points
    """6x2: eye at the picture's left, eye at its right, nose tip, mouth, ear at the left, ear at the right."""

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box in pixels."""
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def roll(self) -> float:
        """Angle in radians of the line through the eyes, positive clockwise."""
        (left_x, left_y), (right_x, right_y) = self.keypoints[:2]
        return float(np.arctan2(right_y - left_y, right_x - left_x))

    def inside_of(self, width: int, height: int) -> tuple[slice, slice]:
        """Rows and columns of the box in a picture of this size; never empty."""
        top, left = min(max(round(self.top), 0), height - 1), min(max(round(self.left), 0), width - 1)
        bottom, right = round(self.top + self.height), round(self.left + self.width)
        return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))

    def with_surroundings(self, image: Image, room: float) -> tuple[Image, "Face"]:
        """The part of the picture about the face, and the face in it; ``room``: margin in widths of the face."""
        margin = room * self.width
        height, width = image.shape[:2]
        left, top = (int(np.clip(at - margin, 0, most - 1)) for at, most in ((self.left, width), (self.top, height)))
        right, bottom = int(self.left + self.width + margin) + 1, int(self.top + self.height + margin) + 1
        points = np.subtract(self.keypoints, (left, top), dtype=np.float32)
        moved = replace(self, left=self.left - left, top=self.top - top, keypoints=points)
        return image[top : max(bottom, top + 1), left : max(right, left + 1)], moved

    def shifted(self, right: float, down: float) -> "Face":
        """The same face in a picture whose origin lies elsewhere."""
        points = np.add(self.keypoints, (right, down), dtype=np.float32)
        return replace(self, left=self.left + right, top=self.top + down, keypoints=points)

    def inside(self, other: "Face") -> float:
        """Share 0 to 1 of the smaller box that lies in the other one."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        smaller = min(self.width * self.height, other.width * other.height)
        return max(across, 0.0) * max(down, 0.0) / max(smaller, 1e-6)


def _anchors(size: int, strides: tuple[tuple[int, int], ...]) -> Points:
    """Centres (0 to 1) of the network's cells; ``strides`` has (stride, anchors per cell)."""
    layers = []
    for stride, repeats in strides:
        ticks = (np.arange(size // stride, dtype=np.float32) + 0.5) / (size // stride)
        x, y = np.meshgrid(ticks, ticks)
        layers.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), repeats, axis=0))
    return np.concatenate(layers)


class BlazeFace:
    """One of the two networks, over the whole picture shrunk into its square."""

    def __init__(self, file: ModelFile, size: int, strides: tuple[tuple[int, int], ...]) -> None:
        self.model = LiteModel(file)
        self._size = size
        self._strides = strides

    @cached_property
    def _cells(self) -> Points:
        return _anchors(self._size, self._strides)

    def _tensor(self, image: Image) -> tuple[Tensor, float, float, float]:
        """The picture letterboxed into the square (values -1 to 1), its scale and the margins in cut-out pixels."""
        height, width = image.shape[:2]
        scale = self._size / max(height, width)
        wide, high = max(round(width * scale), 1), max(round(height * scale), 1)
        left, top = (self._size - wide) // 2, (self._size - high) // 2
        colours = cv2.cvtColor(resized(image, wide, high), cv2.COLOR_BGR2RGB)
        tensor = np.full((self._size, self._size, 3), -1, dtype=np.float32)
        inside = tensor[top : top + high, left : left + wide]
        np.multiply(colours, np.float32(2 / 255), out=inside)
        inside -= np.float32(1)
        return tensor, scale, left, top

    def detect(self, image: Image) -> list[Face]:
        """Faces with a score above MIN_SCORE, best first."""
        tensor, scale, left, top = self._tensor(image)
        boxes, logits = self.model.run(tensor)
        chosen = np.flatnonzero(logits[:, 0] > MIN_LOGIT)
        if not chosen.size:
            return []
        points: Points = boxes[chosen].reshape(-1, 8, 2).astype(np.float32)
        sure: NDArray[np.float32] = (1 / (1 + np.exp(-np.minimum(logits[chosen, 0], 80)))).astype(np.float32)
        cells = self._cells[chosen] * self._size
        points[:, 0] += cells
        points[:, 2:] += cells[:, np.newaxis]
        points -= np.where(np.arange(8)[:, np.newaxis] == 1, 0, np.array([left, top], dtype=np.float32))
        points /= np.float32(scale)
        return [_face(points[group], sure[group]) for group in _groups(points, sure)]


def _groups(points: Points, scores: NDArray[np.float32]) -> list[NDArray[np.intp]]:
    """Indices of the candidates of each face, best face first (weighted non-maximum suppression)."""
    half = points[:, 1] / 2
    low, high = points[:, 0] - half, points[:, 0] + half
    areas = np.prod(points[:, 1], axis=1)
    rest = np.argsort(-scores)
    groups = []
    while rest.size:
        best = rest[0]
        shared = np.clip(np.minimum(high[best], high[rest]) - np.maximum(low[best], low[rest]), 0, None).prod(axis=1)
        same = shared / (areas[best] + areas[rest] - shared) > OVERLAP
        same[0] = True
        groups.append(rest[same])
        rest = rest[~same]
    return groups


def _face(points: Points, scores: NDArray[np.float32]) -> Face:
    """One face as the mean of its candidates, weighted by their scores."""
    # np.average would say the same and take as long as a tenth of the network
    mean = (scores @ points.reshape(len(scores), -1) / scores.sum()).reshape(-1, 2)
    (x, y), (width, height) = mean[0], mean[1]
    return Face(
        float(x - width / 2), float(y - height / 2), float(width), float(height), float(scores.max()), mean[2:]
    )


class FaceDetector:
    """Near and far faces together: the short range sees turned and close ones, the full range distant ones."""

    def __init__(self) -> None:
        self.short = BlazeFace(FACE_SHORT_RANGE, 128, ((8, 2), (16, 6)))
        self.full = BlazeFace(FACE_FULL_RANGE, 192, ((4, 1),))

    def near(self, image: Image) -> list[Face]:
        """Faces of who sits before the camera, up to some two metres away, largest first; a quarter of the cost."""
        return sorted(self.short.detect(image), key=_area, reverse=True)

    def all(self, image: Image) -> list[Face]:
        """All faces of a picture, largest first; of a face that both networks see, the surer one is kept."""
        return distinct(sorted(self.short.detect(image) + self.full.detect(image), key=lambda face: -face.score))


def distinct(found: list[Face]) -> list[Face]:
    """Each face once, the first named of those that are the same; largest first."""
    faces: list[Face] = []
    for face in found:
        if all(face.inside(known) < SAME_FACE for known in faces):
            faces.append(face)
    return sorted(faces, key=_area, reverse=True)


def _area(face: Face) -> float:
    return face.width * face.height


@once
def face_detector() -> FaceDetector:
    """The process's one detector."""
    return FaceDetector()
