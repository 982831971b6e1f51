"""What every detector of sound offers, and which ones there are."""

from typing import Protocol, runtime_checkable

from media.detectors.detector import Judging
from media.detectors.microphone import Microphone
from media.detectors.rules import Sample
from media.detectors.scene import Scene
from media.detectors.speech import SpeechStream
from media.detectors.talking import Talk
from media.detectors.voice import Voice
from media.frames.frame import NoSound, Sound


class SoundDetector(Judging, Protocol):
    """Scores one kind of observation by what is heard; keeps what it must remember of one sitting."""

    def hear(self, sound: Sound) -> list[Sample]:
        """The scores of a piece of sound, in order of time; several a piece where half a second is too coarse."""

    def hear_nothing(self, nothing: NoSound) -> list[Sample]:
        """The score of having no sound, told about once a second."""


@runtime_checkable
class SeeingSoundDetector(SoundDetector, Protocol):
    """One that looks at the picture, too (a mouth that moves)."""

    def sample(self, scene: Scene) -> Sample | None:
        """Take note of one picture; its score, or None when only the next sound will tell."""


def sound_detectors() -> list[SoundDetector]:
    """A new set for one sitting; what they share (one voice network's answer) is made here."""
    speech = SpeechStream()
    return [Microphone(), Voice(speech), Talk(speech)]
