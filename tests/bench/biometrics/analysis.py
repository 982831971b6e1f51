"""CPU time of looking at one camera with its sound, by parts.

Run: python -m tests.bench.biometrics.analysis [CLIP ...]; without clips: the labelled ones, else the drawn webcam.
Prints one JSON line per clip: CPU milliseconds of each part per second of media, and times real time on one core, all
models loaded before.
"""

import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from media.analysis import Analyser, check_photo
from media.biometrics.engines import default_engine
from media.biometrics.faces import face_detector
from media.biometrics.mesh import mesh_network
from media.clips import drawn
from media.clips.files import write_webm
from media.frames import FileSource, Frame, Sound
from tests.media.scenarios import SCENARIOS

PARTS = {
    "near_detector": (face_detector().short, "detect"),
    "far_detector": (face_detector().full, "detect"),
    "mesh": (mesh_network(), "mesh"),
    "irises": (mesh_network(), "gaze"),
    "identity": (default_engine(), "describe_many"),
}
"""Measured from within: the object whose method does it."""


@contextmanager
def measured(spent, calls):
    """Count the CPU time of each part while the analysis runs."""

    def timed(name, work):
        def call(*args, **kwargs):
            started = time.process_time()
            try:
                return work(*args, **kwargs)
            finally:
                spent[name] += time.process_time() - started
                calls[name] += 1

        return call

    for name, (owner, method) in PARTS.items():
        setattr(owner, method, timed(name, getattr(owner, method)))
    try:
        yield
    finally:
        for owner, method in PARTS.values():
            delattr(owner, method)


def items_of(clip, spent):
    """What a file gives; the time of decoding it goes to ``decoding``."""
    source = iter(FileSource(clip, sound=True).frames())
    while True:
        started = time.process_time()
        item = next(source, None)
        spent["decoding"] += time.process_time() - started
        if item is None:
            return
        yield item


def measure(clip, reference):
    spent, calls, media_ms = Counter(), Counter(), 0
    analyser = Analyser(reference)
    with measured(spent, calls):
        began = time.process_time()
        for item in items_of(clip, spent):
            started = time.process_time()
            analyser.feed(item)
            kind = "sound" if isinstance(item, Sound) else "pictures" if isinstance(item, Frame) else "other"
            spent[kind] += time.process_time() - started
            media_ms = max(media_ms, item.at_ms)
        analyser.finish(media_ms)
        total = time.process_time() - began
    inside = sum(spent[name] for name in PARTS)
    spent["rules_and_light"] = spent.pop("pictures") - inside
    seconds = media_ms / 1000
    return {
        "bench": "biometrics_analysis",
        "clip": clip.name,
        "media_s": round(seconds, 1),
        "cpu_ms_per_media_s": {name: round(value / seconds * 1000, 2) for name, value in sorted(spent.items())},
        "calls_per_media_s": {name: round(count / seconds, 2) for name, count in sorted(calls.items())},
        "total_cpu_ms_per_media_s": round(total / seconds * 1000, 1),
        "times_real_time_per_core": round(seconds / total, 1),
    }


def main(clips=()):
    with tempfile.TemporaryDirectory() as folder:
        if not clips:
            clips = sorted(SCENARIOS.glob("*.webm"))
        if not clips:
            clips = [Path(folder) / "drawn.webm"]
            write_webm(clips[0], drawn.webcam())
        measure(clips[0], check_photo(drawn.portrait_jpeg()).descriptor)  # loads everything
        for clip in clips:
            photo = clip.with_suffix(".candidate.jpg")
            face = check_photo(photo.read_bytes() if photo.exists() else drawn.portrait_jpeg())
            sys.stdout.write(json.dumps(measure(clip, face.descriptor)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
