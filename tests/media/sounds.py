"""Sounds that tests make: a drawn voice, and noises that are none."""

import numpy as np
from scipy.signal import lfilter

from media.frames import Sound

RATE = Sound.RATE
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
"""Formants in Hz (Peterson and Barney, 1952): as in father, see, boot, bed, law."""


def at_level(samples, dbfs):
    """The same at a level in dB below full scale."""
    return (samples / np.sqrt(np.mean(np.square(samples))) * 10 ** (dbfs / 20)).astype(np.float32)


def voice(seconds, seed=3):
    """Syllables: a train of pulses of a falling and rising pitch through the formants of vowels."""
    random, parts = np.random.default_rng(seed), []
    while sum(map(len, parts)) < seconds * RATE:
        count = round(random.uniform(0.12, 0.28) * RATE)
        pitch = np.linspace(*random.uniform(95, 150, 2), count)
        phase = np.cumsum(pitch) / RATE
        pulses = np.diff(np.floor(phase), prepend=0) + random.normal(0, 0.01, count)
        sound = sum(resonance(pulses, formant, 60 + formant / 20) for formant in VOWELS[random.integers(len(VOWELS))])
        parts += [sound * np.hanning(count) ** 0.5, np.zeros(round(random.uniform(0.02, 0.08) * RATE))]
    return np.concatenate(parts)[: round(seconds * RATE)]


def resonance(samples, frequency, width):
    """A resonator of two poles."""
    radius, angle = np.exp(-np.pi * width / RATE), 2 * np.pi * frequency / RATE
    return lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius * radius], samples)


def pink(seconds, seed=2):
    """Noise whose power falls with the frequency: a fan, traffic far away."""
    count = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), count)


def fan(seconds, seed=3):
    """Pink noise that the blades make louder and softer, and the motor's note."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = pink(seconds, seed)
    return noise * (1 + 0.3 * np.sin(2 * np.pi * 17 * time)) + 0.2 * noise.std() * np.sin(2 * np.pi * 140 * time)


def hum(seconds, mains=50):
    """Mains hum with its harmonics."""
    time = np.arange(round(seconds * RATE)) / RATE
    return sum(np.sin(2 * np.pi * mains * k * time + k) / k for k in range(1, 12))


def clicks(seconds, a_second=6, seed=4, longest=1500):
    """Keys: short noises with a ring of some frequency, at random moments."""
    random, result = np.random.default_rng(seed), np.zeros(round(seconds * RATE))
    for start in random.uniform(0, seconds - 0.2, round(seconds * a_second)):
        time = np.arange(random.integers(200, longest))
        ring = np.sin(2 * np.pi * random.uniform(300, 6000) * time / RATE) + random.normal(size=len(time)) * 0.6
        at = round(start * RATE)
        result[at : at + len(time)] += ring * np.exp(-time / random.uniform(40, 300)) * random.uniform(0.3, 1)
    return result


def pieces(samples, start_ms=0):
    """The samples as a source gives them."""
    step = 16 * Sound.STEP
    whole = np.concatenate([samples, np.zeros(-len(samples) % Sound.STEP)]).astype(np.float32)
    return [Sound(start_ms + at * 1000 // RATE, whole[at : at + step], "drawn") for at in range(0, len(whole), step)]
