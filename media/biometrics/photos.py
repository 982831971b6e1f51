"""The photos of the check-in: is there a face on it, one, and good enough to compare?"""

import io
from dataclasses import dataclass, field, replace
from enum import StrEnum

import av
import av.error
import cv2
import numpy as np

from appliance.errors import BiometricsOff
from appliance.vocabulary import IdentityVerdict, PhotoKind
from media.biometrics.describing import describe_well
from media.biometrics.engine import Descriptor, Engine
from media.biometrics.engines import default_engine
from media.biometrics.faces import Face, face_detector
from media.biometrics.matching import Thresholds, compare, face_brightness
from media.biometrics.mesh import FaceMesh, mesh_network
from media.biometrics.regions import Image

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
"""A phone's camera has 12 to 50 million; decoding costs 3 bytes each."""
MAX_SIDE = 1600
"""Larger photos are shrunk: the networks see 128 to 192 pixels anyway."""
SURE = 0.6
PART = 0.55
"""Share of a document's width and height that is looked at at once; neighbours overlap."""
SMALL_FACE, SMALL_PORTRAIT = 100.0, 40.0
"""Widths in pixels that a face needs on the face photo, and the portrait on a document."""
MAX_TURN = 25.0
"""Degrees of yaw on the face photo: it is what all later pictures are compared with."""
DARK, BRIGHT = 50.0, 225.0
"""Mean grey of the face, 0..255."""
BLURRED = 8.0
"""Variance of the Laplacian of the face at 150 pixels, below which it is blurred."""
WHITE = 250
"""Value of all three channels from which a pixel is a highlight."""
GLARE_SHARE = 0.04
"""Share of highlights in the face, or on a document round its portrait, from which there is glare."""
PAPER = 190.0
"""Median grey above which white is the paper and not a lamp."""


class PhotoHint(StrEnum):
    """What the candidate can do better; the pages word it."""

    NOT_AN_IMAGE = "not_an_image"
    TOO_LARGE = "too_large"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    BLURRED = "blurred"
    GLARE = "glare"
    """Told, but no obstacle: a face with shining glasses can be compared."""


@dataclass(frozen=True, eq=False)
class PhotoCheck:
    """What was found on a photo."""

    usable: bool
    """Good for its purpose: a reference for the exam, or a portrait that can be compared."""
    faces: int
    hints: tuple[PhotoHint, ...]
    verdict: IdentityVerdict = IdentityVerdict.UNDETERMINED
    """Against the reference given; undetermined without one, or when the photo is not usable."""
    distance: float | None = None
    """Of the descriptors; below 0.6 for most pairs of one person."""
    descriptor: Descriptor | None = field(default=None, repr=False)
    """128 numbers; None when not usable. A template: it belongs into the vault, never into a log."""


class _Unreadable(Exception):
    def __init__(self, hint: PhotoHint) -> None:
        self.hint = hint
        super().__init__(hint)


def check_photo(
    content: bytes,
    kind: PhotoKind = PhotoKind.FACE,
    reference: Descriptor | None = None,
    engine: Engine | None = None,
    thresholds: Thresholds | None = None,
) -> PhotoCheck:
    """Judge a photo of the check-in; takes about 40 ms of a core. Never raises for what a candidate may send.

    ``engine``: ``engine_for`` the exam's mode; where faces are not measured only the quality is judged.
    ``content``: JPEG, PNG or WebP. ``reference``: for a face photo the enrolled descriptor, for a document that of
    the face photo. On a document the largest face is taken: passports show a second, pale one.
    """
    try:
        image = _decode(content)
    except _Unreadable as unreadable:
        return PhotoCheck(False, 0, (unreadable.hint,))
    faces = _faces(image) or (_faces_in_parts(image) if kind is PhotoKind.DOCUMENT else [])
    if not faces:
        return PhotoCheck(False, 0, (PhotoHint.NO_FACE,))
    if kind is PhotoKind.FACE and len(faces) > 1:
        return PhotoCheck(False, len(faces), (PhotoHint.SEVERAL_FACES,))
    face, mesh = faces[0]
    hints = _quality(image, face, mesh, kind)
    if hints:
        return PhotoCheck(False, len(faces), (*hints, *_advice(image, face, kind)))
    advice = _advice(image, face, kind)
    descriptor = _described(image, face, engine)
    if reference is None or descriptor is None:
        return PhotoCheck(True, len(faces), advice, descriptor=descriptor)
    verdict, apart = compare(descriptor, reference, thresholds or Thresholds())
    if kind is PhotoKind.DOCUMENT and verdict is IdentityVerdict.MISMATCH and apart < 0.7:
        # a printed portrait, years old: only a large distance says that it is another person
        verdict = IdentityVerdict.UNDETERMINED
    return PhotoCheck(True, len(faces), advice, verdict, round(apart, 4), descriptor)


