"""From scores to incidents: threshold, hysteresis and minimum duration, as a state machine without pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from appliance.errors import BadInput
from appliance.vocabulary import ObservationType


@dataclass(frozen=True)
class Sample:
    """What a detector thought of one picture."""

    at_ms: int
    """Time of the picture, UTC milliseconds."""
    score: float | None
    """0 (surely not) to 1 (surely so); None when the picture does not allow a judgement."""
    since_ms: int | None = None
    """When the condition must have begun, where the detector knows better than the picture's own time."""
    doubt: str = ""
    """Why there is no judgement, when that is worth telling; told as ``undetermined``."""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """When scores become an incident."""

    threshold: float
    """From this score on the condition holds."""
    clear_below: float
    """Below this score it does not hold; between the two, what was thought before stays."""
    min_duration_ms: int
    """Shorter ones are not worth reporting."""
    lapse_ms: int = 0
    """Before it is reported: a pause up to this long does not start the count afresh."""
    release_ms: int = 400
    """After it was reported: it is over when the condition has not held for that long."""
    unknown_ms: int = 2000
    """It is over, too, when nothing could be judged for that long."""

    def __post_init__(self) -> None:
        """Raises BadInput for values that make no rule."""
        if not 0 <= self.clear_below <= self.threshold <= 1:
            raise BadInput(
                f"a rule needs 0 <= clear_below <= threshold <= 1, not {self.clear_below}, {self.threshold}"
            )
        if min(self.min_duration_ms, self.lapse_ms, self.release_ms, self.unknown_ms) < 0:
            raise BadInput("the durations of a rule cannot be negative")


