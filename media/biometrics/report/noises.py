"""Noises of a room that are no voices, made from numbers: what they set off is a false alarm."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.frames.frame import Sound

SECONDS: Final = 60
SEED: Final = 11
Samples = NDArray[np.float32]


def _times() -> NDArray[np.float64]:
    return np.arange(SECONDS * Sound.RATE) / Sound.RATE


def _clicks(per_second: float, milliseconds: float, low: float, high: float) -> Samples:
    """Decaying bursts at random times, each of its own pitch and loudness."""
    generator = np.random.default_rng(SEED)
    whole = generator.normal(0, 0.0008, SECONDS * Sound.RATE)
    length = round(0.08 * Sound.RATE)
    span = np.arange(length) / Sound.RATE
    for start in generator.integers(0, len(whole) - length, round(per_second * SECONDS)):
        pitch, loud = generator.uniform(low, high), generator.uniform(0.03, 0.2)
        burst = np.sin(2 * np.pi * pitch * span) + generator.normal(0, 1, length)
        whole[start : start + length] += loud * burst * np.exp(-span * 1000 / milliseconds)
    limited: Samples = np.clip(whole, -1, 1).astype(np.float32)
    return limited


def _typing() -> Samples:
    return _clicks(6.0, 6.0, 1200.0, 4000.0)


def _mouse() -> Samples:
    return _clicks(1.2, 2.0, 2500.0, 5500.0)


def _hum() -> Samples:
    """Mains: 50 Hz and its harmonics."""
    times = _times()
    tones = np.sum([np.sin(2 * np.pi * 50 * harmonic * times) / harmonic for harmonic in (1, 2, 3, 5, 7)], axis=0)
    return np.asarray(0.05 * tones, dtype=np.float32)


def _fan() -> Samples:
    """Noise that falls by 6 dB an octave, swelling with the blades."""
    generator = np.random.default_rng(SEED)
    spectrum = np.fft.rfft(generator.normal(0, 1, SECONDS * Sound.RATE))
    frequencies = np.fft.rfftfreq(SECONDS * Sound.RATE, 1 / Sound.RATE)
    shaped = np.fft.irfft(spectrum / np.sqrt(1 + (frequencies / 300) ** 2))
    swell = 1 + 0.2 * np.sin(2 * np.pi * 23 * _times())
    return np.asarray(0.05 * shaped / shaped.std() * swell, dtype=np.float32)


def _hiss() -> Samples:
    return np.random.default_rng(SEED).normal(0, 0.02, SECONDS * Sound.RATE).astype(np.float32)


NOISES: Final[Mapping[str, Callable[[], Samples]]] = {
    "typing": _typing,
    "mouse": _mouse,
    "mains_hum": _hum,
    "fan": _fan,
    "hiss": _hiss,
}
