"""What lies in a folder of labelled data: every file is taken for something, or skipped with a reason."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from appliance.errors import ApplianceError
from media.biometrics.report.tables import Objections, PairRow, Span, has_pairs, pair_rows, spans, table

PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
CLIPS: Final = (".webm", ".mp4", ".mkv", ".mov", ".avi", ".mjpeg", ".gif")
"""In the order of preference, where a clip lies there in several forms."""
SOUNDS: Final = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a"})
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
    """(folder of the people's folders, name) -> all pictures of that person."""
    groups: dict[str, dict[str, str]] = field(default_factory=dict)
    """Name -> attribute -> value, from groups.csv."""
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
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    @contextmanager
    def attempt(self, path: Path) -> Iterator[None]:
        """Whatever one file does to the code that reads it is told of that file; the others are reported."""
        try:
            yield
        except ApplianceError as error:
            self.skipped[path] = error.message
        except Exception as error:
            self.skipped[path] = f"cannot be used: {type(error).__name__}: {error}"


def look_through(root: Path) -> Contents:
    """Sort all files below ``root``. What cannot be read is skipped with a reason; nothing is raised for it."""
    files = sorted(_files(root))
    found = Contents(root)
    left = dict.fromkeys(files)
    for take in (_take_pairs, _take_clips, _take_sounds, _take_poses, _take_spoofs, _take_documents):
        for path in take(found, list(left)):
            left.pop(path, None)
    for path in left:
        found.skipped.setdefault(path, _why_unused(path))
    return found


def _files(root: Path) -> Iterator[Path]:
    """All files, through links to folders, too; each folder once, as links may lead in a circle."""
    seen: set[str] = set()
    for folder, below, names in os.walk(root, followlinks=True):
        below[:] = [name for name in below if not name.startswith(".")]
        real = os.path.realpath(folder)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        yield from (path for name in names if not name.startswith(".") and (path := Path(folder, name)).is_file())


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
    """Each table of pairs, the pictures of its people, and the groups beside it."""
    for path in files:
        if path.suffix.lower() != ".csv" or not (path.name.lower() == "pairs.csv" or has_pairs(path)):
            continue
        yield path
        objections = Objections()
        try:
            rows = list(pair_rows(table(path)[1], objections))
        except (OSError, ValueError) as error:
            found.skipped[path] = f"cannot be read as pairs: {error}"
            continue
        if objections.found:
            found.skipped[path] = objections.reason("lines that are left out")
        if not rows:
            found.skipped.setdefault(path, "has no pairs")
            continue
        found.pair_files.append(path)
        pictures = _Pictures(path.parent, files)
        found.pairs += [_pair(pictures, row) for row in rows]
        yield from _take_people(found, pictures, {name for row in rows for name in (row.name_a, row.name_b)})
        for beside in files:
            if beside.parent == path.parent and beside.name.lower() == "groups.csv":
                yield beside
                _take_groups(found, beside)


class _Pictures:
    """Where the pictures of people are: beside the table, else wherever a folder is called like its person."""

    def __init__(self, folder: Path, files: list[Path]) -> None:
        self.folder = folder
        self.by_person: dict[str, list[Path]] = {}
        """Name in lower case -> pictures; those below the table's folder come first."""
        pictures = [path for path in files if path.suffix.lower() in PICTURES]
        for path in sorted(pictures, key=lambda path: (not path.is_relative_to(folder), path)):
            self.by_person.setdefault(path.parent.name.lower(), []).append(path)

    def of(self, name: str) -> list[Path]:
        """All pictures of a person in one folder: the first that there is."""
        there = self.by_person.get(name.lower(), [])
        return [path for path in there if path.parent == there[0].parent]

    def numbered(self, name: str, number: int) -> Path:
        """The picture of that number, with as many zeros before it as it may have; what is missing is named."""
        stems = {f"{name}_{number:0{digits}d}".lower() for digits in range(1, 7)}
        known = (path for path in self.of(name) if path.stem.lower() in stems)
        return next(known, self.folder / name / f"{name}_{number:04d}.jpg")


def _pair(pictures: _Pictures, row: PairRow) -> Pair:
    return Pair(
        row.fold,
        row.name_a,
        row.name_b,
        pictures.numbered(row.name_a, row.number_a),
        pictures.numbered(row.name_b, row.number_b),
        row.same,
        row.groups,
    )


def _take_people(found: Contents, pictures: _Pictures, names: set[str]) -> Iterable[Path]:
    for name in sorted(names):
        for path in pictures.of(name):
            people = found.people.setdefault((path.parent.parent, name), [])
            if path not in people:
                people.append(path)
            yield path


def _take_groups(found: Contents, path: Path) -> None:
    try:
        columns, rows = table(path)
    except (OSError, ValueError) as error:
        found.skipped[path] = f"cannot be read as groups: {error}"
        return
    if "name" not in columns:
        found.skipped[path] = "cannot be read as groups: columns are name, then one per attribute"
        return
    for row in rows:
        attributes = {key: value for key, value in row.items() if key not in ("", "name") and value}
        if row.get("name"):
            found.groups[row["name"]] = attributes


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
        if not isinstance(truth, dict) or not isinstance(truth.get("events"), list):
            found.skipped[path] = found.skipped[truth_file] = "the truth file is broken or has no events"
            continue
        events = [event for event in truth["events"] if _is_event(event)]
        if left_out := len(truth["events"]) - len(events):
            found.skipped[truth_file] = f"{left_out} events without type (text), start and end (seconds) are left out"
        truth = {**truth, "events": events}
        named = path.parent / str(truth.get("candidate", f"{path.stem}.candidate.jpg"))
        candidate = named if named in known else None
        if candidate:
            yield candidate
        found.clips.append(Clip(path, truth, candidate))


def _is_event(event: Any) -> bool:
    return (
        isinstance(event, dict)
        and isinstance(event.get("type"), str)
        and all(isinstance(event.get(key), int | float) for key in ("start", "end"))
        and isinstance(event.get("also_accepted", []), list)
    )


def _take_sounds(found: Contents, files: list[Path]) -> Iterable[Path]:
    """Sound that labels name; of labels in several folders those count that lie beside it, else all."""
    labels: dict[str, list[tuple[Path, dict[str, list[Span]]]]] = {".rttm": [], ".uem": []}
    for path in files:
        if (suffix := path.suffix.lower()) in labels:
            yield path
            objections = Objections()
            try:
                labels[suffix].append((path, spans(path, objections)))
            except OSError as error:
                found.skipped[path] = f"cannot be read as labels: {error}"
            if objections.found:
                found.skipped[path] = objections.reason("cannot be read as labels")
    for path in files:
        if path.suffix.lower() not in SOUNDS:
            continue
        speech, scored = (_spans_of(path, labels[kind]) for kind in (".rttm", ".uem"))
        if speech is not None or scored is not None:
            yield path
            found.spoken.append(SpokenFile(path, tuple(sorted(speech or [])), tuple(scored or [])))


def _spans_of(sound: Path, labels: list[tuple[Path, dict[str, list[Span]]]]) -> list[Span] | None:
    """What labels say of a sound; None when none names it."""
    naming = [(path, named[sound.stem]) for path, named in labels if sound.stem in named]
    beside = [found for path, found in naming if path.parent == sound.parent]
    if not naming:  # a file of the same name is about this sound, whatever it calls it
        own = [named for path, named in labels if path.with_suffix("") == sound.with_suffix("")]
        return [span for named in own if len(named) == 1 for found in named.values() for span in found] or None
    return [span for found in beside or [found for _, found in naming] for span in found]


def _take_poses(found: Contents, files: list[Path]) -> Iterable[Path]:
    pictures = {path.with_suffix(""): path for path in files if path.suffix.lower() in PICTURES}
    for path in files:
        if path.suffix.lower() != ".mat":
            continue
        yield path
        picture = pictures.get(path.with_suffix(""))
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
