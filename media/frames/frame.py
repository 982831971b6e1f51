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
    """A piece of sound, about half a second long; consecutive pieces follow each other without a hole."""

    at_ms: int
    """Time of the first sample: UTC, milliseconds."""
    samples: NDArray[np.float32]
    """N values -1..1, mono, 16,000 a second."""
    source: str

    RATE: ClassVar[int] = 16_000
    """Samples a second."""

    @property
    def end_ms(self) -> int:
        """Time just after the last sample."""
        return self.at_ms + round(len(self.samples) * 1000 / self.RATE)


class FrameSource(Protocol):
    """A stream of pictures at a low rate, read by one thread, closed by any."""

    def frames(self) -> Iterator[Frame | NoPicture | Sound]:
        """Pictures and sound in order of time, blocking between them; ends with the stream or after ``close()``."""

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
