"""Leaves out of a stream of VP8 what need not be decoded to see a few pictures a second."""

from media.frames.vp8_header import refreshes

SETTLED = 0.1
"""Weight of the newest step in the mean time between pictures of the base layer."""
KNOWN_AFTER = 4
"""Steps from which that mean is believed."""
HEAD = 96
"""Bytes of a picture in which its header lies."""


class LayerGate:
    """Says of each picture whether it is wanted; of a stream without layers every one is."""

    def __init__(self, enough: float) -> None:
        """``enough``: pictures a second of the base layer, from which the layers above it are left out."""
        self._longest_ms = 1000 / enough
        self._base_ms: float | None = None
        self._step_ms, self._steps = 0.0, 0
        self._leaves_out = False

    @property
    def wants_key(self) -> bool:
        """Whether the base has become too slow: the others can be decoded from the next key frame on only."""
        return self._leaves_out and not self._is_enough

    def takes(self, data: bytes, at_ms: float) -> bool:
        """Whether to decode the picture that begins with these bytes (HEAD of them will do)."""
        found = refreshes(data)
        if found is None:
            return True
        if found.is_base:
            self._note(at_ms)
            self._leaves_out &= not found.is_key
            return True
        self._leaves_out |= self._is_enough  # nothing of the base refers to it
        return not self._leaves_out

    @property
    def _is_enough(self) -> bool:
        return self._steps >= KNOWN_AFTER and self._step_ms <= self._longest_ms

    def _note(self, at_ms: float) -> None:
        step_ms = 0.0 if self._base_ms is None else at_ms - self._base_ms
        self._base_ms = at_ms
        if 0 < step_ms < 10_000:
            weight = max(SETTLED, 1 / (self._steps + 1))
            self._step_ms += (step_ms - self._step_ms) * weight
            self._steps += 1
