"""The command on a small folder of every kind, made of the shipped portrait and of numbers."""

import json
import subprocess
import sys
import wave
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from media.biometrics.faces import face_detector
from media.biometrics.mesh import mesh_network
from media.biometrics.report.cards import CARDS, filled
from media.biometrics.report.contents import look_through
from media.biometrics.report.make import make_report
from media.biometrics.report.poses import angles_of
from media.biometrics.report.words import as_lines
from media.clips.drawn import portrait, portrait_jpeg, webcam
from media.clips.files import write_webm

RATE = 16_000


def picture(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def sound(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    faces = root / "faces"
    for number, light in enumerate((1.0, 0.8, 1.2), 1):
        picture(faces / "Ann" / f"Ann_{number:04d}.jpg", np.clip(portrait() * light, 0, 255).astype(np.uint8))
    wide = cv2.resize(portrait(), None, fx=1.45, fy=1)[:, ::-1]
    picture(faces / "Bob" / "Bob_0001.jpg", wide)
    picture(faces / "Bob" / "Bob_0002.jpg", np.full((200, 200, 3), 120, np.uint8))
    rows = [
        "1,Ann,1,Ann,2,1",
        "1,Ann,1,Bob,1,0",
        "2,Ann,2,Ann,3,1",
        "2,Ann,3,Bob,1,0",
        "2,Ann,1,Bob,2,0",
        "2,Ann,1,Bob,9,0",
    ]
    (faces / "pairs.csv").write_text("fold,name_a,num_a,name_b,num_b,same\n" + "\n".join(rows) + "\n")
    (faces / "groups.csv").write_text("name,hair\nAnn,short\nBob,short\n")
    clip = root / "clips" / "drawn.webm"
    clip.parent.mkdir()
    write_webm(clip, webcam(seconds=13), sound=False)
    (clip.parent / "drawn.json").write_text(
        json.dumps({"events": [{"type": "no_user_in_frame", "start": 5, "end": 11}]})
    )
    (clip.parent / "drawn.candidate.jpg").write_bytes(portrait_jpeg())
    (clip.parent / "other.webm").write_bytes(b"no film")
    (clip.parent / "other.json").write_text("{")
    picture(root / "pose" / "one.jpg", portrait())
    face = face_detector().all(portrait())[0]
    off = np.array([2.0, -3.0, 1.0])
    truth = np.radians(angles_of(mesh_network().mesh(portrait(), face)) + off)
    savemat(root / "pose" / "one.mat", {"Pose_Para": np.append(truth, np.zeros(4))[np.newaxis]})
    (root / "pose" / "two.mat").write_bytes(b"nothing")
    sound(root / "voice" / "hum.wav", 0.05 * np.sin(np.arange(RATE * 4) / RATE * 2 * np.pi * 50))
    (root / "voice" / "labels.rttm").write_text("SPEAKER hum 1 1.0 0.5 <NA> <NA> somebody <NA> <NA>\n")
    (root / "notes.txt").write_text("not data")
    return root


@pytest.fixture(scope="module")
def reported(folder, tmp_path_factory):
    command = [str(Path(sys.executable).with_name("kustos")), "biometrics", "report", "--data", str(folder), "--json"]
    cards = tmp_path_factory.mktemp("cards")
    done = subprocess.run([*command, "--cards", str(cards)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, parse_constant=pytest.fail), done.stderr, cards  # one object, no NaN


def test_every_kind_is_reported_with_counts(reported):
    report, progress, _ = reported
    assert set(report) >= {"faces", "clips", "voices", "head_poses"}
    assert report["not_there"] == ["documents", "liveness"]
    assert "faces:" in progress
    faces = report["faces"]
    assert (faces["pairs"], faces["accuracy"]["n"], faces["accuracy"]["folds"]) == (6, 4, 2)
    assert faces["excluded_pairs"]["reasons"] == {"no_face": 1, "missing": 1}
    assert faces["failure_to_enrol"]["reasons"]["no_face"] == 1
    assert faces["failures_as_errors"]["n"] == 6
    assert faces["groups"]["hair"]["short"]["pairs"] == 6


def test_the_clip_is_judged_by_its_labels(reported):
    clips = reported[0]["clips"]
    absent = clips["by_type"]["no_user_in_frame"]
    assert (absent["recall"]["hits"], absent["recall"]["n"]) == (1, 1)
    assert absent["onset_error"]["value"] < 1.0
    assert clips["false_incidents"]["count"] == 0


def test_head_poses_are_off_by_what_the_label_was_turned(reported):
    poses = reported[0]["head_poses"]
    found = {axis: one["value"] for axis, one in poses["mean_absolute_error"].items()}
    assert found == pytest.approx({"pitch": 2.0, "yaw": 3.0, "roll": 1.0}, abs=0.4)  # JPEG
    assert poses["excluded"]["hits"] == 0


def test_sound_without_a_voice_has_no_voice(reported):
    voices = reported[0]["voices"]
    assert voices["files"] == 1
    assert voices["speech"]["value"] == pytest.approx(0.5 / 4, abs=0.02)
    assert voices["false_alarms"]["value"] == 0
    assert {name: noise["incidents"] for name, noise in voices["noises"].items()} == {
        "typing": 0, "mouse": 0, "mains_hum": 0, "fan": 0, "hiss": 0,
    }  # fmt: skip


def test_what_is_broken_or_unknown_is_named_with_its_reason(reported):
    skipped = {row["file"]: row["reason"] for row in reported[0]["skipped"]}
    assert "broken" in skipped["clips/other.webm"]
    assert skipped["pose/two.mat"] == "no picture beside it"
    assert skipped["notes.txt"] == "no data of a known kind"
    assert skipped["faces/Bob/Bob_0009.jpg"] == "named in pairs.csv but missing"


def test_the_cards_carry_the_reports_figures(reported):
    report, _, cards = reported
    identity = (cards / "identity.md").read_text(encoding="utf-8")
    accuracy = report["faces"]["accuracy"]
    assert f"{accuracy['hits']} of {accuracy['n']}" in identity
    documents = (cards / "documents.md").read_text(encoding="utf-8")
    assert "not measured on this folder" in documents


def test_a_folder_without_data_says_what_to_do(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    command = [str(Path(sys.executable).with_name("kustos")), "biometrics", "report", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "docs/biometrics/report.md" in done.stderr


def test_broken_tables_are_skipped_with_the_line(tmp_path):
    (tmp_path / "pairs.csv").write_text("fold,name_a,num_a,name_b,num_b,same\n1,Ann,1,Bob,1,maybe\n")
    (tmp_path / "bad.rttm").write_text("SPEAKER one 1 now 2\n")
    found = look_through(tmp_path)
    reasons = {path.name: reason for path, reason in found.skipped.items()}
    assert "line 2: same is 'maybe'" in reasons["pairs.csv"]
    assert "cannot be read as labels" in reasons["bad.rttm"]
    assert found.pairs == []


def test_a_table_of_pairs_may_be_called_and_written_otherwise(tmp_path):
    """Another name, semicolons, no folds, unpadded numbers, capitals, pictures in another folder, one bad line."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "View2.CSV").write_text(
        "Name_A;Num_A;Name_B;Num_B;Same;sex\nAnn;1;Ann;2;True;f\nAnn;x;Bob;1;0;\n\nAnn;1;Bob;1;no;f\n"
    )
    for name in ("ann/Ann_1.JPG", "ann/Ann_0002.png", "Bob/bob_01.jpeg"):
        picture(tmp_path / "pictures" / name, portrait())
    found = look_through(tmp_path)
    assert [(pair.same, pair.fold, pair.groups) for pair in found.pairs] == [
        (True, "1", (("sex", "f"),)),
        (False, "1", (("sex", "f"),)),
    ]
    assert all(pair.picture_a.is_file() and pair.picture_b.is_file() for pair in found.pairs)
    assert "line 3: num_a is 'x'" in found.skipped[tmp_path / "lists" / "View2.CSV"]
    assert len(found.people) == 2


def test_labels_of_sound_belong_to_what_lies_beside_them(tmp_path):
    """The same name in two folders; a file's own labels that call it otherwise; bad lines; links to folders."""
    for place, start in (("a", 1.0), ("b", 2.0)):
        sound(tmp_path / place / "one.wav", np.zeros(RATE))
        (tmp_path / place / "x.rttm").write_text(f"SPEAKER one 1 {start} 0.5\nSPEAKER one 1 soon\n;; comment\n")
    sound(tmp_path / "c" / "two.WAV", np.zeros(RATE))
    (tmp_path / "c" / "two.rttm").write_text("SPEAKER meeting-2 1 0.5 0.5\n")
    kept = tmp_path / "kept" / "voice"
    sound(kept / "three.wav", np.zeros(RATE))
    (kept / "three.rttm").write_text("SPEAKER three 1 0.1 0.1\n")
    root = tmp_path / "root"
    root.mkdir()
    for place in ("a", "b", "c", "kept"):
        (root / place).symlink_to(tmp_path / place)
    (root / "kept" / "circle").symlink_to(root)
    found = look_through(root)
    assert {found.name(file.path): file.speech for file in found.spoken} == {
        "a/one.wav": ((1.0, 1.5),),
        "b/one.wav": ((2.0, 2.5),),
        "c/two.WAV": ((0.5, 1.0),),
        "kept/voice/three.wav": ((0.1, 0.2),),
    }
    assert "line 2" in found.skipped[root / "a" / "x.rttm"]


def test_what_breaks_one_file_leaves_the_rest(tmp_path):
    """Pictures of a few pixels, labels of the wrong shape, a clip cut short: each told, the others reported."""
    picture(tmp_path / "faces" / "Ann" / "Ann_0001.jpg", portrait())
    picture(tmp_path / "faces" / "Ann" / "Ann_0002.jpg", portrait()[:2, :1])
    (tmp_path / "faces" / "Bob").mkdir()
    (tmp_path / "faces" / "Bob" / "Bob_0001.jpg").write_bytes(portrait_jpeg()[:900])
    (tmp_path / "faces" / "pairs.csv").write_text(
        "fold,name_a,num_a,name_b,num_b,same\n1,Ann,1,Ann,2,1\n1,Ann,1,Bob,1,0\n1,Ann,1,Ann,1,1\n"
    )
    picture(tmp_path / "passports" / "one.png", np.full((3, 3, 3), 255, np.uint8))
    (tmp_path / "passports" / "one.json").write_text('{"fields": ["no", "names"]}')
    picture(tmp_path / "pose" / "one.jpg", portrait())
    savemat(tmp_path / "pose" / "one.mat", {"Pose_Para": np.zeros((1, 7)), "pt3d_68": np.zeros(3)})
    write_webm(tmp_path / "cut.webm", webcam(seconds=3))
    cut = tmp_path / "cut.webm"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (tmp_path / "cut.json").write_text('{"events": [{"type": "none", "start": 0, "end": 1}, {"type": 3}]}')
    report = make_report(tmp_path)
    reasons = {row["file"]: row["reason"] for row in report["skipped"]}
    assert {"faces", "clips", "head_poses", "documents"} <= set(report)
    assert report["faces"]["accuracy"]["value"] is None
    assert report["faces"]["pairs"] == 3
    assert report["clips"]["all_types"]["recall"]["n"] == 0
    assert len(report["clips"]["clips"]) == 1
    assert "events without type" in reasons["cut.json"]
    assert report["documents"]["pictures"] + ("passports/one.png" in reasons) == 1
    assert "\n".join(as_lines(report))
    for name, files in CARDS.items():
        assert "{{" not in filled(name, files, report)
