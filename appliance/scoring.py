"""The trust score: per-minute metrics from what was seen, and a score of which every lost point is explained.

Pure: plain values in, plain values out, the same for the same input. Metric codes and the formula
``clamp(100 - Σ weight · mean)`` are those of the simple integration's plugins, so that weights set there fit here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from appliance.errors import BadInput
from appliance.vocabulary import Decision
from appliance.vocabulary import ObservationType as T

MINUTE_MS: Final = 60_000

INSTANT_MS: Final = 1_000
"""A thing that happened at once (a key press) is drawn as one second, or it would vanish in rounding."""

METRIC_TYPES: Final[dict[str, frozenset[T]]] = {
    "b1": frozenset({T.CHANGE_ACTIVE_WINDOW_ON_COMPUTER}),
    "b2": frozenset({T.FULL_SCREEN_LEFT}),
    "c1": frozenset({T.CAMERA_NO_PICTURE, T.CAMERA_NO_DEVICE_CONNECTED}),
    "c2": frozenset({T.NO_USER_IN_FRAME, T.AVERT_EYES}),
    "c3": frozenset({T.EXTRA_USER_IN_FRAME}),
    "c4": frozenset({T.SUBSTITUTION_USER}),
    "m1": frozenset({T.MIC_MUTED, T.MIC_NO_SOUND, T.MIC_NO_DEVICE_CONNECTED}),
    "m2": frozenset({T.VOICE_DETECTED, T.TALK}),
    "s1": frozenset({T.DESKTOP_REQUEST_PENDING}),
    "k1": frozenset(),
    "n1": frozenset({T.NO_PING, T.TIMEOUT}),
    "c2a": frozenset({T.NO_USER_IN_FRAME}),
    "c2g": frozenset({T.AVERT_EYES}),
    "d1": frozenset({T.FORBIDDEN_DEVICE, T.EXTRA_DISPLAY}),
    "d2": frozenset({T.PHONE, T.PHONE_SCREEN}),
}
"""Metric code -> what it is made of. ``c2a`` (absent) and ``c2g`` (gaze) split ``c2``, because an exam weighs them
apart; ``d1`` (forbidden device) and ``d2`` (phone) are ours, the plugins weigh them but name no metric.
``k1`` waits for a detector of typing."""

WEIGHED_METRIC: Final[dict[str, str]] = {
    "extra_user": "c3",
    "user_replaced": "c4",
    "absent_user": "c2a",
    "look_away": "c2g",
    "active_window_changed": "b1",
    "forbidden_device": "d1",
    "voice": "m2",
    "phone": "d2",
}
"""Name of a weight -> the metric it weighs; no technical metric is among them, so faults never score."""

DEFAULT_WEIGHTS: Final[dict[str, float]] = {
    "extra_user": 1.0,
    "user_replaced": 1.0,
    "absent_user": 2.0,
    "look_away": 1.5,
    "active_window_changed": 1.0,
    "forbidden_device": 1.0,
    "voice": 1.0,
    "phone": 1.0,
}

MAX_WEIGHT: Final = 10.0

DEFAULT_THRESHOLDS: Final[dict[str, int]] = {"attention": 60, "rejected": 80}
"""Suspicion (100 - trust score) from which a sitting asks for attention, or for rejection."""

ALLOWING_RULES: Final[dict[str, tuple[str, ...]]] = {
    "allow_to_use_websites": ("active_window_changed",),
    "allow_to_use_human_assistant": ("extra_user", "voice"),
    "allow_absence_in_frame": ("absent_user",),
    "allow_voices": ("voice",),
    "allow_wrong_gaze_direction": ("look_away",),
}
"""What an exam's rule allows costs no points."""

Interval = tuple[int, int]
"""Start and end in UTC milliseconds."""


@dataclass(frozen=True, slots=True)
class Span:
    """One observation or hand-made mark, in UTC milliseconds; ``pauses`` are cut out of it."""

    type: T
    start_ms: int
    end_ms: int | None
    decision: Decision = Decision.PENDING
    pauses: tuple[Interval, ...] = ()


class TrustScore(NamedTuple):
    """``value`` 0..100; ``explanation`` has ``{metric, label_key, mean, weight, points}`` a loss."""

    value: int
    explanation: list[dict[str, Any]]