class Change(StrEnum):
    """What became of an observation."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


@dataclass(frozen=True)
class EvidencePicture:
    """A picture that shows why an observation was made."""

    at_ms: int
    jpeg: bytes = field(repr=False)


@dataclass(frozen=True)
class ObservationEvent:
    """Something to put on the timeline."""

    change: Change
    type: ObservationType
    key: str
    """The same for all events of one observation, unique within one Analyser."""
    at_ms: int
    """Time of the picture that decided it."""
    start_ms: int
    """When the condition began."""
    end_ms: int | None
    """When it ended; None while it goes on."""
    confidence: float
    """0 to 1: mean score of the pictures in which it held."""
    detector: str
    details: Mapping[str, Any]
    """``score``, ``threshold``, ``min_duration_ms``, ``models`` (name -> sha-256) and what the detector adds."""
    pictures: tuple[EvidencePicture, ...] = ()
    """New ones: at most one when it opens, and one when it closes."""


UPDATE_INTERVAL_MS = 5000
"""A running observation is not told again sooner than that, and only when its confidence moved."""
UPDATE_STEP = 0.05


@dataclass
class _Run:
    """A span in which the condition holds, reported or not."""

    number: int
    start_ms: int
    reported_ms: int | None = None
    reported_confidence: float = 0.0
    total: float = 0.0
    count: int = 0
    gap_since_ms: int | None = None
    """Since when it has not been seen to hold; None while it does."""
    clear_since_ms: int | None = None
    unknown_since_ms: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def confidence(self) -> float:
        return round(self.total / max(self.count, 1), 3)

    def holds(self, sample: Sample, score: float) -> None:
        self.total += score
        self.count += 1
        self.gap_since_ms = self.clear_since_ms = self.unknown_since_ms = None
        self.details = {**sample.details, "score": round(score, 3)}


class RuleState:
    """Follows one condition through the pictures of one sitting."""

    def __init__(
        self, type_: ObservationType, detector: str, rule: Rule, details: Mapping[str, Any] | None = None
    ) -> None:
        self.type = type_
        self.detector = detector
        self.rule = rule
        self._fixed = {**(details or {}), "threshold": rule.threshold, "min_duration_ms": rule.min_duration_ms}
        self._run: _Run | None = None
        self._count = 0

    @property
    def is_open(self) -> bool:
        """Whether an observation was reported and not closed yet."""
        return self._run is not None and self._run.reported_ms is not None

    @property
    def is_pending(self) -> bool:
        """Whether the condition holds but not long enough to be reported."""
        return self._run is not None and self._run.reported_ms is None

    def feed(self, sample: Sample) -> list[ObservationEvent]:
        """Take the next sample; times must not go back."""
        if sample.score is None:
            return self._unknown(sample)
        if sample.score >= self.rule.threshold:
            return self._holds(sample, sample.score)
        if sample.score < self.rule.clear_below:
            return self._clear(sample)
        # between the two thresholds: what was thought before stays
        if self._run is None or not self.is_open:
            return []
        return self._holds(sample, sample.score) if self._run.clear_since_ms is None else self._clear(sample)

    def finish(self, at_ms: int) -> list[ObservationEvent]:
        """Close what is open; it ended when it was last seen to hold, at the latest now."""
        run, self._run = self._run, None
        if run is None or run.reported_ms is None:
            return []
        return [self._event(Change.CLOSED, run, at_ms, min(run.gap_since_ms or at_ms, at_ms))]

    def _holds(self, sample: Sample, score: float) -> list[ObservationEvent]:
        if self._run is None:
            self._count += 1
            start_ms = sample.at_ms if sample.since_ms is None else min(sample.since_ms, sample.at_ms)
            self._run = _Run(self._count, start_ms)
        run = self._run
        run.holds(sample, score)
        if run.reported_ms is None:
            if sample.at_ms - run.start_ms < self.rule.min_duration_ms:
                return []
            return [self._report(Change.OPENED, run, sample.at_ms)]
        moved = abs(run.confidence - run.reported_confidence) >= UPDATE_STEP
        if moved and sample.at_ms - run.reported_ms >= UPDATE_INTERVAL_MS:
            return [self._report(Change.UPDATED, run, sample.at_ms)]
        return []

    def _clear(self, sample: Sample) -> list[ObservationEvent]:
        run = self._run
        if run is None:
            return []
        run.unknown_since_ms = None
        run.gap_since_ms = sample.at_ms if run.gap_since_ms is None else run.gap_since_ms
        run.clear_since_ms = sample.at_ms if run.clear_since_ms is None else run.clear_since_ms
        patience = self.rule.lapse_ms if run.reported_ms is None else self.rule.release_ms
        return self._end(sample.at_ms) if sample.at_ms - run.clear_since_ms >= patience else []

    def _unknown(self, sample: Sample) -> list[ObservationEvent]:
        run = self._run
        if run is None:
            return []
        run.gap_since_ms = sample.at_ms if run.gap_since_ms is None else run.gap_since_ms
        run.unknown_since_ms = sample.at_ms if run.unknown_since_ms is None else run.unknown_since_ms
        return self._end(sample.at_ms) if sample.at_ms - run.unknown_since_ms >= self.rule.unknown_ms else []

    def _end(self, at_ms: int) -> list[ObservationEvent]:
        run, self._run = self._run, None
        if run is None or run.reported_ms is None:
            return []
        return [self._event(Change.CLOSED, run, at_ms, run.gap_since_ms or at_ms)]

    def _report(self, change: Change, run: _Run, at_ms: int) -> ObservationEvent:
        run.reported_ms, run.reported_confidence = at_ms, run.confidence
        return self._event(change, run, at_ms, None)

    def _event(self, change: Change, run: _Run, at_ms: int, end_ms: int | None) -> ObservationEvent:
        return ObservationEvent(
            change=change,
            type=self.type,
            key=f"{self.detector}-{run.number}",
            at_ms=at_ms,
            start_ms=run.start_ms,
            end_ms=None if end_ms is None else max(end_ms, run.start_ms),
            confidence=run.confidence,
            detector=self.detector,
            details={**self._fixed, **run.details},
        )
