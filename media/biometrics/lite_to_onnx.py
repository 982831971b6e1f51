"""Rewrites a TensorFlow Lite network as ONNX, weight by weight: browsers then need one runtime for all networks.

Only the operators that MediaPipe's face networks are made of. Sources: the schema of TensorFlow Lite
(tensorflow/lite/schema/schema.fbs) and the operators of ONNX (opset 17). TensorFlow Lite keeps pictures as NHWC, ONNX
as NCHW: pictures are turned once at the input, and back where something is not a picture any more.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as lite  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from appliance.errors import ApplianceError

OPSET = 17
TYPES = {lite.TensorType.FLOAT32: np.float32, lite.TensorType.FLOAT16: np.float16, lite.TensorType.INT32: np.int32}
PADDINGS = {lite.Padding.SAME: "SAME_UPPER", lite.Padding.VALID: "VALID"}
ACTIVATIONS = {lite.ActivationFunctionType.NONE: "", lite.ActivationFunctionType.RELU: "Relu"}
NAMES = {number: name for name, number in vars(lite.BuiltinOperator).items() if isinstance(number, int)}

Array = NDArray[Any]


class NotConvertible(ApplianceError):
    """A network uses an operator that this appliance cannot rewrite; install the pinned packages again."""


def convert(path: Path) -> bytes:
    """Return the ONNX file of a .tflite; the same bytes each time. Raises NotConvertible."""
    model = lite.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    return _Network(model).build(path.stem)


class _Network:
    """One network on its way: tensors are called by their number, pictures are NCHW."""

    def __init__(self, model: Any) -> None:
        self._model, self._graph = model, model.subgraphs[0]
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self._constants: dict[int, Array] = {}

    def build(self, name: str) -> bytes:
        """Return the serialized ONNX model."""
        inputs = [self._input(number) for number in self._graph.inputs]
        for operator in self._graph.operators:
            self._operator(operator)
        outputs = [self._output(number) for number in self._graph.outputs]
        graph = helper.make_graph(self._nodes, name, inputs, outputs, list(self._initializers.values()))
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(made)
        return bytes(made.SerializeToString(deterministic=True))

    # ---- tensors

    def _shape(self, number: int) -> list[int]:
        return [int(size) for size in self._graph.tensors[number].shape]

    def _constant(self, number: int) -> Array:
        """Values of a tensor that the file holds; of a half-precision one that is widened, too."""
        if number not in self._constants:
            tensor = self._graph.tensors[number]
            data = self._model.buffers[tensor.buffer].data
            if data is None or tensor.type not in TYPES:
                raise NotConvertible(f"tensor {number} holds no values of a known type")
            self._constants[number] = np.frombuffer(bytes(data), TYPES[tensor.type]).reshape(self._shape(number))
        return self._constants[number]

    def _put(self, name: str, values: Array) -> str:
        """Keep values in the file; those in half precision stay so, and are widened when it is loaded."""
        if values.dtype != np.float16:
            self._initializers[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
            return name
        self._initializers[f"{name}h"] = numpy_helper.from_array(np.ascontiguousarray(values), f"{name}h")
        self._add("Cast", [f"{name}h"], name, to=TensorProto.FLOAT)
        return name

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _input(self, number: int) -> Any:
        self._add("Transpose", [f"in{number}"], f"t{number}", perm=[0, 3, 1, 2])
        return helper.make_tensor_value_info(f"in{number}", TensorProto.FLOAT, self._shape(number))

    def _output(self, number: int) -> Any:
        self._add("Identity", [self._plain(number)], f"out{number}")
        return helper.make_tensor_value_info(f"out{number}", TensorProto.FLOAT, self._shape(number))

    def _plain(self, number: int) -> str:
        """Name of a tensor in TensorFlow's own order."""
        if len(self._shape(number)) != 4:
            return f"t{number}"
        return self._add("Transpose", [f"t{number}"], f"p{number}_{len(self._nodes)}", perm=[0, 2, 3, 1])

    # ---- operators

    def _operator(self, operator: Any) -> None:
        code = self._model.operatorCodes[operator.opcodeIndex]
        name = NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        known: dict[str, Callable[[Any, str], None]] = {
            "DEQUANTIZE": self._dequantize,
            "CONV_2D": self._convolution,
            "DEPTHWISE_CONV_2D": self._depthwise,
            "ADD": self._sum,
            "RELU": self._relu,
            "PRELU": self._prelu,
            "PAD": self._pad,
            "MAX_POOL_2D": self._pool,
            "RESIZE_BILINEAR": self._resize,
            "RESHAPE": self._reshape,
            "CONCATENATION": self._concatenate,
        }
        if name not in known:
            raise NotConvertible(f"operator {name} is not known")
        known[name](operator, f"t{operator.outputs[0]}")

    def _activated(self, output: str, kind: int, make: Callable[[str], object]) -> None:
        """Make an operator and what TensorFlow Lite fused into it."""
        if kind not in ACTIVATIONS:
            raise NotConvertible(f"activation {kind} is not known")
        if not ACTIVATIONS[kind]:
            make(output)
            return
        make(f"{output}a")
        self._add(ACTIVATIONS[kind], [f"{output}a"], output)

    def _dequantize(self, operator: Any, _output: str) -> None:
        self._constants[operator.outputs[0]] = self._constant(operator.inputs[0])

    def _convolution(self, operator: Any, output: str) -> None:
        weights = self._constant(operator.inputs[1]).transpose(0, 3, 1, 2)
        self._convolve(operator, output, weights, 1)

    def _depthwise(self, operator: Any, output: str) -> None:
        weights = self._constant(operator.inputs[1]).transpose(3, 0, 1, 2)
        self._convolve(operator, output, weights, self._shape(operator.inputs[0])[3])

    def _convolve(self, operator: Any, output: str, weights: Array, group: int) -> None:
        options = operator.builtinOptions
        inputs = [
            f"t{operator.inputs[0]}",
            self._put(f"{output}w", weights),
            self._put(f"{output}b", self._constant(operator.inputs[2])),
        ]
        self._activated(
            output,
            options.fusedActivationFunction,
            lambda name: self._add(
                "Conv",
                inputs,
                name,
                group=group,
                kernel_shape=list(weights.shape[2:]),
                strides=[options.strideH, options.strideW],
                dilations=[options.dilationHFactor, options.dilationWFactor],
                auto_pad=PADDINGS[options.padding],
            ),
        )

    def _sum(self, operator: Any, output: str) -> None:
        inputs = [f"t{number}" for number in operator.inputs]
        kind = operator.builtinOptions.fusedActivationFunction
        self._activated(output, kind, lambda name: self._add("Add", inputs, name))

    def _relu(self, operator: Any, output: str) -> None:
        self._add("Relu", [f"t{operator.inputs[0]}"], output)

    def _prelu(self, operator: Any, output: str) -> None:
        slope = self._constant(operator.inputs[1]).reshape(-1, 1, 1)
        self._add("PRelu", [f"t{operator.inputs[0]}", self._put(f"{output}s", slope)], output)

    def _pad(self, operator: Any, output: str) -> None:
        pads = self._constant(operator.inputs[1])[[0, 3, 1, 2]].T.astype(np.int64).ravel()
        self._add("Pad", [f"t{operator.inputs[0]}", self._put(f"{output}p", pads)], output)

    def _pool(self, operator: Any, output: str) -> None:
        options = operator.builtinOptions
        self._add(
            "MaxPool",
            [f"t{operator.inputs[0]}"],
            output,
            kernel_shape=[options.filterHeight, options.filterWidth],
            strides=[options.strideH, options.strideW],
            auto_pad=PADDINGS[options.padding],
        )

    def _resize(self, operator: Any, output: str) -> None:
        options = operator.builtinOptions
        mode = "align_corners" if options.alignCorners else "half_pixel" if options.halfPixelCenters else "asymmetric"
        batch, height, width, channels = self._shape(operator.outputs[0])
        sizes = self._put(f"{output}z", np.array([batch, channels, height, width], np.int64))
        inputs = [f"t{operator.inputs[0]}", "", "", sizes]
        self._add("Resize", inputs, output, mode="linear", coordinate_transformation_mode=mode)

    def _reshape(self, operator: Any, output: str) -> None:
        shape = self._put(f"{output}r", np.array(self._shape(operator.outputs[0]), np.int64))
        self._add("Reshape", [self._plain(operator.inputs[0]), shape], output)

    def _concatenate(self, operator: Any, output: str) -> None:
        if len(self._shape(operator.outputs[0])) == 4:
            raise NotConvertible("pictures that are joined are not known")
        axis = operator.builtinOptions.axis
        self._add("Concat", [f"t{number}" for number in operator.inputs], output, axis=axis)
