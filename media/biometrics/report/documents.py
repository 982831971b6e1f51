"""Pictures of documents: is the machine readable zone found, do its check digits fit, are its fields right?

A truth file ``NAME.json`` beside a picture may have ``mrz`` (its lines, as a list or a text) or ``fields`` (name ->
value, names as in ``media.biometrics.documents.mrz``), or both. Without one only the check digits can be judged.
"""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from media.biometrics.documents.mrz import parse
from media.biometrics.documents.read import DocumentReading, read
from media.biometrics.report.contents import Contents, Document
from media.biometrics.report.statistics import Json, rate


def report(found: Contents, progress: Callable[[str], None]) -> Json:
    """How often a zone is found, fits its check digits, and is right."""
    each: list[Json] = []
    for number, document in enumerate(found.documents, 1):
        with found.attempt(document.path):
            row = _one(found, document)
            each += [row] if row is not None else []
        progress(f"documents: {number} of {len(found.documents)}")
    with_zone = [row for row in each if row["kind"]]
    fitting = sum(row["fits"] for row in each)
    known = [row for row in each if row["truth"] is not None]
    truths = [row["truth"] for row in known]
    return {
        "pictures": len(each),
        "found": rate(len(with_zone), len(each)),
        "all_digits_fit": rate(fitting, len(each)),
        "fit_of_found": rate(fitting, len(with_zone)),
        "with_truth": {
            "documents": len(truths),
            "all_fields_right": rate(sum(truth["right"] == truth["fields"] for truth in truths), len(truths)),
            "fields_right": rate(sum(truth["right"] for truth in truths), sum(truth["fields"] for truth in truths)),
            "checked_but_wrong": rate(
                sum(len(truth["checked_but_wrong"]) for truth in truths), sum(truth["checked"] for truth in truths)
            ),
        },
        "how": "a picture without a truth file counts for what its own check digits say; whether there is a zone on "
        "it at all is then not known",
        "each": each,
    }


def _one(found: Contents, document: Document) -> Json | None:
    image = cv2.imread(str(document.path))
    if image is None:
        found.skipped[document.path] = "cannot be read as a picture"
        return None
    reading = read(np.asarray(image, dtype=np.uint8), cyrillic=False)
    return {
        "picture": found.name(document.path),
        "kind": reading.kind if reading.zone else "",
        "fits": bool(reading.digits) and all(reading.digits.values()),
        "digits": "".join("+" if fits else "-" for fits in reading.digits.values()),
        "checked_fields": sum(field.checked for field in reading.fields.values()),
        "truth": None if document.truth is None else _against(document.truth, reading),
    }


def _against(truth: Mapping[str, Any], reading: DocumentReading) -> Json:
    """How many of the true fields were read rightly, and which were wrong although told as checked."""
    wanted = dict(truth.get("fields") or {})
    lines = truth.get("mrz")
    if lines:
        true_zone = parse(lines.split() if isinstance(lines, str) else [str(line) for line in lines])
        wanted = {**({name: field.value for name, field in true_zone.fields.items()} if true_zone else {}), **wanted}
    said = reading.fields
    right = [name for name, value in wanted.items() if name in said and _same(said[name].value, str(value))]
    checked = [name for name in said if said[name].checked]
    return {
        "fields": len(wanted),
        "right": len(right),
        "checked": len(checked),
        "checked_but_wrong": [name for name in checked if name not in right],
    }


def _same(said: str, true: str) -> bool:
    return "".join(said.upper().split()) == "".join(true.replace("<", " ").upper().split())
