"""The worker's part of the challenges: pictures out of the vault, looked at, judged, and destroyed."""

from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
import structlog
from sqlalchemy.orm import Session

from appliance.errors import KeyDestroyed
from appliance.models import Challenge, Sitting
from appliance.services import challenges, profiles, sittings, templates
from appliance.services.challenge_pictures import TimedPicture, unpack
from appliance.vault import Vault
from appliance.vocabulary import BiometricsMode, ChallengeKind, ChallengeState, Movement, PhotoKind
from media import watch_log
from media.biometrics import antispoof, liveness
from media.biometrics.engine import Descriptor
from media.biometrics.engines import engine_for
from media.biometrics.gaze_map import CalibrationHint, CalibrationRefused, GazeMap, PointLooks, features_of
from media.biometrics.liveness import Finding
from media.biometrics.looks import Look, look_at
from media.biometrics.model_files import DESCRIPTOR, FACE_MESH, FACE_SHORT_RANGE, IRIS
from media.biometrics.photos import check_photo
from media.biometrics.regions import Image

log = structlog.get_logger(__name__)

SETTLING_MS: Final = 600
"""Eyes need that long to reach a new point; earlier pictures of it are not used."""
LOOKED_AT: Final = 32
"""Pictures of a step that are looked at: a step of 3.5 s has 28 to 35; those of a slower one are thinned."""


@dataclass(frozen=True)
class Handed:
    """What was handed in for one try."""

    kind: ChallengeKind
    steps: list[dict[str, Any]]
    batches: list[tuple[int, bytes]]
    """By number of the step."""
    mode: BiometricsMode
    reference: Descriptor | None
    face_photo: bytes | None


@dataclass(frozen=True)
class Judged:
    """What is to be kept of it."""

    state: ChallengeState
    reasons: tuple[str, ...]
    finding: dict[str, Any]
    gaze_map: dict[str, Any] | None = None
    evidence: tuple[bytes, ...] = ()


def read(session: Session, vault: Vault, challenge_id: int) -> Handed | None:
    """Return what a try has to be judged by; None when it was judged or abandoned already."""
    row = session.get(Challenge, challenge_id)
    if row is None or row.state is not ChallengeState.JUDGING:
        return None
    sitting = sittings.get(session, row.sitting_id)
    batches = []
    for number, sealed in challenges.batches(session, challenge_id):
        with vault.open(session, sealed) as reader:
            batches.append((number, reader.read(0, reader.size)))
    mode = profiles.mode_of(sitting.exam)
    known: tuple[Descriptor | None, bytes | None] = None, None
    if mode is BiometricsMode.SERVER and row.kind is ChallengeKind.LIVENESS:
        known = _known(session, vault, sitting)
    return Handed(row.kind, row.steps, batches, mode, *known)


def _known(session: Session, vault: Vault, sitting: Sitting) -> tuple[Descriptor | None, bytes | None]:
    """The face enrolled at this check-in, else its photo; neither of a person who was erased."""
    try:
        enrolled = templates.reference(session, vault, sitting, DESCRIPTOR.sha256)
        photo = None if enrolled is not None else watch_log.photo_content(session, vault, sitting.id, PhotoKind.FACE)
    except KeyDestroyed:
        return None, None
    return enrolled, photo


def judge(handed: Handed, spoofs: "antispoof.AntiSpoof | None" = None) -> Judged:
    """Look at the pictures and judge; about 3 s of a core. Never raises for what a browser may send."""
    pictures = [(number, picture) for number, batch in handed.batches for picture in _thinned(unpack(batch))]
    images = [
        (number, picture.at_ms, image) for number, picture in pictures if (image := _decoded(picture)) is not None
    ]
    looks = [look_at(image, at_ms, number) for number, at_ms, image in images]
    if handed.kind is ChallengeKind.GAZE_CALIBRATION:
        return _calibrated(handed, looks)
    shown = [image for _, _, image in images]
    looks = _described(handed, looks, shown)
    steps = [Movement(step["movement"]) for step in handed.steps[1:]]
    found = liveness.judge(looks, steps, _reference(handed))
    hint = antispoof.hint(spoofs, looks, shown) if spoofs is not None else None
    kept = () if found.state is ChallengeState.PASSED else tuple(_jpeg(shown[index]) for index in found.evidence)
    return Judged(found.state, tuple(found.reasons), _shown(found, hint), evidence=kept)


