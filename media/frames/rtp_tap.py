"""Pictures and sound from a media node's RtpEndpoint, live.

The tap owns its sockets instead of leaving them to ffmpeg's RTP demuxer: that one binds late (another process may
have taken the port), blocks in ``open`` until media flows, cannot be closed from another thread, and tells silence
only as an error. What is left to do by hand is small (``vp8_rtp``); decoding is libavcodec's.
"""

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator

from media.frames.frame import Item, NoPicture, NoSound, Pace, complete_ms
from media.frames.lull import Lull
from media.frames.picture import Bgr, DecodedFrame
from media.frames.picture_track import CODECS, LivePicture, PictureTrack
from media.frames.rtp_clock import VIDEO_CLOCK
from media.frames.sound_track import CLOCK, OPUS, SoundTrack
from media.frames.udp import Inlet
from media.frames.vp8_rtp import picture_loss_indication
from media.ports import Range

BATCH_SECONDS = 0.8
"""Packets are fetched that often, all at once: to be woken by each of a hundred a second costs more than to parse it,
and the second picture of a batch finds the networks in the core's memory. Sooner where a silence is to be told."""
WAITING_SECONDS = 0.2
"""The same while no picture can be decoded, so that a key frame is asked for, and seen, soon."""
KEY_FRAME_ASK_MS = 500
"""Shortest time between two requests for a key frame."""


def now_ms() -> int:
    """UTC milliseconds of this machine."""
    return time.time_ns() // 1_000_000


class RtpTap:
    """Receives VP8 or H.264, and Opus, on UDP ports of its own; a few pictures a second come out, and all sound."""

    def __init__(
        self,
        source: str,
        host: str = "127.0.0.1",
        rate: float = 4.0,
        silence_ms: int = 3000,
        ports: Range | None = None,
        sound: bool = False,
    ) -> None:
        """Bind the ports at once, so that the offer is true.

        ``host``: the address of this machine that the media node can reach. ``silence_ms``: without a picture for
        that long NoPicture is told, without sound NoSound. ``ports``: what a firewall lets through, without it any.
        ``sound``: take sound, too, on a second port. Raises OSError when the address is not this machine's or no port
        is free.
        """
        self.source = source
        self._video = Inlet(host, ports)
        try:
            self._audio = Inlet(host, ports) if sound else None
        except OSError:
            self._video.close()
            raise
        self._host, self.port = host, self._video.port
        self._rate, self._pace = rate, Pace(rate)
        self._silence_ms = silence_ms
        self._closed = threading.Event()
        self._rtcp_port: int | None = None
        self._own_ssrc = secrets.randbits(32)
        self._asked_ms = 0

    @property
    def offer(self) -> str:
        """The SDP for ``RtpEndpoint.processOffer``: recvonly, on this tap's ports, RTCP on the same.

        Kurento knows Opus only as ``opus/48000/2``, whatever is sent.
        """
        version = "IP6" if ":" in self._host else "IP4"
        lines = [
            "v=0",
            f"o=- {self._own_ssrc} 1 IN {version} {self._host}",
            "s=tap",
            f"c=IN {version} {self._host}",
            "t=0 0",
            f"m=video {self.port} RTP/AVPF {' '.join(str(number) for number in CODECS)}",
            *(f"a=rtpmap:{number} {codec.upper()}/{VIDEO_CLOCK}" for number, codec in CODECS.items()),
            "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            *(f"a=rtcp-fb:{number} nack pli" for number in CODECS),
            f"a=rtcp:{self.port}",
            "a=mid:video0",
            "a=recvonly",
        ]
        if self._audio:
            lines += [
                f"m=audio {self._audio.port} RTP/AVPF {OPUS}",
                f"a=rtpmap:{OPUS} opus/{CLOCK}/2",
                f"a=rtcp:{self._audio.port}",
                "a=mid:audio0",
                "a=recvonly",
            ]
        return "\r\n".join(lines) + "\r\n"

    def accept(self, answer: str) -> None:
        """Learn from the node's SDP answer where it wants requests for key frames (default: RTP's port plus one)."""
        for line in _video_section(answer):
            with contextlib.suppress(ValueError, IndexError):
                if line.startswith("a=rtcp:"):
                    self._rtcp_port = int(line.removeprefix("a=rtcp:").split()[0])
                elif line.strip() == "a=rtcp-mux":
                    self._rtcp_port = 0  # the port that its RTP comes from

    def close(self) -> None:
        """See FrameSource; the ports are free when ``frames()`` has ended, or at once if nobody reads it."""
        self._closed.set()

    def frames(self) -> Iterator[Item]:
        """See FrameSource. Never ends by itself: silence, loss and rubbish are lived through."""
        try:
            yield from self._receive()
        finally:
            self._closed.set()
            for inlet in (self._video, self._audio):
                if inlet:
                    inlet.close()

    def _receive(self) -> Iterator[Item]:
        pictures, bgr = PictureTrack(self._rate), Bgr()
        sounds = SoundTrack(self.source) if self._audio else None
        dark = Lull(NoPicture, self.source, now_ms(), self._silence_ms)
        hush = Lull(NoSound, self.source, now_ms(), self._silence_ms)
        while not self._closed.wait(_pause(pictures.wants_key, dark.due_ms, hush.due_ms if sounds else dark.due_ms)):
            arrived_ms = now_ms()
            items: list[Item] = []
            for picture in self._pictures(pictures, arrived_ms):
                dark.ends(picture.at_ms)
                if self._pace.takes(picture.at_ms):
                    items.append(DecodedFrame(picture.at_ms, picture.content, self.source, bgr))
            items += dark.now(arrived_ms)
            if self._audio and sounds:
                for sound in sounds.push(self._audio.packets((OPUS,)), arrived_ms):
                    hush.ends(sound.end_ms)
                    items.append(sound)
                items += hush.now(arrived_ms)
            yield from sorted(items, key=complete_ms)

    def _pictures(self, track: PictureTrack, arrived_ms: int) -> Iterator[LivePicture]:
        for packet in self._video.packets(CODECS):
            if track.wants_key and self._video.sender:
                self._ask_for_key_frame(packet.ssrc, *self._video.sender)
            yield from track.push(packet, arrived_ms)

    def _ask_for_key_frame(self, media_ssrc: int, host: str, rtp_port: int) -> None:
        moment = now_ms()
        if moment - self._asked_ms < KEY_FRAME_ASK_MS:
            return
        self._asked_ms = moment
        port = rtp_port + 1 if self._rtcp_port is None else (self._rtcp_port or rtp_port)
        self._video.send(picture_loss_indication(self._own_ssrc, media_ssrc), host, port)


def _pause(wants_key: bool, *due_ms: int) -> float:
    """Seconds until packets are fetched again; ``due_ms``: when a silence is told if they bring nothing."""
    left = max(min(due_ms) - now_ms(), 10) / 1000
    return min(left, WAITING_SECONDS if wants_key else BATCH_SECONDS)


def _video_section(description: str) -> list[str]:
    """The lines of the session and of its video; those of the sound name other ports."""
    lines, found = description.splitlines(), []
    is_ours = True
    for line in lines:
        if line.startswith("m="):
            is_ours = line.startswith("m=video")
        if is_ours:
            found.append(line)
    return found
