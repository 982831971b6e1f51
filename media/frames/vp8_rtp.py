"""VP8 out of RTP packets, without any socket (RFC 3550, RFC 7741)."""

import heapq
import struct
from collections.abc import Container
from dataclasses import dataclass
from typing import NamedTuple

HEADER = struct.Struct("!BBHII")
REORDER_LIMIT = 32
"""Packets held back for a missing one: about half a second of a webcam's stream, then it counts as lost."""


class RtpPacket(NamedTuple):
    """The parts of an RTP packet that matter here. A tuple: a hundred a second are made for each sitting."""

    sequence: int
    timestamp: int
    marker: bool
    ssrc: int
    payload: bytes
    payload_type: int

    @classmethod
    def parse(cls, data: bytes | memoryview, payload_types: Container[int]) -> "RtpPacket | None":
        """The packet, or None when this is something else (RTCP, another payload type, rubbish)."""
        if len(data) < 12 or data[0] >> 6 != 2 or data[1] & 0x7F not in payload_types:
            return None
        _, _, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        start = 12 + 4 * (data[0] & 0x0F)
        if data[0] & 0x10:  # header extension
            if len(data) < start + 4:
                return None
            start += 4 + 4 * int(struct.unpack_from("!H", data, start + 2)[0])
        end = len(data) - (data[-1] if data[0] & 0x20 else 0)  # padding
        if start >= end:
            return None
        return cls(sequence, timestamp, bool(data[1] & 0x80), ssrc, bytes(data[start:end]), data[1] & 0x7F)


def vp8_payload(payload: bytes) -> tuple[bool, bytes] | None:
    """Whether a picture begins here, and the piece of picture behind the payload descriptor; None when malformed."""
    offset = 1
    if payload[0] & 0x80:  # X: more flags follow
        if len(payload) < 2:
            return None
        flags, offset = payload[1], 2
        if flags & 0x80:  # picture id of 7 or 15 bits
            offset += 2 if len(payload) > offset and payload[offset] & 0x80 else 1
        if flags & 0x40:  # TL0PICIDX
            offset += 1
        if flags & 0x30:  # TID or KEYIDX
            offset += 1
    if len(payload) <= offset:
        return None
    begins = bool(payload[0] & 0x10) and payload[0] & 0x07 == 0
    return begins, payload[offset:]


@dataclass(frozen=True)
class EncodedPicture:
    """One whole picture; here of VP8."""

    timestamp: int
    data: bytes
    after_loss: bool
    """Packets before it were lost, so that it may refer to pictures we never had."""

    @property
    def is_key(self) -> bool:
        """Whether it can be decoded alone (RFC 6386, section 9.1)."""
        return not self.data[0] & 0x01


class PictureAssembler:
    """Puts packets in order and joins them to pictures. Holds at most REORDER_LIMIT packets and one picture."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, RtpPacket]] = []
        self._next: int | None = None
        self._ssrc: int | None = None
        self._pieces: list[bytes] = []
        self._timestamp = 0
        self._lost = False

    def push(self, packet: RtpPacket) -> list[EncodedPicture]:
        """The pictures that this packet completes."""
        if packet.ssrc != self._ssrc:  # another sender: its numbers start anywhere
            self._ssrc, self._next, self._lost = packet.ssrc, packet.sequence, True
            self._waiting, self._pieces = [], []
        assert self._next is not None  # noqa: S101 - set with the ssrc
        distance = (packet.sequence - self._next + 0x8000) % 0x10000 - 0x8000
        if distance < -REORDER_LIMIT * 8:  # the sender jumped back: a restart under the same ssrc
            self._next, distance, self._lost = packet.sequence, 0, True
            self._waiting, self._pieces = [], []
        if distance < 0:
            return []  # late or twice
        number = self._next + distance
        if all(number != held for held, _ in self._waiting):
            heapq.heappush(self._waiting, (number, packet))
        return self._drain()

    def _drain(self) -> list[EncodedPicture]:
        pictures = []
        while self._waiting and self._next is not None:
            number, packet = self._waiting[0]
            if number != self._next and len(self._waiting) < REORDER_LIMIT:
                break
            if number != self._next:
                self._break()
            heapq.heappop(self._waiting)
            self._next = number + 1
            picture = self._join(packet)
            if picture:
                pictures.append(picture)
        if self._next is not None and not self._waiting:
            self._next %= 0x10000
        return pictures

    def _break(self) -> None:
        """Something is missing: what was gathered of a picture is worth nothing."""
        self._lost, self._pieces = True, []

    def _join(self, packet: RtpPacket) -> EncodedPicture | None:
        piece = vp8_payload(packet.payload)
        if piece is None:
            self._break()
            return None
        begins, data = piece
        if begins:
            self._pieces, self._timestamp = [data], packet.timestamp
        elif self._pieces:
            self._pieces.append(data)
        if not packet.marker or not self._pieces:
            return None
        picture = EncodedPicture(self._timestamp, b"".join(self._pieces), self._lost)
        self._pieces, self._lost = [], False
        return picture


def picture_loss_indication(own_ssrc: int, media_ssrc: int) -> bytes:
    """RTCP that asks the sender for a key frame (RFC 4585, section 6.3.1), behind an empty receiver report."""
    report = struct.pack("!BBHI", 0x80, 201, 1, own_ssrc)
    return report + struct.pack("!BBHII", 0x81, 206, 2, own_ssrc, media_ssrc)
