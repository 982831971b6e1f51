"""Same person or not, and when a face is good enough to ask."""

from dataclasses import dataclass, replace

import cv2

from appliance.vocabulary import IdentityVerdict
from media.biometrics.engine import Descriptor, distance
from media.biometrics.faces import Face
from media.biometrics.mesh import FaceMesh
from media.biometrics.regions import Image


@dataclass(frozen=True)
class Thresholds:
    """Distances of ``describe_well``; measured on LFW, each picture with each other: ``kustos biometrics report``."""

    match_below: float = 0.525
    """Nearer is the same person: 1 in 1,000 strangers is as near. One candidate at one desk stays below 0.4."""
    mismatch_from: float = 0.62
    """Farther is another person: below 1 % of pairs of one person are as far. Between the two nothing is said."""
    alone_match_below: float = 0.475
    """Of ``describe_alone``, against one of ``describe_well``: nearer is a match that the mirror image does not undo.
    8 in 100,000 strangers are as near, all of them matches with the mirror image, too: docs/decisions/0016."""
    several_match_below: float = 0.495
    """The same for the mean of three pictures against one (``describing.together``): 1 in 1,000 strangers is nearer.
    Chosen on nine tenths of LFW's people: 0.495 to 0.500, ten times; the lowest (docs/decisions/0016)."""
    several_mismatch_from: float = 0.55
    """And farther than that is another person: below 1 % of one person's, all but 1 % of strangers."""

    @property
    def of_several(self) -> "Thresholds":
        """These, for the mean of three pictures."""
        return replace(self, match_below=self.several_match_below, mismatch_from=self.several_mismatch_from)


@dataclass(frozen=True)
class QualityGate:
    """What a face needs to be compared at all."""

    min_width: float = 56.0
    """Pixels of the face box."""
    min_score: float = 0.7
    max_yaw: float = 35.0
    """Degrees from frontal, the descriptor's own training range."""
    max_pitch: float = 35.0
    min_brightness: float = 22.0
    """Mean grey of the face, 0..255; distances of LFW pairs dimmed to 21 grow by 0.06, dimmed to 14 by 0.10."""

    def objection(self, image: Image, face: Face, mesh: FaceMesh) -> str:
        """Why this face cannot be compared; empty when it can."""
        if face.width < self.min_width:
            return "too_small"
        if face.score < self.min_score or mesh.presence < 0.5:
            return "unclear"
        if abs(mesh.pose.yaw) > self.max_yaw or abs(mesh.pose.pitch) > self.max_pitch:
            return "turned_away"
        return "too_dark" if face_brightness(image, face) < self.min_brightness else ""


def face_brightness(image: Image, face: Face) -> float:
    """Mean grey 0..255 inside the face box, as far as it lies in the picture."""
    top, left = max(round(face.top), 0), max(round(face.left), 0)
    part = image[top : round(face.top + face.height), left : round(face.left + face.width)]
    return float(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).mean()) if part.size else 0.0


def verdict_of(apart: float, thresholds: Thresholds) -> IdentityVerdict:
    """What a distance says."""
    if apart < thresholds.match_below:
        return IdentityVerdict.MATCH
    return IdentityVerdict.MISMATCH if apart >= thresholds.mismatch_from else IdentityVerdict.UNDETERMINED


def compare(first: Descriptor, second: Descriptor, thresholds: Thresholds) -> tuple[IdentityVerdict, float]:
    """The verdict on two descriptors and their distance."""
    apart = distance(first, second)
    return verdict_of(apart, thresholds), apart
