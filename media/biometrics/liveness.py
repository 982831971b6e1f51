"""Does a living head do what it is asked, in the order it is asked? Judged from looks alone, without a picture.

Each movement must begin and happen within its own window; the mesh of a turned head must not be a flat picture's;
the looks must follow each other without a cut; the face must stay the same one. What the pictures do not allow to
judge is ``undetermined``. Terms as in ISO/IEC 30107-3; which attacks pass
all the same: ``liveness_report.LIMITS``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from appliance.vocabulary import ChallengeState, Movement
from media.biometrics.engine import Descriptor, distance
from media.biometrics.looks import Look
from media.biometrics.matching import Thresholds
from media.biometrics.mesh import CHIN, FaceMesh

TURN: Final = 18.0
"""Degrees of yaw off the usual that are a turn; a flat photo turned by 45 degrees reads as 6 (four faces)."""
UNTURNED: Final = 12.0
"""Below this the head is not turned: a turn begins here, and other movements stay below TURN."""
NOD: Final = 12.0
"""Degrees of pitch between the lowest and the highest look; a flat photo tipped by 45 degrees reads as 3."""
SHUT_SHARE: Final = 0.55
"""Opening of the eyes, as a share of this person's usual, below which they are shut; blinks have 0.16 to 0.47."""
ONE_EYE_SHARE: Final = 0.65
"""The same of each eye alone: a wink is no blink."""
OPEN_SHARE: Final = 0.7
FLAT: Final = 0.09
"""Residual of the best affine map between the straight and the turned mesh, as a share of the face's height and of
the sine of the turn; heads that turn have 0.13 to 0.18."""
RIGID: Final = (168, 6, 197, 195, 5, 4, 1, 19, 94, 33, 133, 362, 263, 116, 345, 50, 280, 205, 425, 151, 9, 8,
                127, 356, 2)  # fmt: skip
"""Points of the mesh that neither speech nor blinking moves: bridge and tip of the nose, corners of the eyes, cheeks,
forehead, temples."""
FOREHEAD: Final = 10
MIN_LOOKS: Final = 8
"""Of a step with a face: less than half of what the page sends."""
MIN_SEEN: Final = 0.6
"""Share of a step's pictures with a face; hands and hair pass before it."""
GAP_MS: Final = 900
CLOSE_MS: Final = 300
"""Looks nearer than that must resemble each other."""
JUMP: Final = 0.8
"""Widths of the face by which it may move between close looks."""
GROWTH: Final = 1.5
SPIN: Final = 45.0
"""Degrees of yaw between close looks: faster than people turn."""
CUT: Final = 30.0
"""Mean difference of close pictures in grey levels, brightness evened out, above which they are not of one take."""
DARK: Final = 35.0
"""Mean grey of the face, 0..255, below which nothing is judged."""


class Reason(StrEnum):
    """Why a challenge was not passed; the pages word it, and say to the candidate only what helps."""

    FACE_NOT_SEEN = "face_not_seen"
    SEVERAL_FACES = "several_faces"
    TOO_DARK = "too_dark"
    TOO_FEW_PICTURES = "too_few_pictures"
    IDENTITY_UNCLEAR = "identity_unclear"
    MIRRORED = "mirrored"
    """Both turns went to the other side: a mirrored camera, or a recording of another order."""
    NOT_DONE = "not_done"
    WRONG_ORDER = "wrong_order"
    FLAT = "flat"
    CUT = "cut"
    ANOTHER_PERSON = "another_person"


UNCLEAR: Final = frozenset(
    {
        Reason.FACE_NOT_SEEN,
        Reason.SEVERAL_FACES,
        Reason.TOO_DARK,
        Reason.TOO_FEW_PICTURES,
        Reason.IDENTITY_UNCLEAR,
        Reason.MIRRORED,
    }
)
"""Reasons that leave it open whether a living person was there."""


