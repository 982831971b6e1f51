"""From packets to pictures: what a tap does with its stream of video."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import av
import av.error

from media.frames.h264_rtp import AccessUnitAssembler
from media.frames.layers import LayerGate
from media.frames.rtp_clock import VIDEO_CLOCK, RtpClock
from media.frames.vp8_rtp import EncodedPicture, PictureAssembler, RtpPacket

CODECS = {96: "vp8", 102: "h264"}
"""Payload type -> what the tap takes, the first rather: whatever the browser sends, nothing is transcoded for us."""
TICKS_MS = VIDEO_CLOCK / 1000
KEY_FRAME_WAIT_MS = 2000
"""After a loss, pictures built on missing ones are left out that long; then they are better than nothing."""


@dataclass(frozen=True, eq=False)
class LivePicture:
    """One decoded picture, not yet converted: most are not wanted."""

    at_ms: int
    content: av.VideoFrame


class PictureTrack:
    """Puts one stream's packets together and decodes them."""

    def __init__(self, rate: float) -> None:
        """VP8 until a packet of H.264 comes. ``rate``: pictures a second that are wanted; more may come."""
        self._clock = RtpClock()
        self._codec, self._decoder, self._assembler = _codec("vp8")
        self._broken_since_ms: int | None = 0  # nothing can be decoded before the first key frame
        self._last_ms = 0
        self._gate = LayerGate(rate)

    @property
    def wants_key(self) -> bool:
        """Whether a key frame should be asked for."""
        return self._broken_since_ms is not None or self._gate.wants_key

    def push(self, packet: RtpPacket, arrived_ms: int) -> Iterator[LivePicture]:
        """The pictures that this packet completes, in order of time."""
        if (sent := CODECS[packet.payload_type]) != self._codec:
            self._codec, self._decoder, self._assembler = _codec(sent)
        for encoded in self._assembler.push(packet):
            if self._codec == "vp8" and not self._gate.takes(encoded.data, encoded.timestamp / TICKS_MS):
                self._note_loss(encoded, arrived_ms)
                continue
            for picture in self._decode(encoded, arrived_ms):
                # a packet quicker than all before moves the clock: time on a timeline does not go back for it
                self._last_ms = max(self._clock.time_of(encoded.timestamp, arrived_ms), self._last_ms)
                yield LivePicture(self._last_ms, picture)

    def _decode(self, encoded: EncodedPicture, arrived_ms: int) -> list[av.VideoFrame]:
        self._note_loss(encoded, arrived_ms)
        try:
            pictures = self._decoder.decode(av.Packet(encoded.data))
        except av.error.FFmpegError:  # before the first key frame, or a damaged picture
            if self._broken_since_ms is None:
                self._broken_since_ms = arrived_ms
            return []
        if self._broken_since_ms is not None and arrived_ms - self._broken_since_ms < KEY_FRAME_WAIT_MS:
            return []
        return pictures

    def _note_loss(self, encoded: EncodedPicture, arrived_ms: int) -> None:
        """What was lost before a picture that is left out may have been one that is not."""
        if encoded.is_key:
            self._broken_since_ms = None
        elif encoded.after_loss and self._broken_since_ms is None:
            self._broken_since_ms = arrived_ms


def _codec(name: str) -> tuple[str, av.VideoCodecContext, PictureAssembler]:
    decoder = cast(av.VideoCodecContext, av.VideoCodecContext.create(name, "r"))
    if name == "vp8":  # no loop filter: a fifth less work, and the faces are found just as well
        decoder.options = {"skip_loop_filter": "all"}
    decoder.skip_frame = "NONREF"
    decoder.thread_count = 1
    return name, decoder, AccessUnitAssembler() if name == "h264" else PictureAssembler()
