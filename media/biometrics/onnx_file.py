"""The descriptor network as ONNX, made once out of dlib's file: ``python -m media.biometrics.onnx_file``.

The file is a cache: it names the hash of what it was made from and is made again when that differs.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from appliance.errors import ApplianceError
from media.biometrics.dlib_file import Convolution, Network, Residual, read_network
from media.biometrics.model_files import DESCRIPTOR, ModelFile

if TYPE_CHECKING:
    from onnx import ModelProto

LAYOUT = 1
"""Raised when the writer changes: older files are made again."""
OPSET = 17
INPUT, OUTPUT = "chips", "descriptors"


class ModelUnwritable(ApplianceError):
    """The ONNX file cannot be written; run ``python -m media.biometrics.onnx_file`` as a user who may."""


class _Writer:
    """Nodes and weights of the graph, in order; remembers the size of the picture and its channels."""

    def __init__(self, size: int) -> None:
        from onnx import helper, numpy_helper  # noqa: PLC0415 - 40 MB that only writing needs

        self._helper, self._numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.size, self.channels = size, 3

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, inputs, [name], **attributes))
        return name

    def weight(self, values: NDArray[Any]) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(self._numpy_helper.from_array(values, name))
        return name

    def convolution(self, source: str, layer: Convolution) -> str:
        filters, _, window, _ = layer.weights.shape
        self.size = (self.size + 2 * layer.padding - window) // layer.stride + 1
        self.channels = filters
        return self.node(
            "Conv", source, self.weight(layer.weights), self.weight(layer.bias),
            strides=[layer.stride] * 2, pads=[layer.padding] * 4, kernel_shape=[window] * 2,
        )  # fmt: skip

    def pooling(self, kind: str, source: str, window: int, stride: int) -> str:
        self.size = (self.size - window) // stride + 1
        return self.node(kind, source, kernel_shape=[window] * 2, strides=[stride] * 2)

    def filled_up(self, source: str, channels: int, size: int, wanted_channels: int, wanted_size: int) -> str:
        """Zeros behind the last channel, below the last row and right of the last column."""
        if (channels, size) == (wanted_channels, wanted_size):
            return source
        more = wanted_size - size
        pads = np.array([0, 0, 0, 0, 0, wanted_channels - channels, more, more], dtype=np.int64)
        return self.node("Pad", source, self.weight(pads))

    def residual(self, source: str, layer: Residual) -> str:
        size, channels = self.size, self.channels
        inner = self.node("Relu", self.convolution(source, layer.first))
        inner = self.convolution(inner, layer.second)
        inner_size, inner_channels = self.size, self.channels
        self.size, self.channels = size, channels
        if layer.shortcut:
            source = self.pooling("AveragePool", source, layer.shortcut.window, layer.shortcut.stride)
        wanted = max(self.channels, inner_channels), max(self.size, inner_size)
        inner = self.filled_up(inner, inner_channels, inner_size, *wanted)
        source = self.filled_up(source, self.channels, self.size, *wanted)
        self.channels, self.size = wanted
        return self.node("Relu", self.node("Add", inner, source))


def _with_normalisation(network: Network) -> Convolution:
    """The first convolution for values 0 to 255; exact, because it has no padding."""
    stem = network.stem
    mean = np.array(network.normalisation.mean, dtype=np.float64)
    weights = stem.weights.astype(np.float64) / 256
    bias = stem.bias - np.einsum("fcyx,c->f", weights, mean)
    return Convolution(weights.astype(np.float32), bias.astype(np.float32), stem.stride, stem.padding)


def onnx_model(network: Network, source_sha256: str) -> "ModelProto":
    """Input ``chips``: N x 150 x 150 x 3, uint8, red green blue. Output ``descriptors``: N x 128, float32."""
    from onnx import TensorProto, checker, helper  # noqa: PLC0415 - as above

    size = network.normalisation.size
    writer = _Writer(size)
    values = writer.node("Cast", writer.node("Transpose", INPUT, perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    values = writer.node("Relu", writer.convolution(values, _with_normalisation(network)))
    values = writer.pooling("MaxPool", values, network.maximum.window, network.maximum.stride)
    for residual in network.residuals:
        values = writer.residual(values, residual)
    values = writer.node("Flatten", writer.node("GlobalAveragePool", values))
    writer.node("MatMul", values, writer.weight(network.projection), output=OUTPUT)
    graph = helper.make_graph(
        writer.nodes, "dlib_face_recognition_resnet_model_v1",
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", size, size, 3])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", network.projection.shape[1]])],
        writer.weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="kustos")
    model.ir_version = 8
    helper.set_model_props(model, {"source_sha256": source_sha256, "layout": str(LAYOUT)})
    checker.check_model(model)
    return model


def folders() -> Iterator[Path]:
    """Where the file may lie: beside the installed packages, else in the user's cache."""
    yield Path(sys.prefix) / "share" / "kustos" / "models"
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kustos" / "models"


def file_name(source: ModelFile = DESCRIPTOR) -> str:
    """Tells what it was made from, so that a newer package gets a file of its own."""
    return f"{source.name}-{source.sha256[:12]}-{LAYOUT}.onnx"


def onnx_path(source: ModelFile = DESCRIPTOR) -> Path:
    """The file, made when it is not there yet. Raises DamagedModel, ModelMissing, ModelUnwritable."""
    name = file_name(source)
    for folder in folders():
        if (folder / name).is_file():
            return folder / name
    return make(source)


def make(source: ModelFile = DESCRIPTOR) -> Path:
    """Write the file anew into the first folder that takes it; takes about a second. Raises as ``onnx_path``."""
    content = onnx_model(read_network(source.path), source.sha256).SerializeToString()
    refused = []
    for folder in folders():
        try:
            return _written(folder / file_name(source), content)
        except OSError as error:
            refused.append(f"{folder}: {error.strerror or error}")
    raise ModelUnwritable(
        f"the ONNX file of the face descriptor cannot be written ({'; '.join(refused)}); "
        f"run once, as a user who may write there: {sys.executable} -m media.biometrics.onnx_file"
    )


def _written(path: Path, content: bytes) -> Path:
    """Whole or not at all: several processes may make it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)  # other users run the services
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
    return path


if __name__ == "__main__":
    print(onnx_path())  # noqa: T201 - a command's answer
