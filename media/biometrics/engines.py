"""Which identity engine the appliance uses."""

from media.biometrics.engine import Engine
from media.biometrics.onnx_engine import onnx_engine


def default_engine() -> Engine:
    """The process's one engine: the fast one. It costs nothing until a face is described."""
    return onnx_engine()
