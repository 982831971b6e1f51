"""Presentations for measuring the liveness challenge, made from one portrait: a moving head, attacks with a photo.

The moving head is drawn: the points of its mesh are turned in space and carry the picture along; lids are painted.
It is no footage of a person, but the networks see of it what they see of one. Attacks are simulated as a camera would
see them: a sheet of paper or a screen that is moved, turned, bent, with the eyes covered.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.vocabulary import Movement
from media.biometrics.engine import Engine
from media.biometrics.faces import face_detector
from media.biometrics.liveness import frontal
from media.biometrics.looks import SURE, Look, look_at
from media.biometrics.mesh import mesh_network
from media.biometrics.regions import Image

SIDE: Final = 480
"""Pixels of the longer side, as the page sends them."""
STEP_LOOKS: Final = 14
EVERY_MS: Final = 125
TURN_DRAWN: Final = 38.0
NOD_DRAWN: Final = 16.0
SHEET_TURN: Final = 45.0
"""Degrees by which a photo is turned; beyond, the networks do not find the face."""
EYES: Final = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)
"""Points around each eye."""
LIDS: Final = (223, 443)
"""Points of the upper lids, whose colour shut eyes take."""


class Species(StrEnum):
    """What is presented to the camera."""

    HEAD = "head"
    STILL = "still_photo"
    SHIFTED = "shifted_photo"
    TURNED = "turned_photo"
    COVERED = "turned_photo_eyes_covered"
    BENT = "bent_photo_eyes_covered"
    OTHER_ORDER = "recording_of_another_order"
    SPLICED = "spliced_with_another_person"


@dataclass(frozen=True)
class Posture:
    """Where the head is, in degrees; ``shut`` 0 to 1."""

    yaw: float = 0.0
    pitch: float = 0.0
    shut: float = 0.0
    across: float = 0.0
    """Shift of the whole picture, in shares of its width; ``down``, of its height."""
    down: float = 0.0


@dataclass(eq=False)
class Sitter:
    """One portrait that can be presented; looks are computed once per posture."""

    image: Image
    engine: Engine | None = None
    """None: nothing is described, as in exams that forbid templates."""
    _points: NDArray[np.float64] = field(init=False, repr=False)
    _seen: dict[tuple[Species, Posture], Look] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Find the face. Raises ValueError when there is none."""
        scale = SIDE / max(self.image.shape[:2])
        self.image = np.asarray(
            cv2.resize(self.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        faces = [face for face in face_detector().all(self.image) if face.score >= SURE]
        if not faces:
            raise ValueError("there is no face on this portrait")
        self._points = mesh_network().mesh(self.image, faces[0]).points.astype(np.float64)

    def look(self, species: Species, posture: Posture) -> Look:
        """What the networks see; time and step are to be set by the caller."""
        key = (species, posture)
        if key not in self._seen:
            image = self.picture(species, posture)
            look = look_at(image, 0, 0)
            if self.engine is not None and look.face is not None:
                look = replace(look, descriptor=self.engine.describe(image, look.face))
            self._seen[key] = look
        return self._seen[key]

    def picture(self, species: Species, posture: Posture) -> Image:
        """The picture that the camera would take."""
        if species in (Species.HEAD, Species.OTHER_ORDER, Species.SPLICED):
            return self._head(posture)
        covers = species in (Species.COVERED, Species.BENT)
        sheet = _painted(self.image, self._points, posture.shut) if covers else self.image
        if species in (Species.STILL, Species.SHIFTED):
            moved = posture if species is Species.SHIFTED else Posture()
            return _shifted(sheet, moved)
        middle = self._points[:, :2].mean(axis=0)
        return _sheet(sheet, middle, posture, bent=species is Species.BENT)

    def _head(self, posture: Posture) -> Image:
        painted = _painted(self.image, self._points, posture.shut)
        size = np.ptp(self._points[:, 0])
        # heads turn about the neck: below and behind the middle of the face
        pivot = self._points.mean(axis=0) + np.array([0, 0.35 * size, 0.55 * size])
        turned = (self._points - pivot) @ _rotation(posture).T + pivot
        still = _frame_of(self.image, self._points.mean(axis=0)[:2], 1.1 * size)
        goals = np.concatenate([turned[:, :2], still])
        return _warped(painted, np.concatenate([self._points[:, :2], still]), goals)


def presentation(
    sitter: Sitter, steps: tuple[Movement, ...], species: Species, other: Sitter | None = None
) -> list[Look]:
    """The looks of a whole challenge. ``other``: whom SPLICED shows from the middle on."""
    shown: tuple[Movement | None, ...] = (None, *(steps[1:] + steps[:1] if species is Species.OTHER_ORDER else steps))
    looks = []
    for number, movement in enumerate(shown):
        swapped = species is Species.SPLICED and number > len(steps) // 2 and other is not None
        who = other if swapped and other is not None else sitter
        for index, posture in enumerate(postures(movement, species)):
            at_ms = (number * STEP_LOOKS + index) * EVERY_MS
            looks.append(replace(who.look(species, posture), at_ms=at_ms, step=number))
    described = frontal(looks)  # as the check-in does it: a face turned far away is nobody's
    return [look if index in described else replace(look, descriptor=None) for index, look in enumerate(looks)]


def postures(movement: Movement | None, species: Species) -> list[Posture]:
    """One posture a picture: begin straight, move, come back; None: look straight."""
    swing = [0, 0, 0, 0.35, 0.7, 1, 1, 1, 1, 0.7, 0.35, 0, 0, 0]
    nod = [0, 0, 0, 0.5, 1, 1, 0.5, 0, -0.5, -0.5, 0, 0, 0, 0]
    drawn = species in (Species.HEAD, Species.OTHER_ORDER, Species.SPLICED)
    turn, tip = (TURN_DRAWN, NOD_DRAWN) if drawn else (SHEET_TURN, SHEET_TURN)
    if movement is Movement.BLINK:
        return [Posture(shut=1.0 if 4 <= index < 9 else 0.0) for index in range(STEP_LOOKS)]
    if movement is Movement.NOD:
        return [Posture(pitch=tip * share, down=0.12 * share) for share in nod]
    if movement is None:
        return [Posture()] * STEP_LOOKS
    sign = 1 if movement is Movement.TURN_LEFT else -1
    return [Posture(yaw=sign * turn * share, across=0.15 * sign * share) for share in swing]


def _rotation(posture: Posture) -> NDArray[np.float64]:
    """3x3 in the picture's axes (x right, y down, z away); signs as in ``mesh.HeadPose``."""
    yaw, pitch = np.radians(posture.yaw), np.radians(posture.pitch)
    across = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    down = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return np.asarray(across @ down)


def _frame_of(image: Image, middle: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Points that stay where they are: a ring around the head, and the picture's edge."""
    height, width = image.shape[:2]
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    ring = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    x, y = np.linspace(-10, width + 10, 8), np.linspace(-10, height + 10, 8)
    edge = [
        *((at, side) for at in x for side in (-10, height + 10)),
        *((side, at) for at in y for side in (-10, width + 10)),
    ]
    return np.concatenate([ring, np.array(edge)])


def _warped(image: Image, points: NDArray[np.float64], goals: NDArray[np.float64]) -> Image:
    """The picture with its points carried to their goals, linear between them."""
    # only for measuring; takes 0.5 s to load, and has no type hints
    from scipy.interpolate import LinearNDInterpolator  # type: ignore[import-untyped]  # noqa: PLC0415

    height, width = image.shape[:2]
    x, y = np.meshgrid(np.arange(0, width + 3, 3), np.arange(0, height + 3, 3))
    source = np.nan_to_num(LinearNDInterpolator(goals, points)(np.stack([x, y], axis=-1)), nan=-50).astype(np.float32)
    source = cv2.resize(source, (x.shape[1] * 3, x.shape[0] * 3))[:height, :width]
    return np.asarray(cv2.remap(image, source[..., 0], source[..., 1], cv2.INTER_LINEAR), np.uint8)


def _painted(image: Image, points: NDArray[np.float64], shut: float) -> Image:
    """Lids of the skin's colour over the eyes, with lashes, as in a shut eye."""
    if shut < 0.5:
        return image
    painted = image.copy()
    for ring, lid in zip(EYES, LIDS, strict=True):
        x, y = np.clip(points[lid, :2].astype(int), 3, None)
        skin = image[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)
        outline = points[list(ring), :2].astype(np.int32)
        size = max(int(np.ptp(outline[:, 0]) / 10), 1)
        cv2.fillPoly(painted, [outline], skin.tolist())
        cv2.polylines(painted, [outline], True, skin.tolist(), 2 * size)
        cv2.polylines(painted, [outline[8:]], False, (skin * 0.45).tolist(), size)
    return painted


def _shifted(image: Image, posture: Posture) -> Image:
    height, width = image.shape[:2]
    matrix = np.array([[1, 0, posture.across * width], [0, 1, posture.down * height]], dtype=np.float32)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _sheet(image: Image, middle: NDArray[np.float64], posture: Posture, bent: bool) -> Image:
    """A photo held before the camera and turned about its face; ``bent`` round a cylinder of 0.35 of its width."""
    height, width = image.shape[:2]
    away, radius = 2.2 * width, 0.35 * width
    x, y = np.meshgrid(np.linspace(0, width, 16), np.linspace(0, height, 12))
    flat = np.stack([x.ravel(), y.ravel()], axis=1)
    space = np.concatenate([flat - middle, np.zeros((len(flat), 1))], axis=1)
    if bent:
        angle = np.clip(space[:, 0] / radius, -1.5, 1.5)
        space[:, 0], space[:, 2] = radius * np.sin(angle), radius * (1 - np.cos(angle))
    space = space @ _rotation(posture).T
    seen = space[:, :2] * (away / (space[:, 2:] + away)) + middle
    return _warped(image, flat, seen)