def metrics(observations: Iterable[Span], start_ms: int, end_ms: int) -> dict[str, list[int]]:
    """Return for each metric code the share (0..100) of each begun minute between start and end.

    Dismissed observations count nowhere; what overlaps counts once; what still goes on ends at ``end_ms``.
    """
    counted = [span for span in observations if span.decision is not Decision.DISMISSED]
    return {
        code: _shares(_united(_pieces(counted, types, start_ms, end_ms)), start_ms, end_ms)
        for code, types in METRIC_TYPES.items()
    }


def score(
    series: Mapping[str, Sequence[int]], weights: Mapping[str, float], length_ms: int | None = None
) -> TrustScore:
    """Return ``clamp(100 - Σ weight · mean)`` with every point lost; missing weights take their default.

    ``length_ms`` of the sitting lets a begun last minute weigh as little as it is long; without it all weigh alike.
    """
    explanation: list[dict[str, Any]] = []
    lost = 0.0
    for name, metric in WEIGHED_METRIC.items():
        mean = _mean(series.get(metric, ()), length_ms)
        weight = float(weights.get(name, DEFAULT_WEIGHTS[name]))
        points = mean * weight
        if points > 0:
            lost += points
            row = {"metric": metric, "label_key": name, "mean": round(mean, 2), "weight": weight}
            explanation.append({**row, "points": round(points, 2)})
    explanation.sort(key=lambda row: (-row["points"], row["label_key"]))
    return TrustScore(round(min(100.0, max(0.0, 100.0 - lost))), explanation)


def effective_weights(weights: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, float]:
    """Return all weights of an exam: its own over the defaults, and nothing for what its rules allow."""
    result = {**DEFAULT_WEIGHTS, **checked_weights(weights)}
    for rule, names in ALLOWING_RULES.items():
        if rules.get(rule):
            result.update(dict.fromkeys(names, 0.0))
    return result


def checked_weights(weights: Mapping[str, Any]) -> dict[str, float]:
    """Return the weights as numbers; raise ``BadInput`` for an unknown name or a number outside 0..10."""
    result: dict[str, float] = {}
    for name, value in weights.items():
        if name not in DEFAULT_WEIGHTS:
            raise BadInput(f"“{name}” is no weight; known are {', '.join(DEFAULT_WEIGHTS)}.", field=name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_WEIGHT:
            raise BadInput(f"The weight “{name}” must be a number from 0 to {MAX_WEIGHT:g}.", field=name)
        result[name] = float(value)
    return result


def _pieces(spans: Iterable[Span], types: frozenset[T], start_ms: int, end_ms: int) -> list[Interval]:
    pieces: list[Interval] = []
    for span in spans:
        if span.type in types:
            last = end_ms if span.end_ms is None else max(span.end_ms, span.start_ms + INSTANT_MS)
            whole = (max(span.start_ms, start_ms), min(last, end_ms))
            pieces += [piece for piece in _without(whole, span.pauses) if piece[0] < piece[1]]
    return pieces


def _without(whole: Interval, cuts: Iterable[Interval]) -> list[Interval]:
    pieces = [whole]
    for cut_start, cut_end in cuts:
        if cut_start >= cut_end:
            continue
        pieces = [
            piece
            for start, end in pieces
            for piece in ((start, min(end, cut_start)), (max(start, cut_end), end))
            if piece[0] < piece[1]
        ]
    return pieces


def _united(pieces: list[Interval]) -> list[Interval]:
    united: list[Interval] = []
    for start, end in sorted(pieces):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united


def _shares(pieces: list[Interval], start_ms: int, end_ms: int) -> list[int]:
    """Return per begun minute the share covered; a begun last minute is measured by its own, shorter length."""
    shares: list[int] = []
    for minute_start in range(start_ms, max(start_ms, end_ms), MINUTE_MS):
        minute_end = min(minute_start + MINUTE_MS, end_ms)
        covered = sum(max(0, min(end, minute_end) - max(start, minute_start)) for start, end in pieces)
        shares.append(round(100 * covered / (minute_end - minute_start)))
    return shares


def _mean(values: Sequence[int], length_ms: int | None) -> float:
    if not values:
        return 0.0
    last_minute = 1.0 if length_ms is None else (length_ms % MINUTE_MS or MINUTE_MS) / MINUTE_MS
    return (sum(values[:-1]) + values[-1] * last_minute) / (len(values) - 1 + last_minute)
