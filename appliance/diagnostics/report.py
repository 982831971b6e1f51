"""What a check found: steps in the order of the path, and the one cause they lead to."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self


class StepState(StrEnum):
    """A warning is no failure; ``skipped`` is what could not be looked at, or need not."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


Figure = str | int | float | bool | None | list[str]
Figures = Mapping[str, Figure]
NONE: Final[Figures] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Step:
    """One look at one place of the path."""

    key: str
    """What was looked at: a row of ``path.PATH``."""
    state: StepState
    scope: str = ""
    """Of which track, node or queue; empty where there is only one."""
    cause: str = ""
    """A row of ``causes.CAUSES``; needed where the state is failed or warning."""
    figures: dict[str, Figure] = field(default_factory=dict)
    """Measured values by their names in ``figures.FIGURES``."""
    detail: str = ""
    """What a program said, as it said it."""
    took_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "state": self.state.value}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the step that ``to_json`` was made of."""
        return cls(**{**values, "state": StepState(values["state"])})


def passed(key: str, scope: str = "", figures: Figures = NONE, **more: Figure) -> Step:
    """Return a step that found all well."""
    return Step(key, StepState.PASSED, scope, figures={**figures, **more})


def skipped(key: str, cause: str, scope: str = "", figures: Figures = NONE) -> Step:
    """Return a step that could not be taken, or need not; ``cause`` says why."""
    return Step(key, StepState.SKIPPED, scope, cause, dict(figures))


def warning(key: str, cause: str, scope: str = "", detail: str = "", figures: Figures = NONE, **more: Figure) -> Step:
    """Return a step that found something that may become a fault."""
    return Step(key, StepState.WARNING, scope, cause, {**figures, **more}, detail)


def failed(key: str, cause: str, scope: str = "", detail: str = "", figures: Figures = NONE, **more: Figure) -> Step:
    """Return a step that found a fault."""
    return Step(key, StepState.FAILED, scope, cause, {**figures, **more}, detail)


def verdict(steps: Iterable[Step]) -> Step | None:
    """Return the step to begin with: the first that failed; where none did, the first warning; None when all is well.

    What lies earlier on the path is the cause of what follows it, so the order of the steps is the diagnosis.
    """
    found = list(steps)
    for state in (StepState.FAILED, StepState.WARNING):
        for step in found:
            if step.state is state:
                return step
    return None


@dataclass
class Report:
    """A whole check."""

    sitting_id: int | None
    """None: of the whole appliance."""
    at_ms: int
    version: str
    steps: list[Step] = field(default_factory=list)

    @property
    def verdict(self) -> Step | None:
        """Where to begin, see ``verdict``."""
        return verdict(self.steps)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(step.state is not StepState.FAILED for step in self.steps)
