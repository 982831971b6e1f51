"""Which media node takes a sitting."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from appliance.errors import MediaUnavailable

TYPICAL_CAPACITY = 64
"""Sittings that a node without a number of its own is taken for: what two cores record without losing a frame."""
CPU_WEIGHT = 0.25
"""A node whose processors are all busy counts as a quarter fuller than its sittings say: other work slows it, too."""
MEMORY_WEIGHT = 1 / 64
"""A gigabyte counts as one sitting of the typical 64: of two equal nodes the one with less memory takes it."""
KB_PER_GB = 1024 * 1024


class Placeable(Protocol):
    """What placement needs to know of a node."""

    @property
    def takes(self) -> bool:
        """Whether it can and may take a sitting just now."""

    @property
    def load(self) -> float:
        """How full it is."""


N = TypeVar("N", bound=Placeable)


def load(sittings: int, capacity: int, cpu: float, memory_kb: int) -> float:
    """Return how full a node is: its sittings by its capacity, and how it feels. ``cpu`` in per cent of its host."""
    share = sittings / (capacity or TYPICAL_CAPACITY)
    return share + CPU_WEIGHT * min(cpu, 100.0) / 100 + MEMORY_WEIGHT * memory_kb / KB_PER_GB


def place(nodes: Iterable[N], besides: N | None = None) -> N:
    """Return the least loaded node that takes a sitting, the first of equals; raise ``MediaUnavailable`` for none."""
    takers = [node for node in nodes if node.takes and node is not besides]
    if not takers:
        raise MediaUnavailable("No media node takes a sitting just now.")
    return min(takers, key=lambda node: node.load)
