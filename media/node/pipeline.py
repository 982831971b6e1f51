"""MediaPipeline and PassThrough."""

import logging
from typing import TYPE_CHECKING, ClassVar

from media.node.element import MediaElement
from media.node.graph import Branch, Graph, Outlet
from media.node.objects import MediaObject
from media.node.values import Operation, Param, operation, properties

if TYPE_CHECKING:
    from media.node.node import Node

log = logging.getLogger(__name__)


class MediaPipeline(MediaObject):
    """What elements live in: one GStreamer pipeline."""

    kind = "MediaPipeline"
    hierarchy = ("MediaObject",)

    def __init__(self, node: "Node") -> None:
        """Running from the start."""
        super().__init__(node, None)
        self.latency_stats = False
        self.graph = Graph(self.id.replace("-", "").replace(".", "_"))
        node.pulse.add(self._drain)

    @property
    def pipeline(self) -> MediaObject:
        """Itself."""
        return self

    async def close(self) -> None:
        """Stop GStreamer."""
        self.node.pulse.discard(self._drain)
        await self.node.run(self.graph.close)

    def _drain(self) -> None:
        for level, element, text in self.graph.messages():
            (log.error if level == "error" else log.warning)("%s in %s: %s", element, self.id, text)

    operations: ClassVar[dict[str, Operation]] = properties(latency_stats=bool)

    @operation(Param("details", "GstreamerDotDetails", optional=True))
    async def getGstreamerDot(self, details: str | None) -> str:
        """The graph."""
        return await self.node.run(self.graph.dot, details)


class PassThrough(MediaElement):
    """Gives what it takes."""

    kind = "PassThrough"
    hierarchy = ("MediaElement", "MediaObject")

    def open_branch(self, outlet: Outlet) -> Branch:
        """A branch whose last element is our own tee."""
        own = self.outlet(outlet.kind)
        own.feed_from_outlet(outlet)
        return Branch(outlet, [], own.tee.get_static_pad("sink"))

    def close_branch(self, outlet: Outlet, branch: Branch) -> None:
        """Unlink."""
        self.outlet(outlet.kind).feed_from_outlet(None)
        branch.close()
