"""voice_detected: somebody speaks, whoever it is."""

from appliance.vocabulary import ObservationType
from media.biometrics.model_files import VOICE
from media.detectors.rules import Rule, Sample
from media.detectors.speech import SpeechStream, speech_scores
from media.frames.frame import NoSound, Sound

__all__ = ["Voice", "speech_scores"]

EVERY = 4
"""One score in so many is a sample: 128 ms apart, and each the mean of 0.35 s."""


class Voice:
    """Scores speech as the network hears it; keys, clicks, hum and fans stay below 0.25."""

    name = "voice"
    type = ObservationType.VOICE_DETECTED
    # silero-vad's makers begin at 0.5 and allow 0.3 where misses cost more; no noise that was measured reached 0.25
    # lapse, release: who speaks breathes, thinks and listens; pauses up to 1.5 s belong to what is said
    default_rule = Rule(threshold=0.3, clear_below=0.15, min_duration_ms=800, lapse_ms=1000, release_ms=1600)
    models = (VOICE,)

    def __init__(self, stream: SpeechStream | None = None) -> None:
        """``stream``: shared with whoever hears the same sound."""
        self._stream = stream or SpeechStream()

    def hear(self, sound: Sound) -> list[Sample]:
        """See SoundDetector."""
        return [Sample(moment.at_ms, moment.score) for moment in self._stream.hear(sound)[::EVERY]]

    def hear_nothing(self, nothing: NoSound) -> list[Sample]:
        """See SoundDetector. What was heard ended with the last sound."""
        told = [Sample(moment.at_ms, moment.score) for moment in self._stream.hear(nothing)]
        ended = [Sample(max(nothing.since_ms, told[-1].at_ms), None)] if told else []
        return [*told, *ended, Sample(nothing.at_ms, None)]
