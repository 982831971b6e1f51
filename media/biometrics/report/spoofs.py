"""Liveness: the check-in's challenge presented with heads and attacks that are drawn from the portraits at hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from media.biometrics.engines import default_engine
from media.biometrics.liveness_report import liveness_figures
from media.biometrics.regions import Image
from media.biometrics.report.contents import Contents
from media.biometrics.report.statistics import Json

PORTRAITS: Final = 8
"""Of different people; each is presented 24 times and costs some 10 s of a core."""


def report(found: Contents, progress: Callable[[str], None]) -> Json:
    """The pictures that are there, of which no single one is judged, and the challenge's rates."""
    for path, _ in found.spoofs:
        found.skipped[path] = "liveness is judged by a challenge, not by one picture"
    portraits = [image for path in _portraits(found) if (image := _read(path)) is not None]
    progress(f"liveness: {len(portraits)} portraits")
    return {
        "living": sum(living for _, living in found.spoofs),
        "prints_or_screens": sum(not living for _, living in found.spoofs),
        "judged": 0,
        "why": "Kustos ships no network that tells a print from a person by one picture; the check-in asks for a "
        "challenge (turn, nod, blink), which pictures cannot answer",
        "challenge": liveness_figures(portraits, default_engine()),
    }


def _portraits(found: Contents) -> list[Path]:
    """Living ones of the spoof pictures first, then the first picture of each person, by name."""
    living = [path for path, is_living in found.spoofs if is_living]
    people = [pictures[0] for _, pictures in sorted(found.people.items()) if pictures]
    return [*living, *people][:PORTRAITS]


def _read(path: Path) -> Image | None:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(image, dtype=np.uint8)
