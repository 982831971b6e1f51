"""Decoded sound of any rate and layout, made into pieces of half a second at 16 kHz, mono."""

import av
import numpy as np
from numpy.typing import NDArray

from media.frames.frame import Sound

PIECE_SAMPLES = 16 * Sound.STEP
"""A piece is 512 ms long: as late as a voice may be told, as few calls of the network as one can."""
HOLE_MS = 100
"""Sound that begins this much later than the last ended stands behind a hole; less is the jitter of time stamps."""


class SoundCutter:
    """Resamples frames as they come from the decoder and cuts pieces of them."""

    def __init__(self, source: str) -> None:
        """``source``: what pieces name as theirs."""
        self._source = source
        self._fresh()
        self._held: list[NDArray[np.float32]] = []
        self._count = 0
        self._end_ms = 0.0
        """Time behind the last sample taken; 0 before any."""

    def push(self, frame: av.AudioFrame, at_ms: float | None) -> list[Sound]:
        """Take the next frame; return the pieces it completes. ``at_ms``: its time, None: behind the one before.

        What lies before the time already reached is left out: time on a timeline does not go back.
        """
        at_ms = self._end_ms if at_ms is None else at_ms
        pieces: list[Sound] = []
        if self._end_ms and at_ms < self._end_ms - HOLE_MS:
            return pieces
        if at_ms > self._end_ms + HOLE_MS:
            pieces += self.flush()
        self._end_ms = at_ms + frame.samples * 1000 / max(frame.sample_rate, 1)
        self._gather(frame)
        if self._count + self._waiting.samples * Sound.RATE / max(frame.sample_rate, 1) >= PIECE_SAMPLES:
            self._resample()
        return pieces + self._cut()

    def silence(self, until_ms: float) -> list[Sound]:
        """Fill up with silence until then: nothing was sent because nothing was to be heard."""
        count = round((until_ms - self._end_ms) * Sound.RATE / 1000)
        if not self._end_ms or count <= 0:
            return []
        self._resample()
        self._held.append(np.zeros(count, np.float32))
        self._count += count
        self._end_ms = until_ms
        return self._cut()

    def flush(self) -> list[Sound]:
        """Return what is held, its last step filled up with 0: a hole follows, or the end."""
        self._resample()
        self._fresh()
        missing = -self._count % Sound.STEP
        if self._count < Sound.STEP // 2:  # too little to hear anything in
            self._held, self._count = [], 0
            return []
        self._held.append(np.zeros(missing, np.float32))
        self._count += missing
        self._end_ms += missing * 1000 / Sound.RATE
        return self._cut(smallest=Sound.STEP)

    def _cut(self, smallest: int = PIECE_SAMPLES) -> list[Sound]:
        if self._count < smallest:
            return []
        samples = np.concatenate(self._held)
        first_ms = self._end_ms - len(samples) * 1000 / Sound.RATE
        pieces, start = [], 0
        while len(samples) - start >= smallest:
            piece = samples[start : start + PIECE_SAMPLES]
            pieces.append(Sound(round(first_ms + start * 1000 / Sound.RATE), piece, self._source))
            start += len(piece)
        self._held, self._count = [samples[start:]], len(samples) - start
        return pieces

    def _gather(self, frame: av.AudioFrame) -> None:
        frame.pts = None  # resampler and queue would see to holes by themselves
        try:
            self._waiting.write(frame)
        except ValueError:  # another rate or layout from here on
            self._resample()
            self._fresh()
            self._waiting.write(frame)

    def _resample(self) -> None:
        """All that waits at once: frames of 20 ms one by one would cost three times as much."""
        frame = self._waiting.read() if self._waiting.samples else None
        for each in self._resampler.resample(frame) if frame else ():
            samples = np.asarray(each.to_ndarray(), dtype=np.float32).reshape(-1)
            self._held.append(samples)
            self._count += len(samples)

    def _fresh(self) -> None:
        self._resampler = av.AudioResampler("flt", "mono", Sound.RATE)
        self._waiting = av.AudioFifo()
