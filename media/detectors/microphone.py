"""mic_no_sound: the microphone gives nothing, not even the noise of a room."""

import numpy as np

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import ModelFile
from media.detectors.rules import Rule, Sample
from media.frames.frame import NoSound, Sound

DEAD = 1e-4
"""Amplitude (-80 dBFS) that every microphone that is switched on exceeds by its own noise within half a second."""


class Microphone:
    """Scores exact silence, and a track that sends nothing at all."""

    name = "microphone"
    type = ObservationType.MIC_NO_SOUND
    # long: suppression of noise in browsers and headsets lets a quiet room sound dead for some seconds
    default_rule = Rule(threshold=0.5, clear_below=0.5, min_duration_ms=15_000, release_ms=500)
    models: tuple[ModelFile, ...] = ()

    def hear(self, sound: Sound) -> list[Sample]:
        """See SoundDetector."""
        dead = float(np.abs(sound.samples).max()) < DEAD
        return [Sample(sound.at_ms, float(dead), details={"reason": "silent"} if dead else {})]

    def hear_nothing(self, nothing: NoSound) -> list[Sample]:
        """See SoundDetector. It began when the last sound ended."""
        return [Sample(nothing.at_ms, 1.0, since_ms=nothing.since_ms, details={"reason": "no_stream"})]
