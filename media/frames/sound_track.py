"""From packets to sound: what a tap does with its stream of Opus (RFC 7587: a packet of RTP is one of Opus)."""

from collections.abc import Iterable

import av
import av.error

from media.frames.frame import Sound
from media.frames.rtp_clock import RtpClock
from media.frames.sound import SoundCutter
from media.frames.vp8_rtp import RtpPacket

OPUS = 111
"""Payload type."""
CLOCK = 48_000
"""RTP ticks a second, whatever the sender samples at."""
PAUSE_MS = 1000
"""An encoder that sends nothing while nobody speaks (DTX) is heard from that often: the room is silent meanwhile."""


class SoundTrack:
    """Puts one stream's packets in order, decodes them, and cuts pieces."""

    def __init__(self, source: str) -> None:
        """``source``: what pieces name as theirs."""
        self._clock = RtpClock(CLOCK)
        self._cutter = SoundCutter(source)
        self._decoder = _decoder()
        self._ssrc: int | None = None
        self._sequence = 0
        self._end_ms = 0.0

    def push(self, packets: Iterable[RtpPacket], arrived_ms: int) -> list[Sound]:
        """The pieces that these packets complete. What came together is put in order; what comes late is left out."""
        pieces: list[Sound] = []
        for packet in sorted(packets, key=self._ahead):
            ahead = self._ahead(packet)
            if packet.ssrc == self._ssrc and -1000 < ahead <= 0:
                continue
            follows = packet.ssrc == self._ssrc and ahead == 1
            if packet.ssrc != self._ssrc:  # another sender's stamps have nothing to do with the last one's
                self._clock = RtpClock(CLOCK)
            at_ms = float(self._clock.time_of(packet.timestamp, arrived_ms))
            self._ssrc, self._sequence = packet.ssrc, packet.sequence
            for frame in self._decoded(packet):
                if follows and 0 < at_ms - self._end_ms < PAUSE_MS:
                    pieces += self._cutter.silence(at_ms)
                pieces += self._cutter.push(frame, at_ms)
                at_ms = self._end_ms = at_ms + frame.samples * 1000 / frame.sample_rate
        return pieces

    def _ahead(self, packet: RtpPacket) -> int:
        """How many packets after the last one; below 1 for what was played, or a restart of the numbers."""
        return (packet.sequence - self._sequence + 0x8000) % 0x10000 - 0x8000

    def _decoded(self, packet: RtpPacket) -> list[av.AudioFrame]:
        try:
            return self._decoder.decode(av.Packet(packet.payload))
        except av.error.FFmpegError:  # damaged; what follows is decoded afresh
            self._decoder = _decoder()
            return []


def _decoder() -> av.AudioCodecContext:
    decoder = av.AudioCodecContext.create("opus", "r")
    decoder.sample_rate, decoder.layout = CLOCK, "mono"
    return decoder
