"""Things in a picture (a phone, a book), seen by a detector file that the customer supplies; none is shipped.

Two layouts are understood, told apart by the file's ending; classes are COCO's.

- ``.tflite`` with TensorFlow's detection post-processing (TFLite_Detection_PostProcess): one input 1xHxWx3, uint8 0
  to 255 or float32 -1 to 1, channels red, green, blue, the whole picture stretched to it; the first four outputs in
  this order: boxes 1xNx4 (top, left, bottom, right, 0 to 1), classes 1xN, scores 1xN 0 to 1, count 1. Classes are
  numbered as in COCO's 90 categories from 0: a cell phone is 76, a book 83.
- ``.onnx`` in YOLO's layout: one input 1x3xHxW, float32 0 to 1, channels red, green, blue, the picture letterboxed
  into it with grey; one output 1x84xN or 1xNx84 (centre x, centre y, width, height in pixels of the input, then 80
  scores), or 85 with how sure a thing is there before the scores. Classes are COCO's 80 in order: a cell phone is 67,
  a book 73.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from appliance.errors import SettingInvalid
from media.biometrics.model_files import ModelFile
from media.biometrics.regions import Image

log = structlog.get_logger(__name__)

PADDING: Final = 114
"""Grey of the margins, as in YOLO's training."""
COCO_80: Final = 80
BOX: Final = 4


class Thing(StrEnum):
    """What is looked for."""

    PHONE = "cell phone"
    BOOK = "book"


OF_90: Final = {Thing.PHONE: 76, Thing.BOOK: 83}
OF_80: Final = {Thing.PHONE: 67, Thing.BOOK: 73}


@dataclass(frozen=True)
class Sighting:
    """The surest box of one kind of thing; shares 0 to 1 of the picture's width and height."""

    score: float
    left: float
    top: float
    width: float
    height: float


class _Network(Protocol):
    """One file, after its layout was found right."""

    def look(self, image: Image) -> dict[Thing, Sighting]:
        """The surest box of each thing; none where there is no box at all."""


@dataclass(frozen=True)
class SuppliedModel(ModelFile):
    """A file of the customer's own, not in a package."""

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.relative_path)


class ObjectFinder:
    """One supplied file; may be called from many threads, run by one at a time."""

    def __init__(self, path: Path) -> None:
        """Load the file and look at one grey picture. Raises SettingInvalid that says what is wrong with it."""
        if not path.is_file():
            raise SettingInvalid(f"phone_model: there is no file {path}")
        kinds: dict[str, Callable[[Path], _Network]] = {".tflite": _Lite, ".onnx": _Onnx}
        kind = kinds.get(path.suffix.lower())
        if kind is None:
            raise SettingInvalid(f"phone_model: {path} ends neither in .tflite nor in .onnx")
        self.model = SuppliedModel("", str(path))
        self._lock = threading.Lock()
        try:
            self._network = kind(path)
            self.look(np.full((48, 64, 3), PADDING, np.uint8))
        except SettingInvalid:
            raise
        except Exception as error:  # both runtimes raise a dozen kinds of their own
            first = (str(error).strip() or repr(error)).splitlines()[0]
            raise SettingInvalid(f"phone_model: {path} cannot be run: {first}") from error

    def look(self, image: Image) -> dict[Thing, Sighting]:
        """The surest sighting of each thing in a BGR picture; 20 to 200 ms, by the file."""
        with self._lock:
            return self._network.look(image)


