"""Everything that is read of the photo of a document, in one call."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Final

import numpy as np

from media.biometrics.documents.cyrillic import cyrillic_lines
from media.biometrics.documents.lines import Page, Print, has_machine_readable_line, page_of, print_lines, print_rows
from media.biometrics.documents.mrz import Field
from media.biometrics.documents.names import NameCheck, ReadName, compare_names, names_on_print, parts
from media.biometrics.documents.text_networks import DETECTION, RECOGNITION, TextNetworks, text_networks
from media.biometrics.documents.zone_reader import FoundZone, fitting, read_zone
from media.biometrics.regions import Image

SIDES: Final = (960, 1280)
"""The longer side at which lines are looked for: that of the picture, within these."""
CLOSER: Final = 1.5
"""How much larger it is looked at again, when no zone was found or its check digits do not fit."""
ROOM: Final = 0.06
"""Around the text that was found, as a share of the page: fillers at the ends of lines are easily overlooked."""
SURE_PRINT: Final = 0.8
"""Mean probability from which a printed line counts as read."""
SURE_NAME: Final = 0.9
"""Least probability of each letter of a name that is read with confidence."""
SMALL_PRINT: Final = 11.0
"""Height of a line's box in pixels; letters are about half of it."""
READABLE_LINES: Final = 2
GLARE: Final = 0.04
"""Share of the picture that is burnt out, from which it may hide print."""
CYRILLIC_ISSUERS: Final = frozenset({"RUS", "BLR", "UKR", "KAZ", "KGZ", "TJK", "BGR", "SRB", "MKD", "MNG"})


class ReadingHint(StrEnum):
    """What the candidate can do so that the document can be read."""

    NO_TEXT = "no_text"
    TEXT_TOO_SMALL = "text_too_small"
    GLARE = "glare"
    CUT_OFF = "document_cut_off"


@dataclass(frozen=True)
class DocumentReading:
    """What was read. Personal data: sealed with the sitting's, never in a log."""

    kind: str
    """A key of ``mrz_formats.FORMATS``; ``print`` for text without a zone; empty when nothing could be read."""
    fields: dict[str, Field] = field(default_factory=dict, repr=False)
    zone: tuple[str, ...] = field(default=(), repr=False)
    """The lines of the zone as they were settled."""
    digits: dict[str, bool] = field(default_factory=dict)
    """Field or ``composite`` -> whether its check digit fits."""
    printed: tuple[str, ...] = field(default=(), repr=False)
    """Printed lines that were read; only to compare names with, not kept."""
    names_sure: bool = False
    """The names of the zone were read with confidence."""
    hints: tuple[ReadingHint, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether there is anything to compare a name with."""
        return bool(self.kind)

    def expired(self, today: date) -> bool | None:
        """Whether the document's time is over; None when its expiry was not read for certain."""
        expiry = self.fields.get("expiry")
        return date.fromisoformat(expiry.value) < today if expiry is not None and expiry.checked else None

    def names(self, first_name: str, last_name: str) -> NameCheck:
        """Compare the declared name with what was read."""
        read = None
        if "surname" in self.fields or "given_names" in self.fields:
            said = {name: self.fields[name].value for name in ("surname", "given_names") if name in self.fields}
            full = any(line and not line.endswith("<") for line in self.zone[:1] if self.kind != "td1")
            read = ReadName(said.get("surname", ""), said.get("given_names", ""), self.names_sure, full)
        return compare_names(first_name, last_name, read, self.printed)


def read(image: Image, cyrillic: bool | None = None, networks: TextNetworks | None = None) -> DocumentReading:
    """Read a document on a BGR picture; about 3 s of a core. Never raises for what a picture may show.

    ``cyrillic``: whether Cyrillic print is looked for; None: when there is no zone, or a country's that writes so.
    """
    networks = networks or text_networks()
    page, found = _page_and_zone(image, networks)
    rows = print_rows(page, besides=found.quads if found is not None else ())
    prints = print_lines(page, rows, networks)
    printed = [line.text for line in prints if line.confidence >= SURE_PRINT]
    if cyrillic or (cyrillic is None and _may_be_cyrillic(found)):
        printed += cyrillic_lines(page.image, rows)
    if found is not None:
        return _of_zone(found, printed)
    readable = len(printed) >= READABLE_LINES
    hints = () if readable else _hints(page, prints)
    if has_machine_readable_line(page, networks):
        hints = (ReadingHint.CUT_OFF,)
    return DocumentReading("print" if readable else "", printed=tuple(printed), hints=hints)


def _page_and_zone(image: Image, networks: TextNetworks) -> tuple[Page, FoundZone | None]:
    """Look for a zone at up to two scales; the second time on the upright page, which the network likes better."""
    side = min(max(*image.shape[:2], SIDES[0]), SIDES[1])
    page = page_of(image, networks, side)
    found = read_zone(page, networks)
    if found is not None and found.zone.all_fit:
        return page, found
    again = _closer(page, round(side * CLOSER), networks)
    better = read_zone(again, networks)
    if better is not None and (found is None or fitting(better.zone) > fitting(found.zone)):
        return again, better
    return (page, found) if found is not None or len(page.rows) >= len(again.rows) else (again, None)


def _closer(page: Page, side: int, networks: TextNetworks) -> Page:
    """Look again at that part of a page where text was found."""
    if not page.rows:
        return page_of(page.image, networks, side)
    corners = np.concatenate(page.rows)
    room = ROOM * max(page.image.shape[:2])
    left, top = np.maximum(corners.min(axis=0) - room, 0).astype(int)
    right, bottom = (corners.max(axis=0) + room).astype(int)
    part = np.ascontiguousarray(page.image[top:bottom, left:right])
    return page_of(part, networks, round(side * max(part.shape[:2]) / max(page.image.shape[:2])))


def engines() -> dict[str, str]:
    """The networks' names and SHA-256, as findings carry them."""
    return {file.name: file.sha256 for file in (DETECTION, RECOGNITION)}


def _may_be_cyrillic(found: FoundZone | None) -> bool:
    issuer = found.zone.fields.get("issuer") if found is not None else None
    return found is None or (issuer is not None and issuer.value in CYRILLIC_ISSUERS)


def _of_zone(found: FoundZone, printed: list[str]) -> DocumentReading:
    zone = found.zone
    fields = {name: _confirmed(name, each, printed) for name, each in zone.fields.items()}
    sure = zone.all_fit and found.least_sure_name >= SURE_NAME
    return DocumentReading(zone.kind, fields, zone.lines, zone.digits, tuple(printed), sure)


def _confirmed(name: str, each: Field, printed: Sequence[str]) -> Field:
    """A name has no check digit; that it stands in print as well, letter by letter, is as good."""
    if name in ("surname", "given_names") and names_on_print(parts(each.value), printed):
        return replace(each, checked=True, source="mrz+print")
    return each


def _hints(page: Page, prints: Sequence[Print]) -> tuple[ReadingHint, ...]:
    """Say why next to nothing could be read, the surest reason first."""
    burnt = float((page.image.min(axis=2) >= 250).mean())
    heights = [line.height for line in prints]
    if heights and float(np.median(heights)) < SMALL_PRINT:
        return (ReadingHint.TEXT_TOO_SMALL,)
    if burnt > GLARE:
        return (ReadingHint.GLARE,)
    return (ReadingHint.NO_TEXT,) if not prints else (ReadingHint.TEXT_TOO_SMALL,)
