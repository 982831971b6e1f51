"""One picture, evaluated once for all detectors."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial

import cv2
import numpy as np
from numpy.typing import NDArray

from media.biometrics.faces import Face, FaceDetector, face_detector
from media.biometrics.mesh import EyeGaze, FaceMesh, MeshNetwork, mesh_network
from media.biometrics.regions import Image
from media.detectors.face_watch import SURE, FaceWatch
from media.frames.frame import Frame

THUMBNAIL = (80, 60)
"""Width and height of the grey picture in which light and movement are measured."""
CUT_OFF = 0.25
"""Share of a face's width beyond the picture's side, from which it is somebody coming or going."""
PRESENT = 0.5
"""Mesh network's belief from which a face counts as confirmed."""

BLACK_BELOW = 3.0
"""Brightness (95th percentile, 0..255): no light at all comes through. A webcam's noise alone reaches 2 to 3."""
DARK_BELOW = 32.0
"""Brightness (95th percentile, 0..255) below which faces are no longer told from noise; measured at 5 % light: 9."""
UNIFORM_BELOW = 3.0
"""Contrast (standard deviation, 0..255): a covered lens; a blurred wall still has 15 and more."""


class Doubt(StrEnum):
    """Why a picture allows no judgement."""

    TOO_DARK = "too_dark"
    FACE_HIDDEN = "face_hidden"
    IDENTITY_UNCLEAR = "identity_unclear"


@dataclass(frozen=True, eq=False)
class Light:
    """Brightness and contrast of a picture."""

    grey: NDArray[np.uint8]
    """The picture itself, HxW."""
    thumbnail: NDArray[np.uint8]
    """60x80, grey."""

    @cached_property
    def brightness(self) -> float:
        """95th percentile, 0..255: how bright the brightest part is, whatever the rest."""
        # counted: sorting, as np.percentile does, takes as long as shrinking the picture
        counts = np.bincount(self.thumbnail.ravel(), minlength=256).cumsum()
        place = 0.95 * (self.thumbnail.size - 1)
        low, high = np.searchsorted(counts, [int(place), int(place) + 1], side="right")
        return float(low + (high - low) * (place - int(place)))

    @cached_property
    def contrast(self) -> float:
        """Standard deviation, 0..255."""
        return float(self.thumbnail.std())


@dataclass(frozen=True, eq=False)
class Scene:
    """What is in one picture."""

    at_ms: int
    image: Image
    light: Light
    faces: tuple[Face, ...]
    """Largest first; weak ones included, confirmed ones with their own score."""
    mesh_of: Callable[[Face], FaceMesh]
    """Computed when first asked for, once a face."""
    gaze_of: Callable[[Face], tuple[EyeGaze, EyeGaze]]
    earlier: tuple[Callable[[], "Scene"], ...] = ()
    """Pictures just before, newest first, in which distant faces were not looked for; evaluated when called."""

    @property
    def is_dark(self) -> bool:
        """Too little light to judge anything by."""
        return self.light.brightness < DARK_BELOW

    @property
    def is_blank(self) -> bool:
        """Black or of one colour: there is no picture in the picture."""
        return self.light.brightness < BLACK_BELOW or (self.light.contrast < UNIFORM_BELOW and not self.is_dark)

    @property
    def is_readable(self) -> bool:
        """Whether faces, or their absence, can be told."""
        return not (self.is_dark or self.is_blank)

    @property
    def sure_faces(self) -> tuple[Face, ...]:
        """Faces that are there beyond reasonable doubt."""
        return tuple(face for face in self.faces if face.score >= 0.5)

    @cached_property
    def main_face(self) -> Face | None:
        """The face nearest to the camera, by the size of its box."""
        sure = self.sure_faces
        return sure[0] if sure else None


class SceneReader:
    """Evaluates the pictures of one camera with the process's networks."""

    def __init__(self, detector: FaceDetector | None = None, networks: MeshNetwork | None = None) -> None:
        self._watch = FaceWatch(detector or face_detector())
        self._networks = networks or mesh_network()
        self._before: list[FaceMesh] = []

    def read(self, frame: Frame) -> Scene:
        """The scene of one picture; faces are looked for only where there is light."""
        image = np.ascontiguousarray(frame.image)
        light = light_of(image)
        bare = self._scene(frame.at_ms, image, light, [])
        if not bare.is_readable:
            return bare
        faces = self._watch.look(frame.at_ms, image, light.thumbnail)
        earlier = tuple(partial(self._again, at_ms, before) for at_ms, before in self._watch.take_near_only())
        scene = self._scene(frame.at_ms, image, light, faces, earlier)
        self._watch.deny([face for face in faces if face not in scene.faces])
        return scene

    def _again(self, at_ms: int, image: Image) -> Scene:
        return self._scene(at_ms, image, light_of(image), self._watch.look_again(image))

    def _scene(
        self,
        at_ms: int,
        image: Image,
        light: Light,
        found: list[Face],
        earlier: tuple[Callable[[], Scene], ...] = (),
    ) -> Scene:
        meshes: dict[int, FaceMesh] = {}
        before = self._before
        if found:
            self._before = []
        gazes: dict[int, tuple[EyeGaze, EyeGaze]] = {}

        def mesh_of(face: Face) -> FaceMesh:
            if id(face) not in meshes:
                meshes[id(face)] = mesh = self._networks.mesh(image, face, before)
                if mesh.presence >= PRESENT:
                    self._before.append(mesh)
            return meshes[id(face)]

        def gaze_of(face: Face) -> tuple[EyeGaze, EyeGaze]:
            if id(face) not in gazes:
                gazes[id(face)] = self._networks.gaze(image, mesh_of(face))
            return gazes[id(face)]

        width = image.shape[1]
        kept = tuple(
            face for face in found if face.score >= SURE or _cut_off(face, width) or mesh_of(face).presence >= PRESENT
        )
        weak = tuple(_doubtful(face) for face in found if face not in kept)
        faces = tuple(sorted(kept + weak, key=lambda face: -face.width * face.height))
        return Scene(at_ms, image, light, faces, mesh_of, gaze_of, earlier)


def light_of(image: Image) -> Light:
    """Brightness and contrast of a picture."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA)
    return Light(np.asarray(grey, dtype=np.uint8), np.asarray(small, dtype=np.uint8))


def _cut_off(face: Face, width: int) -> bool:
    """Whether a good part lies beyond the picture's side: the mesh network cannot confirm half a face."""
    outside = max(-face.left, face.left + face.width - width, 0.0)
    return outside > CUT_OFF * face.width


def _doubtful(face: Face) -> Face:
    """The same face with half the score: the mesh network does not see one there."""
    return Face(face.left, face.top, face.width, face.height, face.score / 2, face.keypoints)
