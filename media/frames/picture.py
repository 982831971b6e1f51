"""From libavcodec's pictures to what OpenCV takes."""

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray


class Bgr:
    """Converts pictures of one stream; keeps libswscale's tables, which cost as much as a picture to make."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def array(self, picture: av.VideoFrame) -> NDArray[np.uint8]:
        """HxWx3, 8 bit, blue, green, red; a copy that outlives the decoder."""
        return np.asarray(self._reformatter.reformat(picture, format="bgr24").to_ndarray(), dtype=np.uint8)
