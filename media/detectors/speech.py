"""How much a moment of sound is speech: silero-vad's network, with its state kept along a stream.

The network (MIT, https://github.com/snakers4/silero-vad) judges steps of 512 samples at 16 kHz, each with the 64
samples before it; its file for whole sequences takes several steps a call, at half the cost of one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.biometrics.model_files import VOICE, once
from media.frames.frame import NoSound, Sound

Samples = NDArray[np.float32]
Memory = tuple[Samples, Samples]
"""Hidden and cell state of the network's LSTM, 1x1x128 each."""
FRESH: Memory = (np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32))
CONTEXT = 64
"""Samples before a step that the network sees along with it."""
AROUND = 5
"""Steps before and after one whose mean is its score: 0.35 s, a syllable or two. Breath between words is no pause."""
STEP_MS = Sound.STEP * 1000 // Sound.RATE
QUIET = 0.1
"""Network's belief below which nobody speaks, beyond doubt."""
FRESH_AFTER = 8000 // STEP_MS
"""Steps of quiet after which the network forgets all it heard: it grows deaf to voices weaker than the last."""
SILENT = 3e-4
"""Amplitude (-70 dBFS) that no speech worth hearing stays below: such sound needs no network."""
HUSHED = 2e-5
"""Power (-47 dBFS) of each step that a quiet room stays below. Louder sound is always listened to: somebody may
speak in a noise as loud."""
EVEN = np.array([[1.5], [2.2]], np.float32)
"""How many times its quietest step of late a hushed room's loudest may have, in all and below 2 kHz, for there to be
noise alone, which needs no network: that varies by 1.3 and 1.8. Syllables come and go by more, even 5 dB below it."""
LATE = 312
"""Steps (10 s) among which the quietest is looked for."""
EVEN_FOR = 2000 // STEP_MS
"""Steps of such noise after which the network is left alone: about what was said it still listens."""


class VoiceNetwork:
    """The weights; without state, so any number of streams and threads share it."""

    def __init__(self) -> None:
        """Load the file. Raises ModelMissing."""
        import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - 20 MB of native code

        options = onnxruntime.SessionOptions()
        # half a second is too little for more, and a worker analyses several sittings
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(VOICE.path), options, providers=["CPUExecutionProvider"]
        )

    def run(self, steps: Samples, memory: Memory) -> tuple[Samples, Memory]:
        """Probabilities 0 to 1 of N steps (Nx576) and the memory after them, which was that of the step before."""
        found, *after = self._session.run(None, {"input": steps, "h": memory[0], "c": memory[1]})
        return found.reshape(-1), (after[0], after[1])


@once
def voice_network() -> VoiceNetwork:
    """The process's one network."""
    return VoiceNetwork()


@dataclass(frozen=True)
class Moment:
    """How much one step of a stream is speech."""

    at_ms: int
    """Time of its first sample."""
    score: float
    """0 to 1."""


class SpeechStream:
    """One sitting's sound, step by step; half a second at a time costs 2 ms of CPU a second."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self._memory = FRESH
        self._context: Samples = np.zeros((1, CONTEXT), np.float32)
        self._quiet = 0
        self._powers: Samples = np.zeros((2, 0), np.float32)
        """Of the steps of late, in all and below 2 kHz."""
        self._even = 0
        """Steps in a row that were a quiet room's noise."""
        self._judged: Samples = np.zeros(0, np.float32)
        """Of the steps that still count: up to AROUND that have their score, and those that wait for theirs."""
        self._scored = 0
        self._end_ms = 0
        self._last: tuple[Sound | NoSound, list[Moment]] | None = None

    def hear(self, sound: Sound | NoSound) -> list[Moment]:
        """The scores that this completes, AROUND steps late. Asked again for the same sound, the same answer."""
        if self._last is None or self._last[0] is not sound:
            self._last = (sound, list(self._heard(sound)))
        return self._last[1]

    def _heard(self, sound: Sound | NoSound) -> Iterator[Moment]:
        if isinstance(sound, NoSound) or abs(sound.at_ms - self._end_ms) > 100:
            yield from self._scores(0)
            self._forget()
            self._judged, self._scored = np.zeros(0, np.float32), 0
        if isinstance(sound, Sound):
            self._judged = np.concatenate([self._judged, self._probabilities(sound.samples)])
            self._end_ms = sound.end_ms
            yield from self._scores(AROUND)

    def _scores(self, wait: int) -> Iterator[Moment]:
        """Score all but the last ``wait`` steps."""
        count = len(self._judged)
        first_ms = self._end_ms - count * STEP_MS
        sums = np.concatenate([[0.0], np.cumsum(self._judged, dtype=np.float64)])
        for at in range(self._scored, count - wait):
            first, last = max(at - AROUND, 0), min(at + AROUND + 1, count)
            yield Moment(first_ms + at * STEP_MS, float(sums[last] - sums[first]) / (last - first))
        drop = max(count - wait - AROUND, 0)
        self._judged, self._scored = self._judged[drop:], max(count - wait, 0) - drop

    def _probabilities(self, samples: Samples) -> Samples:
        steps = samples.reshape(-1, Sound.STEP)
        before = np.vstack([self._context, steps[:-1, -CONTEXT:]])
        self._context = steps[-1:, -CONTEXT:]
        if np.abs(steps).max() < SILENT or self._is_noise(steps):
            found = np.zeros(len(steps), np.float32)
        else:
            found, self._memory = voice_network().run(np.hstack([before, steps]), self._memory)
        self._quiet = self._quiet + len(steps) if found.max() < QUIET else 0
        if self._quiet >= FRESH_AFTER:
            self._forget()
        return found

    def _is_noise(self, steps: Samples) -> bool:
        """Whether it has been a quiet room's noise for a while, in which nobody speaks."""
        deep = steps.reshape(len(steps), -1, 4).sum(axis=2)
        powers = np.stack([_power(steps), _power(deep) / 16])
        self._powers = np.hstack([self._powers, powers])[:, -LATE:]
        loudest, quietest = (each(axis=1, keepdims=True) for each in (powers.max, self._powers.min))
        is_even = loudest[0, 0] <= HUSHED and (loudest <= EVEN * quietest).all()
        self._even = self._even + len(steps) if is_even else 0
        return self._even > EVEN_FOR

    def _forget(self) -> None:
        self._memory = FRESH
        self._context = np.zeros((1, CONTEXT), np.float32)
        self._quiet = 0


def _power(steps: Samples) -> Samples:
    """Mean square of each row."""
    power: Samples = np.einsum("ij,ij->i", steps, steps) / np.float32(steps.shape[1])
    return power


def speech_scores(samples: Samples) -> Samples:
    """How much each 32 ms of N samples (mono, 16 kHz, -1..1) is speech: ceil(N/512) scores of 0 to 1, as live."""
    missing = -len(samples) % Sound.STEP
    padded = np.concatenate([samples, np.zeros(missing, np.float32)]).astype(np.float32)
    stream, found = SpeechStream(), []
    piece = 16 * Sound.STEP
    for start in range(0, len(padded), piece):
        found += stream.hear(Sound(start * 1000 // Sound.RATE, padded[start : start + piece], ""))
    found += stream.hear(NoSound(0, 0, ""))
    return np.array([moment.score for moment in found], np.float32)
