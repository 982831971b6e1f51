"""What goes over a wire: a publisher plays clips and knows what it sent, a viewer knows how late it came."""

import random
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from media.node.synthetic import Clip
from tests.bench.media.wire import PAYLOADS, TRANSPORT_CC, Wire, offer

MTU = 1150
MARK = b"KSTS"
"""Each picture ends with this and its number: a decoder ignores what follows the last partition."""
CACHE = 512
"""Packets kept for being sent again."""
CLOCKS = {"audio": 48000, "video": 90000}
NTP_EPOCH = 2208988800

Sent = dict[int, float]
"""Number of a picture -> ``time.monotonic()`` of its last packet."""


@dataclass
class Track:
    """One kind of media of one publisher, at the pace of its clip."""

    kind: str
    clip: Clip
    ssrc: int = field(default_factory=lambda: random.randrange(1, 1 << 32))
    origin: float = 0.0
    """``time.monotonic()`` of the clip's present beginning."""
    position: int = 0
    sequence: int = field(default_factory=lambda: random.randrange(1 << 15))
    base: int = field(default_factory=lambda: random.randrange(1 << 31))
    pictures: int = 0
    sent: Sent = field(default_factory=dict)
    count: int = 0
    octets: int = 0
    cache: dict[int, bytes] = field(default_factory=dict)
    started: float = 0.0

    def __post_init__(self) -> None:
        self.packets = [packet for packet in self.clip.packets if packet.kind == self.kind]

    def begin(self, now: float) -> None:
        self.origin = self.started = now + random.random() * 0.05

    @property
    def due(self) -> float:
        return self.origin + self.packets[self.position].at

    def to_keyframe(self) -> None:
        """Go on with the clip's key frame, now."""
        now = self.due
        self.position = 0
        self.origin = now - self.packets[0].at

    def timestamp(self, at: float) -> int:
        return (self.base + round((at - self.started) * CLOCKS[self.kind])) & 0xFFFFFFFF


class Publisher:
    """Sends a clip's tracks over one wire."""

    def __init__(self, clip: Clip, kinds: tuple[str, ...], on_open: Callable[[], None], loss: float = 0.0) -> None:
        self.tracks = [Track(kind, clip) for kind in kinds]
        self.wire = Wire(lambda: self._opened(on_open), loss, seed=random.getrandbits(32))
        self.wire.on_rtcp = self._rtcp
        self._counter = 0
        self._report = 0.0

    def offer(self) -> str:
        kinds = tuple(track.kind for track in self.tracks)
        return offer(self.wire, kinds, "sendonly", {track.kind: track.ssrc for track in self.tracks})

    def play(self, now: float) -> None:
        """Send everything that is due."""
        if not self.wire.open:
            return
        for track in self.tracks:
            while track.due <= now:
                self._send(track)
        if now >= self._report:
            self._report = now + 1.0
            for track in self.tracks:
                self._send_report(track, now)

    def track(self, kind: str) -> Track:
        return next(track for track in self.tracks if track.kind == kind)

    # ---- inside

    def _opened(self, on_open: Callable[[], None]) -> None:
        now = time.monotonic()
        for track in self.tracks:
            track.begin(now)
        on_open()

    def _send(self, track: Track) -> None:
        timestamp, data = track.timestamp(track.due), track.packets[track.position].data
        track.position += 1
        if track.position == len(track.packets):
            track.position, track.origin = 0, track.origin + track.clip.seconds
        if track.kind == "audio":
            self._send_packet(track, timestamp, data, True)
            track.count += 1
            return
        data += MARK + struct.pack("!I", track.pictures)
        for start in range(0, len(data), MTU):
            head = struct.pack("!BBH", 0x90 if start == 0 else 0x80, 0x80, 0x8000 | track.pictures & 0x7FFF)
            self._send_packet(track, timestamp, head + data[start : start + MTU], start + MTU >= len(data))
        track.sent[track.pictures] = time.monotonic()
        track.pictures += 1
        track.count += 1

    def _send_packet(self, track: Track, timestamp: int, payload: bytes, last: bool) -> None:
        first = PAYLOADS[track.kind] | (0x80 if last and track.kind == "video" else 0)
        head = struct.pack("!BBHII", 0x90, first, track.sequence, timestamp, track.ssrc)
        extension = struct.pack("!HHBHB", 0xBEDE, 1, TRANSPORT_CC << 4 | 1, self._counter, 0)
        self._counter = (self._counter + 1) & 0xFFFF
        track.cache[track.sequence] = self.wire.send(head + extension + payload)
        track.cache.pop((track.sequence - CACHE) & 0xFFFF, None)
        track.sequence = (track.sequence + 1) & 0xFFFF
        track.octets += len(payload)

    def _send_report(self, track: Track, now: float) -> None:
        """SR and SDES (RFC 3550, 6.4.1 and 6.5)."""
        ntp = int((time.time() + NTP_EPOCH) * (1 << 32))
        report = struct.pack(
            "!BBHIQIII", 0x80, 200, 6, track.ssrc, ntp, track.timestamp(now), track.count, track.octets
        )
        self.wire.send_rtcp(report + struct.pack("!BBHIBB4sH", 0x81, 202, 3, track.ssrc, 1, 4, b"load", 0))

    def _rtcp(self, data: bytes) -> None:
        """Send again what a NACK names, go to a key frame for a PLI or FIR (RFC 4585, 6.2 and 6.3; RFC 5104)."""
        while len(data) >= 12:
            form, kind, words = data[0] & 31, data[1], int.from_bytes(data[2:4], "big")
            body, ssrc = data[12 : 4 + 4 * words], int.from_bytes(data[8:12], "big")
            if kind == 205 and form == 1:
                for track in self.tracks:
                    if track.ssrc == ssrc:
                        self._resend(track, body)
            elif kind == 206 and form in (1, 4):
                self.track("video").to_keyframe()
            data = data[4 + 4 * words :]

    def _resend(self, track: Track, body: bytes) -> None:
        for first, mask in struct.iter_unpack("!HH", body):
            for offset in range(17):
                if offset == 0 or mask >> (offset - 1) & 1:
                    packet = track.cache.get((first + offset) & 0xFFFF)
                    if packet is not None:
                        self.wire.resend(packet)


class Viewer:
    """Watches one publisher: counts, and measures the pictures' way from the publisher's socket to its own."""

    def __init__(self, kinds: tuple[str, ...], sent: Sent, on_open: Callable[[], None]) -> None:
        self.kinds, self._sent = kinds, sent
        self.wire = Wire(on_open)
        self.wire.on_rtp = self._rtp
        self.packets = 0
        self.delays: list[float] = []
        self._ssrc = random.randrange(1, 1 << 32)
        self._report = 0.0

    def offer(self) -> str:
        return offer(self.wire, self.kinds, "recvonly", {})

    def play(self, now: float) -> None:
        """Say once a second that it is still there."""
        if self.wire.open and now >= self._report:
            self._report = now + 1.0
            self.wire.send_rtcp(struct.pack("!BBHI", 0x80, 201, 1, self._ssrc))

    def _rtp(self, data: bytes) -> None:
        self.packets += 1
        if data[1] != PAYLOADS["video"] | 0x80:
            return
        tail = self.wire.decrypt(data)[-8:]
        if tail[:4] == MARK:
            sent = self._sent.get(int.from_bytes(tail[4:], "big"))
            if sent is not None:
                self.delays.append(time.monotonic() - sent)
