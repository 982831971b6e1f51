"""The seam for a customer's anti-spoofing file, with a small network that the test makes."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from appliance.errors import SettingInvalid
from media.biometrics import antispoof
from media.biometrics.antispoof import AntiSpoof
from media.biometrics.looks import look_at
from media.clips.drawn import portrait


def save(path, inputs=(1, 3, 80, 80), classes=3):
    """A network whose living class is sure of bright pictures, and the second spoof of dark ones."""
    said = helper.make_tensor_value_info("said", TensorProto.FLOAT, [1, classes])
    shown = helper.make_tensor_value_info("shown", TensorProto.FLOAT, list(inputs))
    weights = np.zeros((1, classes), np.float32)
    weights[0, 1 : classes - 1] = 0.2
    bias = np.zeros(classes, np.float32)
    bias[-1] = 10.0
    nodes = [
        helper.make_node("ReduceMean", ["shown"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("MatMul", ["column", "weights"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["said"]),
    ]
    constants = [
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("weights", TensorProto.FLOAT, weights.shape, weights.ravel()),
        helper.make_tensor("bias", TensorProto.FLOAT, bias.shape, bias),
    ]
    graph = helper.make_graph(nodes, "small", [shown], [said], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


def test_a_file_of_the_layout_is_asked_and_named_by_its_hash(tmp_path):
    network = AntiSpoof(save(tmp_path / "supplied.onnx"))
    bright = portrait()
    look = look_at(bright, 0, 0)
    assert network.living(bright, look.face) > 0.9
    assert network.living((bright * 0.1).astype(np.uint8), look.face) < 0.1
    told = antispoof.hint(network, [look] * 20, [bright] * 20)
    assert told["living"] > 0.9 and told["pictures"] == antispoof.ASKED and len(told["model"]) == 64


def test_without_faces_nothing_is_said(tmp_path):
    network = AntiSpoof(save(tmp_path / "supplied.onnx"))
    wall = np.full((240, 320, 3), 90, np.uint8)
    assert antispoof.hint(network, [look_at(wall, 0, 0)], [wall])["living"] is None


@pytest.mark.parametrize("wrong", [{"inputs": (1, 3, 128, 128)}, {"classes": 2}])
def test_another_layout_is_refused_with_words(tmp_path, wrong):
    with pytest.raises(SettingInvalid, match="80x80"):
        AntiSpoof(save(tmp_path / "supplied.onnx", **wrong))


def test_a_wrong_file_is_told_and_holds_nobody_up(tmp_path, caplog):
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(SettingInvalid, match="no ONNX file"):
        AntiSpoof(tmp_path / "broken.onnx")
    for path in (tmp_path / "broken.onnx", tmp_path / "missing.onnx"):
        assert antispoof.supplied(str(path)) is None
    assert antispoof.supplied("") is None


def test_a_crop_at_the_edge_stays_inside(tmp_path):
    picture = portrait()
    look = look_at(picture, 0, 0)
    face = look.face
    rows, columns = antispoof._box(picture[: int(face.top + face.height)], face)
    assert rows.start >= 0 and rows.stop <= int(face.top + face.height) and columns.stop <= picture.shape[1]
