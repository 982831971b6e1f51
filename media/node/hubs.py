"""Hubs that mix: Composite, AlphaBlending, Mixer; and HubPort, through which media goes into a hub and out of it.

Composite sends everybody the same picture, a grid of all, and each port the sound of all others but its own, as
Kurento does (its audio mixer has an adder per port that leaves that port out): nobody hears himself.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from media.kurento.errors import ConnectRefused, MarshallError
from media.node.element import KINDS, MediaElement
from media.node.graph import Branch, Outlet
from media.node.layouts import STEP, Cell, grid, relative
from media.node.mixing import Mix
from media.node.objects import MediaObject
from media.node.routes import Routes
from media.node.values import Param, operation

if TYPE_CHECKING:
    from media.node.node import Node
    from media.node.pipeline import MediaPipeline

WIDTH, HEIGHT, FRAMERATE = 800, 600, 15
"""Kurento's defaults of a mixed picture."""
SMALLEST, LARGEST, FASTEST = 64, 1920, 30
"""A grid of 64 fits into the smallest; more than the largest does not fit into one encoder's thread."""


class Hub(MediaObject):
    """What connects its ports with each other by a rule of its own."""

    kind = "Hub"
    hierarchy: ClassVar[tuple[str, ...]] = ("MediaObject",)
    parent: "MediaPipeline"

    def __init__(self, node: "Node", parent: "MediaPipeline") -> None:
        """Without ports."""
        super().__init__(node, parent)
        self.graph = parent.graph

    # ---- what subclasses say; in a thread, under the pipeline's lock

    def open_input(self, port: "HubPort", outlet: Outlet) -> Branch:
        """Take media of whatever is connected to a port."""
        raise NotImplementedError

    def close_input(self, port: "HubPort", outlet: Outlet, branch: Branch) -> None:
        """Take it no more."""
        branch.close()

    def make_outlet(self, port: "HubPort", kind: str) -> Outlet:
        """What a port gives to whatever it is connected to."""
        return Outlet(self.graph, kind)

    def close_port(self, port: "HubPort") -> None:
        """A port goes away; nothing is connected to it any more."""
        for outlet in port.outlets.values():
            outlet.close()

    def transcodes(self, kind: str) -> bool:
        """Whether ports give something newly encoded."""
        return False

    def close_graph(self) -> None:
        """All ports are gone."""

    # ---- event loop

    async def close(self) -> None:
        """Remove what is left of it."""
        await self.node.run(self.close_graph)

    def port(self, object_id: str) -> "HubPort":
        """A port of this hub; ConnectRefused for anything else (Kurento's process would die of an element)."""
        found = self.node.find(object_id)
        if not isinstance(found, HubPort):
            raise ConnectRefused(f"'{object_id}' is no HubPort")
        return found

    @operation(Param("details", "GstreamerDotDetails", optional=True))
    async def getGstreamerDot(self, details: str | None) -> str:
        """The whole pipeline's graph."""
        return await self.node.run(self.graph.dot, details)


class HubPort(MediaElement):
    """The way into a hub and out of it."""

    kind = "HubPort"
    hierarchy = ("MediaElement", "MediaObject")
    parent: Hub

    def __init__(self, node: "Node", parent: Hub) -> None:
        """Of one hub."""
        super().__init__(node, parent)
        self.transcoding = {kind for kind in KINDS.values() if parent.transcodes(kind)}

    def open_branch(self, outlet: Outlet) -> Branch:
        """Into the hub."""
        return self.parent.open_input(self, outlet)

    def close_branch(self, outlet: Outlet, branch: Branch) -> None:
        """Out of it."""
        self.parent.close_input(self, outlet, branch)

    def make_outlet(self, kind: str) -> Outlet:
        """As the hub has it."""
        return self.parent.make_outlet(self, kind)

    def close_graph(self) -> None:
        """The hub closes the outlets: some are shared."""
        self.node.pulse.discard(self._look)
        self.parent.close_port(self)
        self.outlets.clear()


