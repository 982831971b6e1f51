"""The machine readable zone of ICAO 9303 (8th edition, parts 3 to 7): formats, check digits, fields. Pure.

A zone comes as cells: for each place the probabilities of the 37 characters. A check digit is one equation modulo 10
and no more: 6 and G, 8 and S, 1 and L, 0 and < count alike, and of two wrong characters every tenth pair fits. So a
field is ``checked`` only when its own digit and the composite one fit **and** nothing else that was seen would.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import combinations, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.biometrics.documents.mrz_formats import FORMATS, RUSSIAN_LETTERS, Alphabet, Format, Place, Slot

CHARACTERS: Final = "<0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FILLER: Final = "<"
VALUES: Final = {char: max(place - 1, 0) for place, char in enumerate(CHARACTERS)}
WEIGHTS: Final = (7, 3, 1)
INDEX: Final = {char: place for place, char in enumerate(CHARACTERS)}

SEEN: Final = 0.01
"""Probability from which another character counts as seen at a place, too."""
SEEN_ALIKE: Final = 0.002
"""The same for one that the check digits cannot tell from it."""
UNREAD: Final = 0.5
"""Less than this for all characters that may stand at a place: it was not read."""
MOST_SWAPS: Final = 3
MOST_RIVALS: Final = 20_000
"""Tried at most; a field with more is not checked."""

Cells = NDArray[np.float64]
"""Places x 37, rows summing to 1."""

DIGIT_FOR: Final = {"O": "0", "Q": "0", "D": "0", "I": "1", "L": "1", "Z": "2", "S": "5", "G": "6", "B": "8"}
LOOK_ALIKES: Final = {
    "0": "OD", "O": "0D", "D": "0O", "Q": "0O", "1": "I", "I": "1", "2": "Z", "Z": "2", "5": "S", "S": "5", "6": "G",
    "G": "6", "8": "B", "B": "8",
}  # fmt: skip
"""What a character may be instead where letters and digits both may stand, although it was not seen."""
UNSEEN: Final = {"0": "O", "O": "0"}
"""Among letters and digits of OCR-B the network takes nearly every O for 0 and is certain of it; two such errors can
cancel each other out in a check digit (weights 7 and 3). A number of digits alone is taken to have none."""
NOTHING_ALIKE: Final[dict[str, str]] = {}
LETTER_FOR: Final = {"0": "O", "1": "I", "2": "Z", "5": "S", "6": "G", "8": "B"}


@dataclass(frozen=True)
class Field:
    """One value, and how far it can be relied on."""

    value: str
    """Without fillers; dates as YYYY-MM-DD where they are dates, else as printed."""
    checked: bool = False
    """Confirmed by check digits without ambiguity, or by a second, independent reading."""
    source: str = "mrz"
    """``mrz``, ``print``, or ``mrz+print`` when both say the same."""


@dataclass(frozen=True)
class Zone:
    """A zone that was read."""

    kind: str
    """A key of ``FORMATS``."""
    lines: tuple[str, ...]
    fields: dict[str, Field]
    digits: dict[str, bool] = field(default_factory=dict)
    """Name of the field or ``composite`` -> whether its check digit fits; missing: there is none."""

    @property
    def all_fit(self) -> bool:
        """Whether there are check digits and all of them fit."""
        return bool(self.digits) and all(self.digits.values())


def check_digit(text: str) -> str:
    """Return the check digit of ``text`` (part 3, 4.9): weights 7 3 1, A = 10 … Z = 35, < = 0, modulo 10."""
    return str(sum(VALUES[char] * WEIGHTS[place % 3] for place, char in enumerate(text)) % 10)


def cells_of(text: str) -> Cells:
    """Return the cells of a text taken to be certain. Raises KeyError for a character that no zone has."""
    cells = np.zeros((len(text), len(CHARACTERS)))
    cells[range(len(text)), [INDEX[char] for char in text]] = 1
    return cells


def parse(lines: Sequence[str], today: date | None = None) -> Zone | None:
    """Read a zone given as text; None when no format has lines of this number and length."""
    return settle([cells_of(line) for line in lines], today)


def settle(lines: Sequence[Cells], today: date | None = None) -> Zone | None:
    """Decide what a zone says; None when no format has lines of this number and length."""
    form = _format_of(lines)
    return _Reading(form, lines).zone(today or datetime.now(UTC).date()) if form is not None else None


def _format_of(lines: Sequence[Cells]) -> Format | None:
    begin = "".join(CHARACTERS[place] for place in lines[0][:5].argmax(axis=1)) if len(lines) else ""
    for form in FORMATS.values():  # the special ones stand first
        if form.fits([len(line) for line in lines]) and form.begins(begin):
            return form
    return None


class _Reading:
    def __init__(self, form: Format, lines: Sequence[Cells]) -> None:
        self._form = form
        self._cells: dict[Place, NDArray[np.float64]] = {}
        self._raw: dict[Place, str] = {}
        self._text: dict[Place, str] = {}
        self._unread: set[Place] = set()
        self._repaired: set[str] = set()
        self._composite_spent = False
        """It chose between readings, and confirms none any more."""
        for line, cells in enumerate(lines):
            for column, cell in enumerate(cells):
                self._take((line, column), cell, form.alphabet_at((line, column)))
        self._shape = [len(line) for line in lines]

    def _take(self, place: Place, cell: NDArray[np.float64], alphabet: Alphabet) -> None:
        limited = limit(cell, alphabet)
        mass = float(limited.sum())
        if mass < UNREAD:
            self._unread.add(place)
        best = int(limited.argmax()) if mass > 0 else INDEX[FILLER]
        self._cells[place] = limited / mass if mass > 0 else cells_of(FILLER)[0]
        self._raw[place] = CHARACTERS[int(cell.argmax())]
        self._text[place] = CHARACTERS[best]

    def zone(self, today: date) -> Zone:
        slots = [self._extended(slot) for slot in self._form.slots]
        for slot in slots:
            if slot.digit is not None and self._fits(slot) is False:
                self._repair(slot)
        if self._composite() is False and all(self._fits(slot) is not False for slot in slots):
            self._repair_by_composite(slots)
        composite = self._composite()
        digits = {slot.name: fits for slot in slots if (fits := self._fits(slot)) is not None}
        if composite is not None:
            digits["composite"] = composite
        found = {slot.name: self._field(slot, today) for slot in slots}
        lines = tuple(
            "".join(self._text[line, column] for column in range(length)) for line, length in enumerate(self._shape)
        )
        return Zone(self._form.kind, lines, _finished(self._form.kind, found), digits)

    def _extended(self, slot: Slot) -> Slot:
        """A long number of TD1 and TD2 goes on in the optional data, its digit after it (part 5, note j)."""
        if slot.overflow is None or slot.digit is None or self._text[slot.digit] != FILLER:
            return slot
        more = list(slot.overflow)
        used = [place for place in more if self._text[place] != FILLER]
        if len(used) < 2 or used != more[: len(used)]:
            return slot
        return replace(slot, places=(*slot.places, *used[:-1]), digit=used[-1])

    def _fits(self, slot: Slot, text: dict[Place, str] | None = None) -> bool | None:
        """Whether the slot's own digit fits; None: it has none, or slot and digit are empty."""
        said = text or self._text
        if slot.digit is None:
            return None
        content, digit = "".join(said[place] for place in slot.places), said[slot.digit]
        if not content.strip(FILLER) and digit in "<0":
            return None
        return digit == check_digit(content)

    def _composite(self, text: dict[Place, str] | None = None) -> bool | None:
        said = text or self._text
        if self._form.composite is None:
            return None
        return said[self._form.composite_digit] == check_digit("".join(said[p] for p in self._form.composite))

    def _repair(self, slot: Slot) -> None:
        """Take the one other text, seen or a look-alike, that fits the slot's digit; the composite one may choose."""
        fitting = [text for text in self._others(slot, 1, LOOK_ALIKES) if self._fits(slot, text)]
        if len(fitting) > 1:
            fitting = [text for text in fitting if self._composite(text)]
            self._composite_spent = True
        if len(fitting) == 1:
            self._text = fitting[0]
            self._repaired.add(slot.name)

    def _repair_by_composite(self, slots: Sequence[Slot]) -> None:
        """Data with no digit of their own (TD1, TD2): the one look-alike that makes the composite digit fit."""
        places = set(self._form.composite or ()) - {place for slot in slots if slot.digit for place in slot.places}
        fitting = [
            text
            for slot in slots
            if slot.digit is None and places.issuperset(slot.places)
            for text in self._others(slot, 1, LOOK_ALIKES)
            if self._composite(text)
        ]
        if len(fitting) == 1:
            self._text = fitting[0]
            self._composite_spent = True

    def _others(
        self, slot: Slot, most: int = MOST_SWAPS, alike: Mapping[str, str] = NOTHING_ALIKE
    ) -> Iterator[dict[Place, str]]:
        """All texts with up to ``most`` other characters, seen (or alike) at places of this slot or its digit."""
        places = slot.places if slot.digit is None else (*slot.places, slot.digit)
        seen = {place: self._besides(place, alike.get(self._text[place], "")) for place in places}
        choices = {place: chars for place, chars in seen.items() if chars}
        for count in range(1, most + 1):
            for places in combinations(choices, count):
                for chars in product(*(choices[place] for place in places)):
                    yield {**self._text, **dict(zip(places, chars, strict=True))}

    def _besides(self, place: Place, looks_like: str) -> list[str]:
        chosen = self._text[place]
        counts_like = VALUES[chosen] % 10
        return [
            char
            for char, sure in zip(CHARACTERS, self._cells[place], strict=True)
            if char != chosen
            and (
                sure >= (SEEN_ALIKE if VALUES[char] % 10 == counts_like else SEEN)
                or (char in looks_like and char in self._form.alphabet_at(place).value)
            )
        ]

    def _field(self, slot: Slot, today: date) -> Field:
        content = "".join(self._text[place] for place in slot.places)
        checked = self._is_checked(slot)
        if slot.is_date:
            found = as_date(content, today, future=slot.name == "expiry")
            return Field(found.isoformat() if found else content.strip(FILLER), checked and found is not None)
        if slot.name in {"names", "optional"}:
            return Field(content, checked)  # taken apart later
        return Field(content.strip(FILLER).replace(FILLER, " "), checked)

    def _is_checked(self, slot: Slot) -> bool:
        if slot.digit is None or not self._fits(slot) or self._composite() is False:
            return False
        spent = self._composite_spent or slot.name in self._repaired
        return not spent and self._is_read_well(slot, slot.digit) and not self._has_rival(slot)

    def _is_read_well(self, slot: Slot, digit: Place) -> bool:
        """Whether every character was read, and only digits were corrected: of these the place says what they are."""
        places = (*slot.places, digit)
        corrected = sum(self._raw[place] != self._text[place] for place in places)
        only_digits = slot.alphabet is Alphabet.DIGITS
        if any(place in self._unread for place in places) or (corrected and not only_digits):
            return False
        return corrected <= 1 or self._composite() is not None

    def _has_rival(self, slot: Slot) -> bool:
        """Whether another value was seen, too, that would fit as well."""
        said = [self._text[place] for place in slot.places]
        silent = UNSEEN if any(char.isalpha() for char in said) else NOTHING_ALIKE
        for number, text in enumerate(self._others(slot, alike=silent)):
            if number >= MOST_RIVALS:
                return True
            other = [text[place] for place in slot.places] != said
            if other and self._fits(slot, text) is not False and self._composite(text) is not False:
                return True
        return False


