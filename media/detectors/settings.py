"""What is looked for in one exam, and how strictly: the defaults, and an exam's own wishes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from appliance.errors import BadInput
from media.biometrics.matching import QualityGate, Thresholds
from media.detectors.absence import Absence
from media.detectors.extra_person import ExtraPerson
from media.detectors.frozen_picture import FrozenPicture
from media.detectors.gaze import Gaze
from media.detectors.impostor import IdentityInterval, Impostor
from media.detectors.looped_picture import LoopedPicture
from media.detectors.phone import BOOKS, PHONE, RULE
from media.detectors.picture_loss import PictureLoss
from media.detectors.rules import Rule
from media.detectors.scene import Doubt
from media.detectors.sounds import sound_detectors
from media.detectors.talking import Talk
from media.detectors.voice import Voice

OF_PICTURES = (Absence, ExtraPerson, Impostor, Gaze, PictureLoss, FrozenPicture, LoopedPicture)
OFF_BY_DEFAULT = frozenset({PHONE, BOOKS, LoopedPicture.name})
"""They run only where an exam names them with ``enabled``."""
OF_DOUBTS: Mapping[str, Rule] = {
    Doubt.TOO_DARK: Rule(threshold=0.5, clear_below=0.5, min_duration_ms=1500),
    Doubt.FACE_HIDDEN: Rule(threshold=0.5, clear_below=0.5, min_duration_ms=3000, lapse_ms=600),
    Doubt.IDENTITY_UNCLEAR: Rule(threshold=0.5, clear_below=0.5, min_duration_ms=20_000, lapse_ms=600),
}
"""Told as ``undetermined``: the times say from when on not knowing is worth telling."""

DEFAULT_RULES: Mapping[str, Rule] = {
    **{detector.name: detector.default_rule for detector in OF_PICTURES},
    **{detector.name: detector.default_rule for detector in sound_detectors()},
    **dict.fromkeys((PHONE, BOOKS), RULE),
    **OF_DOUBTS,
}
"""By detector's name or by doubt."""

ALLOWED_BY = {
    "allow_to_use_books": {BOOKS},
    "allow_absence_in_frame": {Absence.name},
    "allow_human_assistant": {ExtraPerson.name},
    "allow_to_use_human_assistant": {ExtraPerson.name},
    "allow_voices": {Voice.name, Talk.name},
    "allow_wrong_gaze_direction": {Gaze.name},
}
"""The exam's rules that make observations pointless."""


@dataclass(frozen=True)
class AnalysisSettings:
    """What is looked for in one exam, and how strictly."""

    rules: Mapping[str, Rule] = field(default_factory=lambda: dict(DEFAULT_RULES))
    disabled: frozenset[str] = OFF_BY_DEFAULT
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
        off = {name for name in OFF_BY_DEFAULT if not detection.get(name, {}).get("enabled")}
        disabled = off | {name for flag, names in ALLOWED_BY.items() if rules.get(flag) for name in names}
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
