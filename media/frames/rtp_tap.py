"""Pictures from a media node's RtpEndpoint, live.

The tap owns its socket instead of leaving it to ffmpeg's RTP demuxer: that one binds late (another process may have
taken the port), blocks in ``open`` until media flows, cannot be closed from another thread, and tells silence only
as an error. What is left to do by hand is small (``vp8_rtp``); decoding is libavcodec's.
"""

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from typing import cast

import av
import av.error

from media.frames.frame import Frame, NoPicture, Pace
from media.frames.h264_rtp import AccessUnitAssembler
from media.frames.picture import Bgr
from media.frames.vp8_rtp import VP8_CLOCK, EncodedPicture, PictureAssembler, RtpPacket, picture_loss_indication
from media.ports import Range, bind

PAYLOAD_TYPES = {96: "vp8", 102: "h264"}
"""What the tap takes, the first rather: whatever the browser sends, nothing is transcoded for us."""
RECEIVE_BUFFER = 2 * 1024 * 1024
"""Bytes: some 15 s of a webcam's stream, held by the kernel while a slow finding is computed; then they are lost."""
POLL_SECONDS = 0.25
"""How soon a silent tap notices that it was closed or that it is time to tell the silence."""
KEY_FRAME_WAIT_MS = 2000
"""After a loss, pictures built on missing ones are left out that long; then they are better than nothing."""
KEY_FRAME_ASK_MS = 500
"""Shortest time between two requests for a key frame."""


def now_ms() -> int:
    """UTC milliseconds of this machine."""
    return time.time_ns() // 1_000_000


