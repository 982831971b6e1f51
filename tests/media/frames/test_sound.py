"""Sound out of files, beside pictures and alone; pieces without holes."""

import itertools
import subprocess

import av
import numpy as np
import pytest

from appliance.errors import BadInput
from media.clips.files import write_mjpeg, write_wav, write_webm
from media.frames import FileSource, Frame, NoPicture, NoSound, Sound
from media.frames.sound import PIECE_SAMPLES, SoundCutter

START_MS = 1_700_000_000_000
TONE = "aevalsrc=0.5*sin(2*PI*440*t)*between(t\\,2\\,4):s=48000:d=6"
"""Two seconds of 440 Hz in six seconds of nothing."""
PICTURES = "color=blue:s=160x120:r=15:d=6"


def made(path, *arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def webm(tmp_path_factory):
    codecs = ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus")
    path = tmp_path_factory.mktemp("sound") / "both.webm"
    return made(path, "-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", TONE, *codecs)


def read(path, **options):
    return list(FileSource(path, START_MS, rate=2, sound=True, **options).frames())


def of(kind, items):
    return [item for item in items if isinstance(item, kind)]


def loud_seconds(pieces):
    """First and last second of the file in which the tone is heard."""
    levels = [
        (piece.at_ms + n * 32 - START_MS, float(np.abs(step).max()))
        for piece in pieces
        for n, step in enumerate(piece.samples.reshape(-1, Sound.STEP))
    ]
    loud = [at_ms / 1000 for at_ms, level in levels if level > 0.25]
    return loud[0], loud[-1]


def test_pieces_follow_each_other_without_a_hole_between_pictures_in_order_of_time(webm):
    items = read(webm)
    pieces, frames = of(Sound, items), of(Frame, items)
    assert len(pieces) + len(frames) == len(items)
    assert len(frames) == 12
    assert all(len(piece.samples) == PIECE_SAMPLES for piece in pieces[:-1])
    assert len(pieces[-1].samples) % Sound.STEP == 0
    assert {piece.samples.dtype for piece in pieces} == {np.dtype(np.float32)}
    assert max(abs(now.at_ms - before.end_ms) for before, now in itertools.pairwise(pieces)) <= 2
    there = [item.end_ms if isinstance(item, Sound) else item.at_ms for item in items]
    assert there == sorted(there)
    assert abs(pieces[-1].end_ms - START_MS - 6000) < 60
    first, last = loud_seconds(pieces)
    assert abs(first - 2) < 0.05
    assert abs(last - 4) < 0.05
    assert abs(max(np.abs(piece.samples).max() for piece in pieces) - 0.5) < 0.1


def test_unasked_nothing_of_the_sound_comes(webm, tmp_path):
    assert all(isinstance(item, Frame) for item in FileSource(webm).frames())
    write_wav(tmp_path / "room.wav", 1)
    with pytest.raises(BadInput, match=r"room\.wav has no picture track"):
        next(FileSource(tmp_path / "room.wav").frames())


@pytest.mark.parametrize("name", ["8k.wav", "stereo44.flac", "speech.ogg", "voice.m4a"])
def test_a_file_with_sound_only_of_any_rate_and_layout(tmp_path, name):
    how = {
        "8k.wav": ("-ar", "8000"),
        "stereo44.flac": ("-ar", "44100", "-ac", "2"),
        "speech.ogg": ("-c:a", "libopus"),
    }
    pieces = read(made(tmp_path / name, "-f", "lavfi", "-i", TONE, *how.get(name, ())))
    assert {type(piece) for piece in pieces} == {Sound}
    assert 5.9 < sum(len(piece.samples) for piece in pieces) / Sound.RATE < 6.2
    first, last = loud_seconds(pieces)
    assert abs(first - 2) < 0.08
    assert abs(last - 4) < 0.08


def test_a_track_that_comes_late_or_has_a_hole_is_told(tmp_path):
    late = ("-f", "lavfi", "-i", PICTURES, "-itsoffset", "3", "-f", "lavfi", "-i", f"{TONE.replace('d=6', 'd=3')}")
    items = read(made(tmp_path / "late.mkv", *late, "-c:v", "libvpx", "-c:a", "libopus"), silence_ms=1500)
    assert [item.at_ms - START_MS for item in of(NoSound, items)] == [1500, 2500]
    assert abs(of(Sound, items)[0].at_ms - START_MS - 3000) < 30
    assert abs(loud_seconds(of(Sound, items))[0] - 5) < 0.05
    holed = ("-af", "aselect='not(between(t,1,3))'", "-c:a", "pcm_s16le", "-c:v", "copy")
    source = made(tmp_path / "mono.mkv", "-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", TONE, "-c:v", "libvpx")
    items = read(made(tmp_path / "holed.mkv", "-i", str(source), *holed), silence_ms=1500)
    told = of(NoSound, items)
    assert len(told) == 1
    assert abs(told[0].since_ms - START_MS - 1000) < 60
    assert loud_seconds(of(Sound, items))[0] > 2.9


def test_a_missing_track_of_sound_is_told_and_so_are_pictures_that_end_early(tmp_path):
    silent = made(tmp_path / "silent.webm", "-f", "lavfi", "-i", PICTURES)
    items = read(silent)
    assert [round((item.at_ms - START_MS) / 1000) for item in of(NoSound, items)] == [3, 4, 5]
    assert {item.since_ms for item in of(NoSound, items)} == {START_MS}
    short = ("-f", "lavfi", "-i", PICTURES.replace("d=6", "d=2"), "-f", "lavfi", "-i", TONE)
    items = read(made(tmp_path / "short.webm", *short), silence_ms=1500)
    assert [round((item.at_ms - START_MS) / 1000, 1) for item in of(NoPicture, items)] == [3.4, 4.4, 5.4]


def test_a_damaged_file_gives_what_it_has(webm, tmp_path):
    whole = bytearray(webm.read_bytes())
    cut = tmp_path / "cut.webm"
    cut.write_bytes(whole[: len(whole) // 2])
    assert 2 < len(of(Sound, read(cut))) < 10
    random = np.random.default_rng(1)
    for place in random.integers(2000, len(whole), 60):
        whole[place] ^= 0xFF
    hurt = tmp_path / "hurt.webm"
    hurt.write_bytes(whole)
    items = read(hurt)
    assert of(Sound, items)
    for kind in (Sound, Frame):
        assert [item.at_ms for item in of(kind, items)] == sorted(item.at_ms for item in of(kind, items))


def test_raw_pictures_have_their_sound_and_their_rate_from_the_file_beside(tmp_path):
    write_mjpeg(tmp_path / "pair.mjpeg", (np.full((48, 64, 3), n, np.uint8) for n in range(90)))
    write_wav(tmp_path / "pair.wav", 6)
    items = read(tmp_path / "pair.mjpeg")
    assert abs(of(Frame, items)[-1].at_ms - START_MS - 5500) < 100
    assert abs(of(Sound, items)[-1].end_ms - START_MS - 6000) < 50
    assert not of(NoSound, items)
    (tmp_path / "pair.wav").unlink()
    assert not of(Sound, read(tmp_path / "pair.mjpeg"))


def test_what_has_neither_is_named(tmp_path):
    titles = tmp_path / "titles.srt"
    titles.write_text("1\n00:00:01,000 --> 00:00:02,000\nno media\n\n")
    with pytest.raises(BadInput, match=r"titles\.srt has no picture track and no sound"):
        next(FileSource(titles, sound=True).frames())


def piece_of(values, rate=48_000):
    frame = av.AudioFrame.from_ndarray(np.asarray(values, np.float32)[None, :], format="flt", layout="mono")
    frame.sample_rate = rate
    return frame


def test_time_does_not_go_back_and_the_rate_may_change():
    cutter, pieces = SoundCutter("test"), []
    for number in range(40):
        pieces += cutter.push(piece_of(np.zeros(960)), number * 20)
    for number in range(10):  # said twice
        pieces += cutter.push(piece_of(np.ones(960)), number * 20)
    for number in range(40):
        pieces += cutter.push(piece_of(np.zeros(640), 32_000), 800 + number * 20)
    pieces += cutter.flush()
    assert max(np.abs(piece.samples).max() for piece in pieces) == 0
    assert abs(pieces[0].at_ms) < 3
    assert abs(pieces[-1].end_ms - 1600) < 40
    assert all(abs(now.at_ms - before.end_ms) < 5 for before, now in itertools.pairwise(pieces))


def test_a_piece_too_short_to_hear_anything_in_is_dropped():
    cutter = SoundCutter("test")
    assert cutter.push(piece_of(np.ones(480)), 0) == []
    assert cutter.push(piece_of(np.ones(480)), 5000) == []
    assert cutter.flush() == []


def test_there_is_sound_in_what_the_recorder_would_write(tmp_path):
    """Both tracks one after the other in the file: still in order of time."""
    write_webm(tmp_path / "apart.webm", (np.full((48, 64, 3), n, np.uint8) for n in range(60)))
    items = read(tmp_path / "apart.webm")
    there = [item.end_ms if isinstance(item, Sound) else item.at_ms for item in items]
    assert there == sorted(there)
    assert abs(there[-1] - START_MS - 4000) < 60
