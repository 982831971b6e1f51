"""Looks at a whole recording: the Analyser of live analysis, fed from a file as fast as that can be decoded."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error
import cv2
import numpy as np

from appliance import scoring
from appliance.errors import BadInput
from appliance.vocabulary import ObservationType
from media.analysis import Analyser, AnalysisSettings, Figures, ObservationEvent
from media.biometrics.describing import describe_well
from media.biometrics.engine import Descriptor
from media.biometrics.engines import default_engine
from media.biometrics.faces import face_detector
from media.biometrics.photos import PhotoHint, check_photo
from media.frames.file_source import RAW_PICTURES, FileSource
from media.frames.frame import complete_ms

UNREAD_MS = 3000
"""A header may promise a little more than there is; a hole in the middle is told from that length, too."""


@dataclass(frozen=True)
class Watched:
    """What was seen and heard in a file."""

    observations: list[ObservationEvent]
    """The last state of each, all closed, in order of their start."""
    first_ms: int
    end_ms: int
    """Of pictures and sound together; both are the start given when there was neither."""
    figures: Figures


@dataclass(frozen=True, eq=False)
class Reference:
    """The face that the candidate's is compared with."""

    descriptor: Descriptor
    hints: tuple[PhotoHint, ...]
    """Why comparisons with it may be doubtful."""


