"""Drives pictures and sound through the detectors: one piece in, what changed on the timeline out.

No database, no network, no clock of its own: the time is the pictures'. One Analyser per sitting, fed by one thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from appliance.vocabulary import ObservationType
from media.biometrics.engine import Descriptor, Engine
from media.biometrics.engines import default_engine
from media.biometrics.gaze_map import GazeMap
from media.biometrics.model_files import FACE_FULL_RANGE, FACE_SHORT_RANGE
from media.biometrics.objects import ObjectFinder, supplied
from media.biometrics.photos import PhotoCheck, PhotoHint, check_photo
from media.detectors.absence import Absence
from media.detectors.detector import Detector, Judging
from media.detectors.extra_person import ExtraPerson
from media.detectors.frozen_picture import FrozenPicture
from media.detectors.gaze import Gaze
from media.detectors.impostor import Impostor
from media.detectors.looped_picture import LoopedPicture
from media.detectors.phone import thing_detectors
from media.detectors.picture_loss import PictureLoss
from media.detectors.rules import Change, EvidencePicture, ObservationEvent, RuleState, Sample
from media.detectors.scene import Doubt, Scene, SceneReader
from media.detectors.settings import AnalysisSettings
from media.detectors.sounds import SeeingSoundDetector, sound_detectors
from media.evidence_pictures import StrongestPicture
from media.frames.frame import Frame, Item, NoPicture, NoSound, Sound

__all__ = [
    "Analyser",
    "AnalysisSettings",
    "Change",
    "EvidencePicture",
    "Figures",
    "ObservationEvent",
    "PhotoCheck",
    "PhotoHint",
    "check_photo",
]

D = TypeVar("D", bound=Judging)

QUIET_MS = 450
"""As long as nothing is suspected, pictures that follow sooner are left out: two a second are evaluated."""
SUSPECT_WITHIN_MS = 2500
"""Only a rule that will decide within this time is worth a closer look."""


@dataclass
class Figures:
    """How much was looked at so far."""

    pictures: int = 0
    """Given to ``feed``."""
    evaluated: int = 0
    judged: int = 0
    """Of those evaluated: with enough light to tell faces by."""
    heard_ms: int = 0


@dataclass
class _Following:
    """Where one rule stands, and the picture that would show it best."""

    state: RuleState
    strongest: StrongestPicture = field(default_factory=StrongestPicture)
    last_ms: int = 0

    def feed(self, sample: Sample, frame: Frame | None) -> list[ObservationEvent]:
        """Take a sample, and the picture that was there then.

        One of a detector that sees and hears may lag behind the other sense's: it is moved.
        """
        if sample.at_ms < self.last_ms:
            sample = replace(sample, at_ms=self.last_ms)
        self.last_ms = sample.at_ms
        events = self.state.feed(sample)
        if sample.score is not None and sample.score >= self.state.rule.threshold:
            self.strongest.note(sample.score, frame)
        return self._shown(events)

    def finish(self, at_ms: int) -> list[ObservationEvent]:
        return self._shown(self.state.finish(at_ms))

    def _shown(self, events: list[ObservationEvent]) -> list[ObservationEvent]:
        shown = [
            event if event.change is Change.UPDATED else replace(event, pictures=self.strongest.take())
            for event in events
        ]
        if not self.state.is_open and not self.state.is_pending:
            self.strongest.forget()
        return shown


@dataclass
class _Watch(Generic[D]):
    detector: D
    rule: _Following


class Analyser:
    """Follows one sitting's camera and microphone."""

    def __init__(
        self,
        reference: Descriptor | None,
        settings: AnalysisSettings | None = None,
        engine: Engine | None = None,
        reader: SceneReader | None = None,
        gaze_map: GazeMap | None = None,
        finder: ObjectFinder | None = None,
    ) -> None:
        """``reference``: descriptor of the check-in photo (``check_photo``); without it identity is not judged.

        ``gaze_map``: from the calibration of the check-in; without it "at the screen" is where the candidate
        usually looks. ``finder``: of phones and books; without it the one that this process was supplied with.
        """
        self._settings = wanted = settings or AnalysisSettings()
        self._reader = reader or SceneReader()
        self.models: dict[str, str] = {}
        """Name -> sha-256 of every file that was used or would have been."""
        self.figures = Figures()
        impostor = Impostor(engine or default_engine(), reference, wanted.interval, wanted.thresholds, wanted.gate)
        detectors: list[Detector] = [
            PictureLoss(),
            FrozenPicture(),
            LoopedPicture(),
            Absence(),
            ExtraPerson(),
            impostor,
            Gaze(gaze_map),
            *thing_detectors(finder or supplied()),
        ]
        self._watches = [self._watch(detector) for detector in detectors if detector.name not in wanted.disabled]
        self._ears = [self._watch(ear) for ear in sound_detectors() if ear.name not in wanted.disabled]
        # asked here once: it takes as long as judging the light
        self._seeing = [
            (ear.detector, ear.rule) for ear in self._ears if isinstance(ear.detector, SeeingSoundDetector)
        ]
        presence = {file.name: file.sha256 for file in (FACE_SHORT_RANGE, FACE_FULL_RANGE)}
        self._doubts = {
            doubt: self._following(ObservationType.UNDETERMINED, doubt, presence)
            for doubt in Doubt
            if doubt not in wanted.disabled
        }
        self._last_ms: int | None = None
        self._frame: Frame | None = None

    def _watch(self, detector: D) -> _Watch[D]:
        models = {file.name: file.sha256 for file in detector.models}
        self.models |= models
        return _Watch(detector, self._following(detector.type, detector.name, models))

    def _following(self, type_: ObservationType, name: str, models: Mapping[str, str]) -> _Following:
        return _Following(RuleState(type_, name, self._settings.rules[name], {"models": models}))

    def feed(self, piece: Item) -> list[ObservationEvent]:
        """Evaluate the next picture or piece of sound, or the lack of either.

        Feed about four pictures a second: two are evaluated, all four while something is suspected but not certain
        yet. A picture not later than the last one is left out: time on a timeline does not go back. Sound needs no
        picture, pictures need no sound; fed without sound, nothing is concluded from silence.
        """
        if isinstance(piece, Sound | NoSound):
            return self._heard(piece)
        self.figures.pictures += isinstance(piece, Frame)
        if self._last_ms is not None and piece.at_ms < self._last_ms + (1 if self._suspects else QUIET_MS):
            return []
        self._last_ms = piece.at_ms
        if isinstance(piece, NoPicture):
            self._frame = None
            return self._sampled(piece.at_ms, [watch.detector.sample_nothing(piece) for watch in self._watches])
        self._frame = piece
        scene = self._reader.read(piece)  # evaluated once, shared by all detectors
        self.figures.evaluated += 1
        self.figures.judged += scene.is_readable
        events = self._sampled(piece.at_ms, [watch.detector.sample(scene) for watch in self._watches])
        return events + self._seen(scene)

    def _heard(self, piece: Sound | NoSound) -> list[ObservationEvent]:
        if isinstance(piece, Sound):
            self.figures.heard_ms += piece.end_ms - piece.at_ms
        events: list[ObservationEvent] = []
        for ear in self._ears:
            heard = ear.detector.hear(piece) if isinstance(piece, Sound) else ear.detector.hear_nothing(piece)
            events += [event for sample in heard for event in ear.rule.feed(sample, self._frame)]
        return events

    def _sampled(self, at_ms: int, samples: list[Sample]) -> list[ObservationEvent]:
        fed = zip(self._watches, samples, strict=True)
        events = [event for watch, sample in fed for event in watch.rule.feed(sample, self._frame)]
        return events + self._doubt(at_ms, samples)

    def _seen(self, scene: Scene) -> list[ObservationEvent]:
        """What detectors of sound make of the picture."""
        events: list[ObservationEvent] = []
        for detector, rule in self._seeing:
            sample = detector.sample(scene)
            events += rule.feed(sample, self._frame) if sample else []
        return events

    @property
    def _suspects(self) -> bool:
        return any(
            rule.state.is_pending and rule.state.rule.min_duration_ms <= SUSPECT_WITHIN_MS
            for rule in (*(watch.rule for watch in self._watches), *self._doubts.values())
        )

    def _doubt(self, at_ms: int, samples: list[Sample]) -> list[ObservationEvent]:
        doubts = {sample.doubt: sample for sample in samples if sample.doubt}
        events: list[ObservationEvent] = []
        for doubt, rule in self._doubts.items():
            told = doubts.get(doubt)
            details = {"reason": str(doubt), **(told.details if told else {})}
            events += rule.feed(Sample(at_ms, 1.0 if told else 0.0, details=details), self._frame)
        return events

    def finish(self, at_ms: int) -> list[ObservationEvent]:
        """Close what is open: the sitting ended, or another worker takes over."""
        rules = [watch.rule for watch in self._watches] + [ear.rule for ear in self._ears]
        return [event for rule in (*rules, *self._doubts.values()) for event in rule.finish(at_ms)]
