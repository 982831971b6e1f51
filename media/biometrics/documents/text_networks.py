"""Two networks for print: where lines of text are, and what a line says.

PP-OCRv6 (Apache 2.0) as the package ``rapidocr`` ships it, run directly: its own pipeline writes to standard error,
fetches what is missing from the network, and keeps the probabilities to itself that readings are settled by.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from media.biometrics.model_files import ModelFile, Tensor, once
from media.biometrics.regions import Image

DETECTION = ModelFile("rapidocr", "models/PP-OCRv6_det_small.onnx")
RECOGNITION = ModelFile("rapidocr", "models/PP-OCRv6_rec_small.onnx")

LINE_HEIGHT: Final = 48
"""Of the lines that the recognition network was trained on, in pixels."""
STEP: Final = 32
"""Sides of the detection network's input are multiples of this."""
MOST_PIXELS: Final = 800_000
"""Of the detection network's input: it takes 270 MB for a million."""
INK: Final = 0.3
BOX: Final = 0.5
"""Probability of a pixel to belong to text, and the mean of it over a box (the values of PP-OCR)."""
UNCLIP: Final = 1.6
"""The network marks the core of a line: its box grows by area x this / perimeter (Liao et al. 2020, DB)."""
MIN_HEIGHT: Final = 3.0
MAX_BOXES: Final = 300

Quad = NDArray[np.float32]
"""4 x 2: corners of a line in pixels, from the beginning of its upper edge on clockwise."""


@dataclass(frozen=True, eq=False)
class LineReading:
    """What the recognition network gave for one line."""

    probabilities: Tensor
    """Steps x alphabet: of each character of ``alphabet``, the first being "nothing"."""
    alphabet: Sequence[str]
    width: int
    """Pixels of the line at the height of the network."""

    @cached_property
    def text(self) -> str:
        """The likeliest text (best path: repeats merged, nothing left out)."""
        return "".join(char for char, _, _ in self.characters)

    @cached_property
    def characters(self) -> list[tuple[str, float, float]]:
        """Character, probability, and place (share of the line's width), from left to right."""
        best = self.probabilities.argmax(axis=1)
        found: list[tuple[str, float, float]] = []
        steps = len(best)
        begin = 0
        for step in range(1, steps + 1):
            if step < steps and best[step] == best[begin]:
                continue
            if best[begin]:
                sure = float(self.probabilities[begin:step, best[begin]].max())
                found.append((self.alphabet[best[begin]], sure, (begin + step) / 2 / steps))
            begin = step
        return found

    @property
    def confidence(self) -> float:
        """Mean probability of the characters, 0 without any."""
        found = self.characters
        return sum(sure for _, sure, _ in found) / len(found) if found else 0.0


class _OnnxFile:
    """One network, loaded at first use; one thread, as other sittings want theirs."""

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._loaded: Any = None

    def session(self) -> Any:  # the package has no type hints
        with self._lock:
            if self._loaded is None:
                import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - loads 20 MB of native code

                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = options.inter_op_num_threads = 1
                options.log_severity_level = 4
                options.enable_cpu_mem_arena = (
                    False  # lines have many widths: the arena would keep the largest of each
                )
                self._loaded = onnxruntime.InferenceSession(
                    str(self.file.path), options, providers=["CPUExecutionProvider"]
                )
            return self._loaded

    def run(self, tensor: Tensor) -> Tensor:
        found: Tensor = self.session().run(None, {"x": tensor})[0]
        return found


