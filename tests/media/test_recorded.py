"""Recordings analysed offline: what ``kustos analyse`` prints, and what it says of files it cannot judge."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from appliance.cli import main
from media.clips import drawn
from media.clips.files import write_mjpeg, write_wav


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "candidate.jpg"
    path.write_bytes(drawn.portrait_jpeg())
    return path


def analyse(*arguments):
    return CliRunner().invoke(main, ["analyse", *map(str, arguments)])


def test_one_object_on_stdout_and_nothing_else(drawn_recording, photo):
    """In a process of its own: native libraries print to the file descriptors themselves."""
    command = [
        sys.executable,
        "-m",
        "appliance.cli",
        "analyse",
        str(drawn_recording),
        "--reference",
        str(photo),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    found = json.loads(done.stdout)
    assert set(found) == {"file", "duration", "incidents", "undetermined", "metrics", "run"}
    assert found["file"] == "camera-1.webm"
    assert abs(found["duration"] - 13) < 0.2
    (absence,) = found["incidents"]
    assert (absence["type"], absence["detector"]) == ("no_user_in_frame", "absence")
    assert abs(absence["start"] - 5) < 1
    assert abs(absence["end"] - 11) < 1
    assert 0 <= absence["confidence"] <= 1
    assert {"score", "threshold", "min_duration_ms", "models"} <= set(absence["details"])
    assert found["undetermined"] == []
    (share,) = found["metrics"]["c2a"]
    assert abs(share - 100 * (absence["end"] - absence["start"]) / found["duration"]) <= 1
    run = found["run"]
    assert run["not_judged"] == [{"what": "sound", "reason": "not_asked"}]
    assert run["pictures_judged"] >= 25
    assert run["times_real_time"] > 1
    assert all(len(sha256) == 64 for sha256 in run["models"].values())


def test_tables_for_people(drawn_recording):
    done = analyse(drawn_recording, "--audio")
    assert done.exit_code == 0, done.output
    assert "no user in frame" in done.output
    assert "give the candidate's photo with --reference" in done.output
    assert "ask for it with --audio" not in done.output


def test_sound_alone_and_pictures_alone(tmp_path):
    pictures, sound = tmp_path / "still.mjpeg", tmp_path / "room.wav"
    write_mjpeg(pictures, [np.full((240, 320, 3), 90, np.uint8)] * 75)
    write_wav(sound, 3)
    heard = json.loads(analyse(sound, "--json").stdout)
    assert heard["run"]["not_judged"] == [{"what": "picture", "reason": "no_pictures"}]
    assert abs(heard["run"]["sound_seconds"] - 3) < 0.1
    assert [row["type"] for row in heard["incidents"] if row["type"] in ("voice_detected", "talk")] == []
    seen = json.loads(analyse(pictures, "--audio", "--json").stdout)
    assert [row["details"]["reason"] for row in seen["incidents"]] == ["covered"]
    assert {"what": "sound", "reason": "no_sound"} in seen["run"]["not_judged"]


def test_what_cannot_be_analysed_is_said_with_what_to_do(tmp_path, drawn_recording):
    words, empty = tmp_path / "notes.txt", tmp_path / "wall.png"
    words.write_text("no media")
    cv2.imwrite(str(empty), np.full((300, 300, 3), 120, np.uint8))
    for arguments, says in (
        ([tmp_path / "none.webm"], "there is no such file"),
        ([tmp_path], "is no file"),
        ([words], "cannot be read as pictures or sound"),
        ([drawn_recording, "--reference", words], "no picture that can be read"),
        ([drawn_recording, "--reference", empty], "No face can be seen"),
        ([drawn_recording, "--reference", tmp_path / "none.jpg"], "cannot be read"),
    ):
        done = analyse(*arguments, "--json")
        assert done.exit_code == 1
        assert says in done.stderr
        assert done.stdout == ""


def test_a_recording_cut_short_says_what_could_not_be_read(tmp_path, drawn_recording):
    cut = tmp_path / "cut.webm"
    content = drawn_recording.read_bytes()
    cut.write_bytes(content[: len(content) // 3])
    found = json.loads(analyse(cut, "--json").stdout)
    (unread,) = [span for span in found["undetermined"] if span["reason"] == "analysis_failed"]
    assert 1 < unread["start"] < unread["end"] == found["duration"]
    assert found["run"]["pictures"] > 0