def _described(image: Image, face: Face, engine: Engine | None) -> Descriptor | None:
    """The descriptor; None where the exam's own engine describes nobody. A job that asked for no mode is refused."""
    if engine is None:
        return describe_well(default_engine(), image, face)
    try:
        return describe_well(engine, image, face)
    except BiometricsOff:
        return None


def _decode(content: bytes) -> Image:
    if len(content) > MAX_BYTES:
        raise _Unreadable(PhotoHint.TOO_LARGE)
    try:
        with av.open(io.BytesIO(content)) as container:  # the header alone: nothing is decoded yet
            codec = container.streams.video[0].codec_context  # None for formats without a decoder: AttributeError
            if codec.width * codec.height > MAX_PIXELS:
                raise _Unreadable(PhotoHint.TOO_LARGE)
    except (av.error.FFmpegError, IndexError, ValueError, OSError, AttributeError) as error:
        raise _Unreadable(PhotoHint.NOT_AN_IMAGE) from error
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None or min(image.shape[:2]) < 16:
        raise _Unreadable(PhotoHint.NOT_AN_IMAGE)
    scale = MAX_SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(image, dtype=np.uint8)


def _faces(image: Image) -> list[tuple[Face, FaceMesh]]:
    network = mesh_network()
    found = [(face, network.mesh(image, face)) for face in face_detector().all(image) if face.score >= SURE]
    return [(face, mesh) for face, mesh in found if mesh.presence >= 0.5]


def _faces_in_parts(image: Image) -> list[tuple[Face, FaceMesh]]:
    """A portrait on a document is small and pale: look again at overlapping parts of the picture, larger."""
    height, width = image.shape[:2]
    high, wide = round(height * PART), round(width * PART)
    best: tuple[Face, FaceMesh] | None = None
    for top in (0, (height - high) // 2, height - high):
        for left in (0, (width - wide) // 2, width - wide):
            for face, _ in _faces(np.ascontiguousarray(image[top : top + high, left : left + wide])):
                moved = replace(
                    face,
                    left=face.left + left,
                    top=face.top + top,
                    keypoints=np.add(face.keypoints, (left, top), dtype=np.float32),
                )
                if best is None or moved.score * moved.width > best[0].score * best[0].width:
                    best = moved, mesh_network().mesh(image, moved)
    return [best] if best else []


def _quality(image: Image, face: Face, mesh: FaceMesh, kind: PhotoKind) -> tuple[PhotoHint, ...]:
    brightness = face_brightness(image, face)
    portrait = kind is PhotoKind.DOCUMENT
    judged = {
        PhotoHint.TOO_SMALL: face.width < (SMALL_PORTRAIT if portrait else SMALL_FACE),
        PhotoHint.TOO_DARK: brightness < DARK,
        PhotoHint.TOO_BRIGHT: brightness > BRIGHT,
        PhotoHint.TURNED_AWAY: abs(mesh.pose.yaw) > MAX_TURN and not portrait,
        PhotoHint.BLURRED: not portrait and _sharpness(image, face) < BLURRED,
    }
    return tuple(hint for hint, bad in judged.items() if bad)


def _advice(image: Image, face: Face, kind: PhotoKind) -> tuple[PhotoHint, ...]:
    """What could be better, and is good enough to compare all the same."""
    return (PhotoHint.GLARE,) if glare_share(image, face, kind) > GLARE_SHARE else ()


def glare_share(image: Image, face: Face, kind: PhotoKind) -> float:
    """Share 0 to 1 of highlights: in the face box, on a document in what lies round its portrait."""
    reach = 2.0 if kind is PhotoKind.DOCUMENT else 0.0
    top, left = max(round(face.top - reach * face.height), 0), max(round(face.left - reach * face.width), 0)
    bottom, right = face.top + (1 + reach) * face.height, face.left + (1 + reach) * face.width
    part = image[top : round(bottom), left : round(right)]
    if not part.size or float(np.median(part)) > PAPER:
        return 0.0
    return float((part.min(axis=2) >= WHITE).mean())


def _sharpness(image: Image, face: Face) -> float:
    top, left = max(round(face.top), 0), max(round(face.left), 0)
    part = image[top : round(face.top + face.height), left : round(face.left + face.width)]
    if not part.size:
        return 0.0
    grey = cv2.resize(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), (150, 150), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())
