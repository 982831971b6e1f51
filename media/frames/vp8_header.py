"""What a VP8 picture changes for those after it: the first bits of its header (RFC 6386, 9.2 to 9.11 and 19.2)."""

from typing import NamedTuple


class Refreshes(NamedTuple):
    """Which of the decoder's memories a picture writes to."""

    last: bool
    golden: bool
    """The golden or the alternate picture, by itself or by copying another."""
    entropy: bool
    """The probabilities by which all later pictures are read."""
    is_key: bool
    is_shown: bool

    @property
    def is_base(self) -> bool:
        """Whether later pictures of the base layer may need it.

        Encoders with temporal layers let only the base write to the last picture and to the probabilities, so that
        whoever forwards the stream may leave out the others; what they write to the golden one is read by themselves.
        """
        return self.is_key or self.last or self.entropy or not self.is_shown


class _Bits:
    """The boolean decoder of section 7.3, for flags and literals, which all have a probability of one half."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 2
        self._value = int.from_bytes(data[:2], "big")
        self._range, self._count = 255, 0

    def flag(self) -> bool:
        split = 1 + ((self._range - 1) >> 1)
        if self._value >= split << 8:
            self._range -= split
            self._value -= split << 8
            result = True
        else:
            self._range = split
            result = False
        while self._range < 128:
            self._value, self._range, self._count = self._value << 1, self._range << 1, self._count + 1
            if self._count == 8:
                self._count = 0
                self._value |= self._data[self._at] if self._at < len(self._data) else 0
                self._at += 1
        return result

    def literal(self, bits: int) -> int:
        value = 0
        for _ in range(bits):
            value = value << 1 | self.flag()
        return value

    def skip_if_set(self, bits: int) -> None:
        """An optional number: a flag, then that many bits."""
        if self.flag():
            self.literal(bits)


def refreshes(data: bytes) -> Refreshes | None:
    """Read a whole picture's header; some 30 us. None when it is too short to have one."""
    if len(data) < 10:
        return None
    shown = bool(data[0] >> 4 & 1)
    if not data[0] & 1:
        return Refreshes(True, True, True, True, shown)
    bits = _Bits(data[3:])
    if bits.flag():  # segmentation
        _skip_segmentation(bits)
    bits.literal(1 + 6 + 3)  # filter: type, level, sharpness
    if bits.flag() and bits.flag():  # its changes by reference and mode
        for _ in range(8):
            bits.skip_if_set(7)
    bits.literal(2 + 7)  # partitions, quantiser
    for _ in range(5):
        bits.skip_if_set(5)
    golden, alternate = bits.flag(), bits.flag()
    copied = 0 if golden else bits.literal(2)
    copied |= 0 if alternate else bits.literal(2)
    bits.literal(2)  # signs
    entropy, last = bits.flag(), bits.flag()
    return Refreshes(last, golden or alternate or copied > 0, entropy, False, shown)


def _skip_segmentation(bits: _Bits) -> None:
    update_map, update_data = bits.flag(), bits.flag()
    if update_data:
        bits.flag()
        for size in (8, 8, 8, 8, 7, 7, 7, 7):  # quantisers, filter levels, each with its sign
            bits.skip_if_set(size)
    if update_map:
        for _ in range(3):
            bits.skip_if_set(8)
