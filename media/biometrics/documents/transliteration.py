"""One name in two scripts or spellings: how far apart are they? Pure.

There is no one way from Cyrillic to Latin: ICAO 9303 part 3 (table B), the Russian passports of 1997 to 2010, those
before (French), GOST 7.79, and how people write themselves. So each letter has all its ways, and the cheapest path
through both spellings counts.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from anyascii import anyascii
from rapidfuzz.distance import DamerauLevenshtein

CYRILLIC_WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    key: tuple(ways.replace("-", "").split(","))
    for key, ways in {
        "А": "A", "Б": "B", "В": "V,W,F,FF", "Г": "G,H", "Ґ": "G", "Д": "D",
        "Е": "E,YE,JE,IE,YO", "Ё": "E,YO,JO,IO,YE,O",
        "Ж": "ZH,J,Z,G", "З": "Z,S", "И": "I,Y", "Й": "I,Y,J,-", "К": "K,C,CK", "Л": "L,LL", "М": "M", "Н": "N,NN",
        "О": "O", "П": "P", "Р": "R", "С": "S,SS", "Т": "T,TH", "У": "U,OU", "Ф": "F,PH", "Х": "KH,H,CH,X",
        "Ц": "TS,TC,C,TZ,CZ", "Ч": "CH,TCH,C,CZ,TSCH", "Ш": "SH,CH,S,SZ,SCH", "Щ": "SHCH,SCH,STCH,CHTCH,SHH,SC",
        "Ъ": "-,IE,Y", "Ы": "Y,I,YI", "Ь": "-,Y,I", "Э": "E,AE", "Ю": "IU,YU,JU,IOU,U", "Я": "IA,YA,JA,A",
        "І": "I", "Ї": "I,YI,JI", "Є": "IE,YE,E,JE", "Ў": "U,W", "Ђ": "DJ,D", "Ј": "J", "Љ": "LJ", "Њ": "NJ",
        "Ћ": "C",
        "Џ": "DZ,DZH,DJ", "Ә": "A,AE", "Ғ": "G,GH", "Қ": "K,Q", "Ң": "N,NG", "Ө": "O", "Ұ": "U", "Ү": "U,Y", "Һ": "H",
        "КС": "X", "ИЙ": "Y,I", "ЫЙ": "Y", "ИЯ": "IA,YA,IYA", "ДЖ": "J,DG",
    }.items()
}  # fmt: skip
LATIN_WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "Ä": ("A", "AE"), "Å": ("A", "AA"), "Æ": ("AE",), "Ö": ("O", "OE"), "Ø": ("O", "OE"), "Ü": ("U", "UE", "Y"),
    "Ñ": ("N", "NXX"), "ß": ("SS",), "ẞ": ("SS",), "Þ": ("TH",), "Œ": ("OE",), "Ə": ("A", "E"),
}  # fmt: skip
"""ICAO 9303 part 3, table A, where a letter has more than its plain one."""
LONGEST_KEY: Final = 2

SAME_SOUND: Final = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("SHCH|STCH|CHTCH|SCH", "4"), ("TCH|TSCH", "CH"), ("KH", "H"), ("ZH", "J"), ("PH", "F"), ("TH", "T"),
        ("CK", "K"), ("DER", "DR"), ("X", "KS"), ("TZ|TS", "C"), ("W|FF$", "V"), ("IOU|[YJI]U", "U"), ("OU", "U"),
        ("[YJI]+A", "1"), ("[YJI]+O", "O"), ("[YJI]+E", "E"), ("[YJI]+", "I"), (r"C(?!H)", "K"), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip
"""Spellings of one sound that transliterations differ in; both names are brought to one of them."""
SPELLING: Final = 0.95
"""Likeness of two names that only sound alike."""


def likeness(one: str, other: str) -> float:
    """Return 1 for the same name, whatever script each is written in; 0 for nothing in common."""
    one, other = folded(one), folded(other)
    if not one or not other:
        return 0.0
    if is_cyrillic(one) and is_cyrillic(other):
        same = one.replace("Ё", "Е"), other.replace("Ё", "Е")
        return DamerauLevenshtein.normalized_similarity(*same)
    if is_cyrillic(other):
        one, other = other, one
    plain = _plain(other)
    best = 1 - _cost(one, plain) / max(len(_plain(one)), len(plain), 1)
    if not is_cyrillic(one):
        best = max(best, 1 - _cost(other, _plain(one)) / max(len(_plain(one)), len(plain), 1))
        sounds = DamerauLevenshtein.normalized_similarity(_sound(_plain(one)), _sound(plain))
        best = max(best, SPELLING * sounds)
    return max(best, 0.0)


def folded(name: str) -> str:
    """Upper case, composed, letters alone."""
    upper = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).replace("ß", "ẞ").upper())
    return "".join(char for char in upper if char.isalpha())


def is_cyrillic(name: str) -> bool:
    """Whether most letters are Cyrillic."""
    return sum("\u0400" <= char <= "\u052f" for char in name) * 2 > len(name)


def is_comparable(name: str) -> bool:
    """Whether its script has fixed ways to Latin; of others a difference says nothing."""
    return all(char < "\u0530" or "\u1e00" <= char <= "\u1fff" for char in folded(name))


def _plain(name: str) -> str:
    return "".join(char for char in anyascii(name).upper() if char.isascii() and char.isalpha())


def _sound(latin: str) -> str:
    for pattern, sound in SAME_SOUND:
        latin = pattern.sub(sound, latin)
    return latin


@lru_cache(maxsize=512)  # one document asks for the same pairs again and again
def _cost(name: str, latin: str) -> float:
    """Return the least number of letters to add, drop or change on the way from ``name`` to ``latin``."""
    far = float(len(name) + len(latin))
    costs = [[far] * (len(latin) + 1) for _ in range(len(name) + 1)]
    costs[0][0] = 0.0
    for place in range(len(name) + 1):
        for column in range(len(latin) + 1):
            here = costs[place][column]
            steps = [(1, 0, 1.0), (0, 1, 1.0), (1, 1, 1.0)]
            for size in range(1, LONGEST_KEY + 1):
                ways = _ways(name[place : place + size]) if place + size <= len(name) else ()
                steps += [(size, len(way), 0.0) for way in ways if latin.startswith(way, column)]
            for down, across, price in steps:
                if place + down <= len(name) and column + across <= len(latin):
                    reached = costs[place + down]
                    reached[column + across] = min(reached[column + across], here + price)
    return costs[-1][-1]


def _ways(letters: str) -> tuple[str, ...]:
    if letters in CYRILLIC_WAYS:
        return CYRILLIC_WAYS[letters]
    if letters in LATIN_WAYS:
        return LATIN_WAYS[letters]
    return (_plain(letters),) if len(letters) == 1 else ()
