"""The analysis in the candidate's browser says what the appliance's own says, on the same pictures and scores."""

import base64
import hashlib
import json
import random
import subprocess
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from appliance.vocabulary import ObservationType, PhotoKind
from media.analysis import Analyser, Change, check_photo
from media.biometrics import browser_files
from media.biometrics.describing import describe_well
from media.biometrics.dlib_engine import aligned
from media.biometrics.engines import default_engine
from media.biometrics.faces import face_detector
from media.biometrics.mesh import mesh_network
from media.clips import drawn, files
from media.detectors.rules import Rule, RuleState, Sample
from media.detectors.settings import AnalysisSettings
from media.frames.file_source import FileSource
from media.frames.frame import Frame, Sound
from tests.running import ROOT

HERE = Path(__file__).parent
FOLDER = ROOT / "web" / "static" / "vendor" / "analysis"


@pytest.fixture(scope="module")
def folder():
    if not (FOLDER / "manifest.json").exists():
        pytest.skip(f"{FOLDER} is not there: run make setup")
    return FOLDER


def node(script: str, *arguments: str, said: bytes = b"") -> dict:
    done = subprocess.run(["node", str(HERE / script), *arguments], input=said, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout)


def node_says(script: str, case: dict) -> dict:
    return node(script, said=json.dumps(case).encode())


def rgba(image) -> bytes:
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGBA).tobytes()


def turned(image, angle: float, scale: float, x: float, y: float):
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    return cv2.warpAffine(image, np.float32([[cosine, -sine, x], [sine, cosine, y]]), (640, 480))


# ---- what is beside the page


