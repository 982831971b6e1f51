"""Tables of labels, row by row: one that cannot be read is told with its line, the others are used."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

Span = tuple[float, float]
Row = dict[str, str]
PAIR_COLUMNS: Final = ("fold", "name_a", "num_a", "name_b", "num_b", "same")
_NEEDED: Final = PAIR_COLUMNS[1:]
_SAME: Final = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "same"), True),
    **dict.fromkeys(("0", "0.0", "false", "no", "different"), False),
}
TOLD: Final = 3
"""Lines that are quoted of a table; of more only the number."""


@dataclass(frozen=True)
class PairRow:
    """One row of a table of pairs."""

    fold: str
    name_a: str
    number_a: int
    name_b: str
    number_b: int
    same: bool
    groups: tuple[tuple[str, str], ...]
    """(attribute, value) of its further columns."""


@dataclass
class Objections:
    """What is wrong with the lines of a table."""

    found: list[str] = field(default_factory=list)

    def reason(self, what: str) -> str:
        """All of it in one sentence; empty when there is nothing."""
        if not self.found:
            return ""
        more = len(self.found) - TOLD
        return f"{what}: " + "; ".join(self.found[:TOLD]) + (f"; and {more} lines more" if more > 0 else "")


def table(path: Path) -> tuple[list[str], list[Row]]:
    """Columns (in lower case) and rows of a CSV file, whatever separates them. Raises OSError, ValueError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        lines = list(csv.reader(text.splitlines(), delimiter=separator))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    columns = [name.strip().lower() for name in lines[0]] if lines else []
    return columns, [dict(zip(columns, (cell.strip() for cell in line), strict=False)) for line in lines[1:]]


def has_pairs(path: Path) -> bool:
    """Whether a file's first line names the columns of pairs, whatever the file is called."""
    try:
        with path.open("rb") as stream:
            first = stream.readline(4096).decode("utf-8-sig", "replace").lower()
    except OSError:
        return False
    return all(name in first for name in _NEEDED)


def pair_rows(rows: Iterable[Row], objections: Objections) -> Iterator[PairRow]:
    """The rows that can be read; without a column ``fold`` all are of one."""
    for line, row in enumerate(rows, 2):
        if not any(row.values()):
            continue
        try:
            yield _pair_row(row)
        except ValueError as error:
            objections.found.append(f"line {line}: {error}")


def _pair_row(row: Row) -> PairRow:
    missing = [column for column in _NEEDED if not row.get(column)]
    if missing:
        raise ValueError(f"no {missing[0]}")
    same = _SAME.get(row["same"].lower())
    if same is None:
        raise ValueError(f"same is {row['same']!r}, not 0 or 1")
    numbers = []
    for column in ("num_a", "num_b"):
        try:
            numbers.append(int(float(row[column])))
        except (ValueError, OverflowError):
            raise ValueError(f"{column} is {row[column]!r}, no number") from None
    further = tuple((key, value) for key, value in row.items() if key and key not in PAIR_COLUMNS and value)
    return PairRow(row.get("fold", "") or "1", row["name_a"], numbers[0], row["name_b"], numbers[1], same, further)


def spans(path: Path, objections: Objections) -> dict[str, list[Span]]:
    """File -> stretches in seconds, of an .rttm (speech) or .uem (what is labelled). Raises OSError."""
    found: dict[str, list[Span]] = {}
    read = _rttm_line if path.suffix.lower() == ".rttm" else _uem_line
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith((";", "#")):
            continue
        try:
            row = read(words)
        except (ValueError, IndexError) as error:
            objections.found.append(f"line {number}: {error}")
            continue
        if row is not None:
            found.setdefault(row[0], []).append(row[1])
    return found


def _rttm_line(words: list[str]) -> tuple[str, Span] | None:
    """NIST's RTTM: ``SPEAKER file channel start duration …``; other kinds of line are no speech."""
    if words[0].upper() != "SPEAKER":
        return None
    return words[1], (float(words[3]), float(words[3]) + float(words[4]))


def _uem_line(words: list[str]) -> tuple[str, Span] | None:
    """NIST's UEM: ``file channel start end``."""
    return words[0], (float(words[2]), float(words[3]))