class MixingHub(Hub):
    """One picture for all, and each port's sound of all others."""

    def __init__(self, node: "Node", parent: "MediaPipeline", width: int, height: int, framerate: int) -> None:
        """Sizes in pixels are rounded down to multiples of 8."""
        super().__init__(node, parent)
        self.size = (width // STEP * STEP, height // STEP * STEP)
        self.mix = Mix(self.graph, self.size, framerate, self.layout, self.voices)

    def layout(self, names: list[str]) -> Mapping[str, Cell]:
        """A grid."""
        return dict(zip(names, grid(len(names), *self.size), strict=True))

    def voices(self, listener: str, speakers: list[str]) -> list[str]:
        """Everybody but the listener."""
        return [name for name in speakers if name != listener]

    def transcodes(self, kind: str) -> bool:
        """Always."""
        return True

    def open_input(self, port: HubPort, outlet: Outlet) -> Branch:
        """Decode."""
        return self.mix.open_input(port.id, outlet)

    def close_input(self, port: HubPort, outlet: Outlet, branch: Branch) -> None:
        """Its cell is free, its voice silent."""
        self.mix.close_input(port.id, outlet.kind)
        branch.close()

    def make_outlet(self, port: HubPort, kind: str) -> Outlet:
        """Sound of its own, the picture of all."""
        return self.mix.sound_for(port.id) if kind == "audio" else self.mix.picture()

    def close_port(self, port: HubPort) -> None:
        """The picture stays for the others."""
        self.mix.forget_ear(port.id)
        if (outlet := port.outlets.get("audio")) is not None:
            outlet.close()

    def close_graph(self) -> None:
        """Stop mixing."""
        self.mix.close()


class Composite(MixingHub):
    """Everybody in a grid."""

    kind = "Composite"
    hierarchy = ("Hub", "MediaObject")


class AlphaBlending(MixingHub):
    """One port's picture as ground, the others where they are put. Nothing shines through."""

    kind = "AlphaBlending"
    hierarchy = ("Hub", "MediaObject")

    def __init__(self, node: "Node", parent: "MediaPipeline") -> None:
        """Nobody is shown yet."""
        self._master = ("", 0)
        self._places: dict[str, tuple[float, float, float, float, int]] = {}
        super().__init__(node, parent, WIDTH, HEIGHT, FRAMERATE)

    def layout(self, names: list[str]) -> Mapping[str, Cell]:
        """As set; who was given no place is not shown."""
        cells: dict[str, Cell] = {}
        for name in names:
            if name == self._master[0]:
                cells[name] = Cell(0, 0, *self.size, self._master[1])
            elif (place := self._places.get(name)) is not None:
                cells[name] = relative(*place, self.size)
        return cells

    @operation(Param("source"), Param("zOrder", int))
    async def setMaster(self, source: str, z_order: int) -> None:
        """Make a port's picture the ground."""
        self._master = (self.port(source).id, z_order)
        await self.node.run(self.mix.rearrange)

    @operation(
        Param("relativeX", float),
        Param("relativeY", float),
        Param("zOrder", int),
        Param("relativeWidth", float),
        Param("relativeHeight", float),
        Param("port"),
    )
    async def setPortProperties(self, x: float, y: float, z: int, width: float, height: float, port: str) -> None:
        """Put a port's picture at shares of the ground."""
        self._places[self.port(port).id] = (x, y, width, height, z)
        await self.node.run(self.mix.rearrange)


class Mixer(MixingHub):
    """Sound of any ports into others, mixed; pictures from one port to others, as they came."""

    kind = "Mixer"
    hierarchy = ("Hub", "MediaObject")

    def __init__(self, node: "Node", parent: "MediaPipeline") -> None:
        """Nobody hears or sees anybody yet."""
        self._heard: dict[str, set[str]] = {}
        super().__init__(node, parent, WIDTH, HEIGHT, FRAMERATE)
        self._routes = Routes(self.graph)

    def voices(self, listener: str, speakers: list[str]) -> list[str]:
        """Who was connected to the listener."""
        heard = self._heard.get(listener, set())
        return [name for name in speakers if name in heard]

    def transcodes(self, kind: str) -> bool:
        """Only sound."""
        return kind == "audio"

    def open_input(self, port: HubPort, outlet: Outlet) -> Branch:
        """Sound is decoded, the picture not."""
        return (
            super().open_input(port, outlet) if outlet.kind == "audio" else self._routes.open_input(port.id, outlet)
        )

    def close_input(self, port: HubPort, outlet: Outlet, branch: Branch) -> None:
        """Take it no more."""
        if outlet.kind == "audio":
            super().close_input(port, outlet, branch)
        else:
            self._routes.close_input(port.id, outlet, branch)

    def make_outlet(self, port: HubPort, kind: str) -> Outlet:
        """A mix of its own, or whoever's picture was chosen."""
        return super().make_outlet(port, kind) if kind == "audio" else self._routes.make_outlet(port.id, kind)

    def close_port(self, port: HubPort) -> None:
        """Nobody hears it, it hears nobody."""
        self._heard.pop(port.id, None)
        for heard in self._heard.values():
            heard.discard(port.id)
        self._routes.close_port(port.id)
        super().close_port(port)

    @operation(Param("media", "MediaType"), Param("source"), Param("sink"))
    async def connect(self, media: str, source: str, sink: str) -> None:
        """Let one port be heard or seen by another."""
        speaker, listener = self.port(source), self.port(sink)
        if media == "AUDIO":
            self._heard.setdefault(listener.id, set()).add(speaker.id)
        elif media == "VIDEO":
            await self.node.run(self._routes.set, listener.id, "video", speaker.id)

    @operation(Param("media", "MediaType"), Param("source"), Param("sink"))
    async def disconnect(self, media: str, source: str, sink: str) -> None:
        """And no more."""
        speaker, listener = self.port(source), self.port(sink)
        if media == "AUDIO":
            self._heard.get(listener.id, set()).discard(speaker.id)
        elif media == "VIDEO" and self._routes.source(listener.id, "video") == speaker.id:
            await self.node.run(self._routes.set, listener.id, "video", None)


def composite(
    node: "Node", parent: "MediaPipeline", width: int | None, height: int | None, framerate: int | None, *_rest: Any
) -> Composite:
    """A Composite; MarshallError for a picture that cannot be."""
    size = (width or WIDTH, height or HEIGHT)
    if not all(SMALLEST <= side <= LARGEST for side in size) or not 1 <= (framerate or FRAMERATE) <= FASTEST:
        raise MarshallError(
            f"A Composite has sides of {SMALLEST} to {LARGEST} pixels and 1 to {FASTEST} pictures a second"
        )
    return Composite(node, parent, *size, framerate or FRAMERATE)