@dataclass(frozen=True)
class StepFound:
    """What happened in one window."""

    movement: Movement
    done: bool
    size: float
    """Degrees of the turn or nod; for a blink the opening left, as a share of the usual."""
    at_ms: int | None
    """When it was strongest."""


@dataclass(frozen=True)
class Finding:
    """The judgement of one try."""

    state: ChallengeState
    """PASSED, FAILED or UNDETERMINED."""
    reasons: tuple[Reason, ...]
    steps: tuple[StepFound, ...]
    distance: float | None = None
    """Farthest of the face's descriptors from that of the face photo, or from the first when there is none."""
    evidence: tuple[int, ...] = ()
    """Indices of the looks that show it best: at most two."""


@dataclass(frozen=True)
class _Usual:
    """How this person sits while looking straight."""

    yaw: float
    opening: float
    look: Look


def judge(
    looks: Sequence[Look],
    steps: Sequence[Movement],
    reference: Descriptor | None = None,
    thresholds: Thresholds | None = None,
) -> Finding:
    """Judge one try: step 0 looks straight, step i shows ``steps[i - 1]``; looks in the order they were taken.

    Descriptors are compared where looks have them, with each other and with ``reference``; without any (exams that
    forbid templates) only position, size and picture tell that it is one take.
    """
    windows = [[look for look in looks if look.step == number] for number in range(len(steps) + 1)]
    quality = _quality(windows)
    if quality:
        return Finding(ChallengeState.UNDETERMINED, quality, (), evidence=_evidence(looks, ()))
    usual = _usual(windows[0])
    found = [_found(movement, window, usual) for movement, window in zip(steps, windows[1:], strict=True)]
    farthest, identity = _identity(looks, reference, thresholds or Thresholds())
    reasons = [*_order(steps, windows[1:], found, usual), *_takes(looks), *identity]
    reasons += [Reason.FLAT] if _is_flat(looks, usual) else []
    if all(step.done for step in found) and not reasons:
        return Finding(ChallengeState.PASSED, (), tuple(found), farthest)
    unclear = all(reason in UNCLEAR for reason in reasons) and bool(reasons)
    state = ChallengeState.UNDETERMINED if unclear else ChallengeState.FAILED
    return Finding(state, tuple(dict.fromkeys(reasons)), tuple(found), farthest, _evidence(looks, found))


def frontal(looks: Sequence[Look]) -> list[int]:
    """Indices of the looks worth describing: of each step the one that faces the camera most."""
    best: dict[int, int] = {}
    for index, look in enumerate(looks):
        if look.mesh is None:
            continue
        known = best.get(look.step)
        if known is None or _off(look) < _off(looks[known]):
            best[look.step] = index
    return sorted(best.values())


def _off(look: Look) -> float:
    pose = look.mesh.pose if look.mesh else None
    return 180.0 if pose is None else abs(pose.yaw) + abs(pose.pitch) / 2


def _quality(windows: Sequence[Sequence[Look]]) -> tuple[Reason, ...]:
    """What keeps the pictures from being judged."""
    reasons: dict[Reason, None] = {}
    for window in windows:
        seen = [look for look in window if look.mesh is not None]
        if len(window) < MIN_LOOKS:
            reasons[Reason.TOO_FEW_PICTURES] = None
        elif len(seen) < MIN_SEEN * len(window):
            reasons[Reason.FACE_NOT_SEEN] = None
        elif sum(look.faces > 1 for look in window) > len(window) / 3:
            reasons[Reason.SEVERAL_FACES] = None
        elif np.median([look.brightness for look in seen]) < DARK:
            reasons[Reason.TOO_DARK] = None
        elif any(after.at_ms - before.at_ms > GAP_MS for before, after in pairwise(window)):
            reasons[Reason.TOO_FEW_PICTURES] = None
    return tuple(reasons)


def _usual(window: Sequence[Look]) -> _Usual:
    seen = [look for look in window if look.mesh is not None]
    yaw = float(np.median([look.mesh.pose.yaw for look in seen if look.mesh]))
    opening = float(np.median([look.opening for look in seen]))
    straight = min(seen, key=lambda look: abs(look.mesh.pose.yaw - yaw) if look.mesh else 180.0)
    return _Usual(yaw, opening, straight)


