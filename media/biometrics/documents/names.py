"""Is the name on the document the declared one? A mismatch is said only of what was surely read. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.vocabulary import IdentityVerdict
from media.biometrics.documents.transliteration import folded, is_comparable, likeness

REASONS: Final = (
    "same",
    "spelling",
    "part_of_name",
    "swapped",
    "printed",
    "surname_differs",
    "given_names_differ",
    "unclear",
    "not_read",
    "not_declared",
)
"""What ``NameCheck.reason`` may be; the pages word it."""
SAME: Final = 0.88
"""Likeness from which two names are one: a letter in seven or eight misread or written otherwise."""
OTHER: Final = 0.55
"""Likeness up to which they are two; between, a person looks."""
SHORT: Final = 3
"""Names of so few letters must agree in all of them."""
_BETWEEN: Final = re.compile(r"[\s\-‐-―'’`.,;:/<()]+")


@dataclass(frozen=True)
class ReadName:
    """A name as a document has it."""

    surname: str
    given_names: str
    confident: bool = False
    """Every letter was read with confidence, in a zone whose check digits fit."""
    cut_off: bool = False
    """The line was full: the last names may be missing letters (ICAO 9303 part 3, 4.6)."""


@dataclass(frozen=True)
class NameCheck:
    """The comparison, and what it rests on."""

    verdict: IdentityVerdict
    reason: str
    """One of REASONS."""
    score: float = 0.0
    """Likeness of the part that fits least, 0..1."""
    source: str = ""
    """``mrz``, ``print`` or ``mrz+print``."""


def compare_names(first_name: str, last_name: str, read: ReadName | None, printed: Sequence[str] = ()) -> NameCheck:
    """Compare the declared name with the zone's and with the printed lines.

    Without a surname declared (some platforms send one field) all of the name's parts must be somewhere.
    """
    declared = tuple(parts(last_name)), tuple(parts(first_name))
    if not any(declared):
        return NameCheck(IdentityVerdict.UNDETERMINED, "not_declared")
    on_print = _on_print(declared[0] + declared[1], printed)
    in_zone = _against_zone(declared, read) if read is not None else None
    if in_zone is not None and in_zone.verdict is IdentityVerdict.MATCH:
        return NameCheck(in_zone.verdict, in_zone.reason, in_zone.score, "mrz+print" if on_print >= SAME else "mrz")
    if on_print >= SAME:
        if in_zone is not None and in_zone.verdict is IdentityVerdict.MISMATCH:
            return NameCheck(IdentityVerdict.UNDETERMINED, "unclear", in_zone.score, "mrz+print")
        return NameCheck(IdentityVerdict.MATCH, "printed", on_print, "print")
    if in_zone is not None:
        return in_zone
    return NameCheck(IdentityVerdict.UNDETERMINED, "unclear" if printed else "not_read", on_print, "print")


def parts(name: str) -> list[str]:
    """Split a name at blanks, hyphens, apostrophes and fillers; parts without a letter are dropped."""
    return [part for part in _BETWEEN.split(name) if folded(part)]


def names_on_print(names: Iterable[str], printed: Sequence[str]) -> bool:
    """Whether every one of these names stands on the printed lines, letter by letter."""
    words = {folded(word) for line in printed for word in parts(line)} | {folded(line) for line in printed}
    wanted = [folded(name) for name in names]
    return bool(wanted) and all(name in words for name in wanted)


def _against_zone(declared: tuple[tuple[str, ...], tuple[str, ...]], read: ReadName) -> NameCheck:
    surname, given = tuple(parts(read.surname)), tuple(parts(read.given_names))
    last, first = declared
    if not surname and not given:
        return NameCheck(IdentityVerdict.UNDETERMINED, "not_read", source="mrz")
    if not last or not first or not surname or not given:
        # one of them knows only one name: all of the shorter must be in the longer
        score, whole = _contained(last + first, surname + given, read.cut_off)
        return _judged(score, score, "same" if whole else "part_of_name", read, last + first)
    straight = _contained(last, surname, read.cut_off), _contained(first, given, read.cut_off)
    crossed = _contained(last, given, read.cut_off), _contained(first, surname, read.cut_off)
    if min(crossed[0][0], crossed[1][0]) >= SAME > min(straight[0][0], straight[1][0]):
        return _judged(crossed[0][0], crossed[1][0], "swapped", read, last + first)
    whole = straight[0][1] and straight[1][1]
    return _judged(straight[0][0], straight[1][0], "same" if whole else "part_of_name", read, last + first)


def _judged(surname: float, given: float, reason: str, read: ReadName, declared: tuple[str, ...]) -> NameCheck:
    score = min(surname, given)
    if score >= SAME:
        spelled = reason == "same" and score < 1
        return NameCheck(IdentityVerdict.MATCH, "spelling" if spelled else reason, score, "mrz")
    comparable = all(is_comparable(name) for name in declared)
    if score <= OTHER and read.confident and comparable:
        which = "surname_differs" if surname <= given else "given_names_differ"
        return NameCheck(IdentityVerdict.MISMATCH, which, score, "mrz")
    return NameCheck(IdentityVerdict.UNDETERMINED, "unclear", score, "mrz")


def _contained(declared: tuple[str, ...], read: tuple[str, ...], cut_off: bool) -> tuple[float, bool]:
    """How well the names fit, and whether none is left over. Double names may miss a half, on either side."""
    whole = _alike("".join(declared), "".join(read))
    if whole >= SAME:
        return whole, True
    best = [
        max((_alike(name, other, cut_off and other == read[-1]) for other in read), default=0.0) for name in declared
    ]
    if min(best) >= SAME:
        return min(best), len(declared) == len(read)
    backwards = [max(_alike(name, other) for name in declared) for other in read]
    if min(backwards) >= SAME:  # the declared name has more parts than the document, such as a patronymic
        return min(backwards), False
    first = _alike(declared[0], read[0], cut_off and len(read) == 1)
    return max(whole, first if first < SAME else min(first, (SAME + OTHER) / 2)), False


def _alike(one: str, other: str, cut_off: bool = False) -> float:
    """Likeness of two parts of names; short ones are the same or not."""
    found = likeness(one, other)
    if cut_off and len(other) >= SHORT:
        found = max(found, *(likeness(one[:size], other) for size in range(len(other) // 2, len(one) + 1)))
    if min(len(folded(one)), len(folded(other))) <= SHORT and found < 1:
        return min(found, 0.84)
    return found


def _on_print(names: tuple[str, ...], printed: Sequence[str]) -> float:
    """Likeness of that declared name which fits the printed words least."""
    words = [word for line in printed for word in (*parts(line), line) if len(folded(word)) > 1]
    if not words or not names:
        return 0.0
    return min(max(_alike(name, word) for word in words) for name in names)
