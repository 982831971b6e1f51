"""H.264 as it comes out of RTP, as Matroska wants it: NAL units, parameter sets, the picture's size (ITU-T H.264)."""

import re
from dataclasses import dataclass, field

from media.node.webm import Frame

IDR, SPS, PPS, ACCESS_UNIT_DELIMITER = 5, 7, 8, 9
HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128})
"""Profiles whose SPS tells the chroma format (7.3.2.1.1)."""
START_CODE = re.compile(rb"\x00*\x00\x00\x01")


def units(stream: bytes) -> list[bytes]:
    """The NAL units of a byte stream (annex B), without their start codes."""
    return [unit for unit in START_CODE.split(stream) if unit]


@dataclass(frozen=True, slots=True)
class H264Frame(Frame):
    """One access unit; ``data`` is length-prefixed, as in Matroska and MP4 (ISO/IEC 14496-15, 5.3)."""

    is_idr: bool = False
    private: bytes = field(default=b"", repr=False)
    """The AVCDecoderConfigurationRecord of the parameter sets it carries; empty when it carries none."""
    picture: tuple[int, int] | None = None

    @classmethod
    def of(cls, at_ms: int, stream: bytes) -> "H264Frame":
        """From an access unit in byte-stream format."""
        found = [unit for unit in units(stream) if unit[0] & 31 != ACCESS_UNIT_DELIMITER]
        sps = next((unit for unit in found if unit[0] & 31 == SPS), b"")
        pps = [unit for unit in found if unit[0] & 31 == PPS]
        idr = any(unit[0] & 31 == IDR for unit in found)
        data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in found)
        known = len(sps) > 4 and bool(pps)
        size = picture_size(sps) if known else None
        return cls("video", at_ms, data, idr, record(sps, pps) if known else b"", size)

    @property
    def codec(self) -> str:
        """H264."""
        return "H264"

    @property
    def keyframe(self) -> bool:
        """Whether decoding can begin here."""
        return self.is_idr and bool(self.private)

    def configuration(self) -> bytes:
        """For the track's header."""
        return self.private

    def size(self) -> tuple[int, int] | None:
        """Width and height, if it says so."""
        return self.picture


def record(sps: bytes, pps: list[bytes]) -> bytes:
    """The AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""
    found = bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1]) + len(sps).to_bytes(2, "big") + sps
    found += bytes([len(pps)]) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in pps)
    return found + (b"\xfd\xf8\xf8\x00" if sps[1] in (100, 110, 122, 144) else b"")


class _Bits:
    """Reads a NAL unit's payload bit by bit; emulation prevention is taken out (7.4.1)."""

    def __init__(self, unit: bytes) -> None:
        payload = unit[1:].replace(b"\x00\x00\x03", b"\x00\x00")
        self._bits = "".join(f"{byte:08b}" for byte in payload)
        self._at = 0

    def take(self, count: int) -> int:
        found = self._bits[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("the SPS ends early")
        self._at += count
        return int(found, 2)

    def unsigned(self) -> int:
        """Exp-Golomb (9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + (self.take(zeros) if zeros else 0)

    def signed(self) -> int:
        number = self.unsigned()
        return (number + 1) // 2 if number & 1 else -(number // 2)


def picture_size(sps: bytes) -> tuple[int, int] | None:
    """Width and height that a sequence parameter set tells (7.3.2.1.1); None when it is damaged."""
    try:
        return _picture_size(_Bits(sps))
    except ValueError:
        return None


def _picture_size(bits: _Bits) -> tuple[int, int]:
    profile = bits.take(8)
    bits.take(16)  # constraints, level
    bits.unsigned()
    chroma = _chroma(bits) if profile in HIGH_PROFILES else 1
    bits.unsigned()
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
    bits.unsigned()
    bits.take(1)
    width, height = 16 * (bits.unsigned() + 1), 16 * (bits.unsigned() + 1)
    frames_only = bits.take(1)
    if not frames_only:
        height *= 2
        bits.take(1)
    bits.take(1)
    if bits.take(1):  # cropping
        across, down = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1) * (1 if frames_only else 2)
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        width, height = width - across * (left + right), height - down * (top + bottom)
    return width, height


def _chroma(bits: _Bits) -> int:
    """chroma_format_idc; what stands between it and the rest is passed over."""
    chroma = bits.unsigned()
    if chroma == 3:
        bits.take(1)
    bits.unsigned()
    bits.unsigned()
    bits.take(1)
    if bits.take(1):
        for index in range(8 if chroma != 3 else 12):
            if bits.take(1):
                _scaling_list(bits, 16 if index < 6 else 64)
    return chroma


def _scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last