class _Lite:
    """TFLite_Detection_PostProcess."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]  # noqa: PLC0415

        self._interpreter: Any = Interpreter(str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shape = [int(length) for length in inputs[0]["shape"]]
        shapes = [tuple(output["shape"]) for output in outputs[:BOX]]
        fits = len(inputs) == 1 and len(shape) == 4 and shape[3] == 3 and len(shapes) == BOX and shapes[0][-1] == BOX
        if not fits or inputs[0]["dtype"] not in (np.uint8, np.float32):
            raise SettingInvalid(
                f"phone_model: {path} does not have the outputs of TFLite_Detection_PostProcess "
                "(boxes, classes, scores, count) for an input 1xHxWx3"
            )
        self._input, self._dtype, self._size = inputs[0]["index"], inputs[0]["dtype"], (shape[2], shape[1])
        self._outputs = [output["index"] for output in outputs[:BOX]]

    def look(self, image: Image) -> dict[Thing, Sighting]:
        colours = cv2.cvtColor(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        tensor = colours if self._dtype == np.uint8 else (colours.astype(np.float32) - 127.5) / 127.5
        self._interpreter.set_tensor(self._input, tensor[np.newaxis])
        self._interpreter.invoke()
        boxes, classes, scores, count = (self._interpreter.get_tensor(index) for index in self._outputs)
        known = min(int(np.ravel(count)[0]), boxes.shape[1])
        top, left, bottom, right = boxes[0, :known].T
        corners = np.stack([left, top, right, bottom], axis=1)
        numbers, sure = np.ravel(classes)[:known].round().astype(int), np.ravel(scores)[:known]
        return _surest(
            (thing, corners[numbers == number], sure[numbers == number]) for thing, number in OF_90.items()
        )


class _Onnx:
    """YOLO's layout."""

    def __init__(self, path: Path) -> None:
        import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - loads 20 MB of native code

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
        inputs = self._session.get_inputs()
        shape = list(inputs[0].shape)
        whole = all(isinstance(length, int) for length in shape[2:])
        if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3 or not whole or inputs[0].type != "tensor(float)":
            raise SettingInvalid(f"phone_model: {path} needs one input 1x3xHxW of float32, with H and W fixed")
        self._path, self._input = path, inputs[0].name
        self._high, self._wide = int(shape[2]), int(shape[3])

    def look(self, image: Image) -> dict[Thing, Sighting]:
        tensor, scale, left, top = self._letterboxed(image)
        rows = self._rows(np.asarray(self._session.run(None, {self._input: tensor})[0]))
        scores = rows[:, BOX:]
        if scores.shape[1] == COCO_80 + 1:
            scores = scores[:, 1:] * scores[:, :1]
        middle, half = rows[:, :2] - (left, top), rows[:, 2:BOX] / 2
        high, wide = image.shape[:2]
        corners = np.concatenate([middle - half, middle + half], axis=1) / scale / (wide, high, wide, high)
        return _surest((thing, corners, scores[:, number]) for thing, number in OF_80.items())

    def _rows(self, output: NDArray[Any]) -> NDArray[np.float32]:
        """Output as Nx84 or Nx85."""
        wanted = (BOX + COCO_80, BOX + COCO_80 + 1)
        if output.ndim == 3 and output.shape[0] == 1:
            if output.shape[2] in wanted:
                return np.asarray(output[0], dtype=np.float32)
            if output.shape[1] in wanted:
                return np.asarray(output[0].T, dtype=np.float32)
        raise SettingInvalid(
            f"phone_model: {self._path} gives {'x'.join(map(str, output.shape))}, "
            "not YOLO's 1x84xN, 1xNx84 or with 85"
        )

    def _letterboxed(self, image: Image) -> tuple[NDArray[np.float32], float, int, int]:
        height, width = image.shape[:2]
        scale = min(self._wide / width, self._high / height)
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        left, top = (self._wide - size[0]) // 2, (self._high - size[1]) // 2
        whole = np.full((self._high, self._wide, 3), PADDING, np.uint8)
        whole[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        tensor = whole[:, :, ::-1].transpose(2, 0, 1)[np.newaxis].astype(np.float32) / np.float32(255)
        return np.ascontiguousarray(tensor), scale, left, top


def _surest(found: Iterable[tuple[Thing, NDArray[Any], NDArray[Any]]]) -> dict[Thing, Sighting]:
    """The box with the best score of each thing; corners are left, top, right, bottom."""
    sightings = {}
    for thing, corners, scores in found:
        if scores.size:
            best = int(scores.argmax())
            left, top, right, bottom = np.clip(corners[best].astype(float), 0.0, 1.0)
            score = min(max(float(scores[best]), 0.0), 1.0)
            sightings[thing] = Sighting(score, float(left), float(top), float(right - left), float(bottom - top))
    return sightings


_of_process: dict[str, ObjectFinder | None] = {}


def supply(path: str) -> ObjectFinder | None:
    """Take the setting ``phone_model`` for this process; None when it is empty or the file is unfit.

    An unfit file is told loudly, and nothing else waits for it: phones are then not looked for.
    """
    finder: ObjectFinder | None = None
    if path:
        try:
            finder = ObjectFinder(Path(path))
            log.info("phone detector of the customer", path=path, sha256=finder.model.sha256)
        except SettingInvalid as error:
            log.error("no phone is looked for", reason=error.message)
    _of_process["finder"] = finder
    return finder


def supplied() -> ObjectFinder | None:
    """What ``supply`` took; None in a process that supplied nothing."""
    return _of_process.get("finder")
