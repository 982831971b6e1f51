"""Where on the screen somebody looks, learned from the five points of the check-in.

Ridge regression from the head's direction and the irises to shares of the screen: x 0 at its left edge, 1 at the
right, y 0 at the top, 1 at the bottom; what lies outside of 0 to 1 is beside the screen. Coarse on purpose: a webcam
sees a glance of a third of the screen, not the word that is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from appliance.errors import ApplianceError
from media.biometrics.mesh import EyeGaze, FaceMesh

Features = NDArray[np.float64]
"""8 numbers: yaw, pitch, roll in degrees; iris across at the picture's left and right eye; iris down, likewise; mean
opening of the eyes. Looking down lowers the lids more than a webcam sees the iris move."""

FEATURE_COUNT: Final = 8
SCALE: Final = np.array([10.0, 10.0, 10.0, 0.05, 0.05, 0.03, 0.03, 0.08])
"""What each feature changes by when somebody looks from the middle to an edge of a screen, or turns the head as far:
regression weighs the features alike."""
RIDGE: Final = 0.5
"""Of the normal equations over the points' medians: what one point of deviation ``SCALE`` must explain at least."""
SHUT: Final = 0.12
"""Opening of an eye below which nothing can be said of where it looks."""
MAX_TURN: Final = 30.0
"""Degrees of yaw or pitch beyond which the irises are not read."""
MIN_LOOKS: Final = 4
"""Pictures of a point that must be usable: half a second."""
GOOD_ERROR: Final = 0.30
"""Leave-one-out error in shares of the screen above which a map is refused. Who looks nowhere in particular, or
at the middle all the time, has 0.45 and more."""
VERSION: Final = 1


class CalibrationHint(StrEnum):
    """Why a calibration was refused; the pages word it."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_DARK = "too_dark"
    TURNED_AWAY = "turned_away"
    EYES_SHUT = "eyes_shut"
    NOT_LOOKING = "not_looking"


class CalibrationRefused(ApplianceError):
    """The pictures do not tell where the person looked."""

    def __init__(self, hints: Sequence[CalibrationHint]) -> None:
        self.hints = tuple(hints)
        super().__init__("The pictures do not tell where the person looked: " + ", ".join(self.hints))


@dataclass(frozen=True, eq=False)
class PointLooks:
    """What was seen while one point was shown."""

    x: float
    y: float
    features: NDArray[np.float64]
    """N x 8, one row a picture; ``fit`` leaves out rows with eyes shut or the head turned away."""


@dataclass(frozen=True, eq=False)
class GazeMap:
    """Screen position = middle + weights x (features - usual) / SCALE."""

    usual: Features
    """The features while looking at the middle of the points."""
    weights: NDArray[np.float64]
    """2 x 8: shares of the screen for one SCALE of each feature."""
    middle: NDArray[np.float64]
    """2: mean position of the points."""
    error: float
    """Mean distance in shares of the screen at which a point is placed that the map was made without."""

    @classmethod
    def fit(cls, points: Sequence[PointLooks]) -> "GazeMap":
        """Learn from the points shown (three at least, not in a line; the check-in shows five).

        Raises CalibrationRefused when a point has too few usable pictures or the eyes did not follow the points.
        """
        usable = [_usable(point.features) for point in points]
        hints = [hint for point, kept in zip(points, usable, strict=True) for hint in _objections(point, kept)]
        if hints or len(points) < 3:
            raise CalibrationRefused(list(dict.fromkeys(hints)) or [CalibrationHint.NOT_LOOKING])
        seen = np.array([np.median(kept, axis=0) for kept in usable])
        shown = np.array([(point.x, point.y) for point in points])
        error = _leave_one_out(seen, shown)
        if error > GOOD_ERROR:
            raise CalibrationRefused([CalibrationHint.NOT_LOOKING])
        usual, weights, middle = _ridge(seen, shown)
        return cls(usual, weights, middle, error)

    def locate(self, features: Features) -> tuple[float, float]:
        """Where on the screen a look with these features falls, in shares; outside of 0 to 1 beside it."""
        x, y = self.middle + self.weights @ ((features - self.usual) / SCALE)
        return float(x), float(y)

    def beside(self, features: Features) -> float:
        """How far beside the screen a look falls, in shares of its width or height; 0 on the screen."""
        return max(max(-share, share - 1.0, 0.0) for share in self.locate(features))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers for the database."""
        return {
            "version": VERSION,
            "usual": [round(float(value), 5) for value in self.usual],
            "weights": [[round(float(value), 6) for value in row] for row in self.weights],
            "middle": [round(float(value), 5) for value in self.middle],
            "error": round(self.error, 4),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "GazeMap":
        """What ``to_json`` gave. Raises ValueError for another version or shape."""
        if kept.get("version") != VERSION:
            raise ValueError(f"a gaze map of version {kept.get('version')!r} cannot be read, only {VERSION}")
        usual, weights, middle = (np.asarray(kept[name], dtype=np.float64) for name in ("usual", "weights", "middle"))
        if usual.shape != (FEATURE_COUNT,) or weights.shape != (2, FEATURE_COUNT) or middle.shape != (2,):
            raise ValueError("this gaze map has numbers missing")
        return cls(usual, weights, middle, float(kept["error"]))


def features_of(mesh: FaceMesh, eyes: tuple[EyeGaze, EyeGaze]) -> Features:
    """What ``GazeMap`` reads of one face."""
    pose, (left, right) = mesh.pose, eyes
    opening = (left.opening + right.opening) / 2
    numbers = (pose.yaw, pose.pitch, pose.roll, left.across, right.across, left.down, right.down, opening)
    return np.array(numbers, dtype=np.float64)


def readable(features: Features) -> bool:
    """Whether the eyes of a look can be read: open, and the head not turned away."""
    return bool(features[7] >= SHUT and abs(features[0]) <= MAX_TURN and abs(features[1]) <= MAX_TURN)


def _usable(features: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = [row for row in features if readable(row)]
    return np.array(rows) if rows else np.empty((0, FEATURE_COUNT))


def _objections(point: PointLooks, kept: NDArray[np.float64]) -> list[CalibrationHint]:
    """Why a point has too few usable pictures."""
    if len(kept) >= MIN_LOOKS:
        return []
    if len(point.features) < MIN_LOOKS:
        return [CalibrationHint.NO_FACE]
    shut = float(np.median(point.features[:, 7])) < SHUT
    return [CalibrationHint.EYES_SHUT if shut else CalibrationHint.TURNED_AWAY]


def _ridge(seen: NDArray[np.float64], shown: NDArray[np.float64]) -> tuple[Features, NDArray[np.float64], Features]:
    """Usual features, weights and middle: A. E. Hoerl, R. W. Kennard, Ridge regression, Technometrics 12 (1970)."""
    usual, middle = seen.mean(axis=0), shown.mean(axis=0)
    deviations = (seen - usual) / SCALE
    gram = deviations.T @ deviations + RIDGE * np.eye(FEATURE_COUNT)
    weights = np.linalg.solve(gram, deviations.T @ (shown - middle)).T
    return usual, weights, middle


def _leave_one_out(seen: NDArray[np.float64], shown: NDArray[np.float64]) -> float:
    """Mean distance at which each point is placed by a map made of the others."""
    apart = []
    for left_out in range(len(seen)):
        others = np.arange(len(seen)) != left_out
        usual, weights, middle = _ridge(seen[others], shown[others])
        apart.append(np.hypot(*(middle + weights @ ((seen[left_out] - usual) / SCALE) - shown[left_out])))
    return float(np.mean(apart))
