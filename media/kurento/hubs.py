"""Hubs: several sources and sinks, connected by a rule. Each takes part by a HubPort that it is connected to."""

from typing import Self

from media.kurento.objects import DotDetails, MediaElement, MediaObject, MediaPipeline, MediaType


class Hub(MediaObject):
    """What ports belong to; release it after its ports' elements."""

    kind = "Hub"

    @classmethod
    async def create(cls, pipeline: MediaPipeline) -> Self:
        """Make one."""
        return cls(pipeline.client, await pipeline.client.create(cls.kind, mediaPipeline=pipeline.id))

    async def get_gstreamer_dot(self, details: DotDetails | None = None) -> str:
        """The graph inside, in the language of Graphviz."""
        return await self._dot(details)


class HubPort(MediaElement):
    """One participant: ``endpoint.connect(port)`` to be in the hub, ``port.connect(endpoint)`` to get its mix."""

    kind = "HubPort"

    @classmethod
    async def create(cls, hub: Hub) -> Self:
        """Make one."""
        return cls(hub.client, await hub.client.create(cls.kind, hub=hub.id))


class Composite(Hub):
    """All pictures in a grid, the same for all; for each port the sound of all others, never its own."""

    kind = "Composite"

    @classmethod
    async def create(
        cls,
        pipeline: MediaPipeline,
        width: int | None = None,
        height: int | None = None,
        framerate: int | None = None,
    ) -> Self:
        """Size of the grid in pixels and pictures a second; Kurento's defaults are 800x600 at 15."""
        wanted = {"width": width, "height": height, "framerate": framerate}
        given = {name: value for name, value in wanted.items() if value is not None}
        return cls(pipeline.client, await pipeline.client.create(cls.kind, mediaPipeline=pipeline.id, **given))


class Dispatcher(Hub):
    """Ways from port to port, nothing is decoded."""

    kind = "Dispatcher"

    async def connect(self, source: HubPort, sink: HubPort) -> None:
        """``sink`` gives what ``source`` takes, from its next key frame on."""
        await self.invoke("connect", source=source.id, sink=sink.id)


class DispatcherOneToMany(Hub):
    """One port's media for all others, nothing is decoded: a broadcast whose speaker changes."""

    kind = "DispatcherOneToMany"

    async def set_source(self, port: HubPort) -> None:
        """Make it the speaker."""
        await self.invoke("setSource", source=port.id)

    async def remove_source(self) -> None:
        """Nobody speaks."""
        await self.invoke("removeSource")


class Mixer(Hub):
    """Sound of chosen ports mixed for each other, pictures led from port to port."""

    kind = "Mixer"

    async def connect(self, media_type: MediaType, source: HubPort, sink: HubPort) -> None:
        """``sink`` hears ``source`` beside others, or sees it instead of another."""
        await self.invoke("connect", media=media_type, source=source.id, sink=sink.id)

    async def disconnect(self, media_type: MediaType, source: HubPort, sink: HubPort) -> None:
        """And no more."""
        await self.invoke("disconnect", media=media_type, source=source.id, sink=sink.id)


class AlphaBlending(Hub):
    """One picture as ground and others on it."""

    kind = "AlphaBlending"

    async def set_master(self, source: HubPort, z_order: int = 0) -> None:
        """Make a port's picture the ground."""
        await self.invoke("setMaster", source=source.id, zOrder=z_order)

    async def set_port_properties(
        self, port: HubPort, x: float, y: float, width: float, height: float, z_order: int = 1
    ) -> None:
        """Put a port's picture on it; shares of the ground, 0 to 1."""
        await self.invoke(
            "setPortProperties",
            relativeX=x,
            relativeY=y,
            zOrder=z_order,
            relativeWidth=width,
            relativeHeight=height,
            port=port.id,
        )