def test_files_are_those_of_this_version(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    place = folder / manifest["version"]
    for name, file in manifest["files"].items():
        content = (place / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    assert browser_files.write(folder) is False, "nothing is to be done after the set-up"
    assert {path.name for path in (place / "licences").iterdir()} >= {
        "models.txt",
        "onnxruntime-LICENSE",
        "silero-vad-LICENSE",
    }


def test_a_spoilt_model_is_refused(folder, tmp_path):
    manifest = json.loads((folder / "manifest.json").read_text())
    copy = tmp_path / "analysis"
    (copy / manifest["version"]).mkdir(parents=True)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    for path in (folder / manifest["version"]).glob("*.*"):
        (copy / manifest["version"] / path.name).symlink_to(path)
    spoilt = copy / manifest["version"] / "face_landmark.onnx"
    content = bytearray(spoilt.read_bytes())
    content[-1] ^= 1
    spoilt.unlink()
    spoilt.write_bytes(content)
    said = ["node", str(HERE / "look.mjs"), str(copy), "640", "480"]
    done = subprocess.run(said, input=rgba(drawn_picture()), capture_output=True, check=False)
    assert b"WrongModel" in done.stderr


# ---- rules and settings


def test_rules_and_settings_agree():
    made = random.Random(4)
    exams = [
        {"rules": {}, "detection": {}},
        {"rules": {"allow_human_assistant": True, "allow_voices": True}, "detection": {"gaze": {"enabled": False}}},
        {
            "rules": {"allow_wrong_gaze_direction": False},
            "detection": {"absence": {"threshold": 0.9, "release_ms": 7}, "identity_interval": {"matched_ms": 5}},
        },
    ]
    cases = [_case(made) for _ in range(120)]
    defaults = browser_files.settings()
    answer = node("rules.mjs", said=json.dumps({"defaults": defaults, "exams": exams, "cases": cases}).encode())
    for case, found in zip(cases, answer["events"], strict=True):
        assert [_told(event) for event in found] == _python(case)
    assert sum(map(len, answer["events"])) > 100
    for exam, settings in zip(exams, answer["settings"], strict=True):
        expected = AnalysisSettings.for_exam(exam["rules"], exam["detection"])
        assert {name: asdict(rule) for name, rule in expected.rules.items()} == settings["rules"]
        assert sorted(expected.disabled) == sorted(settings["disabled"])
        assert asdict(expected.interval) == settings["interval"]


def _case(made: random.Random) -> dict:
    clear = round(made.uniform(0.1, 0.6), 2)
    rule = Rule(
        threshold=round(made.uniform(clear, 0.9), 2),
        clear_below=clear,
        min_duration_ms=made.choice([0, 1000, 4500]),
        lapse_ms=made.choice([0, 900]),
        release_ms=made.choice([0, 400, 1600]),
        unknown_ms=made.choice([1000, 3000]),
    )
    samples, at_ms, level = [], 1000, 0.5
    for _ in range(made.randint(20, 80)):
        at_ms += made.choice([250, 500, 512])
        level = min(max(level + made.uniform(-0.35, 0.35), 0), 1)
        score = None if made.random() < 0.15 else round(level, 3)
        since = at_ms - 700 if made.random() < 0.1 else None
        samples.append({"atMs": at_ms, "score": score, "sinceMs": since})
    return {"rule": asdict(rule), "samples": samples}


def _python(case: dict) -> list[tuple]:
    state = RuleState(ObservationType.AVERT_EYES, "gaze", Rule(**case["rule"]))
    samples = [Sample(one["atMs"], one["score"], one["sinceMs"]) for one in case["samples"]]
    events = [event for sample in samples for event in state.feed(sample)] + state.finish(samples[-1].at_ms)
    return [
        (
            event.change.value,
            event.key,
            event.at_ms,
            event.start_ms,
            event.end_ms,
            pytest.approx(event.confidence, abs=0.0011),
        )
        for event in events
    ]


def _told(event: dict) -> tuple:
    return tuple(event[name] for name in ("change", "key", "atMs", "startMs", "endMs", "confidence"))


# ---- pictures


def drawn_picture():
    clip = cv2.imread(str(ROOT / "media" / "clips" / "astronaut.jpg"))
    return turned(clip, 0.15, 1.6, -100, -50)


def test_faces_directions_and_descriptors_agree(folder):
    """Bounds: a twentieth of a pixel, a tenth of a degree, the same aligned face, descriptors within 0.002."""
    base = cv2.imread(str(ROOT / "media" / "clips" / "astronaut.jpg"))
    for image in (base, drawn_picture(), turned(base, -0.2, 3.5, -500, -200)):
        seen = node("look.mjs", str(folder), str(image.shape[1]), str(image.shape[0]), said=rgba(image))["faces"]
        sure = [face for face in face_detector().all(image) if face.score >= 0.6]
        assert sure
        for face, own in zip(sure, [face for face in seen if face["score"] >= 0.6], strict=True):
            assert own["box"] == pytest.approx([face.left, face.top, face.width, face.height], abs=0.05)
            mesh = mesh_network().mesh(image, face)
            assert own["pose"]["yaw"] == pytest.approx(mesh.pose.yaw, abs=0.1)
            assert own["pose"]["pitch"] == pytest.approx(mesh.pose.pitch, abs=0.1)
            for eye, own_eye in zip(mesh_network().gaze(image, mesh), own["gaze"], strict=True):
                assert own_eye["across"] == pytest.approx(eye.across, abs=0.01)
                assert own_eye["opening"] == pytest.approx(eye.opening, abs=0.01)
            assert base64.b64decode(own["chip"]) == aligned(image, face).tobytes()
            apart = np.linalg.norm(default_engine().describe(image, face) - np.array(own["descriptor"]))
            assert apart < 0.002
            well = describe_well(default_engine(), image, face)
            # a box that lies between two pixels may be rounded to either side
            assert np.linalg.norm(well - np.array(own["described_well"])) < 0.03


# ---- whole clips


def analyse_both(folder, tmp_path, clip: Path, photo: bytes | None) -> tuple[list, list]:
    """Closed observations (type, start, end) by the appliance and by the page, of the same pictures and sound."""
    items = list(FileSource(clip, 0, 4.0, sound=True).frames())
    pictures = [item for item in items if isinstance(item, Frame)]
    reference = check_photo(photo, PhotoKind.FACE).descriptor if photo else None
    analyser = Analyser(reference)
    events = [event for item in items for event in analyser.feed(item)] + analyser.finish(pictures[-1].at_ms)
    own = [
        (event.type.value, event.start_ms, event.end_ms)
        for event in events
        if event.change is Change.CLOSED and event.detector != "microphone"
    ]
    height, width = pictures[0].image.shape[:2]
    job = {"width": width, "height": height, "times": [picture.at_ms for picture in pictures]}
    job |= {"pictures": str(tmp_path / "pictures"), "sound": None}
    (tmp_path / "pictures").write_bytes(b"".join(rgba(picture.image) for picture in pictures))
    sounds = [item.samples for item in items if isinstance(item, Sound)]
    if sounds:
        job["sound"] = str(tmp_path / "sound")
        np.concatenate(sounds).astype("<f4").tofile(tmp_path / "sound")
    if photo:
        image = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
        job["photo"] = {"width": image.shape[1], "height": image.shape[0], "file": str(tmp_path / "photo")}
        (tmp_path / "photo").write_bytes(rgba(image))
    (tmp_path / "job.json").write_text(json.dumps(job))
    answer = node("analyse.mjs", str(folder), str(tmp_path / "job.json"))
    if reference is not None:
        assert (
            np.linalg.norm(reference - np.array(answer["reference"])) < 0.05
        )  # JPEG is decoded once, boxes may differ
    page = [
        (event["type"], event["startMs"], event["endMs"]) for event in answer["events"] if event["change"] == "closed"
    ]
    return own, page


def same(own: list, page: list) -> bool:
    """The same observations in the same order, begin and end within one picture of the quiet rate."""
    return [kind for kind, _, _ in own] == [kind for kind, _, _ in page] and all(
        abs(start - other_start) <= 512 and abs(end - other_end) <= 1024
        for (_, start, end), (_, other_start, other_end) in zip(own, page, strict=True)
    )


def test_a_drawn_clip_gives_the_same_observations(folder, tmp_path):
    clip = tmp_path / "drawn.mjpeg"
    files.write_mjpeg(clip, drawn.webcam())
    own, page = analyse_both(folder, tmp_path, clip, None)
    assert {"no_user_in_frame", "extra_user_in_frame"} <= {kind for kind, _, _ in own}
    assert same(sorted(own), sorted(page)), f"{own}\n{page}"
