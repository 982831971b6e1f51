"""The whole report: looks through a folder and runs what can be run on what is there."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.errors import BadInput
from media.biometrics.report import clips, documents, faces, poses, spoofs, voices
from media.biometrics.report.contents import Contents, look_through
from media.biometrics.report.statistics import CONFIDENCE, Json

Progress = Callable[[str], None]

SECTIONS: Final[dict[str, tuple[Callable[[Contents], object], Callable[[Contents, Progress], Json]]]] = {
    "faces": (lambda found: found.pairs, faces.report),
    "clips": (lambda found: found.clips, clips.report),
    "voices": (lambda found: found.spoken, voices.report),
    "head_poses": (lambda found: found.poses, poses.report),
    "documents": (lambda found: found.documents, documents.report),
    "liveness": (lambda found: found.spoofs, spoofs.report),
}
"""Name in the report -> what it needs of a folder, and what makes it."""


def make_report(root: Path, progress: Progress = lambda line: None) -> Json:
    """Everything that ``root`` allows to be said. Raises BadInput when nothing in it is labelled data."""
    if not root.is_dir():
        raise BadInput(f"{root} is no folder. Give one with labelled data: see docs/biometrics/report.md.")
    began = time.process_time()
    found = look_through(root)
    wanted = {name: make for name, (needs, make) in SECTIONS.items() if needs(found)}
    if not wanted:
        raise BadInput(f"Nothing in {root} is labelled data of a known kind: see docs/biometrics/report.md.")
    sections: dict[str, Json] = {}
    for name, make in wanted.items():
        with found.attempt(root / name):  # what one kind of data does to its part leaves the others whole
            sections[name] = make(found, progress)
    return {
        "folder": root.resolve().name,
        "confidence_of_intervals": CONFIDENCE,
        **sections,
        "not_there": [name for name in SECTIONS if name not in sections],
        "skipped": [{"file": found.name(path), "reason": reason} for path, reason in sorted(found.skipped.items())],
        "cpu_seconds": round(time.process_time() - began, 1),
    }
