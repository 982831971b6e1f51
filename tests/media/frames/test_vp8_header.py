"""The header's bits, written by an encoder of the test's own after RFC 6386, section 7.3."""

import random

import pytest

from media.frames.vp8_header import refreshes


class Encoder:
    """The boolean encoder of section 7.3 for probabilities of one half: exact, as one large fraction."""

    def __init__(self):
        self.low, self.range, self.shifts = 0, 255, 0

    def flag(self, bit):
        split = 1 + ((self.range - 1) >> 1)
        if bit:
            self.low, self.range = self.low + split, self.range - split
        else:
            self.range = split
        while self.range < 128:
            self.low, self.range, self.shifts = self.low << 1, self.range << 1, self.shifts + 1

    def literal(self, value, bits):
        for place in reversed(range(bits)):
            self.flag(value >> place & 1)

    def data(self, length):
        return (self.low << 8 * (length - 1) >> self.shifts).to_bytes(length, "big")


def optional(encoder, dice, bits):
    there = dice.random() < 0.5
    encoder.flag(there)
    if there:
        encoder.literal(dice.getrandbits(bits), bits)


def segmentation(encoder, dice):
    with_map, with_data = dice.random() < 0.5, dice.random() < 0.5
    encoder.flag(with_map)
    encoder.flag(with_data)
    if with_data:
        encoder.flag(dice.getrandbits(1))
        for bits in (8,) * 4 + (7,) * 4:
            optional(encoder, dice, bits)
    for _ in range(3 * with_map):
        optional(encoder, dice, 8)


def picture(dice, golden, alternate, copied, entropy, last):
    encoder = Encoder()
    with_segments = dice.random() < 0.5
    encoder.flag(with_segments)
    if with_segments:
        segmentation(encoder, dice)
    encoder.literal(dice.getrandbits(10), 10)
    adjusts, changes = dice.random() < 0.5, dice.random() < 0.5
    encoder.flag(adjusts)
    if adjusts:
        encoder.flag(changes)
        for _ in range(8 * changes):
            optional(encoder, dice, 7)
    encoder.literal(dice.getrandbits(9), 9)
    for _ in range(5):
        optional(encoder, dice, 5)
    encoder.flag(golden)
    encoder.flag(alternate)
    for writes, value in ((golden, copied[0]), (alternate, copied[1])):
        if not writes:
            encoder.literal(value, 2)
    encoder.literal(dice.getrandbits(2), 2)
    encoder.flag(entropy)
    encoder.flag(last)
    encoder.literal(dice.getrandbits(32), 32)
    return bytes([0x11 | dice.getrandbits(3) << 1, dice.getrandbits(8), dice.getrandbits(8)]) + encoder.data(96)


def test_every_header_is_read_as_it_was_written():
    dice = random.Random(7)
    for _ in range(2000):
        golden, alternate, entropy, last = (bool(dice.getrandbits(1)) for _ in range(4))
        copied = dice.randrange(3), dice.randrange(3)
        found = refreshes(picture(dice, golden, alternate, copied, entropy, last))
        changed = golden or alternate or (not golden and copied[0] > 0) or (not alternate and copied[1] > 0)
        assert (found.golden, found.entropy, found.last) == (changed, entropy, last)
        assert found.is_shown
        assert not found.is_key
        assert found.is_base is (last or entropy)


@pytest.mark.parametrize("rest", [b"\xff", b"\x00", b"\x80", b"\x7f"])
def test_rubbish_and_short_pictures_do_no_harm(rest):
    assert refreshes(b"\x11" + rest * 8) is None
    assert refreshes(b"\x11" + rest * 12) is not None
    assert refreshes(b"\x10" + rest * 12).is_key
