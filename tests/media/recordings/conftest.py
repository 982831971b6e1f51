"""Recorded files: as a node leaves them, whole, torn and empty."""

import io

import av
import numpy as np
import pytest


def webm(path, seconds=3.0, fps=15, audio=True):
    """A live WebM as a recorder writes it: no duration, no cues."""
    with av.open(str(path), "w", format="webm", options={"live": "1"}) as container:
        video = container.add_stream("libvpx", rate=fps)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        video.options = {"deadline": "realtime", "cpu-used": "-8", "g": str(fps), "keyint_min": str(fps)}
        sound = container.add_stream("libopus", rate=48000) if audio else None
        if sound is not None:
            sound.layout = "stereo"
        for number in range(int(seconds * fps)):
            image = np.full((120, 160, 3), number * 5 % 250, dtype=np.uint8)
            image[20:40, number % 100 : number % 100 + 30] = 255
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
            for part in range(int(48000 / fps) // 960 + 1) if sound is not None else ():
                tone = np.zeros((1, 1920), dtype=np.int16)
                piece = av.AudioFrame.from_ndarray(tone, format="s16", layout="stereo")
                piece.sample_rate = 48000
                piece.pts = number * int(48000 / fps) + part * 960
                if piece.pts >= (number + 1) * int(48000 / fps):
                    break
                container.mux(sound.encode(piece))
        container.mux(video.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))
    return path


@pytest.fixture(scope="session")
def recorded_once(tmp_path_factory):
    return webm(tmp_path_factory.mktemp("recorded") / "recorded.webm").read_bytes()


@pytest.fixture
def recorded(tmp_path, recorded_once):
    path = tmp_path / "recorded.webm"
    path.write_bytes(recorded_once)
    return path


def seconds_and_seek(source, at):
    """Return a file's own duration, and the time of the first picture after a seek to ``at`` seconds."""
    with av.open(source if not isinstance(source, bytes) else io.BytesIO(source)) as container:
        duration = container.duration
        container.seek(int(at * av.time_base))
        frame = next(container.decode(video=0))
        return (duration or 0) / av.time_base, frame.time
