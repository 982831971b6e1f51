"""Where what stands in a machine readable zone, as tables (ICAO 9303 parts 4 to 7, and two national zones)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

Place = tuple[int, int]
"""Line and column, both from 0."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"


class Alphabet(Enum):
    """Which characters may stand at a place."""

    LETTERS = _LETTERS + "<"
    NAMES = _LETTERS + "< "
    """As letters; the space keeps it a member of its own, no zone has one."""
    RUSSIAN_NAMES = _LETTERS + "<2346789"
    """Russian letters without a Latin like are digits in the internal passport's zone."""
    DIGITS = _DIGITS
    DIGITS_OR_FILLER = _DIGITS + "<"
    SEX = "MFX<"
    ANY = _LETTERS + _DIGITS + "<"


@dataclass(frozen=True)
class Slot:
    """A field: its places in reading order, what may stand there, and the place of its own check digit."""

    name: str
    places: tuple[Place, ...]
    alphabet: Alphabet
    digit: Place | None = None
    digit_may_be_filler: bool = False
    overflow: tuple[Place, ...] | None = None
    """Where a number too long for the field goes on."""

    @property
    def is_date(self) -> bool:
        """Whether it is YYMMDD."""
        return self.name in ("birth", "expiry", "issued")


@dataclass(frozen=True)
class Format:
    """One layout."""

    kind: str
    lengths: tuple[int, ...]
    """Characters of each line."""
    begins: Callable[[str], bool]
    """Of the first five characters as read: may it be this one?"""
    slots: tuple[Slot, ...]
    composite: tuple[Place, ...] | None = None
    composite_digit: Place = (0, 0)

    def fits(self, lengths: list[int]) -> bool:
        """Whether lines of these lengths can be it."""
        return list(self.lengths) == lengths

    def alphabet_at(self, place: Place) -> Alphabet:
        """Return what may stand at a place."""
        for slot in self.slots:
            if place in slot.places:
                return slot.alphabet
            if place == slot.digit:
                loose = slot.digit_may_be_filler or slot.overflow is not None
                return Alphabet.DIGITS_OR_FILLER if loose else Alphabet.DIGITS
        if self.composite is not None and place == self.composite_digit:
            return Alphabet.DIGITS
        return Alphabet.ANY


def _span(line: int, begin: int, end: int) -> tuple[Place, ...]:
    """Return the places ``begin`` to ``end``, both counted from 1 as in ICAO 9303."""
    return tuple((line, column - 1) for column in range(begin, end + 1))


def _slot(name: str, line: int, begin: int, end: int, alphabet: Alphabet, digit: bool = False) -> Slot:
    """Return a slot; its digit follows it at once."""
    return Slot(name, _span(line, begin, end), alphabet, (line, end) if digit else None)


_PASSPORT_DIGITS: Final = _span(1, 1, 10) + _span(1, 14, 20) + _span(1, 22, 43)


def _passport() -> Format:
    slots = (
        _slot("document_code", 0, 1, 2, Alphabet.LETTERS),
        _slot("issuer", 0, 3, 5, Alphabet.LETTERS),
        _slot("names", 0, 6, 44, Alphabet.NAMES),
        _slot("number", 1, 1, 9, Alphabet.ANY, digit=True),
        _slot("nationality", 1, 11, 13, Alphabet.LETTERS),
        _slot("birth", 1, 14, 19, Alphabet.DIGITS, digit=True),
        _slot("sex", 1, 21, 21, Alphabet.SEX),
        _slot("expiry", 1, 22, 27, Alphabet.DIGITS, digit=True),
        Slot("optional", _span(1, 29, 42), Alphabet.ANY, (1, 42), digit_may_be_filler=True),
    )
    return Format("td3", (44, 44), _anything, slots, _PASSPORT_DIGITS, (1, 43))


def _russian_passport() -> Format:
    """The internal passport: no expiry; the series' fourth digit, date and place of issue in the optional data."""
    slots = (
        _slot("document_code", 0, 1, 2, Alphabet.LETTERS),
        _slot("issuer", 0, 3, 5, Alphabet.LETTERS),
        _slot("names", 0, 6, 44, Alphabet.RUSSIAN_NAMES),
        _slot("number", 1, 1, 9, Alphabet.DIGITS, digit=True),
        _slot("nationality", 1, 11, 13, Alphabet.LETTERS),
        _slot("birth", 1, 14, 19, Alphabet.DIGITS, digit=True),
        _slot("sex", 1, 21, 21, Alphabet.SEX),
        Slot("no_expiry", _span(1, 22, 28), Alphabet.DIGITS_OR_FILLER),
        Slot("optional", _span(1, 29, 42), Alphabet.DIGITS_OR_FILLER, (1, 42), digit_may_be_filler=True),
    )
    return Format("rus", (44, 44), _is_russian, slots, _PASSPORT_DIGITS, (1, 43))


