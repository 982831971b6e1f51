"""Labelled speech: is each moment of speech heard, and is anything else taken for it?"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from appliance.vocabulary import ObservationType
from media.biometrics.report.contents import Contents, SpokenFile
from media.biometrics.report.noises import NOISES, SECONDS
from media.biometrics.report.statistics import Json, area_under_curve, bootstrapped, measured
from media.detectors.rules import Change, RuleState
from media.detectors.speech import STEP_MS, speech_scores
from media.detectors.voice import Voice
from media.frames.file_source import FileSource
from media.frames.frame import Sound

PIECE: Final = 16 * Sound.STEP
"""Samples a detector is given at a time: half a second, as in live analysis."""
Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]


def report(found: Contents, progress: Callable[[str], None]) -> Json:
    """AUC per step, speech heard and false alarms at the rule's threshold, and what noises set off."""
    rule = Voice.default_rule
    scored: list[tuple[Scores, Flags]] = []
    for number, file in enumerate(found.spoken, 1):
        with found.attempt(file.path):
            scored.append(_scored(file))
        progress(f"voices: {number} of {len(found.spoken)}")
    scores, speech = _joined(scored)
    above = scores >= rule.threshold

    def resampled(chosen: NDArray[np.intp]) -> float:
        return area_under_curve(*_joined([scored[index] for index in chosen]))

    area = area_under_curve(scores, speech)
    return {
        "files": len(scored),
        "seconds": round(len(scores) * STEP_MS / 1000, 1),
        "step_ms": STEP_MS,
        "speech": _share(speech, np.ones(len(speech), dtype=bool)),
        "auc": measured(area, bootstrapped(len(scored), resampled), len(scored)),
        "threshold": rule.threshold,
        "heard": _share(above & speech, speech),
        "false_alarms": _share(above & ~speech, ~speech),
        "noises": {name: _noise(make()) for name, make in NOISES.items()},
        "how": f"each step of {STEP_MS} ms by its middle, inside the .uem where there is one; no collar; the "
        "interval of the AUC is a bootstrap over files; steps depend on each other, so their rates have none",
    }


def _share(hit: Flags, of: Flags) -> Json:
    count = int(of.sum())
    value = round(float(hit.sum()) / count, 6) if count else None
    return {"value": value, "n": count, "hits": int(hit.sum()), "interval": None}


def _joined(scored: list[tuple[Scores, Flags]]) -> tuple[Scores, Flags]:
    if not scored:
        return np.zeros(0), np.zeros(0, dtype=bool)
    return np.concatenate([each[0] for each in scored]), np.concatenate([each[1] for each in scored])


def _scored(file: SpokenFile) -> tuple[Scores, Flags]:
    """Scores and labels of the steps that are scored. Raises BadInput for what has no sound."""
    scores = speech_scores(_samples(file.path)).astype(np.float64)
    middles = (np.arange(len(scores)) + 0.5) * STEP_MS / 1000
    known = _within(middles, file.scored) if file.scored else np.ones(len(scores), dtype=bool)
    return scores[known], _within(middles, file.speech)[known]


def _within(times: Scores, spans: tuple[tuple[float, float], ...]) -> Flags:
    inside = np.zeros(len(times), dtype=bool)
    for start, end in spans:
        inside |= (times >= start) & (times < end)
    return inside


def _samples(path: Path) -> NDArray[np.float32]:
    """The file's sound as the analysis hears it, each piece at its time."""
    pieces = [piece for piece in FileSource(path, sound=True).frames() if isinstance(piece, Sound)]
    length = max((piece.at_ms * Sound.RATE // 1000 + len(piece.samples) for piece in pieces), default=0)
    whole = np.zeros(length, np.float32)
    for piece in pieces:
        start = piece.at_ms * Sound.RATE // 1000
        whole[start : start + len(piece.samples)] = piece.samples
    return whole


def _noise(samples: NDArray[np.float32]) -> Json:
    """What the detector and its rule make of a noise."""
    detector, rule = Voice(), Voice.default_rule
    state = RuleState(ObservationType.VOICE_DETECTED, detector.name, rule)
    opened = 0
    for piece in _pieces(samples):
        for sample in detector.hear(piece):
            opened += sum(event.change is Change.OPENED for event in state.feed(sample))
    scores = speech_scores(samples)
    above = int((scores >= rule.threshold).sum())
    return {
        "seconds": SECONDS,
        "above": {"value": round(above / len(scores), 6), "n": len(scores), "hits": above, "interval": None},
        "largest_score": round(float(scores.max()), 3),
        "incidents": opened,
    }


def _pieces(samples: NDArray[np.float32]) -> Iterator[Sound]:
    for start in range(0, len(samples) - PIECE + 1, PIECE):
        yield Sound(start * 1000 // Sound.RATE, samples[start : start + PIECE], "noise")
