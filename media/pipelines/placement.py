"""Which media node takes a sitting."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from appliance.errors import MediaUnavailable


class Placeable(Protocol):
    """What placement needs to know of a node."""

    @property
    def healthy(self) -> bool:
        """Whether it can take a sitting just now."""


N = TypeVar("N", bound=Placeable)


def place(nodes: Iterable[N]) -> N:
    """Return the first healthy node in the order of the settings; raise ``MediaUnavailable`` if there is none."""
    for node in nodes:
        if node.healthy:
            return node
    raise MediaUnavailable
