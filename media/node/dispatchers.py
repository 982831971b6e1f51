"""Hubs that only choose: Dispatcher and DispatcherOneToMany. Nothing is decoded."""

from typing import TYPE_CHECKING

from media.node.element import KINDS
from media.node.graph import Branch, Outlet
from media.node.hubs import Hub, HubPort
from media.node.routes import Routes
from media.node.values import Param, operation

if TYPE_CHECKING:
    from media.node.node import Node
    from media.node.pipeline import MediaPipeline


class RoutingHub(Hub):
    """Ways between ports."""

    def __init__(self, node: "Node", parent: "MediaPipeline") -> None:
        """No ways yet."""
        super().__init__(node, parent)
        self.routes = Routes(self.graph)

    def open_input(self, port: HubPort, outlet: Outlet) -> Branch:
        """Take it."""
        return self.routes.open_input(port.id, outlet)

    def close_input(self, port: HubPort, outlet: Outlet, branch: Branch) -> None:
        """Take it no more."""
        self.routes.close_input(port.id, outlet, branch)

    def make_outlet(self, port: HubPort, kind: str) -> Outlet:
        """What was chosen for the port."""
        return self.routes.make_outlet(port.id, kind)

    def close_port(self, port: HubPort) -> None:
        """And all ways from it and to it."""
        self.routes.close_port(port.id)

    async def lead(self, sink: str, source: str | None) -> None:
        """Feed one port from another, or from none."""
        for kind in KINDS.values():
            await self.node.run(self.routes.set, sink, kind, source)


class Dispatcher(RoutingHub):
    """Any port's media to any other."""

    kind = "Dispatcher"
    hierarchy = ("Hub", "MediaObject")

    @operation(Param("source"), Param("sink"))
    async def connect(self, source: str, sink: str) -> None:
        """Feed one port from another. Kurento takes a port of another hub, too, and gives nothing; so do we."""
        origin, target = self.port(source), self.port(sink)
        if origin.parent is self and target.parent is self:
            await self.lead(target.id, origin.id)


class DispatcherOneToMany(RoutingHub):
    """One port's media to all others."""

    kind = "DispatcherOneToMany"
    hierarchy = ("Hub", "MediaObject")

    def __init__(self, node: "Node", parent: "MediaPipeline") -> None:
        """Nobody is the source yet."""
        super().__init__(node, parent)
        self._source: str | None = None

    def make_outlet(self, port: HubPort, kind: str) -> Outlet:
        """A port that comes later is led to the source as well."""
        if self._source is not None and self._source != port.id:
            self.routes.set(port.id, kind, self._source)
        return super().make_outlet(port, kind)

    def close_port(self, port: HubPort) -> None:
        """Without its source it gives nothing."""
        if self._source == port.id:
            self._source = None
        super().close_port(port)

    @operation(Param("source"))
    async def setSource(self, source: str) -> None:
        """Make one port the source of all others; the others see it from its next key frame on."""
        port = self.port(source)
        self._source = port.id if port.parent is self else None
        await self._lead_all()

    @operation()
    async def removeSource(self) -> None:
        """Give nothing any more."""
        self._source = None
        await self._lead_all()

    async def _lead_all(self) -> None:
        for child in list(self.children):
            await self.lead(child.id, self._source if child.id != self._source else None)
