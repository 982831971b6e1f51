"""What lies in a folder of labelled data: every file is taken for something, or skipped with a reason."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
CLIPS: Final = (".webm", ".mp4", ".mkv", ".mov", ".avi", ".mjpeg", ".gif")
"""In the order of preference, where a clip lies there in several forms."""
SOUNDS: Final = frozenset({".wav", ".flac", ".ogg", ".mp3"})
PAIR_COLUMNS: Final = ("fold", "name_a", "num_a", "name_b", "num_b", "same")
DOCUMENT_FOLDERS: Final = ("document", "passport", "mrz", "id_card")
"""Pictures in folders with such a word in their name are documents, when no truth file says so."""
SPOOF_FOLDERS: Final = ("spoof", "liveness")


@dataclass(frozen=True)
class Pair:
    """One row of a pairs.csv: two pictures, as paths, and whether they show one person."""

    fold: str
    name_a: str
    name_b: str
    picture_a: Path
    picture_b: Path
    same: bool
    groups: tuple[tuple[str, str], ...] = ()
    """(attribute, value) of further columns of its row."""


@dataclass(frozen=True)
class Clip:
    """A recording with the truth about it."""

    path: Path
    truth: dict[str, Any]
    candidate: Path | None


@dataclass(frozen=True)
class SpokenFile:
    """Sound with labelled stretches of speech."""

    path: Path
    speech: tuple[tuple[float, float], ...]
    scored: tuple[tuple[float, float], ...]
    """Where labels hold, from a .uem; empty: everywhere."""


@dataclass(frozen=True)
class Document:
    """A picture of a document, and what is printed on it where somebody wrote that down."""

    path: Path
    truth: dict[str, Any] | None


@dataclass
class Contents:
    """Everything found below a folder."""

    root: Path
    pair_files: list[Path] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    people: dict[tuple[Path, str], list[Path]] = field(default_factory=dict)
    """(folder of a pairs.csv, name) -> all pictures of that person."""
    groups: dict[tuple[Path, str], dict[str, str]] = field(default_factory=dict)
    """(folder of a pairs.csv, name) -> attribute -> value, from groups.csv."""
    clips: list[Clip] = field(default_factory=list)
    spoken: list[SpokenFile] = field(default_factory=list)
    poses: list[tuple[Path, Path]] = field(default_factory=list)
    """(.mat, picture)"""
    documents: list[Document] = field(default_factory=list)
    spoofs: list[tuple[Path, bool]] = field(default_factory=list)
    """(picture, whether a living person)"""
    skipped: dict[Path, str] = field(default_factory=dict)

    def name(self, path: Path) -> str:
        """A path as the report calls it."""
        return path.relative_to(self.root).as_posix()


def look_through(root: Path) -> Contents:
    """Sort all files below ``root``. What cannot be read is skipped with a reason; nothing is raised for it."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    found = Contents(root)
    left = dict.fromkeys(files)
    for take in (_take_pairs, _take_clips, _take_sounds, _take_poses, _take_spoofs, _take_documents):
        for path in take(found, list(left)):
            left.pop(path, None)
    for path in left:
        found.skipped.setdefault(path, _why_unused(path))
    return found


