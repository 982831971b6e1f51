"""Figures of a gateway, read when they are asked for: nothing is counted on the way of a message."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from appliance.metrics import Health
from appliance.metrics.loop import LoopFigures

if TYPE_CHECKING:
    from web.realtime.gateway import Gateway

KINDS = ("candidate", "user", "unknown")


class GatewayFigures(Collector):
    """Sockets, and what the gateway has under its wing."""

    def __init__(self, gateway: "Gateway", loop: LoopFigures) -> None:
        """``gateway`` is only read, in its loop."""
        self._gateway, self._loop = gateway, loop

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: it is all told by ``collect``."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield what holds just now."""
        yield from self._loop.asked(self._read)

    def _read(self) -> Iterator[Metric]:
        kinds = Counter(one.identity.kind if one.identity else "unknown" for one in self._gateway.rooms)
        sockets = GaugeMetricFamily("kustos_sockets", "Browsers' sockets, by who they are", labels=["kind"])
        for kind in KINDS:
            sockets.add_metric([kind], kinds.get(kind, 0))
        yield sockets
        pipelines = self._gateway.pipelines
        yield GaugeMetricFamily(
            "kustos_gateway_nodes_healthy", "Media nodes that this gateway reaches", value=pipelines.nodes.healthy
        )
        yield GaugeMetricFamily(
            "kustos_gateway_recorded_sittings",
            "Sittings of this gateway that are recorded just now",
            value=pipelines.recorded,
        )
        yield GaugeMetricFamily(
            "kustos_gateway_bus_connected",
            "1 when the live bus is heard",
            value=int(self._gateway.listener.connected),
        )


def of_gateway(gateway: "Gateway") -> tuple[Health, Sequence[Collector]]:
    """Return what ``exported`` wants of the gateway whose loop runs."""
    loop = LoopFigures()

    def ready() -> dict[str, str]:
        return {**loop.alive(), **problems(gateway)}

    return Health(loop.alive, ready), [GatewayFigures(gateway, loop), loop]


def problems(gateway: "Gateway") -> dict[str, str]:
    """Return why no sitting can be served here, empty words where nothing is wrong."""
    return {
        "database": "" if gateway.listener.connected else "the live bus is not heard",
        "media_nodes": "" if gateway.pipelines.nodes.healthy else "no media node answers",
    }
