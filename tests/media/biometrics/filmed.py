"""Pictures of the measuring data's clips, a few a second."""

import os
from pathlib import Path

import av
import numpy as np

DATA = Path(os.environ.get("KUSTOS_TEST_DATA", Path(__file__).parents[3].parent / "shared" / "data"))


def pictures(path, rate=8.0, quarter_turns=0):
    """Yield (seconds, picture HxWx3 BGR), ``quarter_turns`` counter-clockwise for phones that were held sideways."""
    due = 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time >= due:
                due = frame.time + 1 / rate - 0.005
                yield frame.time, np.ascontiguousarray(np.rot90(frame.to_ndarray(format="bgr24"), quarter_turns))