def _why_unused(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in CLIPS:
        return "no truth file (NAME.json) beside it"
    if suffix in SOUNDS:
        return "no .rttm names it"
    if suffix in PICTURES:
        return "a picture without a label: no pairs.csv names it, no .mat or truth file lies beside it"
    return "no data of a known kind"


def _take_pairs(found: Contents, files: list[Path]) -> Iterable[Path]:
    for path in files:
        if path.name.lower() != "pairs.csv":
            continue
        yield path
        try:
            with path.open(newline="", encoding="utf-8-sig") as stream:
                rows = list(csv.DictReader(stream))
            pairs = [_pair(path.parent, row, number) for number, row in enumerate(rows, 2)]
        except (OSError, ValueError, csv.Error) as error:
            found.skipped[path] = f"cannot be read as pairs: {error}"
            continue
        found.pair_files.append(path)
        found.pairs += pairs
        yield from _take_people(found, path.parent, files)


def _pair(folder: Path, row: dict[str, Any], line: int) -> Pair:
    missing = [column for column in PAIR_COLUMNS if row.get(column) in (None, "")]
    if missing:
        raise ValueError(f"line {line} has no {missing[0]}")
    if row["same"] not in ("0", "1"):
        raise ValueError(f"line {line}: same is {row['same']!r}, not 0 or 1")
    further = tuple((key, str(value)) for key, value in row.items() if key and key not in PAIR_COLUMNS and value)
    return Pair(
        str(row["fold"]),
        row["name_a"],
        row["name_b"],
        _picture(folder, row["name_a"], int(row["num_a"])),
        _picture(folder, row["name_b"], int(row["num_b"])),
        row["same"] == "1",
        further,
    )


def _picture(folder: Path, name: str, number: int) -> Path:
    for suffix in (".jpg", ".png", ".jpeg"):
        path = folder / name / f"{name}_{number:04d}{suffix}"
        if path.exists():
            return path
    return folder / name / f"{name}_{number:04d}.jpg"


def _take_people(found: Contents, folder: Path, files: list[Path]) -> Iterable[Path]:
    """All pictures below a pairs.csv in folders called like their person, and the groups.csv beside it."""
    names = {name for pair in found.pairs for name in (pair.name_a, pair.name_b)}
    for path in files:
        if path.parent.parent == folder and path.parent.name in names and path.suffix.lower() in PICTURES:
            found.people.setdefault((folder, path.parent.name), []).append(path)
            yield path
        elif path.parent == folder and path.name.lower() == "groups.csv":
            yield path
            _take_groups(found, path)


def _take_groups(found: Contents, path: Path) -> None:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            for row in csv.DictReader(stream):
                attributes = {key: value for key, value in row.items() if key not in (None, "", "name") and value}
                found.groups[path.parent, row["name"]] = attributes
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        found.skipped[path] = f"cannot be read as groups (columns name, then one per attribute): {error!r}"


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _take_clips(found: Contents, files: list[Path]) -> Iterable[Path]:
    known = set(files)
    recordings = [path for path in files if path.suffix.lower() in CLIPS]
    for path in sorted(recordings, key=lambda path: (path.with_suffix(""), CLIPS.index(path.suffix.lower()))):
        truth_file = path.with_suffix(".json")
        if truth_file not in known:
            continue
        yield path
        yield truth_file
        if any(clip.path.with_suffix("") == path.with_suffix("") for clip in found.clips):
            found.skipped[path] = "another form of a clip that was taken already"
            continue
        truth = _read_json(truth_file)
        if not isinstance(truth, dict) or not _are_events(truth.get("events")):
            found.skipped[path] = found.skipped[truth_file] = "the truth file is broken or has no events"
            continue
        named = path.parent / str(truth.get("candidate", f"{path.stem}.candidate.jpg"))
        candidate = named if named in known else None
        if candidate:
            yield candidate
        found.clips.append(Clip(path, truth, candidate))


def _are_events(events: Any) -> bool:
    return isinstance(events, list) and all(
        isinstance(event, dict)
        and isinstance(event.get("type"), str)
        and all(isinstance(event.get(key), int | float) for key in ("start", "end"))
        for event in events
    )


def _take_sounds(found: Contents, files: list[Path]) -> Iterable[Path]:
    speech: dict[str, list[tuple[float, float]]] = {}
    scored: dict[str, list[tuple[float, float]]] = {}
    for path in files:
        if path.suffix.lower() in (".rttm", ".uem"):
            yield path
            kind, table = (_rttm_line, speech) if path.suffix.lower() == ".rttm" else (_uem_line, scored)
            try:
                for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
                    if (row := kind(line.split())) is not None:
                        table.setdefault(row[0], []).append(row[1])
            except (OSError, ValueError, IndexError) as error:
                found.skipped[path] = f"cannot be read as labels: {error}"
    for path in files:
        if path.suffix.lower() in SOUNDS and (path.stem in speech or path.stem in scored):
            yield path
            found.spoken.append(
                SpokenFile(path, tuple(sorted(speech.get(path.stem, []))), tuple(scored.get(path.stem, [])))
            )


def _rttm_line(words: list[str]) -> tuple[str, tuple[float, float]] | None:
    """NIST's RTTM: ``SPEAKER file channel start duration …``; other kinds of line are no speech."""
    if words[0] != "SPEAKER":
        return None
    return words[1], (float(words[3]), float(words[3]) + float(words[4]))


def _uem_line(words: list[str]) -> tuple[str, tuple[float, float]] | None:
    """NIST's UEM: ``file channel start end``."""
    return words[0], (float(words[2]), float(words[3]))


def _take_poses(found: Contents, files: list[Path]) -> Iterable[Path]:
    known = set(files)
    for path in files:
        if path.suffix.lower() != ".mat":
            continue
        yield path
        picture = next((path.with_suffix(end) for end in PICTURES if path.with_suffix(end) in known), None)
        if picture is None:
            found.skipped[path] = "no picture beside it"
            continue
        yield picture
        found.poses.append((path, picture))


def _take_spoofs(found: Contents, files: list[Path]) -> Iterable[Path]:
    """``image_T1.jpg`` is true, ``image_F1.jpg`` false, as in Silent-Face-Anti-Spoofing's samples."""
    for path in files:
        letter = path.stem.lower().removeprefix("image_")[:1]
        in_place = any(word in path.parent.name.lower() for word in SPOOF_FOLDERS)
        if path.suffix.lower() in PICTURES and in_place and path.stem.lower().startswith("image_") and letter in "tf":
            yield path
            found.spoofs.append((path, letter == "t"))


def _take_documents(found: Contents, files: list[Path]) -> Iterable[Path]:
    known = set(files)
    for path in files:
        if path.suffix.lower() not in PICTURES:
            continue
        truth_file = path.with_suffix(".json")
        truth = _read_json(truth_file) if truth_file in known else None
        in_place = any(word in path.parent.name.lower() for word in DOCUMENT_FOLDERS)
        if not in_place and not (isinstance(truth, dict) and {"mrz", "fields"} & truth.keys()):
            continue
        yield path
        if truth_file in known:
            yield truth_file
            if not isinstance(truth, dict):
                found.skipped[truth_file] = "the truth file is broken"
                truth = None
        found.documents.append(Document(path, truth))
