"""Drives pictures and sound through the detectors: one piece in, what changed on the timeline out.

No database, no network, no clock of its own: the time is the pictures'. One Analyser per sitting, fed by one thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from appliance.errors import BadInput
from appliance.vocabulary import ObservationType
from media.biometrics.engine import Descriptor, Engine
from media.biometrics.engines import default_engine
from media.biometrics.matching import QualityGate, Thresholds
from media.biometrics.model_files import FACE_FULL_RANGE, FACE_SHORT_RANGE
from media.biometrics.photos import PhotoCheck, PhotoHint, check_photo
from media.detectors.absence import Absence
from media.detectors.detector import Detector
from media.detectors.extra_person import ExtraPerson
from media.detectors.frozen_picture import FrozenPicture
from media.detectors.gaze import Gaze
from media.detectors.impostor import IdentityInterval, Impostor
from media.detectors.picture_loss import PictureLoss
from media.detectors.rules import Change, ObservationEvent, Rule, RuleState, Sample
from media.detectors.scene import Doubt, Scene, SceneReader
from media.detectors.sounds import SeeingSoundDetector, SoundDetector, sound_detectors
from media.frames.frame import Frame, NoPicture, Sound

__all__ = [
    "Analyser",
    "AnalysisSettings",
    "Change",
    "ObservationEvent",
    "PhotoCheck",
    "PhotoHint",
    "check_photo",
]

D = TypeVar("D", bound=Detector | SoundDetector)

DEFAULT_RULES: Mapping[str, Rule] = (
    {
        detector.name: detector.default_rule
        for detector in (Absence, ExtraPerson, Impostor, Gaze, PictureLoss, FrozenPicture)
    }
    | {detector.name: detector.default_rule for detector in sound_detectors()}
    | {
        # doubts, told as ``undetermined``: the times say from when on not knowing is worth telling
        Doubt.TOO_DARK: Rule(threshold=0.5, clear_below=0.5, min_duration_ms=1500),
        Doubt.FACE_HIDDEN: Rule(threshold=0.5, clear_below=0.5, min_duration_ms=3000, lapse_ms=600),
        Doubt.IDENTITY_UNCLEAR: Rule(threshold=0.5, clear_below=0.5, min_duration_ms=20_000, lapse_ms=600),
    }
)
"""By detector's name or by doubt."""

ALLOWED_BY = {
    "allow_absence_in_frame": Absence.name,
    "allow_human_assistant": ExtraPerson.name,
    "allow_to_use_human_assistant": ExtraPerson.name,
    "allow_wrong_gaze_direction": Gaze.name,
}
"""The exam's rules that make an observation pointless."""

QUIET_MS = 450
"""As long as nothing is suspected, pictures that follow sooner are left out: two a second are evaluated."""
SUSPECT_WITHIN_MS = 2500
"""Only a rule that will decide within this time is worth a closer look."""


@dataclass(frozen=True)
class AnalysisSettings:
    """What is looked for in one exam, and how strictly."""

    rules: Mapping[str, Rule] = field(default_factory=lambda: dict(DEFAULT_RULES))
    disabled: frozenset[str] = frozenset()
    """Names of detectors that are not run."""
    interval: IdentityInterval = field(default_factory=IdentityInterval)
    thresholds: Thresholds = field(default_factory=Thresholds)
    gate: QualityGate = field(default_factory=QualityGate)

    @classmethod
    def for_exam(cls, rules: Mapping[str, Any], detection: Mapping[str, Any]) -> "AnalysisSettings":
        """The defaults with an exam's overrides.

        ``rules``: the exam's ``allow_*`` flags. ``detection``: detector's name (or doubt) -> fields of Rule to
        replace and ``enabled``; ``identity_interval`` -> fields of IdentityInterval.
        Raises BadInput for unknown names.
        """
        changed = dict(DEFAULT_RULES)
        disabled = {name for flag, name in ALLOWED_BY.items() if rules.get(flag)}
        interval = IdentityInterval()
        for name, fields in detection.items():
            given = dict(fields)
            try:
                if name == "identity_interval":
                    interval = replace(interval, **given)
                    continue
                if not given.pop("enabled", True):
                    disabled.add(name)
                changed[name] = replace(changed[name], **given)
            except KeyError:
                known = ", ".join([*DEFAULT_RULES, "identity_interval"])
                raise BadInput(f"the exam's detection names {name!r}; known are: {known}") from None
            except TypeError as error:
                raise BadInput(f"the exam's detection of {name}: {error}") from error
        return cls(changed, frozenset(disabled), interval)


