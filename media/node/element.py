"""MediaElement: what can be connected, and whether media flows through it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from media.kurento.errors import ConnectRefused
from media.node.graph import Branch, Graph, Outlet
from media.node.objects import MediaObject
from media.node.values import Operation, Param, operation, properties

if TYPE_CHECKING:
    from media.node.hubs import Hub
    from media.node.node import Node
    from media.node.pipeline import MediaPipeline

KINDS = {"AUDIO": "audio", "VIDEO": "video"}
TYPES = {kind: name for name, kind in KINDS.items()}
MEDIA_TYPE = Param("mediaType", "MediaType")
ANY_MEDIA_TYPE = Param("mediaType", "MediaType", optional=True)


@dataclass
class Connection:
    """``source`` feeds ``sink`` with one type of media; ``branch`` exists once both are ready."""

    source: "MediaElement"
    sink: "MediaElement"
    media_type: str
    branch: Branch | None = None

    def data(self) -> dict[str, str]:
        """ElementConnectionData."""
        return {
            "__module__": "kurento",
            "__type__": "ElementConnectionData",
            "source": self.source.id,
            "sink": self.sink.id,
            "type": self.media_type,
            "sourceDescription": "default",
            "sinkDescription": "default",
        }


class Flow:
    """Whether media of one kind flows out of an outlet; looked at by the pulse."""

    def __init__(self, outlet: Outlet, silence: float) -> None:
        """``silence``: seconds without a packet after which media does not flow any more."""
        self.outlet, self.flowing = outlet, False
        self._silence = silence
        self._position = (0, 0)
        self._moved = 0.0

    def look(self) -> bool | None:
        """The new state if it changed, else None."""
        position, now = self.outlet.position(), time.monotonic()
        if position != self._position:
            self._position, self._moved = position, now
        flowing = self._moved > 0 and now - self._moved < self._silence
        if flowing == self.flowing:
            return None
        self.flowing = flowing
        return flowing


class MediaElement(MediaObject):
    """Base of everything in a pipeline."""

    kind = "MediaElement"
    hierarchy: ClassVar[tuple[str, ...]] = ("MediaObject",)
    events = MediaObject.events | {
        "ElementConnected",
        "ElementDisconnected",
        "MediaFlowInStateChanged",
        "MediaFlowOutStateChanged",
        "MediaTranscodingStateChanged",
    }
    parent: "MediaPipeline | Hub"
    takes: ClassVar[frozenset[str]] = frozenset({"audio", "video"})

    def __init__(self, node: "Node", parent: "MediaPipeline | Hub") -> None:
        """Below a pipeline, or a hub of one."""
        super().__init__(node, parent)
        self.graph: Graph = parent.graph
        self.sinks: list[Connection] = []
        self.sources: dict[str, Connection] = {}
        self.outlets: dict[str, Outlet] = {}
        self.flows: dict[str, Flow] = {}
        self.flowing_in: set[str] = set()
        self.flowing_out: set[str] = set()
        self.transcoding: set[str] = set()
        self.encoder_bitrate, self.min_encoder_bitrate, self.max_encoder_bitrate = 300_000, 0, 2**31 - 1
        self.min_output_bitrate, self.max_output_bitrate = 0, 2**31 - 1

    # ---- what subclasses say; in a thread, under the pipeline's lock

    def open_branch(self, outlet: Outlet) -> Branch | None:
        """Take an outlet's media; None if that is not possible yet (:meth:`wire` tries again)."""
        return None

    def close_branch(self, outlet: Outlet, branch: Branch) -> None:
        """Take no more of it."""
        branch.close()

    def outlet(self, kind: str) -> Outlet:
        """What this element gives of a kind; made when first asked for."""
        if kind not in self.outlets:
            self.outlets[kind] = self.make_outlet(kind)
            self.flows[kind] = Flow(self.outlets[kind], self.node.options.media_silence)
            if len(self.flows) == 1:
                self.node.pulse.add(self._look)
        return self.outlets[kind]

    def make_outlet(self, kind: str) -> Outlet:
        """For subclasses whose outlets are fed otherwise than by RTP."""
        return Outlet(self.graph, kind)

    def wire(self, connections: Iterable[Connection]) -> None:
        """Make the branches of connections that lack them."""
        for connection in connections:
            kind = KINDS.get(connection.media_type)
            if kind and connection.branch is None and kind in connection.sink.takes:
                connection.branch = connection.sink.open_branch(connection.source.outlet(kind))

    def unwire(self, connection: Connection) -> None:
        """Drop a connection's branch."""
        branch, connection.branch = connection.branch, None
        if branch is not None:
            connection.sink.close_branch(branch.outlet, branch)

    def close_graph(self) -> None:
        """Remove all GStreamer elements of this one; no connections are left."""
        self.node.pulse.discard(self._look)
        for outlet in self.outlets.values():
            outlet.close()
        self.outlets.clear()

    # ---- event loop

    async def close(self) -> None:
        """Disconnect everything and remove it from the graph."""
        for connection in [*self.sinks, *self.sources.values()]:
            await self._disconnect(connection)
        await self.node.run(self.close_graph)

    def set_flow(self, inwards: bool, kind: str, flowing: bool) -> None:
        """Note and tell whether media flows in or out."""
        states = self.flowing_in if inwards else self.flowing_out
        if (kind in states) == flowing:
            return
        (states.add if flowing else states.discard)(kind)
        event = "MediaFlowInStateChanged" if inwards else "MediaFlowOutStateChanged"
        state = "FLOWING" if flowing else "NOT_FLOWING"
        self.tell(event, mediaType=TYPES[kind], state=state, padName="default")
        self.flow_changed(inwards, kind, flowing)

    def flow_changed(self, inwards: bool, kind: str, flowing: bool) -> None:
        """For subclasses."""

    def _look(self) -> None:
        """In the pulse's thread."""
        for kind, flow in list(self.flows.items()):
            changed = flow.look()
            if changed is not None:
                self.node.soon(self._flow_out, kind, changed)

    def _flow_out(self, kind: str, flowing: bool) -> None:
        if self.released:
            return
        self.set_flow(False, kind, flowing)
        if flowing:
            state = "TRANSCODING" if kind in self.transcoding else "NOT_TRANSCODING"
            self.tell("MediaTranscodingStateChanged", mediaType=TYPES[kind], state=state, binName=self.kind)
        for connection in self.sinks:
            if KINDS.get(connection.media_type) == kind:
                connection.sink.set_flow(True, kind, flowing and connection.branch is not None)

    def _flow_to(self, connection: Connection) -> None:
        kind = KINDS.get(connection.media_type)
        if kind and connection.branch is not None and kind in self.flowing_out:
            connection.sink.set_flow(True, kind, True)

    async def _connect(self, sink: "MediaElement", media_type: str) -> None:
        if (old := sink.sources.get(media_type)) is not None:
            await self._disconnect(old)
        connection = Connection(self, sink, media_type)
        self.sinks.append(connection)
        sink.sources[media_type] = connection
        await self.node.run(self.wire, [connection])
        self._tell_connection("ElementConnected", connection)
        self._flow_to(connection)

    async def _disconnect(self, connection: Connection) -> None:
        source, sink = connection.source, connection.sink
        if connection not in source.sinks:
            return
        source.sinks.remove(connection)
        sink.sources.pop(connection.media_type, None)
        await self.node.run(self.unwire, connection)
        source._tell_connection("ElementDisconnected", connection)
        if kind := KINDS.get(connection.media_type):
            sink.set_flow(True, kind, False)

    def _tell_connection(self, event: str, connection: Connection) -> None:
        self.tell(
            event,
            sink=connection.sink.id,
            mediaType=connection.media_type,
            sourceMediaDescription="default",
            sinkMediaDescription="default",
        )

    # ---- operations

    @operation(Param("sink"), ANY_MEDIA_TYPE)
    async def connect(self, sink_id: str, media_type: str | None) -> None:
        """Feed another element."""
        sink = self.node.find(sink_id)
        if not isinstance(sink, MediaElement):
            raise ConnectRefused(f"'{sink_id}' is no media element: nothing can be connected to it")
        if sink.pipeline is not self.pipeline:
            raise ConnectRefused("Media elements do not share pipeline")
        for name in (media_type,) if media_type else ("AUDIO", "VIDEO", "DATA"):
            await self._connect(sink, name)

    @operation(Param("sink"), ANY_MEDIA_TYPE)
    async def disconnect(self, sink_id: str, media_type: str | None) -> None:
        """Stop feeding another element; no error if it was not fed."""
        sink = self.node.find(sink_id)
        for connection in list(self.sinks):
            if connection.sink is sink and media_type in (None, connection.media_type):
                await self._disconnect(connection)

    @operation(ANY_MEDIA_TYPE)
    def getSinkConnections(self, media_type: str | None) -> list[dict[str, str]]:
        """What it feeds."""
        return [item.data() for item in self.sinks if media_type in (None, item.media_type)]

    @operation(ANY_MEDIA_TYPE)
    def getSourceConnections(self, media_type: str | None) -> list[dict[str, str]]:
        """What feeds it."""
        return [item.data() for item in self.sources.values() if media_type in (None, item.media_type)]

    @operation(MEDIA_TYPE)
    def isMediaFlowingIn(self, media_type: str) -> bool:
        """Whether media comes from other elements."""
        return KINDS.get(media_type) in self.flowing_in

    @operation(MEDIA_TYPE)
    def isMediaFlowingOut(self, media_type: str) -> bool:
        """Whether media goes to other elements."""
        return KINDS.get(media_type) in self.flowing_out

    @operation(MEDIA_TYPE)
    def isMediaTranscoding(self, media_type: str) -> bool:
        """Whether this element decodes and encodes: hubs that mix, players, filters; nothing else does."""
        return KINDS.get(media_type) in self.transcoding

    @operation(ANY_MEDIA_TYPE)
    def getStats(self, media_type: str | None) -> Any:
        """None until there are any."""
        return None

    @operation(Param("details", "GstreamerDotDetails", optional=True))
    async def getGstreamerDot(self, details: str | None) -> str:
        """The whole pipeline's graph."""
        return await self.node.run(self.graph.dot, details)

    operations: ClassVar[dict[str, Operation]] = {
        **properties(encoder_bitrate=int, min_encoder_bitrate=int, max_encoder_bitrate=int),
        "setOutputBitrate": Operation(lambda self, bitrate: None, (Param("bitrate", int),)),
        "setAudioFormat": Operation(lambda self, wanted: None, (Param("caps", dict),)),
        "setVideoFormat": Operation(lambda self, wanted: None, (Param("caps", dict),)),
    }
