"""The machine readable zone of a photo: several readings of its lines, settled place by place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from media.biometrics.documents.lines import LENGTHS, Page, cells, zone_groups, zone_readings
from media.biometrics.documents.mrz import INDEX, Cells, Zone, limit, settle
from media.biometrics.documents.mrz_formats import FORMATS
from media.biometrics.documents.text_networks import LineReading, Quad, TextNetworks

ENOUGH = 2
"""Readings, when every check digit fits; otherwise all variants are read."""
MOST_OFF = 4.0
"""Characters that half the lines of a group may have too many or too few, to be read on."""
LINES_OF = {30: 3, 36: 2, 44: 2}


@dataclass(frozen=True, eq=False)
class FoundZone:
    """A zone and where it was."""

    zone: Zone
    quads: Sequence[Quad]
    readings: int
    least_sure_name: float = 0.0
    """Least probability of a letter of the names, fillers between them included."""


def read_zone(page: Page, networks: TextNetworks) -> FoundZone | None:
    """Return the zone on a page, or None; of several groups of lines the first whose check digits all fit."""
    best: FoundZone | None = None
    for group in zone_groups(page, networks):
        found = _read_group(page, group, networks)
        if found is not None and (best is None or fitting(found.zone) > fitting(best.zone)):
            best = found
        if best is not None and best.zone.all_fit:
            break
    return best


def _read_group(page: Page, group: Sequence[Quad], networks: TextNetworks) -> FoundZone | None:
    taken: list[list[LineReading]] = []
    found: Zone | None = None
    lines: list[Cells] | None = None
    for readings in zone_readings(page, group, networks):
        taken.append(readings)
        length = _length(taken, len(group))
        if length is None:
            return None
        if len(taken) < ENOUGH:
            continue
        lines = _voted(taken, length)
        found = settle(lines) if lines is not None else None
        if found is not None and found.all_fit:
            break
    if found is None or lines is None:
        return None
    return FoundZone(found, group, len(taken), _least_sure_name(found, lines))


def _least_sure_name(zone: Zone, lines: Sequence[Cells]) -> float:
    """Names may hold no digits: look-alikes are folded before the letters are weighed."""
    sure = []
    for slot in FORMATS[zone.kind].slots:
        if slot.name not in ("names", "surname", "given_names"):
            continue
        text = "".join(zone.lines[line][column] for line, column in slot.places).rstrip("<")
        for (line, column), char in zip(slot.places, text, strict=False):
            sure.append(float(limit(lines[line][column], slot.alphabet)[INDEX[char]]))
    return min(sure, default=0.0)


def _length(taken: list[list[LineReading]], lines: int) -> int | None:
    """Return the length of lines that most readings are nearest to; None when they are near none of so many lines."""
    counts = np.array([len(reading.characters) for readings in taken for reading in readings])
    fitting = [length for length in LENGTHS if LINES_OF[length] == lines]
    off = {length: float(np.median(np.abs(counts - length))) for length in fitting}
    best = min(off, key=off.__getitem__, default=None)
    return best if best is not None and off[best] <= MOST_OFF else None


def _voted(taken: list[list[LineReading]], length: int) -> list[Cells] | None:
    """Return the mean of all readings of each line that have the right length, else of those brought to it."""
    lines = []
    for number in range(len(taken[0])):
        readings = [each[number] for each in taken]
        right = [reading for reading in readings if len(reading.characters) == length]
        fitted = [found for reading in right or readings if (found := cells(reading, length)) is not None]
        if not fitted:
            return None
        lines.append(np.mean(fitted, axis=0))
    return lines


def fitting(zone: Zone) -> float:
    """Share of a zone's check digits that fit."""
    return sum(zone.digits.values()) / max(len(zone.digits), 1)
