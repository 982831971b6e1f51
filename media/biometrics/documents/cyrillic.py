"""Cyrillic print, read by tesseract: the shipped text network knows no Cyrillic letter."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import structlog

from media.biometrics.documents.text_networks import Quad, straightened
from media.biometrics.regions import Image

log = structlog.get_logger(__name__)

PROGRAM: Final = "tesseract"
LANGUAGE: Final = "rus"
ARGUMENTS: Final = ("stdin", "stdout", "-l", LANGUAGE, "--psm", "6", "--dpi", "200")
SECONDS: Final = 20.0
"""A page of 40 lines takes half a second of a core."""
LINE: Final = 44
GAP: Final = 26
"""Heights in pixels of a line and of the room under it, on the page made for tesseract."""
MOST_LINES: Final = 40
MOST_WIDTH: Final = 1600


def cyrillic_lines(image: Image, rows: Sequence[Quad]) -> list[str]:
    """Read rows of an upright BGR picture as Russian; empty where tesseract or its Russian is not installed."""
    if not rows or not is_installed():
        return []
    _, encoded = cv2.imencode(".png", _stacked(image, rows[:MOST_LINES]))
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, the picture by stdin
            [shutil.which(PROGRAM) or PROGRAM, *ARGUMENTS],
            input=encoded.tobytes(),
            capture_output=True,
            timeout=SECONDS,
            check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("reading Cyrillic print failed", error=type(error).__name__)
        return []
    return [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]


@lru_cache(maxsize=1)
def is_installed() -> bool:
    """Whether tesseract is there and knows Russian."""
    program = shutil.which(PROGRAM)
    if program is None:
        return False
    try:
        done = subprocess.run([program, "--list-langs"], capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return False
    return LANGUAGE in done.stdout.decode("utf-8", "replace").split()


def _stacked(image: Image, rows: Sequence[Quad]) -> Image:
    """Put the rows under each other on white: the background of a document confuses tesseract's own search."""
    lines = []
    for row in rows:
        line = cv2.cvtColor(straightened(image, row, 0.05), cv2.COLOR_BGR2GRAY)
        width = min(max(round(line.shape[1] * LINE / line.shape[0]), 8), MOST_WIDTH)
        lines.append(
            cv2.resize(line, (width, LINE), interpolation=cv2.INTER_AREA if line.shape[0] > LINE else cv2.INTER_CUBIC)
        )
    page = np.full((len(lines) * (LINE + GAP) + GAP, max(line.shape[1] for line in lines) + 2 * GAP), 255, np.uint8)
    for number, line in enumerate(lines):
        top = GAP + number * (LINE + GAP)
        page[top : top + LINE, GAP : GAP + line.shape[1]] = cv2.normalize(
            line, np.empty_like(line), 0, 255, cv2.NORM_MINMAX
        )
    return page
