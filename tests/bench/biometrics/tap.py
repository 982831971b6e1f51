"""CPU time of all that lies before the analysis, as JSON lines. Run: python -m tests.bench.biometrics.tap

Milliseconds of CPU for a second of media (10 are 1 % of a core), of the reading thread alone: decoding has no other.
Live figures need the clip's own time, some 8 s each; pictures are 640x480 VP8, sound is Opus.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from media.clips import drawn
from media.clips.files import SAMPLE_RATE, room_sound, two_layers
from media.detectors.speech import SpeechStream
from media.frames import FileSource, Frame, RtpTap, Sound

SECONDS = 8


def say(**values):
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def write_clip(path, fps, layers):
    """A portrait that moves before a camera's noise, 500 kbit/s, and a quiet room."""
    still = cv2.resize(drawn.portrait(), (640, 480))
    random = np.random.default_rng(0)
    noise = [random.normal(0, 2, still.shape).astype(np.int16) for _ in range(3)]
    with av.open(str(path), "w", format="webm") as container:
        video = container.add_stream("libvpx", rate=fps)
        video.width, video.height, video.pix_fmt, video.bit_rate = 640, 480, "yuv420p", 500_000
        video.options = {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0", "g": str(fps * 3)}
        video.options = {**video.options, **(two_layers(500_000) if layers == 2 else {})}
        audio = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
        sound = av.AudioFifo()
        whole = av.AudioFrame.from_ndarray(room_sound(SECONDS)[None, :], format="s16", layout="mono")
        whole.sample_rate, whole.pts, whole.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
        sound.write(whole)
        for number in range(fps * SECONDS):
            at = number / fps
            moved = np.roll(still, (round(20 * np.sin(at)), round(30 * np.sin(2 * at))), axis=(0, 1))
            picture = np.clip(moved + noise[number % 3], 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
            while sound.samples and (piece := sound.read(960, partial=True)) and piece.pts < at * SAMPLE_RATE:
                container.mux(audio.encode(piece))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def bench_tap(clip, fps, layers, *, sound):
    """What a worker's thread takes for one live camera."""
    tap = RtpTap("camera", sound=sound)
    video, audio = (re.search(rf"m={kind} (\d+)", tap.offer) for kind in ("video", "audio"))
    command = ["ffmpeg", "-v", "error", "-re", "-i", str(clip), "-map", "0:v", "-c", "copy", "-payload_type", "96"]
    command += ["-f", "rtp", f"rtp://127.0.0.1:{video[1]}"]
    if audio:
        command += ["-map", "0:a", "-c", "copy", "-payload_type", "111", "-f", "rtp", f"rtp://127.0.0.1:{audio[1]}"]
    sender = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    started, began, first_ms, last_ms, frames = time.thread_time(), time.monotonic(), 0, 0, 0
    for item in tap.frames():
        if isinstance(item, Frame):
            frames += 1
            first_ms, last_ms = first_ms or item.at_ms, item.at_ms
        if sender.poll() is not None or time.monotonic() - began > 3 * SECONDS:
            tap.close()
    took = time.thread_time() - started
    sender.kill()
    sender.wait()
    seconds = (last_ms - first_ms) / 1000
    say(bench="tap", fps=fps, layers=layers, sound=sound, pictures_a_second=round(frames / seconds, 2),
        cpu_ms_a_second=round(took * 1000 / seconds, 2))  # fmt: skip


def bench_file(clip, fps, layers, *, sound):
    """What a recording takes before the detectors."""
    started = time.thread_time()
    items = list(FileSource(clip, sound=sound).frames())
    took = time.thread_time() - started
    frames = sum(isinstance(item, Frame) for item in items)
    say(bench="file", fps=fps, layers=layers, sound=sound, pictures_a_second=round(frames / SECONDS, 2),
        cpu_ms_a_second=round(took * 1000 / SECONDS, 2))  # fmt: skip


def bench_speech(clip):
    """The network that tells speech, half a second at a time."""
    pieces = [item for item in FileSource(clip, sound=True).frames() if isinstance(item, Sound)]
    SpeechStream().hear(pieces[0])  # loads the file
    stream, started = SpeechStream(), time.thread_time()
    for piece in pieces:
        stream.hear(piece)
    heard = sum(len(piece.samples) for piece in pieces) / Sound.RATE
    say(bench="speech", cpu_ms_a_second=round((time.thread_time() - started) * 1000 / heard, 2))


def main():
    with tempfile.TemporaryDirectory() as folder:
        for fps, layers in ((15, 1), (15, 2), (30, 1), (30, 2)):
            clip = Path(folder) / f"{fps}-{layers}.webm"
            write_clip(clip, fps, layers)
            for sound in (False, True):
                bench_file(clip, fps, layers, sound=sound)
                bench_tap(clip, fps, layers, sound=sound)
        bench_speech(clip)


if __name__ == "__main__":
    main()
