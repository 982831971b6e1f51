"""Byte ranges of RFC 9110, 14.1.2 and 14.2: one range is served; several, or what is not understood, get the whole.

WebOb's own takes the first of several ranges and refuses a suffix longer than the file, so it is not used here.
"""

import re
from typing import Final, NamedTuple

_ONE_RANGE: Final = re.compile(r"bytes=[ \t]*(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})[ \t]*", re.IGNORECASE)


class Span(NamedTuple):
    """Bytes from ``start`` up to, not including, ``stop``."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """The range lies behind the end of the file."""


def asked_span(header: str | None, size: int) -> Span | None:
    """Return the one range that a ``Range`` header asks for of ``size`` bytes; None: send the whole.

    Raises ``Unsatisfiable`` when it is valid and has no byte in common with the file.
    """
    found = _ONE_RANGE.fullmatch(header or "")
    if found is None or not (found["first"] or found["last"]):
        return None
    if not found["first"]:
        start, stop = max(0, size - int(found["last"])), size
    else:
        start, last = int(found["first"]), int(found["last"] or size)
        if found["last"] and last < start:
            return None
        stop = min(size, last + 1)
    if start >= stop:
        raise Unsatisfiable
    return Span(start, stop)
