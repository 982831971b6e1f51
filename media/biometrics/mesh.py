"""The 468-point face mesh, the head's direction read from it, and the irises.

Networks and their crops as in MediaPipe (face_landmark_front_cpu, iris_landmark_cpu); Apache-2.0.
Angles in degrees, as the camera sees it: yaw positive when the face turns to the picture's right, pitch positive
when it looks down, roll positive when the head leans to the picture's right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from media.biometrics.faces import Face
from media.biometrics.model_files import FACE_MESH, IRIS, LiteModel, once
from media.biometrics.regions import Image, Points, Square

MESH_SIZE = 192
MESH_MARGIN = 1.5
"""The crop's side as a multiple of the face box or of the mesh, MediaPipe's value."""
MESH_PASSES = 3
"""The network is trained on crops round its own mesh; MediaPipe gets there from picture to picture, we within one."""
MESH_SETTLED = 0.05
"""A crop that would move by less than this share of its side stays: nearly all faces that look at the camera."""
EYE_SIZE = 64
EYE_MARGIN = 2.3
"""The eye crop's side as a multiple of the eye's width, MediaPipe's value."""

CHIN = 152
LEFT_EYE_CORNERS = (33, 133)
RIGHT_EYE_CORNERS = (362, 263)
"""Left and right of the picture, which for an unmirrored camera is the person's right and left."""
EYE_CORNERS = (*LEFT_EYE_CORNERS, *RIGHT_EYE_CORNERS)
SIDES = ((33, 263), (133, 362), (61, 291), (234, 454), (127, 356), (93, 323), (132, 361), (58, 288), (129, 358),
         (46, 276), (116, 345), (70, 300), (205, 425), (159, 386))  # fmt: skip
"""Pairs of points that mirror each other: eyes, brows, lids, nostrils, mouth, cheeks, jaw. Their mean is across."""
LEFT_LIDS = (159, 145)
RIGHT_LIDS = (386, 374)


@dataclass(frozen=True)
class HeadPose:
    """Where the head points, in degrees."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True)
class EyeGaze:
    """Where the iris stands in one eye."""

    across: float
    """0 at the eye's corner at the picture's left, 1 at the other; about 0.5 looking at the camera."""
    opening: float
    """Distance of the lids divided by the eye's width; below about 0.12 the eye is shut."""
    down: float = 0.0
    """How far the iris stands below the line through the eye's corners, as a share of the eye's width."""


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """Points of one face and the network's belief that there is one."""

    points: Points
    """468x3 in pixels of the picture."""
    presence: float
    """0 to 1."""

    @cached_property
    def axes(self) -> NDArray[np.float64]:
        """3x3; columns: unit vectors across the face, up and out of it; rows: right, up, towards the camera.

        Across is the mean over pairs of points on both sides; up is from the chin to the middle between the eyes,
        square to it. On the 3D landmarks of AFLW2000 that line is upright within 1.1 degrees (standard deviation 1.6
        between people) in the frame of the Basel Face Model, which head pose labels refer to; a line from the
        forehead or the root of the nose leans by 3 to 10.
        """
        left, right = (self.points[[pair[side] for pair in SIDES]].mean(axis=0) for side in (0, 1))
        across = _unit((right - left) * _UP_AND_NEAR)
        up = (self.points[list(EYE_CORNERS)].mean(axis=0) - self.points[CHIN]) * _UP_AND_NEAR
        up = _unit(up - across * (across @ up))
        return np.stack([across, up, np.cross(across, up)], axis=1)

    @property
    def pose(self) -> HeadPose:
        """Direction of the head; leaning alone (roll) changes neither yaw nor pitch."""
        across, up = self.axes[:, 0], self.axes[:, 1]
        yaw = float(np.degrees(np.arcsin(-across[2])))
        pitch = float(np.degrees(np.arcsin(up[2])))
        return HeadPose(yaw, pitch, float(np.degrees(np.arctan2(-across[1], across[0]))))


_UP_AND_NEAR = np.array([1.0, -1.0, -1.0])


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


