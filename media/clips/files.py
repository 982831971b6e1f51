"""Writes drawn clips as files that players and browsers take."""

import wave
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from media.clips.drawn import FPS, SECONDS, Picture

SAMPLE_RATE = 48000
TWO_LAYERS = {
    "error-resilient": "1",
    "ts-parameters": "ts_number_layers=2:ts_target_bitrate={base},{all}:ts_rate_decimator=2,1:ts_periodicity=2"
    ":ts_layer_id=0,1:ts_layering_mode=2",
}
"""Options of libvpx for what a browser sends when asked for ``L1T2``, as the candidate's page asks; kbit/s go in."""


def room_sound(seconds: float = SECONDS, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Return mono 48 kHz samples of a quiet room: noise at about -50 dBFS and a faint hum."""
    count = round(seconds * SAMPLE_RATE)
    random = np.random.default_rng(seed)
    hum = 60 * np.sin(2 * np.pi * 50 * np.arange(count) / SAMPLE_RATE)
    samples: np.ndarray[tuple[int], np.dtype[np.int16]] = (random.normal(0, 100, count) + hum).astype(np.int16)
    return samples


def two_layers(bitrate: int) -> dict[str, str]:
    """Return the options of libvpx for two temporal layers, three fifths of the bits for the base."""
    rates = {"base": bitrate * 3 // 5000, "all": bitrate // 1000}
    return {name: value.format(**rates) for name, value in TWO_LAYERS.items()}


def write_webm(
    path: Path,
    pictures: Iterable[Picture],
    *,
    fps: int = FPS,
    sound: bool = True,
    bitrate: int = 500_000,
    layers: int = 1,
) -> None:
    """Write VP8 with a key frame every 2 s, and Opus if wanted; ``layers``: 2 as Chromium sends its camera."""
    with av.open(str(path), "w", format="webm") as container:
        video = container.add_stream("libvpx", rate=fps)
        video.bit_rate, video.pix_fmt, video.gop_size = bitrate, "yuv420p", fps * 2
        # negative: a fixed speed; else libvpx spends what time the machine leaves, and each run makes another file
        video.options = {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0"}
        if layers == 2:
            video.options = {**video.options, **two_layers(bitrate)}
        audio = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono") if sound else None
        count = 0
        for picture in pictures:
            if count == 0:
                video.height, video.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = count, Fraction(1, fps)
            container.mux(video.encode(frame))
            count += 1
        container.mux(video.encode(None))
        if audio is not None:
            samples = av.AudioFrame.from_ndarray(room_sound(count / fps)[None, :], format="s16", layout="mono")
            samples.sample_rate, samples.pts, samples.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
            fifo = av.AudioFifo()
            fifo.write(samples)
            while (piece := fifo.read(960, partial=True)) is not None:
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))


def write_mjpeg(path: Path, pictures: Iterable[Picture]) -> None:
    """Write JPEGs one after another: what Chromium's --use-file-for-fake-video-capture plays."""
    with path.open("wb") as file:
        for picture in pictures:
            file.write(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())


def write_wav(path: Path, seconds: float = SECONDS) -> None:
    """Write the quiet room as 16-bit mono WAV: what Chromium's --use-file-for-fake-audio-capture plays."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(room_sound(seconds).tobytes())
