"""Lines on the photo of a document: turned upright, joined to rows, the machine readable ones read several times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from media.biometrics.documents.mrz import CHARACTERS, Cells
from media.biometrics.documents.text_networks import LINE_HEIGHT, LineReading, Quad, TextNetworks, straightened
from media.biometrics.regions import Image

LENGTHS: Final = (30, 36, 44)
MRZ_ASPECT: Final = 8.0
"""Width by height of a line of 30 characters with room around it, seen from the side."""
MIN_FILLERS: Final = 3
MIN_CHARACTERS: Final = 24
"""Of a line, as it is read first, that may belong to a zone."""
MIN_SHARE: Final = 0.85
"""Of its characters that a zone may have: anything else is print of another kind."""
PRINT_ASPECT: Final = 1.5
PART_ASPECT: Final = 3.0
"""Of a piece of a line of a zone that is worth completing."""
TD1_AND_MORE: Final = 33
"""Characters from which a line is rather one of two than of three."""
MOST_PRINT: Final = 40
"""Lines of the printed zone that are read, the largest first: 50 ms each."""
VARIANTS: Final = ((0.0, 1.0), (0.08, 1.2), (0.04, 0.9), (0.12, 1.4), (-0.06, 1.1))
"""Margin (share of the line's height) and stretch of each reading: the network errs differently on each."""

SAME: Final = {"<": "<＜‹«く(", **{char: char + char.lower() for char in CHARACTERS[1:]}}
"""Characters of a zone, with what the network may say for them."""


@dataclass(frozen=True, eq=False)
class Print:
    """A line of text that is not machine readable."""

    text: str
    confidence: float
    quad: Quad
    height: float


@dataclass(frozen=True, eq=False)
class Page:
    """A photo turned so that its text is upright, with its rows of text."""

    image: Image
    rows: tuple[Quad, ...]

    @property
    def has_text(self) -> bool:
        """Whether there is any text at all."""
        return bool(self.rows)


def page_of(image: Image, networks: TextNetworks, side: int) -> Page:
    """Find the lines on a BGR picture and turn it upright."""
    quads = [quad for quad, _ in networks.find(image, side)]
    if not quads:
        return Page(image, ())
    turned, quads = _turned(image, quads, _angle(quads))
    if _is_upside_down(turned, quads, networks):
        turned, quads = _turned(turned, quads, 180.0)
    return Page(turned, tuple(_rows(quads)))


def zone_groups(page: Page, networks: TextNetworks) -> Iterator[list[Quad]]:
    """Give groups of two or three rows that may be a machine readable zone, the likeliest first."""
    rows = [row for row in page.rows if _aspect(row) >= MRZ_ASPECT]
    read = [(row, networks.read(straightened(page.image, row)).text) for row in rows]
    anchors = sorted(
        ((row, text) for row, text in read if _may_be_machine_readable(text)), key=lambda each: -each[1].count("<")
    )
    seen: set[tuple[int, ...]] = set()
    for anchor, text in anchors:
        near = _neighbours(anchor, page.rows)
        sizes = (3, 2) if len(text) < TD1_AND_MORE else (2, 3)
        for group in (group for size in sizes for group in _stacks(near, anchor, size)):
            key = tuple(round(2 * _centre_y(row) / _height(anchor)) for row in group)
            if key not in seen:
                seen.add(key)
                yield group


def has_machine_readable_line(page: Page, networks: TextNetworks) -> bool:
    """Whether a line of a zone is on the page, be the zone whole or not."""
    rows = [row for row in page.rows if _aspect(row) >= MRZ_ASPECT]
    return any(_may_be_machine_readable(networks.read(straightened(page.image, row)).text) for row in rows)


def zone_readings(page: Page, group: Sequence[Quad], networks: TextNetworks) -> Iterator[list[LineReading]]:
    """Read the lines of a zone again and again, each time cut out a little differently."""
    for margin, stretch in VARIANTS:
        yield [networks.read(_cut(page.image, quad, margin, stretch), SAME) for quad in group]


def print_rows(page: Page, besides: Sequence[Quad] = ()) -> list[Quad]:
    """Return the rows of print worth reading, from the top down."""
    rows = [
        row for row in page.rows if _aspect(row) >= PRINT_ASPECT and not any(_lies_in(row, zone) for zone in besides)
    ]
    rows = sorted(rows, key=lambda row: -_height(row) * _width(row))[:MOST_PRINT]
    return sorted(rows, key=_centre_y)


def print_lines(page: Page, rows: Sequence[Quad], networks: TextNetworks) -> list[Print]:
    """Read rows of print in Latin letters (and many others, but not Cyrillic); those without any are left out."""
    found = []
    for row in rows:
        reading = networks.read(straightened(page.image, row))
        if reading.text.strip():
            found.append(Print(reading.text.strip(), reading.confidence, row, _height(row)))
    return found


def cells(reading: LineReading, length: int) -> Cells | None:
    """Return the cells of a line with ``length`` characters; None when the reading cannot be brought to it."""
    vectors, centres = _emissions(reading)
    if len(vectors) == length:
        return np.array(vectors)
    if len(vectors) < max(length - 6, 8) or len(vectors) > length + 4:
        return None
    return _on_grid(vectors, centres, length)


def _emissions(reading: LineReading) -> tuple[list[Cells], list[float]]:
    """Return for each character read its probabilities over the 37, and the step in its middle."""
    best = reading.probabilities.argmax(axis=1)
    vectors, centres = [], []
    begin = 0
    for step in range(1, len(best) + 1):
        if step < len(best) and best[step] == best[begin]:
            continue
        if best[begin]:
            seen = reading.probabilities[begin:step, 1:].astype(np.float64).max(axis=0)
            vectors.append(seen / seen.sum())
            centres.append((begin + step - 1) / 2)
        begin = step
    return vectors, centres


def _on_grid(vectors: list[Cells], centres: list[float], length: int) -> Cells | None:
    """Put characters into the columns of a line printed at one pitch; a column without one is a filler or unread."""
    pitch = float(np.median(np.diff(centres)))
    columns = [0]
    for before, centre in pairwise(centres):
        columns.append(columns[-1] + max(round((centre - before) / pitch), 1))
    total = columns[-1] + 1
    filler = np.zeros(len(CHARACTERS))
    filler[0] = 1
    unread = np.full(len(CHARACTERS), 1 / len(CHARACTERS))
    placed = dict(zip(columns, vectors, strict=True))
    line = []
    for column in range(total):
        inside_run = all(side in placed and placed[side].argmax() == 0 for side in (column - 1, column + 1))
        line.append(placed.get(column, filler if inside_run else unread))
    if total < length and line[-1].argmax() == 0:
        line += [filler] * (length - total)  # the end of a run that the network lost count of
    while len(line) > length and line[-1].argmax() == 0 and line[-2].argmax() == 0:
        line.pop()
    return np.array(line) if len(line) == length else None


def _may_be_machine_readable(text: str) -> bool:
    packed = text.replace(" ", "")
    fitting = sum(char in SAME["<"] or (char.isascii() and (char.isupper() or char.isdigit())) for char in packed)
    return len(packed) >= MIN_CHARACTERS and packed.count("<") >= MIN_FILLERS and fitting >= MIN_SHARE * len(packed)


def _neighbours(anchor: Quad, rows: Sequence[Quad]) -> list[Quad]:
    """Return the rows that may belong to the anchor's zone, and the anchor, from the top down.

    Of a line with a long run of fillers often only the letters are found: its row is made as long as the anchor.
    """
    near = [anchor]
    for row in rows:
        apart = abs(_centre_y(row) - _middle_at(anchor, float(row[:, 0].mean())))
        alike = 0.55 < _height(row) / _height(anchor) < 1.8
        if row is anchor or not alike or not 0.4 * _height(anchor) < apart < 6 * _height(anchor):
            continue
        shifted = abs(row[:, 0].mean() - anchor[:, 0].mean())
        if 0.75 < _width(row) / _width(anchor) < 1.33 and shifted < 0.15 * _width(anchor):
            near.append(row)
        elif _aspect(row) >= PART_ASPECT and shifted < 0.5 * _width(anchor) and _width(row) < _width(anchor):
            down = _centre_y(row) - _middle_at(anchor, float(row[:, 0].mean()))
            near.append(np.add(anchor, (0, down), dtype=np.float32))
    near.sort(key=_centre_y)
    distinct: list[Quad] = []
    for row in near:
        if distinct and _centre_y(row) - _centre_y(distinct[-1]) < 0.4 * _height(anchor):
            if row is anchor:
                distinct[-1] = anchor
            continue
        distinct.append(row)
    return distinct


def _lies_in(row: Quad, other: Quad) -> bool:
    x = float(row[:, 0].mean())
    inside = other[:, 0].min() <= x <= other[:, 0].max()
    return bool(inside and abs(_centre_y(row) - _middle_at(other, x)) < 0.5 * _height(other))


def _middle_at(quad: Quad, x: float) -> float:
    """Height of a row's middle line at ``x``."""
    begin, end = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
    return float(begin[1] + (end[1] - begin[1]) * (x - begin[0]) / max(end[0] - begin[0], 1))


def _stacks(near: list[Quad], anchor: Quad, size: int) -> Iterator[list[Quad]]:
    """Give the runs of neighbouring, evenly spaced rows that hold the anchor."""
    for begin in range(len(near) - size + 1):
        group = near[begin : begin + size]
        apart = np.diff([_centre_y(row) for row in group])
        if any(row is anchor for row in group) and apart.min() > 0 and apart.max() < 1.6 * apart.min():
            yield group


def _rows(quads: list[Quad]) -> list[Quad]:
    """Join pieces of one line: side by side, equally high, on one base line."""
    rest = sorted(quads, key=lambda quad: float(quad[:, 0].min()))
    rows: list[Quad] = []
    while rest:
        row = rest.pop(0)
        joined = True
        while joined:
            joined = False
            for other in rest:
                if _continues(row, other):
                    row = np.array([row[0], other[1], other[2], row[3]], np.float32)
                    rest = [each for each in rest if each is not other]
                    joined = True
                    break
        rows.append(row)
    return rows


def _continues(row: Quad, other: Quad) -> bool:
    high = _height(row)
    gap = other[:, 0].min() - row[:, 0].max()
    if not (-0.5 * high < gap < 0.6 * high and 0.7 < _height(other) / high < 1.4):
        return False
    if min(_aspect(row), _aspect(other)) < 1.2 or max(_aspect(row), _aspect(other)) < MRZ_ASPECT / 2:
        return False
    end = (row[1] + row[2]) / 2
    begin = (other[0] + other[3]) / 2
    return bool(abs(begin[1] - end[1]) < 0.3 * high)


def _angle(quads: list[Quad]) -> float:
    """Return the direction of the text in degrees, long lines counting more. A page may lie on its side."""
    ways = np.array([quad[1] - quad[0] for quad in quads if _aspect(quad) >= 3] or [quads[0][1] - quads[0][0]])
    angles = np.degrees(np.arctan2(ways[:, 1], ways[:, 0]))
    weights = np.linalg.norm(ways, axis=1)
    order = np.argsort(angles)
    middle = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(angles[order][min(middle, len(order) - 1)])


def _turned(image: Image, quads: list[Quad], angle: float) -> tuple[Image, list[Quad]]:
    """Turn the picture and its lines back by ``angle`` degrees, the picture growing so that nothing is cut off."""
    if abs(angle) < 0.5:
        return image, quads
    height, width = image.shape[:2]
    way = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    cosine, sine = abs(way[0, 0]), abs(way[0, 1])
    size = round(height * sine + width * cosine), round(height * cosine + width * sine)
    way[:, 2] += (size[0] / 2 - width / 2, size[1] / 2 - height / 2)
    turned = cv2.warpAffine(image, way, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    moved = [_clockwise((quad @ way[:, :2].T + way[:, 2]).astype(np.float32)) for quad in quads]
    return np.asarray(turned, np.uint8), moved


def _clockwise(corners: Quad) -> Quad:
    """Order corners from the upper left one on; the text runs from left to right."""
    order = np.argsort(corners[:, 0], kind="stable")
    left, right = corners[order[:2]], corners[order[2:]]
    left, right = left[np.argsort(left[:, 1])], right[np.argsort(right[:, 1])]
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def _is_upside_down(image: Image, quads: list[Quad], networks: TextNetworks) -> bool:
    """Read some long lines both ways: the wrong one gives few characters, and those in doubt."""
    longest = sorted((quad for quad in quads if 4 <= _aspect(quad) <= 30), key=lambda quad: -_width(quad))[:4]
    surplus = 0.0
    for quad in longest:
        line = straightened(image, quad)
        ways = [networks.read(np.ascontiguousarray(np.rot90(line, turns))) for turns in (0, 2)]
        surplus += sum(sure for _, sure, _ in ways[1].characters) - sum(sure for _, sure, _ in ways[0].characters)
    return surplus > 0


def _cut(image: Image, quad: Quad, margin: float, stretch: float) -> Image:
    line = straightened(image, quad, margin) if margin >= 0 else _narrower(straightened(image, quad), -margin)
    width = round(line.shape[1] * LINE_HEIGHT / line.shape[0] * stretch)
    method = cv2.INTER_AREA if line.shape[0] > LINE_HEIGHT else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(line, (max(width, LINE_HEIGHT), LINE_HEIGHT), interpolation=method), np.uint8)


def _narrower(line: Image, share: float) -> Image:
    edge = round(line.shape[0] * share)
    return np.ascontiguousarray(line[edge : line.shape[0] - edge]) if edge else line


def _width(quad: Quad) -> float:
    return float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2


def _height(quad: Quad) -> float:
    return max(float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2, 1.0)


def _aspect(quad: Quad) -> float:
    return _width(quad) / _height(quad)


def _centre_y(quad: Quad) -> float:
    return float(quad[:, 1].mean())