def keep(session: Session, vault: Vault, challenge_id: int, judged: Judged) -> None:
    """Write the judgement down and destroy the pictures, but for two of one that was not passed."""
    row = session.get_one(Challenge, challenge_id)
    if row.state is ChallengeState.JUDGING:
        challenges.keep_evidence(session, vault, row, judged.evidence)
        challenges.settle(session, row, judged.state, judged.reasons, judged.finding, judged.gaze_map)
    challenges.forget_pictures(session, vault, challenge_id)


def _thinned(pictures: list[TimedPicture]) -> list[TimedPicture]:
    if len(pictures) <= LOOKED_AT:
        return pictures
    return [pictures[index] for index in np.linspace(0, len(pictures) - 1, LOOKED_AT).round().astype(int)]


def _decoded(picture: TimedPicture) -> Image | None:
    """None for a JPEG that is broken behind its header."""
    image = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(image, dtype=np.uint8)


def _jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def _described(handed: Handed, looks: list[Look], images: list[Image]) -> list[Look]:
    """Looks, those that face the camera with descriptors where the exam lets faces be measured."""
    if handed.mode is not BiometricsMode.SERVER:
        return looks
    engine, chosen = engine_for(handed.mode), set(liveness.frontal(looks))
    return [
        replace(look, descriptor=engine.describe(image, look.face))
        if index in chosen and look.face is not None
        else look
        for index, (look, image) in enumerate(zip(looks, images, strict=True))
    ]


def _reference(handed: Handed) -> Descriptor | None:
    if handed.reference is not None or handed.face_photo is None:
        return handed.reference
    return check_photo(handed.face_photo, PhotoKind.FACE, engine=engine_for(handed.mode)).descriptor


def _shown(found: Finding, hint: dict[str, Any] | None) -> dict[str, Any]:
    """What is kept of a finding: figures with their thresholds and models, no descriptor."""
    steps = [
        {"movement": step.movement.value, "done": step.done, "size": step.size, "at_ms": step.at_ms}
        for step in found.steps
    ]
    models = {file.name: file.sha256 for file in (FACE_SHORT_RANGE, FACE_MESH, IRIS)}
    limits = {"turn": liveness.TURN, "nod": liveness.NOD, "blink": liveness.SHUT_SHARE, "depth": liveness.FLAT}
    return {"steps": steps, "distance": found.distance, "thresholds": limits, "models": models, "antispoof": hint}


def _calibrated(handed: Handed, looks: list[Look]) -> Judged:
    points, hints = [], []
    for number, step in enumerate(handed.steps):
        window = [look for look in looks if look.step == number]
        begin = window[0].at_ms + SETTLING_MS if window else 0
        usable = [look for look in window if look.at_ms >= begin]
        hints += _hints(usable)
        rows = [features_of(look.mesh, look.eyes) for look in usable if look.mesh is not None and look.eyes]
        points.append(PointLooks(step["x"], step["y"], np.array(rows).reshape(-1, 8)))
    try:
        if hints:
            raise CalibrationRefused(list(dict.fromkeys(hints)))
        found = GazeMap.fit(points)
    except CalibrationRefused as refused:
        unclear = CalibrationHint.NOT_LOOKING not in refused.hints
        state = ChallengeState.UNDETERMINED if unclear else ChallengeState.FAILED
        return Judged(state, tuple(refused.hints), {})
    models = {file.name: file.sha256 for file in (FACE_MESH, IRIS)}
    return Judged(ChallengeState.PASSED, (), {"error": round(found.error, 3), "models": models}, found.to_json())


def _hints(looks: list[Look]) -> list[CalibrationHint]:
    """What keeps a point from being learned, beyond what the map itself sees."""
    seen = [look for look in looks if look.mesh is not None]
    if sum(look.faces > 1 for look in looks) > len(looks) / 2:
        return [CalibrationHint.SEVERAL_FACES]
    dark = bool(seen) and float(np.median([look.brightness for look in seen])) < liveness.DARK
    return [CalibrationHint.TOO_DARK] if dark else []