def _td2() -> Format:
    number = Slot("number", _span(1, 1, 9), Alphabet.ANY, (1, 9), overflow=_span(1, 29, 35))
    slots = (
        _slot("document_code", 0, 1, 2, Alphabet.LETTERS),
        _slot("issuer", 0, 3, 5, Alphabet.LETTERS),
        _slot("names", 0, 6, 36, Alphabet.NAMES),
        number,
        _slot("nationality", 1, 11, 13, Alphabet.LETTERS),
        _slot("birth", 1, 14, 19, Alphabet.DIGITS, digit=True),
        _slot("sex", 1, 21, 21, Alphabet.SEX),
        _slot("expiry", 1, 22, 27, Alphabet.DIGITS, digit=True),
        _slot("optional", 1, 29, 35, Alphabet.ANY),
    )
    composite = _span(1, 1, 10) + _span(1, 14, 20) + _span(1, 22, 35)
    return Format("td2", (36, 36), _anything, slots, composite, (1, 35))


def _td1() -> Format:
    slots = (
        _slot("document_code", 0, 1, 2, Alphabet.LETTERS),
        _slot("issuer", 0, 3, 5, Alphabet.LETTERS),
        Slot("number", _span(0, 6, 14), Alphabet.ANY, (0, 14), overflow=_span(0, 16, 30)),
        _slot("optional", 0, 16, 30, Alphabet.ANY),
        _slot("birth", 1, 1, 6, Alphabet.DIGITS, digit=True),
        _slot("sex", 1, 8, 8, Alphabet.SEX),
        _slot("expiry", 1, 9, 14, Alphabet.DIGITS, digit=True),
        _slot("nationality", 1, 16, 18, Alphabet.LETTERS),
        _slot("optional_2", 1, 19, 29, Alphabet.ANY),
        _slot("names", 2, 1, 30, Alphabet.NAMES),
    )
    composite = _span(0, 6, 30) + _span(1, 1, 7) + _span(1, 9, 15) + _span(1, 19, 29)
    return Format("td1", (30, 30, 30), _anything, slots, composite, (1, 29))


def _visa(kind: str, length: int) -> Format:
    slots = (
        _slot("document_code", 0, 1, 2, Alphabet.LETTERS),
        _slot("issuer", 0, 3, 5, Alphabet.LETTERS),
        _slot("names", 0, 6, length, Alphabet.NAMES),
        _slot("number", 1, 1, 9, Alphabet.ANY, digit=True),
        _slot("nationality", 1, 11, 13, Alphabet.LETTERS),
        _slot("birth", 1, 14, 19, Alphabet.DIGITS, digit=True),
        _slot("sex", 1, 21, 21, Alphabet.SEX),
        _slot("expiry", 1, 22, 27, Alphabet.DIGITS, digit=True),
        _slot("optional", 1, 29, length, Alphabet.ANY),
    )
    return Format(kind, (length, length), lambda begin: begin.startswith("V"), slots)


def _french_card() -> Format:
    """The French identity card of 1988 to 2021: its number covers month and place of issue, given names are cut."""
    slots = (
        _slot("document_code", 0, 1, 2, Alphabet.LETTERS),
        _slot("issuer", 0, 3, 5, Alphabet.LETTERS),
        _slot("surname", 0, 6, 30, Alphabet.LETTERS),
        _slot("office", 0, 31, 36, Alphabet.ANY),
        _slot("number", 1, 1, 12, Alphabet.ANY, digit=True),
        _slot("given_names", 1, 14, 27, Alphabet.LETTERS),
        _slot("birth", 1, 28, 33, Alphabet.DIGITS, digit=True),
        _slot("sex", 1, 35, 35, Alphabet.SEX),
    )
    return Format("fra", (36, 36), _is_french_card, slots, _span(0, 1, 36) + _span(1, 1, 35), (1, 35))


def _is_french_card(begin: str) -> bool:
    return begin == "IDFRA"


def _is_russian(begin: str) -> bool:
    return begin[:5].replace("5", "S") == "PNRUS"


def _anything(begin: str) -> bool:
    return True


FORMATS: Final[dict[str, Format]] = {
    each.kind: each
    for each in (
        _visa("mrv_a", 44),
        _visa("mrv_b", 36),
        _french_card(),
        _russian_passport(),
        _passport(),
        _td2(),
        _td1(),
    )
}
"""By kind; those told by their first characters stand before those told by their lengths alone."""

RUSSIAN_LETTERS: Final = dict(
    zip("ABVGDE2JZIQKLMNOPRSTUFHC34WXY9678", "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ", strict=True)
)
"""The code of the internal passport's names: one character for each of the 33 letters."""
