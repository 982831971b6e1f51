"""Pictures out of a recorded file, in media time moved to the recording's start."""

import threading
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from appliance.errors import BadInput
from media.frames.frame import Frame, NoPicture, Pace


class FileSource:
    """Samples a file's first video track as fast as it can be decoded."""

    def __init__(self, path: Path, start_ms: int = 0, rate: float = 4.0, silence_ms: int = 3000) -> None:
        """Nothing is opened yet.

        ``start_ms``: UTC milliseconds of media time 0. ``rate``: pictures a second. ``silence_ms``: a hole in the
        track longer than that is told by NoPicture markers, one per second of media time.
        """
        self._path = path
        self._start_ms = start_ms
        self._pace = Pace(rate)
        self._silence_ms = silence_ms
        self._closed = threading.Event()
        self.source = path.name

    def frames(self) -> Iterator[Frame | NoPicture]:
        """See FrameSource. Raises BadInput when the file is missing, no media, or without a picture track.

        A file cut short or damaged in the middle (its recorder was killed) ends where it can no longer be read.
        """
        try:
            container = av.open(str(self._path))
        except (av.error.FFmpegError, OSError) as error:
            raise BadInput(f"{self._path.name} cannot be read as a recording: {error}") from error
        with container:
            if not container.streams.video:
                raise BadInput(f"{self._path.name} has no picture track")
            last_ms = self._start_ms
            for picture in _decoded(container):
                if self._closed.is_set():
                    return
                if picture.time is None:
                    continue
                at_ms = self._start_ms + round(picture.time * 1000)
                yield from self._hole(last_ms, at_ms)
                last_ms = at_ms
                if self._pace.takes(at_ms):
                    yield Frame(at_ms, picture_array(picture), self.source)

    def _hole(self, last_ms: int, at_ms: int) -> Iterator[NoPicture]:
        for marker_ms in range(last_ms + self._silence_ms, at_ms, 1000):
            yield NoPicture(marker_ms, last_ms, self.source)

    def close(self) -> None:
        """See FrameSource."""
        self._closed.set()


def _decoded(container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
    stream = container.streams.video[0]
    stream.codec_context.options = {"skip_loop_filter": "all"}
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                continue  # one damaged picture; the next may be whole
    except av.error.FFmpegError:
        return


def picture_array(picture: av.VideoFrame) -> NDArray[np.uint8]:
    """The picture as Frame.image wants it."""
    return np.asarray(picture.to_ndarray(format="bgr24"), dtype=np.uint8)
