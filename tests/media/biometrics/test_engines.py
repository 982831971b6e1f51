"""One contract for every identity engine."""

import threading

import cv2
import numpy as np
import pytest

from appliance.vocabulary import IdentityVerdict
from media.biometrics.dlib_engine import DlibEngine
from media.biometrics.engine import DESCRIPTOR_SIZE, distance
from media.biometrics.engines import default_engine
from media.biometrics.faces import face_detector
from media.biometrics.matching import Thresholds, compare
from media.biometrics.onnx_engine import OnnxEngine
from media.clips.drawn import portrait
from tests.media.scenarios import DATA

LFW = DATA / "faces" / "lfw"
REFERENCE = DlibEngine()
FAST = OnnxEngine()


def smaller(picture):
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def leaning(picture):
    height, width = picture.shape[:2]
    return cv2.warpAffine(picture, cv2.getRotationMatrix2D((width / 2, height / 2), 15, 1), (width, height))


def darker(picture):
    return (picture * 0.6).astype(np.uint8)


def mirrored(picture):
    return np.ascontiguousarray(picture[:, ::-1])


CHANGES = [smaller, leaning, darker, mirrored]


@pytest.fixture(params=[REFERENCE, FAST], ids=["dlib", "onnx"])
def engine(request):
    return request.param


def with_face(picture):
    return picture, face_detector().all(picture)[0]


def described(engine, picture):
    return engine.describe(*with_face(picture))


@pytest.fixture
def reference(engine):
    return described(engine, portrait())


def test_a_descriptor_is_128_numbers_and_repeatable(engine, reference):
    assert reference.shape == (DESCRIPTOR_SIZE,)
    assert reference.dtype == np.float64
    assert np.linalg.norm(reference) > 0.5
    assert distance(reference, described(engine, portrait())) == 0


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_person_stays_near(engine, reference, change):
    assert compare(reference, described(engine, change(portrait())), Thresholds())[0] is IdentityVerdict.MATCH


def test_many_are_described_as_each_alone_would_be(engine, reference):
    faces = [with_face(portrait()), with_face(smaller(portrait())), with_face(mirrored(portrait()))]
    together = engine.describe_many(faces)
    assert all(distance(many, engine.describe(*face)) < 1e-5 for many, face in zip(together, faces, strict=True))
    assert distance(together[0], reference) < 1e-5
    assert engine.describe_many([]) == []


def test_more_than_a_batch_keeps_its_order():
    pictures = [portrait(), darker(portrait())] * 9
    together = FAST.describe_many([with_face(picture) for picture in pictures])
    assert len(together) == 18
    for number, descriptor in enumerate(together):
        assert distance(descriptor, together[number % 2]) < 1e-5
    assert distance(together[0], together[1]) > 0.01


def test_a_face_that_reaches_beyond_the_picture_is_described(engine):
    picture, face = with_face(portrait())
    cut = picture[round(face.top + 10) :, round(face.left + 10) :]
    descriptor = engine.describe(*with_face(np.ascontiguousarray(cut)))
    assert np.isfinite(descriptor).all()


def test_the_picture_is_left_as_it_was_and_may_be_a_part_of_another(engine, reference):
    wide = np.hstack([portrait(), portrait()])
    part = wide[:, : portrait().shape[1]]
    before = part.copy()
    assert distance(described(engine, part), reference) < 1e-5
    assert (part == before).all()


def test_threads_share_the_engine(engine, reference):
    results = []
    threads = [threading.Thread(target=lambda: results.append(described(engine, portrait()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [distance(reference, each) for each in results] == [0, 0, 0]


def test_it_names_the_files_its_descriptors_come_from(engine):
    assert {file.name for file in engine.models} == {
        "dlib_face_recognition_resnet_model_v1",
        "shape_predictor_5_face_landmarks",
    }
    assert all(len(file.sha256) == 64 for file in engine.models)


def test_both_give_the_same_descriptor():
    for change in [np.copy, *CHANGES]:
        picture = change(portrait())
        assert distance(described(REFERENCE, picture), described(FAST, picture)) < 0.001
    assert REFERENCE.models == FAST.models


@pytest.mark.skipif(not LFW.is_dir(), reason=f"the labelled faces are not here: {LFW} (set KUSTOS_TEST_DATA)")
def test_both_give_the_same_descriptor_of_strangers():
    people = sorted(LFW.glob("*/*_0001.jpg"))[::100]
    assert len(people) >= 5
    for path in people[:12]:
        picture = cv2.imread(str(path))
        assert distance(described(REFERENCE, picture), described(FAST, picture)) < 0.01, path.name


def test_the_appliance_uses_the_fast_one():
    assert isinstance(default_engine(), OnnxEngine)
    assert default_engine() is default_engine()