def limit(cell: NDArray[np.float64], alphabet: Alphabet) -> NDArray[np.float64]:
    """Return the probabilities of those characters that may stand at a place; look-alikes count for them."""
    stands_for = {Alphabet.DIGITS: DIGIT_FOR, Alphabet.DIGITS_OR_FILLER: DIGIT_FOR}.get(alphabet, {})
    if alphabet in (Alphabet.LETTERS, Alphabet.NAMES):
        stands_for = LETTER_FOR
    limited = np.zeros(len(CHARACTERS))
    for char, sure in zip(CHARACTERS, cell, strict=True):
        allowed = char if char in alphabet.value else stands_for.get(char)
        if allowed is not None and allowed in alphabet.value:
            limited[INDEX[allowed]] += sure
    return limited


def as_date(text: str, today: date, future: bool) -> date | None:
    """Return the date of YYMMDD, or None. A birth lies behind us, an expiry not more than 30 years ahead."""
    if len(text) != 6 or not text.isdigit():
        return None
    year, month, day = 2000 + int(text[:2]), int(text[2:4]), int(text[4:])
    latest = today.year + 30 if future else today.year
    try:
        found = date(year if year <= latest else year - 100, month, day)
        return found if future or found <= today else found.replace(year=found.year - 100)
    except ValueError:
        return None