class MeshNetwork:
    """Runs the mesh and iris networks on faces that were found before."""

    def __init__(self) -> None:
        self.mesh_model = LiteModel(FACE_MESH)
        self.iris_model = LiteModel(IRIS)

    def mesh(self, image: Image, face: Face, before: Sequence[FaceMesh] = ()) -> FaceMesh:
        """The face's mesh; ``presence`` is low where the detector took something else for a face.

        ``before``: meshes of the picture before; one that lies where the face does now spares further passes.
        """
        box = Square(*face.centre, MESH_MARGIN * max(face.width, face.height), face.roll)
        crops = [crop for crop in (_round(mesh.points) for mesh in before) if _is_about(crop, box)]
        mesh = self._settled(image, crops[0] if crops else box)
        return mesh if mesh.presence >= 0.5 or not crops else self._settled(image, box)

    def _settled(self, image: Image, square: Square) -> FaceMesh:
        for _ in range(MESH_PASSES):
            mesh = self._pass(image, square)
            better = _round(mesh.points)
            if mesh.presence < 0.5 or _is_near(better, square):
                break
            square = better
        return mesh

    def _pass(self, image: Image, square: Square) -> FaceMesh:
        points, logit = self.mesh_model.run(square.cut(image, MESH_SIZE))
        presence = 1 / (1 + float(np.exp(-np.clip(logit.ravel()[0], -80, 80))))
        return FaceMesh(square.back(points.reshape(-1, 3), MESH_SIZE), presence)

    def gaze(self, image: Image, mesh: FaceMesh) -> tuple[EyeGaze, EyeGaze]:
        """The irises of the eye at the picture's left and of the one at its right."""
        left = self._eye(image, mesh, LEFT_EYE_CORNERS, LEFT_LIDS, mirrored=False)
        right = self._eye(image, mesh, RIGHT_EYE_CORNERS, RIGHT_LIDS, mirrored=True)
        return left, right

    def _eye(
        self, image: Image, mesh: FaceMesh, corners: tuple[int, int], lids: tuple[int, int], mirrored: bool
    ) -> EyeGaze:
        start, end = (mesh.points[corner, :2] for corner in corners)
        along = end - start
        width = float(np.hypot(*along))
        middle = (start + end) / 2
        square = Square(float(middle[0]), float(middle[1]), EYE_MARGIN * width, float(np.arctan2(along[1], along[0])))
        contour, iris = self.iris_model.run(square.cut(image, EYE_SIZE, mirrored))
        eye = square.back(contour.reshape(-1, 3)[:16], EYE_SIZE, mirrored)[:, :2]
        centre = square.back(iris.reshape(-1, 3)[:1], EYE_SIZE, mirrored)[0, :2]
        # the contour's points 0 and 8 are the outer and inner corner, in the mirrored eye the other way round
        first, last = (eye[8], eye[0]) if mirrored else (eye[0], eye[8])
        direction = last - first
        across = float((centre - first) @ direction / max(float(direction @ direction), 1e-6))
        opening = float(np.hypot(*(eye[12] - eye[4])) / max(float(np.hypot(*direction)), 1e-6))
        below = direction[0] * (centre - first)[1] - direction[1] * (centre - first)[0]
        return EyeGaze(across, opening, float(below / max(float(direction @ direction), 1e-6)))


def _round(points: Points) -> Square:
    """The crop for the mesh's own points: upright by the eyes' outer corners (MediaPipe's face_landmarks_to_roi)."""
    along = points[RIGHT_EYE_CORNERS[1], :2] - points[LEFT_EYE_CORNERS[0], :2]
    angle = float(np.arctan2(along[1], along[0]))
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    upright = points[:, :2] @ turn
    low, high = upright.min(axis=0), upright.max(axis=0)
    x, y = turn @ ((low + high) / 2)
    return Square(float(x), float(y), MESH_MARGIN * float((high - low).max()), angle)


def _is_about(first: Square, second: Square) -> bool:
    """Whether two crops can be of the same face: a detector's box lies off by some tenths of a turned one."""
    moved = np.hypot(first.centre_x - second.centre_x, first.centre_y - second.centre_y) / second.side
    return bool(moved < 0.2 and 0.6 < first.side / max(second.side, 1e-6) < 1 / 0.6)


def _is_near(first: Square, second: Square) -> bool:
    moved = np.hypot(first.centre_x - second.centre_x, first.centre_y - second.centre_y) / second.side
    grown = abs(np.log(max(first.side, 1e-6) / max(second.side, 1e-6)))
    turned = abs(np.sin(first.angle - second.angle))
    return bool(moved < MESH_SETTLED and grown < 2 * MESH_SETTLED and turned < 3 * MESH_SETTLED)


@once
def mesh_network() -> MeshNetwork:
    """The process's one pair of networks."""
    return MeshNetwork()