def _found(movement: Movement, window: Sequence[Look], usual: _Usual) -> StepFound:
    seen = [look for look in window if look.mesh is not None]
    return _FINDERS[movement](seen, usual)


def _turn(movement: Movement, sign: int) -> Callable[[Sequence[Look], _Usual], StepFound]:
    def find(seen: Sequence[Look], usual: _Usual) -> StepFound:
        yaws = [sign * (look.mesh.pose.yaw - usual.yaw) for look in seen if look.mesh]
        peak = int(np.argmax(yaws))
        # two looks: one alone may be the network's mistake
        strong = sum(yaw >= TURN for yaw in yaws) >= 2
        begins = any(yaw < UNTURNED for yaw in yaws[:peak])
        return StepFound(movement, strong and begins, round(yaws[peak], 1), seen[peak].at_ms)

    return find


def _nod(seen: Sequence[Look], usual: _Usual) -> StepFound:
    pitches = _smooth([look.mesh.pose.pitch for look in seen if look.mesh])
    low, high = int(np.argmin(pitches)), int(np.argmax(pitches))
    size = pitches[high] - pitches[low]
    return StepFound(Movement.NOD, size >= NOD, round(size, 1), seen[high].at_ms)


def _blink(seen: Sequence[Look], usual: _Usual) -> StepFound:
    both, each = SHUT_SHARE * usual.opening, ONE_EYE_SHARE * usual.opening
    shut = [look.opening < both and max(eye.opening for eye in look.eyes) < each for look in seen if look.eyes]
    least = int(np.argmin([look.opening for look in seen]))
    is_open = [look.opening > OPEN_SHARE * usual.opening for look in seen]
    done = sum(shut) >= 2 and any(is_open[:least]) and any(is_open[least:])
    share = seen[least].opening / max(usual.opening, 1e-6)
    return StepFound(Movement.BLINK, done, round(share, 2), seen[least].at_ms)


_FINDERS: Final[dict[Movement, Callable[[Sequence[Look], _Usual], StepFound]]] = {
    Movement.TURN_LEFT: _turn(Movement.TURN_LEFT, 1),
    Movement.TURN_RIGHT: _turn(Movement.TURN_RIGHT, -1),
    Movement.NOD: _nod,
    Movement.BLINK: _blink,
}


def _smooth(values: Sequence[float]) -> list[float]:
    """Median of three: one look alone makes no nod."""
    padded = [values[0], *values, values[-1]]
    return [float(np.median(padded[index : index + 3])) for index in range(len(values))]


def _order(
    steps: Sequence[Movement], windows: Sequence[Sequence[Look]], found: Sequence[StepFound], usual: _Usual
) -> list[Reason]:
    """What was missing, and what was done when something else was asked for."""
    turned = [_farthest_turn(window, usual) for window in windows]
    asked = [{Movement.TURN_LEFT: 1, Movement.TURN_RIGHT: -1}.get(movement, 0) for movement in steps]
    wrong = [abs(turn) >= TURN and np.sign(turn) != sign for turn, sign in zip(turned, asked, strict=True)]
    turns = [index for index, sign in enumerate(asked) if sign]
    if (
        turns
        and all(wrong[index] for index in turns)
        and not any(wrong[i] for i in range(len(wrong)) if i not in turns)
    ):
        others = all(step.done for index, step in enumerate(found) if index not in turns)
        return [Reason.MIRRORED] if others else [Reason.NOT_DONE, Reason.WRONG_ORDER]
    reasons = [] if all(step.done for step in found) else [Reason.NOT_DONE]
    return [*reasons, Reason.WRONG_ORDER] if any(wrong) else reasons


def _farthest_turn(window: Sequence[Look], usual: _Usual) -> float:
    """Yaw off the usual that at least two looks reach, signed."""
    yaws = sorted((look.mesh.pose.yaw - usual.yaw for look in window if look.mesh), key=abs)
    return float(yaws[-2]) if len(yaws) > 1 else 0.0


