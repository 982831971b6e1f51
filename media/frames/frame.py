"""What a source of pictures and sound gives."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture."""

    at_ms: int
    """When the camera took it as far as we know: UTC, milliseconds."""
    image: NDArray[np.uint8]
    """HxWx3, 8 bit, channels in the order blue, green, red (OpenCV's); row 0 is the top."""
    source: str
    """Name of the source, for logs and findings."""


@dataclass(frozen=True)
class NoPicture:
    """Nothing to be seen could be had for a while; repeated about once a second until there is a picture again."""

    at_ms: int
    """Now, UTC milliseconds."""
    since_ms: int
    """Time of the last picture, or when the source was opened."""
    source: str


@dataclass(frozen=True, eq=False)
class Sound:
    """A piece of sound, about half a second long, without a hole; there may be one before the next piece."""

    at_ms: int
    """Time of the first sample: UTC, milliseconds."""
    samples: NDArray[np.float32]
    """N values -1..1, mono, 16,000 a second; N is a multiple of STEP, filled up with 0 before a hole."""
    source: str

    RATE: ClassVar[int] = 16_000
    """Samples a second: what networks for speech were trained on."""
    STEP: ClassVar[int] = 512
    """Samples in one step of the network for voices: 32 ms."""

    @property
    def end_ms(self) -> int:
        """Time just after the last sample."""
        return self.at_ms + round(len(self.samples) * 1000 / self.RATE)


@dataclass(frozen=True)
class NoSound:
    """No sound arrived for a while, not even a silent one; repeated about once a second until there is some again.

    Told only by sources that were asked for sound. A quiet room is Sound; this is a track that is missing.
    """

    at_ms: int
    """Now, UTC milliseconds."""
    since_ms: int
    """End of the last Sound, or when the source was opened."""
    source: str


Item = Frame | NoPicture | Sound | NoSound
"""What a source gives; the last two only when it was asked for sound."""


def complete_ms(item: Item) -> int:
    """When it could be given at the earliest: a Sound with its last sample."""
    return item.end_ms if isinstance(item, Sound) else item.at_ms


class FrameSource(Protocol):
    """A stream of pictures at a low rate, and of sound, read by one thread, closed by any."""

    def frames(self) -> Iterator[Item]:
        """Pictures and sound in order of ``complete_ms``, blocking between them; ends with the stream or ``close()``.

        A Sound comes at its ``end_ms``, when it is there: it begins before pictures that were given already.
        """

    def close(self) -> None:
        """End ``frames()`` within half a second; may be called from any thread, and twice."""


class Pace:
    """Picks a few pictures a second out of a stream and lets the rest go."""

    def __init__(self, rate: float) -> None:
        """``rate`` in pictures a second. Raises ValueError unless positive."""
        if rate <= 0:
            raise ValueError(f"rate must be above 0 pictures a second, not {rate}")
        self._interval = 1000 / rate
        self._due: float | None = None

    def takes(self, at_ms: int) -> bool:
        """Whether the picture of this time is one of those wanted."""
        if self._due is None or abs(at_ms - self._due) > 4 * self._interval:
            self._due = at_ms  # the first one, or the clock or the stream jumped: start afresh
        # half a frame early at 30 a second is still the picture that was meant
        if at_ms < self._due - 17:
            return False
        self._due += self._interval
        return True
