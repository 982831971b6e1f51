"""Head poses against labels of the AFLW2000-3D layout: ``Pose_Para`` of a .mat beside each picture.

Source of the convention: X. Zhu et al., Face Alignment Across Large Poses (3DDFA), CVPR 2016: pitch, yaw, roll in
radians, R = Rx * Ry * Rz, x to the right, y up, z to the camera. Errors beyond 99 degrees are excluded there, too.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from media.biometrics.faces import Face, face_detector
from media.biometrics.matching import QualityGate
from media.biometrics.mesh import FaceMesh, mesh_network
from media.biometrics.report.contents import Contents
from media.biometrics.report.statistics import Json, mean_of, rate

FARTHEST: Final = 99.0
"""Degrees: labels beyond are left out, as in the protocol of 3DDFA and all that follow it."""
AXES: Final = ("pitch", "yaw", "roll")
Degrees = NDArray[np.float64]


def report(found: Contents, progress: Callable[[str], None]) -> Json:
    """Mean absolute error of yaw, pitch and roll, over all poses and over those the analysis judges by."""
    excluded: Counter[str] = Counter()
    errors: list[Degrees] = []
    labels: list[Degrees] = []
    for number, (label_file, picture_file) in enumerate(found.poses, 1):
        judged_as: str | tuple[Degrees, Degrees] = "unusable"
        with found.attempt(label_file):
            judged_as = _error(found, label_file, picture_file)
        if isinstance(judged_as, str):
            excluded[judged_as] += 1
        else:
            errors.append(judged_as[0])
            labels.append(judged_as[1])
        if number % 100 == 0 or number == len(found.poses):
            progress(f"head poses: {number} of {len(found.poses)}")
    gate = QualityGate()
    judged = [
        error
        for error, label in zip(errors, labels, strict=True)
        if abs(label[0]) <= gate.max_pitch and abs(label[1]) <= gate.max_yaw
    ]
    return {
        "pictures": len(found.poses),
        "excluded": {**rate(sum(excluded.values()), len(found.poses)), "reasons": dict(excluded)},
        "mean_absolute_error": _by_axis(errors),
        "within_the_quality_gate": {
            "how": f"labels up to {gate.max_yaw:.0f} degrees of yaw and {gate.max_pitch:.0f} of pitch",
            "mean_absolute_error": _by_axis(judged),
        },
    }


def _error(found: Contents, label_file: Path, picture_file: Path) -> tuple[Degrees, Degrees] | str:
    """Error and label of one picture, or why it is left out."""
    label = _label(found, label_file)
    if label is None:
        return "label_unreadable"
    if np.abs(label).max() > FARTHEST:
        return "beyond_99_degrees"
    mesh = _mesh(found, picture_file, label_file)
    return mesh if isinstance(mesh, str) else (np.abs(difference(angles_of(mesh), label)), label)


def _label(found: Contents, path: Path) -> Degrees | None:
    from scipy.io import loadmat  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        content: dict[str, Any] = loadmat(path, variable_names=["Pose_Para"])
        radians = np.asarray(content["Pose_Para"], dtype=np.float64).ravel()[:3]
    except (OSError, ValueError, KeyError, TypeError, NotImplementedError) as error:
        found.skipped[path] = f"no Pose_Para can be read: {error}"
        return None
    if radians.shape != (3,) or not np.isfinite(radians).all():
        found.skipped[path] = "Pose_Para has not three angles"
        return None
    return np.degrees(radians)


def _mesh(found: Contents, path: Path, label_file: Path) -> FaceMesh | str:
    image = cv2.imread(str(path))
    if image is None:
        found.skipped[path] = "cannot be read as a picture"
        return "picture_unreadable"
    picture = np.asarray(image, dtype=np.uint8)
    faces = face_detector().all(picture)
    face = _labelled(faces, label_file)
    if face is None:
        return "no_face"
    mesh = mesh_network().mesh(picture, face)
    return mesh if mesh.presence >= 0.5 else "no_mesh"


def _labelled(faces: list[Face], label_file: Path) -> Face | None:
    """The face over the labelled landmarks' middle (``pt3d_68``), else the largest."""
    from scipy.io import loadmat  # noqa: PLC0415

    points = loadmat(label_file).get("pt3d_68")
    if points is not None and np.shape(points)[0] >= 2:
        x, y = np.asarray(points, dtype=np.float64)[:2].mean(axis=1)
        for face in faces:
            if face.left <= x <= face.left + face.width and face.top <= y <= face.top + face.height:
                return face
    return next(iter(faces), None)


def angles_of(mesh: FaceMesh) -> Degrees:
    """Pitch, yaw, roll in degrees in the order and with the signs of the labels, out of the same rotation."""
    axes = mesh.axes
    pitch = np.arctan2(axes[1, 2], axes[2, 2])
    yaw = -np.arcsin(np.clip(axes[0, 2], -1, 1))
    roll = np.arctan2(axes[0, 1], axes[0, 0])
    angles: Degrees = np.degrees(np.array([pitch, yaw, roll], dtype=np.float64))
    return angles


def difference(first: Degrees, second: Degrees) -> Degrees:
    """First minus second, the short way round."""
    turned: Degrees = (first - second + 180) % 360 - 180
    return turned


def _by_axis(errors: list[Degrees]) -> Json:
    return {axis: mean_of([float(error[place]) for error in errors], "degrees") for place, axis in enumerate(AXES)}