def _takes(looks: Sequence[Look]) -> list[Reason]:
    """Whether close looks are of one take."""
    seen = [look for look in looks if look.face is not None]
    for before, after in pairwise(seen):
        if 0 <= after.at_ms - before.at_ms <= CLOSE_MS and _jumps(before, after):
            return [Reason.CUT]
    return []


def _jumps(before: Look, after: Look) -> bool:
    first, second = before.face, after.face
    if first is None or second is None or before.mesh is None or after.mesh is None:
        return False
    moved = np.hypot(*np.subtract(first.centre, second.centre)) / max(first.width, second.width)
    grown = max(first.width, second.width) / max(min(first.width, second.width), 1.0)
    spun = abs(before.mesh.pose.yaw - after.mesh.pose.yaw)
    return bool(moved > JUMP or grown > GROWTH or spun > SPIN or _difference(before, after) > CUT)


def _difference(before: Look, after: Look) -> float:
    if before.thumb is None or after.thumb is None:
        return 0.0
    return float(np.abs((before.thumb - before.thumb.mean()) - (after.thumb - after.thumb.mean())).mean())


def _identity(
    looks: Sequence[Look], reference: Descriptor | None, thresholds: Thresholds
) -> tuple[float | None, list[Reason]]:
    """The farthest distance, and what it says."""
    described = [look.descriptor for look in looks if look.descriptor is not None]
    if not described:
        return None, []
    first = described[0] if reference is None else reference
    farthest = max(distance(first, other) for other in described)
    among = max(distance(described[0], other) for other in described)
    if max(farthest, among) >= thresholds.mismatch_from:
        return round(farthest, 4), [Reason.ANOTHER_PERSON]
    typical = float(np.median([distance(first, other) for other in described]))
    return round(farthest, 4), [] if typical < thresholds.match_below else [Reason.IDENTITY_UNCLEAR]


def _is_flat(looks: Sequence[Look], usual: _Usual) -> bool:
    """Whether what turned moved like a picture and not like a head.

    A flat picture that is turned goes through a homography, nearly affine at the distance of a webcam; the points of
    a head lie at different depths, so that the nose runs ahead of the cheeks.
    """
    straight = usual.look.mesh
    turned = [look.mesh for look in looks if look.mesh and abs(look.mesh.pose.yaw - usual.yaw) >= TURN]
    if straight is None or not turned:
        return False
    shares = [depth_share(straight, mesh, mesh.pose.yaw - usual.yaw) for mesh in turned]
    return float(np.median(shares)) < FLAT


def depth_share(straight: FaceMesh, turned: FaceMesh, degrees: float) -> float:
    """How much depth a turn by ``degrees`` showed: see FLAT."""
    first, second = (np.asarray(mesh.points[list(RIGID), :2], dtype=np.float64) for mesh in (straight, turned))
    lifted = cv2.convertPointsToHomogeneous(first)[:, 0]
    mapped, *_ = np.linalg.lstsq(lifted, second, rcond=None)
    residual = np.sqrt(((lifted @ mapped - second) ** 2).sum(axis=1).mean())
    height = np.hypot(*(straight.points[FOREHEAD, :2] - straight.points[CHIN, :2]))
    return float(residual / max(float(height), 1.0) / max(abs(np.sin(np.radians(degrees))), 0.1))


def _evidence(looks: Sequence[Look], found: Sequence[StepFound]) -> tuple[int, ...]:
    """The look of the first movement that was not done, and the straightest one."""
    if not looks:
        return ()
    missed = next((step.at_ms for step in found if not step.done and step.at_ms is not None), None)
    at = len(looks) // 2 if missed is None else next(i for i, look in enumerate(looks) if look.at_ms == missed)
    straight = frontal(looks)
    return tuple(dict.fromkeys([straight[0] if straight else 0, at]))