class RtpClock:
    """Turns the sender's timestamps into UTC milliseconds: the quickest packet of late sets the offset."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._offset = 0.0
        self._last_media = 0.0

    def time_of(self, timestamp: int, arrived_ms: int) -> int:
        """When the picture was taken, as far as one can tell; never later than it arrived."""
        if self._first is None:
            self._first, self._offset, self._last_media = timestamp, float(arrived_ms), 0.0
            return arrived_ms
        ticks = (timestamp - self._first - round(self._last_media * 90) + 2**31) % 2**32 - 2**31
        media = self._last_media + ticks / (VP8_CLOCK / 1000)
        delay = arrived_ms - media - self._offset
        if delay < 0 or delay > 10_000:  # quicker than ever, or the sender's clock jumped
            self._offset = arrived_ms - media
        else:
            # clocks drift apart by up to 100 ppm: let the offset follow by 1 ms in 5 s of media at most
            self._offset += min(delay, max(media - self._last_media, 0.0) * 0.0002)
        self._last_media = media
        return min(round(media + self._offset), arrived_ms)


class RtpTap:
    """Receives a VP8 or H.264 stream on a UDP port of its own and decodes it; a few pictures a second come out."""

    def __init__(
        self,
        source: str,
        host: str = "127.0.0.1",
        rate: float = 4.0,
        silence_ms: int = 3000,
        ports: Range | None = None,
    ) -> None:
        """Bind the port at once, so that the offer is true.

        ``host``: the address of this machine that the media node can reach. ``silence_ms``: without a picture for
        that long NoPicture is told. ``ports``: what a firewall lets through, without it any. Raises OSError when the
        address is not this machine's or no port is free.
        """
        self.source = source
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            bind(self._socket, host, ports)
        except OSError:
            self._socket.close()
            raise
        self._socket.settimeout(POLL_SECONDS)
        self._host, self.port = host, int(self._socket.getsockname()[1])
        self._pace = Pace(rate)
        self._silence_ms = silence_ms
        self._closed = threading.Event()
        self._rtcp_port: int | None = None
        self._own_ssrc = secrets.randbits(32)
        self._asked_ms = 0
        self._broken_since_ms: int | None = 0  # nothing can be decoded before the first key frame

    @property
    def offer(self) -> str:
        """The SDP for ``RtpEndpoint.processOffer``: VP8 or H.264, recvonly, on this tap's port, RTCP too."""
        version = "IP6" if ":" in self._host else "IP4"
        lines = (
            "v=0",
            f"o=- {self._own_ssrc} 1 IN {version} {self._host}",
            "s=tap",
            f"c=IN {version} {self._host}",
            "t=0 0",
            f"m=video {self.port} RTP/AVPF {' '.join(str(number) for number in PAYLOAD_TYPES)}",
            *(f"a=rtpmap:{number} {codec.upper()}/{VP8_CLOCK}" for number, codec in PAYLOAD_TYPES.items()),
            "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            *(f"a=rtcp-fb:{number} nack pli" for number in PAYLOAD_TYPES),
            f"a=rtcp:{self.port}",
            "a=mid:video0",
            "a=recvonly",
        )
        return "\r\n".join(lines) + "\r\n"

    def accept(self, answer: str) -> None:
        """Learn from the node's SDP answer where it wants requests for key frames (default: RTP's port plus one)."""
        for line in answer.splitlines():
            with contextlib.suppress(ValueError, IndexError):
                if line.startswith("a=rtcp:"):
                    self._rtcp_port = int(line.removeprefix("a=rtcp:").split()[0])
                elif line.strip() == "a=rtcp-mux":
                    self._rtcp_port = 0  # the port that its RTP comes from

    def close(self) -> None:
        """See FrameSource; the port is free when ``frames()`` has ended, or at once if nobody reads it."""
        self._closed.set()

    def frames(self) -> Iterator[Frame | NoPicture]:
        """See FrameSource. Never ends by itself: silence, loss and rubbish are lived through."""
        try:
            yield from self._receive()
        finally:
            self._closed.set()
            self._socket.close()

    def _receive(self) -> Iterator[Frame | NoPicture]:
        clock, bgr, codec, decoder, assembler = RtpClock(), Bgr(), *_codec("vp8")
        last_ms = told_ms = now_ms()
        while not self._closed.is_set():
            packet = self._next_packet()
            arrived_ms = now_ms()
            if packet and (sent := PAYLOAD_TYPES[packet.payload_type]) != codec:
                codec, decoder, assembler = _codec(sent)
            for encoded in assembler.push(packet) if packet else ():
                for picture in self._decode(decoder, encoded, arrived_ms):
                    at_ms = clock.time_of(encoded.timestamp, arrived_ms)
                    last_ms = told_ms = arrived_ms
                    if self._pace.takes(at_ms):
                        yield Frame(at_ms, bgr.array(picture), self.source)
            if arrived_ms - last_ms >= self._silence_ms and arrived_ms - told_ms >= min(1000, self._silence_ms):
                told_ms = arrived_ms
                yield NoPicture(arrived_ms, last_ms, self.source)

    def _next_packet(self) -> RtpPacket | None:
        try:
            data, (host, port, *_) = self._socket.recvfrom(65536)
        except TimeoutError:
            return None
        except OSError:  # ICMP told that our request for a key frame found nobody
            return None
        packet = RtpPacket.parse(data, PAYLOAD_TYPES)
        if packet and self._broken_since_ms is not None:
            self._ask_for_key_frame(packet.ssrc, host, port)
        return packet

    def _decode(self, decoder: av.VideoCodecContext, encoded: EncodedPicture, arrived_ms: int) -> list[av.VideoFrame]:
        if encoded.is_key:
            self._broken_since_ms = None
        elif encoded.after_loss and self._broken_since_ms is None:
            self._broken_since_ms = arrived_ms
        try:
            pictures = decoder.decode(av.Packet(encoded.data))
        except av.error.FFmpegError:  # before the first key frame, or a damaged picture
            if self._broken_since_ms is None:
                self._broken_since_ms = arrived_ms
            return []
        if self._broken_since_ms is not None and arrived_ms - self._broken_since_ms < KEY_FRAME_WAIT_MS:
            return []
        return pictures

    def _ask_for_key_frame(self, media_ssrc: int, host: str, rtp_port: int) -> None:
        moment = now_ms()
        if moment - self._asked_ms < KEY_FRAME_ASK_MS:
            return
        self._asked_ms = moment
        port = rtp_port + 1 if self._rtcp_port is None else (self._rtcp_port or rtp_port)
        with contextlib.suppress(OSError, OverflowError):
            self._socket.sendto(picture_loss_indication(self._own_ssrc, media_ssrc), (host, port))


def _codec(name: str) -> tuple[str, av.VideoCodecContext, PictureAssembler]:
    decoder = cast(av.VideoCodecContext, av.VideoCodecContext.create(name, "r"))
    if name == "vp8":  # no loop filter: a fifth less work, and the faces are found just as well
        decoder.options = {"skip_loop_filter": "all"}
    decoder.thread_count = 1
    return name, decoder, AccessUnitAssembler() if name == "h264" else PictureAssembler()
