"""The 468-point face mesh, the head's direction read from it, and the irises.

Networks and their crops as in MediaPipe (face_landmark_front_cpu, iris_landmark_cpu); Apache-2.0.
Angles in degrees, as the camera sees it: yaw positive when the face turns to the picture's right, pitch positive
when it looks down, roll positive when the head leans to the picture's right.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from media.biometrics.faces import Face
from media.biometrics.model_files import FACE_MESH, IRIS, LiteModel
from media.biometrics.regions import Image, Points, Square

MESH_SIZE = 192
MESH_MARGIN = 1.5
"""The crop's side as a multiple of the face box, MediaPipe's value."""
EYE_SIZE = 64
EYE_MARGIN = 2.3
"""The eye crop's side as a multiple of the eye's width, MediaPipe's value."""

FOREHEAD, CHIN = 10, 152
LEFT_CHEEK, RIGHT_CHEEK = 234, 454
"""Left and right of the picture, which for an unmirrored camera is the person's right and left."""
LEFT_EYE_CORNERS = (33, 133)
RIGHT_EYE_CORNERS = (362, 263)
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

    @property
    def pose(self) -> HeadPose:
        """Direction of the head from its cheeks, forehead and chin."""
        across = self.points[RIGHT_CHEEK] - self.points[LEFT_CHEEK]
        down = self.points[CHIN] - self.points[FOREHEAD]
        roll = float(np.degrees(np.arctan2(across[1], across[0])))
        yaw = float(np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1]))))
        pitch = float(np.degrees(np.arctan2(down[2], np.hypot(down[0], down[1]))))
        return HeadPose(yaw, pitch, roll)


class MeshNetwork:
    """Runs the mesh and iris networks on faces that were found before."""

    def __init__(self) -> None:
        self.mesh_model = LiteModel(FACE_MESH)
        self.iris_model = LiteModel(IRIS)

    def mesh(self, image: Image, face: Face) -> FaceMesh:
        """The face's mesh; ``presence`` is low where the detector took something else for a face."""
        square = Square(*face.centre, MESH_MARGIN * max(face.width, face.height), face.roll)
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


@cache
def mesh_network() -> MeshNetwork:
    """The process's one pair of networks."""
    return MeshNetwork()
