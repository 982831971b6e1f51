"""CPU time of looking at one camera, as JSON lines. Run: python -m tests.bench.analysis [CLIP.webm]

Without a clip the drawn webcam is used. ``per_sitting_percent`` is the share of one core that a live sitting takes.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from media.analysis import Analyser, Change, check_photo
from media.biometrics.dlib_engine import dlib_engine
from media.biometrics.engines import default_engine
from media.biometrics.faces import face_detector
from media.biometrics.mesh import mesh_network
from media.clips import drawn
from media.clips.files import write_webm
from media.frames import FileSource, Frame


def say(**values):
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def cpu_ms(work, times):
    """CPU milliseconds of one call, after one to load the files."""
    work()
    started = time.process_time()
    for _ in range(times):
        work()
    return round((time.process_time() - started) / times * 1000, 2)


def bench_parts(image):
    face, *_ = face_detector().all(image)
    mesh = mesh_network().mesh(image, face)
    parts = {
        "detect_short": lambda: face_detector().short.detect(image),
        "detect_full": lambda: face_detector().full.detect(image),
        "mesh": lambda: mesh_network().mesh(image, face),
        "iris_both": lambda: mesh_network().gaze(image, mesh),
    }
    for name, work in parts.items():
        say(bench="analysis_part", part=name, cpu_ms=cpu_ms(work, 50))
    say(bench="analysis_part", part="describe", cpu_ms=cpu_ms(lambda: default_engine().describe(image, face), 50))
    say(bench="analysis_part", part="describe_dlib", cpu_ms=cpu_ms(lambda: dlib_engine().describe(image, face), 5))


def bench_clip(clip, reference):
    decode_started = time.process_time()
    frames = [picture for picture in FileSource(clip).frames() if isinstance(picture, Frame)]
    decoding = time.process_time() - decode_started
    media_s = (frames[-1].at_ms - frames[0].at_ms) / 1000 + 0.25
    analyser, told = Analyser(reference), []
    started = time.process_time()
    for frame in frames:
        told += [event for event in analyser.feed(frame) if event.change is Change.OPENED]
    analysing = time.process_time() - started
    say(
        bench="analysis",
        clip=clip.name,
        media_s=round(media_s, 1),
        frames_fed=len(frames),
        cpu_ms_per_frame_fed=round(analysing / len(frames) * 1000, 2),
        analysis_percent=round(analysing / media_s * 100, 2),
        decoding_percent=round(decoding / media_s * 100, 2),
        per_sitting_percent=round((analysing + decoding) / media_s * 100, 2),
        told_after_s=[round((event.at_ms - event.start_ms) / 1000, 2) for event in told],
        max_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    )


def main(clips):
    image = next(drawn.webcam())
    bench_parts(image)
    reference = check_photo(drawn.portrait_jpeg()).descriptor
    with tempfile.TemporaryDirectory() as folder:
        if not clips:
            drawn_clip = Path(folder) / "drawn.webm"
            write_webm(drawn_clip, drawn.webcam(), sound=False)
            clips = [drawn_clip]
        for clip in clips:
            photo = clip.with_suffix(".candidate.jpg")
            bench_clip(clip, check_photo(photo.read_bytes()).descriptor if photo.exists() else reference)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
