"""A detector file of the customer's own: tiny real graphs, run by the real runtime."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from appliance.errors import SettingInvalid
from media.analysis import Analyser, AnalysisSettings, Change
from media.biometrics import objects
from media.biometrics.model_files import FACE_SHORT_RANGE
from media.biometrics.objects import ObjectFinder, Thing
from media.clips.drawn import webcam
from media.frames import Frame

SIDE = 64
PHONE_80 = 67


def yolo(path, transposed=False, objectness=False, columns=None, height=SIDE):
    """A graph in YOLO's layout whose one box is as sure of a phone as the picture is green in its middle."""
    width = columns or (85 if objectness else 84)
    row = np.zeros((1, width, 1), np.float32)
    row[0, :4, 0] = (32, 32, 16, 24)
    if objectness:
        row[0, 4, 0] = 1
    place = np.zeros((1, width, 1), np.float32)
    place[0, min((5 if objectness else 4) + PHONE_80, width - 1), 0] = 1
    middle = [
        helper.make_node("Slice", ["images", "from", "to"], ["green"]),
        helper.make_node("ReduceMean", ["green"], ["mean"], keepdims=1),
        helper.make_node("Reshape", ["mean", "shape"], ["one"]),
        helper.make_node("Mul", ["place", "one"], ["scored"]),
        helper.make_node("Add", ["scored", "row"], ["boxes"]),
        helper.make_node("Transpose", ["boxes"], ["out"], perm=[0, 2, 1] if transposed else [0, 1, 2]),
    ]
    constants = {
        "from": np.array([0, 1, 28, 28]), "to": np.array([1, 2, 36, 36]), "shape": np.array([1, 1, 1]),
        "place": place, "row": row,
    }  # fmt: skip
    graph = helper.make_graph(
        middle,
        "yolo",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, height, SIDE])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(path))
    return path


def green(share=1.0, width=640, height=480):
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 1] = round(255 * share)
    return image


@pytest.mark.parametrize("layout", [{}, {"transposed": True}, {"objectness": True}])
def test_yolo_layouts_give_the_box_in_shares_of_the_picture(tmp_path, layout):
    seen = ObjectFinder(yolo(tmp_path / "phones.onnx", **layout)).look(green(0.8))
    phone = seen[Thing.PHONE]
    assert phone.score == pytest.approx(0.8, abs=0.01)
    # 640x480 in 64x64: a tenth, with margins of 8 above and below
    assert (phone.left, phone.width) == pytest.approx((24 / 64, 16 / 64), abs=0.01)
    assert (phone.top, phone.height) == pytest.approx((12 / 48, 24 / 48), abs=0.01)
    assert seen[Thing.BOOK].score == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "away.onnx", "there is no file"),
        (lambda folder: _written(folder / "phones.pt", b"x"), "neither in .tflite nor in .onnx"),
        (lambda folder: _written(folder / "broken.onnx", b"not a graph"), "cannot be run"),
        (lambda folder: _written(folder / "broken.tflite", b"not a graph"), "cannot be run"),
        (lambda folder: yolo(folder / "other.onnx", columns=20), "not YOLO's"),
        (lambda folder: yolo(folder / "free.onnx", height="height"), "H and W fixed"),
    ],
)
def test_an_unfit_file_is_named_with_what_is_wrong_and_stops_nothing(tmp_path, make, words, capsys):
    path = make(tmp_path)
    with pytest.raises(SettingInvalid, match=words):
        ObjectFinder(path)
    try:
        assert objects.supply(str(path)) is None
        assert objects.supplied() is None
    finally:
        objects.supply("")
    assert words in capsys.readouterr().out  # the log says it when a worker starts


def test_a_face_network_is_no_detector_of_things():
    with pytest.raises(SettingInvalid, match="TFLite_Detection_PostProcess"):
        ObjectFinder(FACE_SHORT_RANGE.path)


def _written(path, content):
    path.write_bytes(content)
    return path


def _found(settings, finder):
    """Four seconds of a quiet room, six of a green one, four quiet."""
    analyser, events = Analyser(None, settings, finder=finder), []
    room = next(webcam())
    for at_ms in range(0, 14_000, 500):
        shown = room.copy()
        if 4000 <= at_ms < 10_000:
            shown[200:280, 280:360] = (0, 230, 0)
        else:
            shown[200:280, 280:360] = (0, 10, 0)
        events += analyser.feed(Frame(at_ms, shown, "test"))
    return [event for event in events + analyser.finish(14_000) if event.type in ("phone", "books")]


def test_a_phone_is_told_only_where_the_exam_asks_for_it(tmp_path):
    finder = ObjectFinder(yolo(tmp_path / "phones.onnx"))
    assert _found(AnalysisSettings.for_exam({}, {}), finder) == []
    assert _found(AnalysisSettings.for_exam({}, {"books": {"enabled": True}}), finder) == []
    assert _found(AnalysisSettings.for_exam({}, {"phone": {"enabled": True}}), None) == []
    told = _found(AnalysisSettings.for_exam({}, {"phone": {"enabled": True}}), finder)
    assert next((event.change, event.detector) for event in told) == (Change.OPENED, "phone")
    closed = next(event for event in told if event.change is Change.CLOSED)
    assert closed.start_ms == pytest.approx(4000, abs=1000)
    assert closed.end_ms == pytest.approx(10_000, abs=1500)
    assert closed.details["models"] == {"phones": finder.model.sha256}
    assert closed.details["threshold"] == 0.5
    assert len(closed.details["box"]) == 4


def test_books_may_be_allowed():
    settings = AnalysisSettings.for_exam({"allow_to_use_books": True}, {"books": {"enabled": True}})
    assert "books" in settings.disabled
