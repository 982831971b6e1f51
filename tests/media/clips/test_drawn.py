import itertools
import subprocess

import numpy as np

from media.clips import drawn, files


def picture_at(seconds):
    return next(itertools.islice(drawn.webcam(), round(seconds * drawn.FPS), None)).astype(int)


def test_the_person_is_gone_in_the_labelled_absence_and_only_then():
    """The spacesuit is orange; the wall is not."""

    def orange(picture):
        return np.mean((picture[..., 2] - picture[..., 0]) > 100)

    absence = drawn.TRUTH[0]
    assert orange(picture_at((absence.start + absence.end) / 2)) < 0.001
    assert orange(picture_at(2)) > 0.05
    assert orange(picture_at(13)) > 0.05


def test_the_second_person_stands_at_the_right_edge_in_the_labelled_span():
    joined = drawn.TRUTH[1]
    with_second, without = picture_at((joined.start + joined.end) / 2), picture_at(13)
    changed = np.abs(with_second - without).max(axis=2) > 60
    assert changed[:, 540:].mean() > 0.1
    assert changed[:, :100].mean() < 0.01


def test_the_webm_decodes_fully(tmp_path):
    file = tmp_path / "clip.webm"
    files.write_webm(file, drawn.webcam(seconds=2))
    probe = [
        "ffprobe",
        "-v",
        "error",
        "-count_frames",
        "-show_entries",
        "stream=codec_name,nb_read_frames",
        "-of",
        "csv=p=0",
    ]
    lines = subprocess.run([*probe, file], capture_output=True, text=True, check=True).stdout.split()
    assert lines[0] == "vp8,30"
    assert lines[1].startswith("opus,")


def test_mjpeg_and_wav_hold_the_whole_clip(tmp_path):
    files.write_mjpeg(tmp_path / "clip.mjpeg", drawn.webcam(seconds=1))
    assert (tmp_path / "clip.mjpeg").read_bytes().count(b"\xff\xd8\xff") == drawn.FPS
    files.write_wav(tmp_path / "clip.wav", 1.5)
    assert (tmp_path / "clip.wav").stat().st_size == 44 + round(1.5 * 48000) * 2
