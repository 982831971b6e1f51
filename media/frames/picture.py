"""From libavcodec's pictures to what OpenCV takes."""

from functools import cached_property

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from media.frames.frame import Frame


class Bgr:
    """Converts pictures of one stream; keeps libswscale's tables, which cost as much as a picture to make."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def array(self, picture: av.VideoFrame) -> NDArray[np.uint8]:
        """HxWx3, 8 bit, blue, green, red, upright as the file says; a copy that outlives the decoder."""
        # left to itself libswscale starts a thread a core for each stream, and wakes all for 0.3 ms
        converted = self._reformatter.reformat(picture, format="bgr24", threads=1)
        stored = np.asarray(converted.to_ndarray(), dtype=np.uint8)
        quarters = round(picture.rotation / 90) % 4  # telephones store as the sensor lies, and say so
        return np.ascontiguousarray(np.rot90(stored, quarters)) if quarters else stored


class DecodedFrame(Frame):
    """A Frame that is converted when it is first looked at: every other one is not."""

    def __init__(self, at_ms: int, content: av.VideoFrame, source: str, bgr: Bgr) -> None:
        """``content`` is held until this goes: a buffer of the decoder's, which makes others meanwhile."""
        object.__setattr__(self, "at_ms", at_ms)
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "_content", content)
        object.__setattr__(self, "_bgr", bgr)

    @cached_property
    def image(self) -> NDArray[np.uint8]:
        """See Frame."""
        return self._bgr.array(self._content)

    _content: av.VideoFrame
    _bgr: Bgr
