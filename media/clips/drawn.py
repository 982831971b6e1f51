"""Draws a webcam's pictures around one portrait, and a desktop's, with the truth of what happens when."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import sin
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from appliance.vocabulary import ObservationType

Picture = npt.NDArray[np.uint8]

WIDTH: Final = 640
HEIGHT: Final = 480
FPS: Final = 15
SECONDS: Final = 25.0


@dataclass(frozen=True)
class Truth:
    """What happens in a clip between two moments, in seconds of its time."""

    type: ObservationType
    start: float
    end: float


TRUTH: Final = (
    Truth(ObservationType.NO_USER_IN_FRAME, 5.0, 11.0),
    Truth(ObservationType.EXTRA_USER_IN_FRAME, 15.0, 21.0),
)


@cache
def portrait() -> Picture:
    """Return the shipped portrait, H x W x 3, 8 bit, BGR."""
    data = np.frombuffer(files("media.clips").joinpath("astronaut.jpg").read_bytes(), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("media/clips/astronaut.jpg is damaged: install the package again")
    return picture.astype(np.uint8)


def portrait_jpeg() -> bytes:
    """Return the shipped portrait as a JPEG file: the face photo of a synthetic candidate."""
    return files("media.clips").joinpath("astronaut.jpg").read_bytes()


def webcam(seed: int = 0, seconds: float = SECONDS) -> Iterator[Picture]:
    """Yield 480 x 640 x 3 BGR pictures at ``FPS``; ``seed`` varies wall and noise, not what happens."""
    random = np.random.default_rng(seed)
    wall = _wall(random)
    noise = [random.normal(0, 3, (HEIGHT, WIDTH, 3)).astype(np.int16) for _ in range(4)]
    person = cv2.resize(portrait(), (400, 400), interpolation=cv2.INTER_AREA).astype(np.uint8)
    second = cv2.flip(cv2.resize(portrait(), (200, 200), interpolation=cv2.INTER_AREA), 1).astype(np.uint8)
    for number in range(round(seconds * FPS)):
        at = number / FPS
        picture = wall.copy()
        absent = _share(at % SECONDS, TRUTH[0])
        _paste(picture, person, 120 + round(8 * sin(at) + absent * 560), 80 + round(4 * sin(at / 2)))
        joined = _share(at % SECONDS, TRUTH[1])
        if joined > 0:
            _paste(picture, second, 640 - round(joined * 190), 150)
        yield np.clip(picture.astype(np.int16) + noise[number % len(noise)], 0, 255).astype(np.uint8)


def desktop(name: str, seconds: float = SECONDS, fps: int = 5) -> Iterator[Picture]:
    """Yield 720 x 1280 x 3 BGR pictures of a drawn desktop that shows who it is and a running clock."""
    for number in range(round(seconds * fps)):
        picture = np.full((720, 1280, 3), (92, 70, 52), np.uint8)
        cv2.rectangle(picture, (140, 80), (1140, 660), (250, 250, 248), -1)
        cv2.rectangle(picture, (140, 80), (1140, 124), (226, 222, 216), -1)
        cv2.putText(
            picture, f"Exam of {name}", (160, 112), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (60, 60, 60), 2, cv2.LINE_AA
        )
        for line in range(8):
            width = 300 + (line * 137) % 560
            cv2.rectangle(picture, (180, 170 + line * 54), (180 + width, 190 + line * 54), (214, 210, 205), -1)
        clock = f"{number // fps // 60:02d}:{number // fps % 60:02d}.{number % fps * (10 // fps)}"
        cv2.putText(picture, clock, (940, 112), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (60, 60, 60), 2, cv2.LINE_AA)
        yield picture


def _wall(random: np.random.Generator) -> Picture:
    tint = random.integers(150, 215, 3)
    shade = np.linspace(1.05, 0.8, HEIGHT)[:, None, None]
    return np.clip(np.ones((HEIGHT, WIDTH, 3)) * tint * shade, 0, 255).astype(np.uint8)


def _share(at: float, truth: Truth, edge: float = 0.4) -> float:
    """Return how far a movement has gone, 0..1: it is complete from start to end and takes ``edge`` s around."""
    if at < truth.start:
        return max(0.0, 1 - (truth.start - at) / edge)
    return 1.0 if at <= truth.end else max(0.0, 1 - (at - truth.end) / edge)


def _paste(picture: Picture, patch: Picture, left: int, top: int) -> None:
    """Put ``patch`` where it fits; what lies outside is cut off."""
    height, width = picture.shape[:2]
    x0, x1 = max(0, left), min(width, left + patch.shape[1])
    y0, y1 = max(0, top), min(height, top + patch.shape[0])
    if x0 < x1 and y0 < y1:
        picture[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]
