"""Pictures and sound out of a recorded file, in media time moved to the recording's start."""

import contextlib
import heapq
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from appliance.errors import BadInput
from media.frames.frame import Item, NoPicture, NoSound, Pace, Sound
from media.frames.layers import HEAD, LayerGate
from media.frames.lull import Lull
from media.frames.picture import Bgr, DecodedFrame
from media.frames.sound import SoundCutter

RAW_PICTURES = "mjpeg"
"""Pictures after one another, without times: their rate follows from the length of the WAV beside them."""


@dataclass(frozen=True, eq=False)
class _Picture:
    """One decoded picture, not yet converted: most are not wanted."""

    end_ms: int
    content: av.VideoFrame


Decoded = _Picture | Sound


class FileSource:
    """Samples a file's first video track, and its first track of sound, as fast as they can be decoded."""

    def __init__(
        self, path: Path, start_ms: int = 0, rate: float = 4.0, silence_ms: int = 3000, sound: bool = False
    ) -> None:
        """Nothing is opened yet.

        ``start_ms``: UTC milliseconds of media time 0. ``rate``: pictures a second. ``silence_ms``: a hole in a
        track longer than that is told by NoPicture or NoSound, one per second of media time. ``sound``: give sound,
        too; then the file may have nothing else. A ``.mjpeg`` has its sound in the ``.wav`` beside it.
        """
        self._path = path
        self._sound = sound
        self._start_ms = start_ms
        self._rate, self._pace = rate, Pace(rate)
        self._silence_ms = silence_ms
        self._closed = threading.Event()
        self.source = path.name

    def frames(self) -> Iterator[Item]:
        """See FrameSource. Raises BadInput when the file is missing, no media, or without a track of what is wanted.

        A file cut short or damaged in the middle (its recorder was killed) ends where it can no longer be read. A
        track of sound that is missing or cannot be read is told by NoSound as long as there are pictures.
        """
        with contextlib.ExitStack() as opened:
            container = opened.enter_context(_opened(self._path))
            seen, heard = _video(container), container.streams.audio[:1]
            if seen is None and not (self._sound and heard):
                raise BadInput(f"{self._path.name} has no picture track" + " and no sound" * self._sound)
            if seen is None:
                yield from self._merged(None, self._sounds(heard[0]))
                return
            beside, rate = self._path.with_suffix(".wav"), None
            if container.format.name != RAW_PICTURES:
                beside = self._path
            elif beside.is_file():
                rate = _raw_rate(self._path, beside)
            sounds: Iterator[Decoded] = iter(())
            if self._sound and beside.is_file():
                # a second reader: the tracks need not lie side by side in the file, and nothing piles up
                sounds = chain(
                    *(self._sounds(each) for each in opened.enter_context(_opened(beside)).streams.audio[:1])
                )
            yield from self._merged(self._pictures(seen, rate), sounds)

    def close(self) -> None:
        """See FrameSource."""
        self._closed.set()

    def _merged(self, pictures: Iterator[Decoded] | None, sounds: Iterator[Decoded]) -> Iterator[Item]:
        dark = Lull(NoPicture, self.source, self._start_ms, self._silence_ms)
        hush = Lull(NoSound, self.source, self._start_ms, self._silence_ms)
        bgr = Bgr()
        for item in heapq.merge(pictures or (), sounds, key=lambda item: item.end_ms):
            if self._closed.is_set():
                return
            if pictures:
                yield from dark.until(item.end_ms)
            if self._sound:
                yield from hush.until(item.at_ms if isinstance(item, Sound) else item.end_ms)
            if isinstance(item, Sound):
                hush.ends(item.end_ms)
                yield item
                continue
            dark.ends(item.end_ms)
            if self._pace.takes(item.end_ms):
                yield DecodedFrame(item.end_ms, item.content, self.source, bgr)

    def _pictures(self, stream: VideoStream, raw_rate: float | None) -> Iterator[Decoded]:
        stream.codec_context.options = {"skip_loop_filter": "all"}
        stream.codec_context.thread_count = 1  # more cost more in all, and other recordings wait for the other cores
        stream.codec_context.skip_frame = "NONREF"
        wanted = _base_layer(stream, self._rate) if stream.codec_context.name == "vp8" else _packets(stream)
        for number, picture in enumerate(_decoded(wanted)):
            time = picture.time if raw_rate is None else number / raw_rate
            if isinstance(picture, av.VideoFrame) and time is not None:
                yield _Picture(self._start_ms + round(time * 1000), picture)

    def _sounds(self, stream: AudioStream) -> Iterator[Decoded]:
        cutter = SoundCutter(self.source)
        for frame in _decoded(_packets(stream)):
            if isinstance(frame, av.AudioFrame):
                at_ms = None if frame.time is None else self._start_ms + frame.time * 1000
                yield from cutter.push(frame, at_ms)
        yield from cutter.flush()


def _opened(path: Path) -> InputContainer:
    try:
        return av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise BadInput(f"{path.name} cannot be read as a recording: {error}") from error


def _video(container: InputContainer) -> VideoStream | None:
    """The first track that is no cover of an album."""
    tracks = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    return tracks[0] if tracks else None


def _packets(stream: VideoStream | AudioStream) -> Iterator["av.Packet[Stream]"]:
    container = stream.container
    assert isinstance(container, InputContainer)  # noqa: S101 - it was opened for reading
    with contextlib.suppress(av.error.FFmpegError):  # cut short: what could be read was read
        yield from container.demux(stream)


def _base_layer(stream: VideoStream, rate: float) -> Iterator["av.Packet[Stream]"]:
    """All packets but those that only pictures left out refer to."""
    gate = LayerGate(rate)
    for packet in _packets(stream):
        at_ms = float((packet.pts or 0) * packet.time_base * 1000)
        if not packet.size or gate.takes(bytes(memoryview(packet)[:HEAD]), at_ms):
            yield packet


def _decoded(packets: Iterator["av.Packet[Stream]"]) -> Iterator[av.VideoFrame | av.AudioFrame]:
    for packet in packets:
        with contextlib.suppress(av.error.InvalidDataError):  # one damaged piece; the next may be whole
            yield from (each for each in packet.decode() if isinstance(each, av.VideoFrame | av.AudioFrame))


def _raw_rate(pictures: Path, sound: Path) -> float | None:
    """Pictures a second of a file without times; None: as libavformat assumes."""
    with _opened(pictures) as container, _opened(sound) as heard:
        count = sum(packet.size > 0 for packet in _packets(container.streams.video[0]))
        return count * 1e6 / heard.duration if heard.duration else None
