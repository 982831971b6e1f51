"""Clips of one colour and one tone, and finding both again in what was recorded."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220), "yellow": (220, 220, 30)}
TONES = {"red": 400, "green": 700, "blue": 1100, "yellow": 1700}
BLACK = (0, 0, 0)
SHRUNK = 4


def write_clip(path: Path, colour: str, seconds: float = 4.0, size=(320, 240), right: str | None = None) -> Path:
    """WebM (or MP4 with H.264 and AAC, by the name): ``colour`` and its tone; ``right``: colour of the right half."""
    width, height = size
    mp4 = path.suffix == ".mp4"
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:] = COLOURS[colour]
    if right:
        picture[:, width // 2 :] = COLOURS[right]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264" if mp4 else "libvpx", rate=15)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = (
            {"g": "15", "profile": "baseline"} if mp4 else {"g": "15", "deadline": "realtime", "cpu-used": "-8"}
        )
        audio = container.add_stream("aac" if mp4 else "libopus", rate=48000)
        audio.layout = "stereo"
        audio.options = {} if mp4 else {"compression_level": "0"}
        length = 1024 if mp4 else 960
        for number in range(int(seconds * 15)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
        for number in range(int(seconds * 48000 / length)):
            times = (np.arange(length) + number * length) / 48000
            wave = (6000 * np.sin(2 * np.pi * TONES[colour] * times)).astype(np.float32) / 32768
            frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = 48000, number * length
            container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


@dataclass
class Recorded:
    """A decoded file: pictures with their times, every fourth line and column of them, and all sound."""

    pictures: list[tuple[float, np.ndarray]]
    sound: np.ndarray

    @classmethod
    def of(cls, path: Path) -> "Recorded":
        with av.open(str(path)) as container:
            kinds = {stream.type for stream in container.streams}
        pictures, sound = [], [np.zeros(0, np.float32)]
        if "video" in kinds:
            with av.open(str(path)) as container:
                pictures = [(frame.time, _small(frame)) for frame in container.decode(video=0)]
        if "audio" in kinds:
            with av.open(str(path)) as container:
                sound += [frame.to_ndarray()[0].astype(np.float32) for frame in container.decode(audio=0)]
        return cls(pictures, np.concatenate(sound))

    def tones(self, seconds: float = 0.7) -> set[str]:
        """Whose tones sound in the last ``seconds``."""
        last = self.sound[-int(48000 * seconds) :]
        assert len(last) > 24000, "too little sound"
        spectrum = np.abs(np.fft.rfft(last * np.hanning(len(last))))
        frequencies = np.fft.rfftfreq(len(last), 1 / 48000)
        power = {name: spectrum[np.abs(frequencies - tone) < 15].max() for name, tone in TONES.items()}
        return {name for name, level in power.items() if level > 0.2 * max(power.values())}


def _small(frame) -> np.ndarray:
    return frame.to_ndarray(format="rgb24")[::SHRUNK, ::SHRUNK].copy()


def colour_at(picture: np.ndarray, x: float, y: float) -> str:
    """Name of the colour at shares of a picture."""
    height, width = picture.shape[:2]
    seen = picture[int(y * height) - 1 : int(y * height) + 2, int(x * width) - 1 : int(x * width) + 2].mean((0, 1))
    near = {name: np.abs(seen - np.array(rgb)).max() for name, rgb in {**COLOURS, "black": BLACK}.items()}
    name = min(near, key=near.get)
    return name if near[name] < 60 else f"nothing known: {seen}"