def watch(
    analyser: Analyser,
    path: Path,
    start_ms: int = 0,
    *,
    sound: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Watched:
    """Feed a whole file to an analyser; media time 0 is ``start_ms``. Raises BadInput for what is no recording.

    ``stop`` is asked between the pieces; told to, the observations so far are closed where it was left.
    """
    seen: dict[str, ObservationEvent] = {}
    first_ms, end_ms = None, start_ms
    source = FileSource(path, start_ms, sound=sound)
    for item in source.frames():
        first_ms = item.at_ms if first_ms is None else min(first_ms, item.at_ms)
        end_ms = max(end_ms, complete_ms(item))
        _keep(seen, analyser.feed(item))
        if stop():
            source.close()
    _keep(seen, analyser.finish(end_ms))
    found = sorted(seen.values(), key=lambda event: (event.start_ms, event.key))
    return Watched(found, start_ms if first_ms is None else first_ms, end_ms, analyser.figures)


def _keep(seen: dict[str, ObservationEvent], events: Iterable[ObservationEvent]) -> None:
    """Keep each observation's last state, with all that was said and shown of it before."""
    for event in events:
        before = seen.get(event.key)
        if before is not None:
            pictures = before.pictures + event.pictures
            event = replace(event, details={**before.details, **event.details}, pictures=pictures)  # noqa: PLW2901
        seen[event.key] = event


def reference_of(path: Path) -> Reference:
    """Describe the largest face of a photo. Raises BadInput, which says what to do, when there is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).") from error
    found = check_photo(content)
    if found.descriptor is not None:
        return Reference(found.descriptor, ())
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if found.faces else None
    if image is not None:  # not good enough for a check-in; offline it is all there is
        face = max(face_detector().all(np.asarray(image, dtype=np.uint8)), key=lambda face: face.score * face.width)
        return Reference(describe_well(default_engine(), np.asarray(image, dtype=np.uint8), face), found.hints)
    if PhotoHint.NOT_AN_IMAGE in found.hints or PhotoHint.TOO_LARGE in found.hints:
        raise BadInput(f"{path} is no picture that can be read. Give a JPEG, PNG or WebP of up to 10 MB.")
    raise BadInput(
        f"No face can be seen on {path}. Give a photo of the candidate's face, from the front, in good light, "
        "at least 100 pixels wide; or leave --reference out: then it is not judged who sits there."
    )


def analyse_file(path: Path, reference: Reference | None, audio: bool | None) -> dict[str, Any]:
    """Analyse a recording offline; the object that ``kustos analyse --json`` prints (docs/contracts.md).

    ``audio``: True with sound, False without, None only when the file has no pictures.
    Raises BadInput when the file is missing or no media.
    """
    pictures, sound, length_ms = tracks(path)
    wants_sound = sound if audio is None and not pictures else bool(audio)
    settings = AnalysisSettings()
    analyser = Analyser(None if reference is None else reference.descriptor, settings)
    cpu, wall = time.process_time(), time.monotonic()
    watched = watch(analyser, path, sound=wants_sound and sound)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    duration_ms = max(watched.end_ms, length_ms)
    if not watched.figures.pictures and not watched.figures.heard_ms:
        raise BadInput(f"{path} has neither a picture nor sound that can be read.")
    return {
        "file": path.name,
        "duration": _seconds(duration_ms),
        "incidents": [_incident(event) for event in watched.observations if not _is_doubt(event)],
        "undetermined": [
            *(_doubt(event) for event in watched.observations if _is_doubt(event)),
            *_unread(watched.end_ms, duration_ms),
        ],
        "metrics": scoring.metrics(_spans(watched.observations), 0, duration_ms),
        "run": {
            **_speed(cpu, wall, duration_ms),
            "pictures": watched.figures.pictures,
            "pictures_judged": watched.figures.judged,
            "sound_seconds": _seconds(watched.figures.heard_ms),
            "models": dict(analyser.models),
            "reference_hints": [] if reference is None else [hint.value for hint in reference.hints],
            "not_judged": _not_judged(watched.figures, reference, wants_sound, sound),
        },
    }


class Tracks(NamedTuple):
    """What a file has, by its header."""

    pictures: bool
    sound: bool
    duration_ms: int
    """0 when it does not say."""


def tracks(path: Path) -> Tracks:
    """Read a file's header. Raises BadInput when it is missing or no media."""
    if not path.exists():
        raise BadInput(f"{path}: there is no such file.")
    if not path.is_file():
        raise BadInput(f"{path} is no file. Give one recording, such as camera-1.webm.")
    try:
        with av.open(str(path)) as container:
            beside = container.format.name == RAW_PICTURES and path.with_suffix(".wav").is_file()
            duration_ms = (container.duration or 0) * 1000 // av.time_base
            return Tracks(bool(container.streams.video), bool(container.streams.audio) or beside, duration_ms)
    except (av.error.FFmpegError, OSError) as error:
        words = "Give a WebM, MP4, MKV, MJPEG, GIF or WAV file."
        raise BadInput(f"{path} cannot be read as pictures or sound ({error}). {words}") from error


def _speed(cpu: float, wall: float, duration_ms: int) -> dict[str, float]:
    return {
        "cpu_seconds": round(cpu, 3),
        "wall_seconds": round(wall, 3),
        "times_real_time": round(duration_ms / 1000 / max(cpu, 1e-3), 1),
    }


def _not_judged(
    figures: Figures, reference: Reference | None, wants_sound: bool, has_sound: bool
) -> list[dict[str, str]]:
    """What the findings say nothing about, and why."""
    missing: list[dict[str, str]] = []
    if not figures.pictures:
        missing.append({"what": "picture", "reason": "no_pictures"})
    elif reference is None:
        missing.append({"what": "identity", "reason": "no_reference"})
    if not has_sound:
        missing.append({"what": "sound", "reason": "no_sound"})
    elif not wants_sound:
        missing.append({"what": "sound", "reason": "not_asked"})
    return missing


def _is_doubt(event: ObservationEvent) -> bool:
    return event.type is ObservationType.UNDETERMINED


def _incident(event: ObservationEvent) -> dict[str, Any]:
    return {
        "type": event.type.value,
        "start": _seconds(event.start_ms),
        "end": _seconds(event.end_ms),
        "confidence": event.confidence,
        "detector": event.detector,
        "details": dict(event.details),
    }


def _doubt(event: ObservationEvent) -> dict[str, Any]:
    reason = event.details.get("reason", event.detector)
    return {"reason": reason, "start": _seconds(event.start_ms), "end": _seconds(event.end_ms)}


def _unread(end_ms: int, duration_ms: int) -> list[dict[str, Any]]:
    """The stretch that the file's header promises and nothing could be read of: it was cut short, or is damaged."""
    if duration_ms - end_ms < UNREAD_MS:
        return []
    return [{"reason": "analysis_failed", "start": _seconds(end_ms), "end": _seconds(duration_ms)}]


def _seconds(at_ms: int | None) -> float:
    return round((at_ms or 0) / 1000, 3)


def _spans(observations: Iterable[ObservationEvent]) -> list[scoring.Span]:
    return [scoring.Span(event.type, event.start_ms, event.end_ms) for event in observations]