def _finished(kind: str, found: dict[str, Field]) -> dict[str, Field]:
    """Take apart what one field holds several of: names, and the Russian passport's optional data."""
    names = found.pop("names", None)
    if names is not None:
        # part 3, 4.6: two fillers between the primary and the secondary identifier
        surname, _, given = names.value.strip(FILLER).partition(FILLER * 2)
        found["surname"], found["given_names"] = Field(surname), Field(given)
    if kind == "rus":
        _russian(found)
    apart = {
        name: replace(each, value=" ".join(each.value.replace(FILLER, " ").split())) for name, each in found.items()
    }
    return {name: each for name, each in apart.items() if each.value}


def _russian(found: dict[str, Field]) -> None:
    del found["no_expiry"]
    for name in ("surname", "given_names"):
        letters = "".join(RUSSIAN_LETTERS.get(char, char) for char in found[name].value)
        found[name] = replace(found[name], value=letters)
    number, more = found["number"], found.pop("optional")
    checked = number.checked and more.checked
    found["number"] = Field(number.value[:3] + more.value[:1] + number.value[3:], checked)
    issued = as_date(more.value[1:7], datetime.now(UTC).date(), future=False)
    found["issued"] = Field(issued.isoformat() if issued else more.value[1:7], more.checked and issued is not None)
    found["subdivision"] = Field(more.value[7:13], more.checked)
