"""Which identity engine the appliance uses, and for which exams: nothing describes a face but what is given here.

Who works for exams asks ``engine_for(the exam's mode)``. Tools that look at a file of their user's (``kustos
analyse``, the report, tests) take ``default_engine()``; a worker refuses it, so that no new job can forget the mode.
"""

from collections.abc import Sequence
from functools import cache

from appliance.errors import BiometricsOff
from appliance.vocabulary import BiometricsMode
from media.biometrics.engine import Descriptor, Engine
from media.biometrics.faces import Face
from media.biometrics.model_files import ModelFile
from media.biometrics.onnx_engine import onnx_engine
from media.biometrics.regions import Image

_demanded = False


class NoEngine:
    """Describes nobody: for exams whose faces the appliance does not measure. Pictures are looked at all the same."""

    models: tuple[ModelFile, ...] = ()

    def describe(self, image: Image, face: Face) -> Descriptor:
        """Raise BiometricsOff."""
        raise BiometricsOff

    def describe_many(self, faces: Sequence[tuple[Image, Face]]) -> list[Descriptor]:
        """Raise BiometricsOff."""
        raise BiometricsOff


def engine_for(mode: BiometricsMode) -> Engine:
    """The engine for an exam of this mode (``profiles.mode_of``): one that describes, only in mode ``server``."""
    return onnx_engine() if mode is BiometricsMode.SERVER else no_engine()


def default_engine() -> Engine:
    """The process's one engine: the fast one. It costs nothing until a face is described.

    Raises BiometricsOff in a process that works for exams: there the exam decides.
    """
    if _demanded:
        raise BiometricsOff("This process describes faces only by an exam's mode: use engine_for(mode).")
    return onnx_engine()


def demand_modes(demanded: bool = True) -> None:
    """From now on this process works for exams: ``default_engine`` is refused."""
    global _demanded  # noqa: PLW0603 - a property of the process, set once at its start
    _demanded = demanded


@cache
def no_engine() -> NoEngine:
    """The one that describes nobody."""
    return NoEngine()
