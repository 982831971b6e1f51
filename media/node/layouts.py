"""Where each one's picture goes in a mixed one, and the drawing itself; plain numbers and numpy, no GStreamer."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

STEP = 8
"""Sizes and places are multiples of this: the rows of all three planes are then without padding."""
BLACK = (16, 128, 128)


@dataclass(frozen=True, slots=True)
class Cell:
    """A rectangle of the mixed picture, in pixels; a higher ``z`` covers a lower one."""

    x: int
    y: int
    width: int
    height: int
    z: int = 0


def grid(count: int, width: int, height: int) -> list[Cell]:
    """Cells for ``count`` pictures in reading order: as many columns as rows, or one more (Kurento's Composite)."""
    if count <= 0:
        return []
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    cell_width, cell_height = width // columns // STEP * STEP, height // rows // STEP * STEP
    return [
        Cell(index % columns * cell_width, index // columns * cell_height, cell_width, cell_height)
        for index in range(count)
    ]


def relative(x: float, y: float, width: float, height: float, z: int, size: tuple[int, int]) -> Cell:
    """A cell given in shares of the whole, kept inside it."""
    left, top = (_step(min(max(share, 0.0), 1.0) * whole) for share, whole in zip((x, y), size, strict=True))
    wide, high = (max(STEP, _step(share * whole)) for share, whole in zip((width, height), size, strict=True))
    left, top = min(left, size[0] - STEP), min(top, size[1] - STEP)
    return Cell(left, top, min(wide, size[0] - left), min(high, size[1] - top), z)


def _step(value: float) -> int:
    return int(value) // STEP * STEP


class Canvas:
    """The mixed picture, I420."""

    def __init__(self, width: int, height: int) -> None:
        """Black; sizes are multiples of STEP."""
        self.width, self.height = width, height
        self._planes = [
            np.full((height // part, width // part), value, np.uint8)
            for part, value in zip((1, 2, 2), BLACK, strict=True)
        ]

    def clear(self) -> None:
        """All black."""
        for plane, value in zip(self._planes, BLACK, strict=True):
            plane.fill(value)

    def draw(self, cell: Cell, picture: bytes) -> bool:
        """Put a picture of exactly the cell's size there; False when it has another one."""
        if len(picture) != cell.width * cell.height * 3 // 2:
            return False
        offset = 0
        for plane, part in zip(self._planes, (1, 2, 2), strict=True):
            rows, columns = cell.height // part, cell.width // part
            part_of = np.frombuffer(picture, np.uint8, rows * columns, offset).reshape(rows, columns)
            top, left = cell.y // part, cell.x // part
            plane[top : top + rows, left : left + columns] = part_of
            offset += rows * columns
        return True

    def blank(self, cell: Cell) -> None:
        """Make a cell black again."""
        for plane, part, value in zip(self._planes, (1, 2, 2), BLACK, strict=True):
            top, left = cell.y // part, cell.x // part
            plane[top : top + cell.height // part, left : left + cell.width // part] = value

    def to_bytes(self) -> bytes:
        """The whole picture."""
        return b"".join(plane.tobytes() for plane in self._planes)