class TextNetworks:
    """Finds and reads lines; may be called from many threads."""

    def __init__(self) -> None:
        self._detection, self._recognition = _OnnxFile(DETECTION), _OnnxFile(RECOGNITION)

    @cached_property
    def alphabet(self) -> list[str]:
        """All characters of the recognition network, after "" for nothing."""
        known = self._recognition.session().get_modelmeta().custom_metadata_map["character"].splitlines()
        return ["", *known, " "]

    def find(self, image: Image, side: int) -> list[tuple[Quad, float]]:
        """Return the lines of text on a BGR picture whose longer side is scaled to ``side``, with their scores."""
        height, width = image.shape[:2]
        scale = min(side / max(height, width), (MOST_PIXELS / (height * width)) ** 0.5)
        shape = [max(round(length * scale / STEP), 1) * STEP for length in (width, height)]
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        marks = self._detection.run(_tensor(cv2.resize(image, shape, interpolation=method))[np.newaxis])[0, 0]
        factor = np.array([width / marks.shape[1], height / marks.shape[0]], np.float32)
        return [(quad * factor, score) for quad, score in _boxes(marks)]

    def read(self, line: Image, wanted: dict[str, str] | None = None) -> LineReading:
        """Read one upright line (BGR). ``wanted``: characters to choose from, each with what stands for it, too."""
        height, width = line.shape[:2]
        target = max(round(width * LINE_HEIGHT / height), LINE_HEIGHT)
        method = cv2.INTER_AREA if height > LINE_HEIGHT else cv2.INTER_CUBIC
        scaled = cv2.resize(line, (target, LINE_HEIGHT), interpolation=method)
        found = self._recognition.run(_tensor(scaled)[np.newaxis])[0]
        if wanted is None:
            return LineReading(found, self.alphabet, target)
        columns = [[0], *([self._index[each] for each in same if each in self._index] for same in wanted.values())]
        chosen = np.stack([found[:, column].sum(axis=1) for column in columns], axis=1)
        chosen /= np.maximum(chosen.sum(axis=1, keepdims=True), 1e-9)
        return LineReading(chosen, ["", *wanted], target)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {char: place for place, char in enumerate(self.alphabet)}


@once
def text_networks() -> TextNetworks:
    """The networks of this process."""
    return TextNetworks()


def straightened(image: Image, quad: Quad, margin: float = 0.0) -> Image:
    """Cut a line out of the picture, upright; ``margin`` is a share of its height at all four sides."""
    along, down = quad[1] - quad[0], quad[3] - quad[0]
    along_below = quad[2] - quad[3]
    width = round(max(float(np.linalg.norm(along)), float(np.linalg.norm(along_below))))
    height = round(max(float(np.linalg.norm(down)), float(np.linalg.norm(quad[2] - quad[1]))))
    width, height = max(width, 4), max(height, 4)
    edge = margin * height
    inside = np.array(
        [[edge, edge], [edge + width, edge], [edge + width, edge + height], [edge, edge + height]], np.float32
    )
    size = (round(width + 2 * edge), round(height + 2 * edge))
    way = cv2.getPerspectiveTransform(quad.astype(np.float32), inside)
    return np.asarray(
        cv2.warpPerspective(image, way, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _tensor(image: NDArray[Any]) -> Tensor:
    return np.ascontiguousarray(((image.astype(np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1))


def _boxes(marks: Tensor) -> list[tuple[Quad, float]]:
    mask = cv2.dilate((marks > INK).astype(np.uint8), np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines[:MAX_BOXES]:
        centre, (wide, high), angle = cv2.minAreaRect(outline)
        if min(wide, high) < MIN_HEIGHT:
            continue
        inner = cv2.boxPoints((centre, (wide, high), angle))
        left, top, across, down = cv2.boundingRect(inner.astype(np.int32))
        left, top = max(left, 0), max(top, 0)
        part = marks[top : top + down, left : left + across]
        inside = cv2.fillPoly(np.zeros(part.shape, np.uint8), [np.round(inner - (left, top)).astype(np.int32)], (1,))
        score = float(cv2.mean(part, inside)[0])
        if score < BOX:
            continue
        more = wide * high * UNCLIP / (2 * (wide + high))
        grown = cv2.boxPoints((centre, (wide + 2 * more, high + 2 * more), angle))
        found.append((_along_the_line(grown), score))
    return found


def _along_the_line(corners: NDArray[Any]) -> Quad:
    """Order the corners so that the first edge is the longer one and points right (or down, when it is upright)."""
    if np.linalg.norm(corners[1] - corners[0]) < np.linalg.norm(corners[2] - corners[1]):
        corners = np.roll(corners, -1, axis=0)
    way = corners[1] - corners[0]
    backwards = way[0] < 0 if abs(way[0]) >= abs(way[1]) else way[1] < 0
    return np.ascontiguousarray(np.roll(corners, 2, axis=0) if backwards else corners, dtype=np.float32)
