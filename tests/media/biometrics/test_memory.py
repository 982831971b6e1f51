"""A worker with every model of the analysis: lazily loaded, once a process, below 600 MB."""

import json
import subprocess
import sys

import pytest

LIMIT = 600e6 / 2**20
"""MiB."""


@pytest.fixture(scope="module")
def figures():
    run = subprocess.run([sys.executable, "-m", "tests.media.biometrics.all_models"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    figures = json.loads(run.stdout)
    print(figures)  # noqa: T201 - shown with -s, and of a failed test
    return figures


def test_nothing_is_loaded_before_it_is_needed(figures):
    assert figures["loaded_at_start"] == []


def test_a_worker_with_all_models_stays_below_its_limit(figures):
    assert 0 < figures["analysis_peak"] < LIMIT


def test_what_reads_documents_gives_the_memory_back(figures):
    """While a page is looked at it needs more, for a second: figures["peak"]."""
    assert 0 < figures["with_documents"] < LIMIT


def test_each_model_is_loaded_once_for_all_sittings(figures):
    descriptor = "dlib_face_recognition_resnet_model_v1"
    names = [name for name in figures["loaded"] if not name.startswith(descriptor)]
    assert len(names) == len(figures["loaded"]) - 1
    assert {
        "face_detection_short_range.tflite",
        "face_detection_full_range.tflite",
        "face_landmark.tflite",
        "iris_landmark.tflite",
        "silero_vad_16k_sequence.onnx",
    } <= set(names)
    assert set(figures["loaded"].values()) == {1}
