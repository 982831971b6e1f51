"""Figures of a media node: what it has, and who holds it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.metrics import Health
from appliance.metrics.loop import LoopFigures

if TYPE_CHECKING:
    from media.node.node import Node

KINDS = ("MediaPipeline", "WebRtcEndpoint", "RecorderEndpoint", "RtpEndpoint", "PlayerEndpoint")


class NodeFigures(Collector):
    """Objects by kind, and sessions."""

    def __init__(self, node: "Node", loop: LoopFigures) -> None:
        """``node`` is only read, in its loop."""
        self._node, self._loop = node, loop

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: it is all told by ``collect``."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield what holds just now."""
        yield from self._loop.asked(self._read)

    def _read(self) -> Iterator[Metric]:
        kinds = Counter(one.kind for one in self._node.all_objects())
        objects = GaugeMetricFamily("kustos_media_objects", "Objects of this node, by their kind", labels=["kind"])
        for kind in KINDS:
            objects.add_metric([kind], kinds.get(kind, 0))
        yield objects
        yield GaugeMetricFamily(
            "kustos_media_sessions", "Clients that hold objects", value=len(self._node.sessions.ids())
        )


def of_node(node: "Node") -> tuple[Health, Sequence[Collector]]:
    """Return what ``exported`` wants of a node; it needs nobody else, so that it is ready as long as it lives."""
    loop = LoopFigures(node.loop)
    return Health(loop.alive, loop.alive), [NodeFigures(node, loop), loop]
