"""dlib's descriptor network on onnxruntime: the same weights, the same alignment, a fortieth of the time."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from media.biometrics.dlib_engine import aligned
from media.biometrics.dlib_file import DamagedModel
from media.biometrics.engine import Descriptor
from media.biometrics.faces import Face
from media.biometrics.model_files import DESCRIPTOR, FIVE_POINTS, once
from media.biometrics.onnx_file import INPUT, make, onnx_path
from media.biometrics.regions import Image

BATCH = 16
"""Faces described at once: more would gain nothing and take 3 MB each."""


class OnnxEngine:
    """See Engine. Its descriptors may be compared with DlibEngine's: they come from the same files."""

    models = (FIVE_POINTS, DESCRIPTOR)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: Any = None

    def describe(self, image: Image, face: Face) -> Descriptor:
        """See Engine."""
        return self.describe_many([(image, face)])[0]

    def describe_many(self, faces: Sequence[tuple[Image, Face]]) -> list[Descriptor]:
        """See Engine."""
        session, result = self._session(), []
        for start in range(0, len(faces), BATCH):
            chips = np.stack([aligned(image, face) for image, face in faces[start : start + BATCH]])
            # sessions may be run by many threads at once
            result += list(session.run(None, {INPUT: chips})[0].astype(np.float64))
        return result

    def _session(self) -> Any:  # the package has no type hints
        with self._lock:
            if self._loaded is None:
                path = onnx_path()
                # what was damaged on disk is made again, once
                self._loaded = _session_of(path) or _session_of(make())
            if self._loaded is None:
                raise DamagedModel(
                    f"{path} cannot be loaded; remove it and run: python -m media.biometrics.onnx_file"
                )
            return self._loaded


def _session_of(path: Path) -> Any:
    """A session of the file; None when it is damaged or was made from something else."""
    import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - 20 MB of native code
    from onnxruntime.capi import onnxruntime_pybind11_state as errors  # type: ignore[import-untyped]  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    # one picture is too small for more, and a worker analyses several sittings
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (errors.InvalidProtobuf, errors.InvalidGraph, errors.Fail, errors.InvalidArgument, errors.NoSuchFile):
        return None
    fits = session.get_modelmeta().custom_metadata_map.get("source_sha256") == DESCRIPTOR.sha256
    return session if fits else None


@once
def onnx_engine() -> OnnxEngine:
    """The process's one engine."""
    return OnnxEngine()