@dataclass
class _Watch(Generic[D]):
    """A detector and where its rule stands."""

    detector: D
    state: RuleState
    last_ms: int = 0

    def feed(self, sample: Sample) -> list[ObservationEvent]:
        """Take a sample; one of a detector that sees and hears may lag behind the other sense's: it is moved."""
        if sample.at_ms < self.last_ms:
            sample = replace(sample, at_ms=self.last_ms)
        self.last_ms = sample.at_ms
        return self.state.feed(sample)


class Analyser:
    """Follows one sitting's camera and microphone."""

    def __init__(
        self,
        reference: Descriptor | None,
        settings: AnalysisSettings | None = None,
        engine: Engine | None = None,
        reader: SceneReader | None = None,
    ) -> None:
        """``reference``: descriptor of the check-in photo (``check_photo``); without it identity is not judged."""
        self._settings = settings or AnalysisSettings()
        self._reader = reader or SceneReader()
        impostor = Impostor(
            engine or default_engine(),
            reference,
            self._settings.interval,
            self._settings.thresholds,
            self._settings.gate,
        )
        detectors: list[Detector] = [PictureLoss(), FrozenPicture(), Absence(), ExtraPerson(), impostor, Gaze()]
        self._watches = [self._watch(detector) for detector in detectors if self._is_wanted(detector)]
        self._ears = [self._watch(detector) for detector in sound_detectors() if self._is_wanted(detector)]
        presence_models = {file.name: file.sha256 for file in (FACE_SHORT_RANGE, FACE_FULL_RANGE)}
        self._doubts = {
            doubt: self._state(ObservationType.UNDETERMINED, doubt, presence_models)
            for doubt in Doubt
            if doubt not in self._settings.disabled
        }
        self._last_ms: int | None = None

    def _is_wanted(self, detector: Detector | SoundDetector) -> bool:
        return detector.name not in self._settings.disabled

    def _watch(self, detector: D) -> _Watch[D]:
        models = {file.name: file.sha256 for file in detector.models}
        return _Watch(detector, self._state(detector.type, detector.name, models))

    def _state(self, type_: ObservationType, name: str, models: Mapping[str, str]) -> RuleState:
        return RuleState(type_, name, self._settings.rules[name], {"models": models})

    def feed(self, piece: Frame | NoPicture | Sound) -> list[ObservationEvent]:
        """Evaluate the next picture, the lack of one, or the next piece of sound.

        Feed about four pictures a second: two are evaluated, all four while something is suspected but not certain
        yet. A picture not later than the last one is left out: time on a timeline does not go back. Sound needs no
        picture, pictures need no sound; fed without sound, nothing is concluded from silence.
        """
        if isinstance(piece, Sound):
            return [event for ear in self._ears for sample in ear.detector.hear(piece) for event in ear.feed(sample)]
        if self._last_ms is not None and piece.at_ms < self._last_ms + (1 if self._suspects else QUIET_MS):
            return []
        self._last_ms = piece.at_ms
        if isinstance(piece, NoPicture):
            return self._sampled(piece.at_ms, [watch.detector.sample_nothing(piece) for watch in self._watches])
        scene = self._reader.read(piece)  # evaluated once, shared by all detectors
        events = self._sampled(piece.at_ms, [watch.detector.sample(scene) for watch in self._watches])
        return events + self._seen(scene)

    def _sampled(self, at_ms: int, samples: list[Sample]) -> list[ObservationEvent]:
        fed = zip(self._watches, samples, strict=True)
        return [event for watch, sample in fed for event in watch.feed(sample)] + self._doubt(at_ms, samples)

    def _seen(self, scene: Scene) -> list[ObservationEvent]:
        """What detectors of sound make of the picture."""
        events: list[ObservationEvent] = []
        for ear in self._ears:
            if isinstance(ear.detector, SeeingSoundDetector):
                sample = ear.detector.sample(scene)
                events += ear.feed(sample) if sample else []
        return events

    @property
    def _suspects(self) -> bool:
        return any(
            state.is_pending and state.rule.min_duration_ms <= SUSPECT_WITHIN_MS
            for state in (*(watch.state for watch in self._watches), *self._doubts.values())
        )

    def _doubt(self, at_ms: int, samples: list[Sample]) -> list[ObservationEvent]:
        doubts = {sample.doubt: sample for sample in samples if sample.doubt}
        events: list[ObservationEvent] = []
        for doubt, state in self._doubts.items():
            told = doubts.get(doubt)
            details = {"reason": str(doubt), **(told.details if told else {})}
            events += state.feed(Sample(at_ms, 1.0 if told else 0.0, details=details))
        return events

    def finish(self, at_ms: int) -> list[ObservationEvent]:
        """Close what is open: the sitting ended, or another worker takes over."""
        states = [watch.state for watch in self._watches] + [ear.state for ear in self._ears]
        states += self._doubts.values()
        return [event for state in states for event in state.finish(at_ms)]
