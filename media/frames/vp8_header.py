"""What a VP8 picture changes for those after it: the first bits of its header (RFC 6386, 9.2 to 9.11 and 19.2)."""

from typing import NamedTuple

_DIGITS = 240
"""More than the longest header asks for: 224."""
_READ = 34
"""Bytes that these depend on."""


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
    """The boolean decoder of section 7.3, for flags and literals, which all have a probability of one half.

    With such a probability its range is 254 from the first bit on if that is 1, else 128, for ever: what follows are
    the binary digits of a quotient. One division gives them all, where a loop of bits would cost more than what else
    is done with a packet.
    """

    def __init__(self, data: bytes) -> None:
        head = int.from_bytes(data[:_READ].ljust(_READ, b"\0"), "big")
        window = 8 * _READ - 8
        first, rest = divmod(head, 128 << window)
        quotient = (rest << _DIGITS + 1) // (254 << window) if first else rest >> window + 7 - _DIGITS
        quotient = min(quotient, (1 << _DIGITS) - 1)  # no encoder writes what lies beyond
        self._digits, self._at = f"{first}{quotient:0{_DIGITS}b}", 0

    def flag(self) -> bool:
        self._at += 1
        return self._digits[self._at - 1] == "1"

    def literal(self, bits: int) -> int:
        self._at += bits
        return int(self._digits[self._at - bits : self._at], 2)

    def skip(self, bits: int) -> None:
        self._at += bits

    def skip_if_set(self, bits: int) -> None:
        """An optional number: a flag, then that many bits."""
        self._at += 1 + bits * (self._digits[self._at] == "1")


def refreshes(data: bytes) -> Refreshes | None:
    """Read a whole picture's header; some 6 us. None when it is too short to have one."""
    if len(data) < 10:
        return None
    shown = bool(data[0] >> 4 & 1)
    if not data[0] & 1:
        return Refreshes(True, True, True, True, shown)
    bits = _Bits(data[3:])
    if bits.flag():  # segmentation
        _skip_segmentation(bits)
    bits.skip(1 + 6 + 3)  # filter: type, level, sharpness
    if bits.flag() and bits.flag():  # its changes by reference and mode
        for _ in range(8):
            bits.skip_if_set(7)
    bits.skip(2 + 7)  # partitions, quantiser
    for _ in range(5):
        bits.skip_if_set(5)
    golden, alternate = bits.flag(), bits.flag()
    copied = 0 if golden else bits.literal(2)
    copied |= 0 if alternate else bits.literal(2)
    bits.skip(2)  # signs
    entropy, last = bits.flag(), bits.flag()
    return Refreshes(last, golden or alternate or copied > 0, entropy, False, shown)


def _skip_segmentation(bits: _Bits) -> None:
    update_map, update_data = bits.flag(), bits.flag()
    if update_data:
        bits.skip(1)
        for size in (8, 8, 8, 8, 7, 7, 7, 7):  # quantisers, filter levels, each with its sign
            bits.skip_if_set(size)
    if update_map:
        for _ in range(3):
            bits.skip_if_set(8)
