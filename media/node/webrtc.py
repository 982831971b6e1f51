"""WebRtcEndpoint: a browser's peer connection as the protocol sees it."""

import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar

from media.kurento.errors import (
    AlreadyNegotiated,
    AnswerAlreadyProcessed,
    OfferNotGenerated,
    OperationNotSupported,
    SdpError,
)
from media.node.bandwidth import Restraint
from media.node.element import ANY_MEDIA_TYPE, KINDS
from media.node.graph import PAYLOADERS, Branch, Outlet
from media.node.gst import Gst, make
from media.node.ice import IceEndpoint
from media.node.peer import Peer, Sender
from media.node.statistics import statistics
from media.node.values import Operation, Param, operation

if TYPE_CHECKING:
    from media.node.node import Node
    from media.node.pipeline import MediaPipeline

log = logging.getLogger(__name__)

QUEUE_NS = 2_000_000_000
"""A viewer that lags more than this loses frames."""
KEYFRAME_SECONDS = 0.3
"""Between two key frames asked for by one viewer: browsers repeat their wish until it is met."""


class WebRtcEndpoint(IceEndpoint):
    """One peer connection."""

    kind = "WebRtcEndpoint"
    events = IceEndpoint.events | {"DataChannelOpened", "DataChannelClosed"}

    def __init__(
        self, node: "Node", parent: "MediaPipeline", recvonly: bool, sendonly: bool, use_data_channels: bool
    ) -> None:
        """The flags say the direction of our own offers."""
        super().__init__(node, parent)
        self._direction = "recvonly" if recvonly else "sendonly" if sendonly else "sendrecv"
        self._keyframe_asked = 0.0
        self._restraint = Restraint(self)
        self.asked_send_kbps = 0
        """The limit of what is sent to the browser, once somebody set one; Kurento's preset is none of ours."""

    operations: ClassVar[dict[str, Operation]] = {
        "setMaxVideoSendBandwidth": Operation(
            lambda self, kbps: self.limit_sending(kbps), (Param("maxVideoSendBandwidth", int),)
        ),
    }

    def limit_sending(self, kbps: int) -> None:
        """Limit what goes to the browser: the source is asked to send less."""
        self.max_video_send_bandwidth = self.asked_send_kbps = kbps

    def _look(self) -> None:
        super()._look()
        self._restraint.look()

    # ---- in threads

    def open_branch(self, outlet: Outlet) -> Branch | None:
        """A payloader into our webrtcbin, once negotiated."""
        sender = self.peer.senders.get(outlet.kind) if self.peer and self.negotiated else None
        if sender is None:
            return None
        if sender.codec != outlet.codec:
            self.node.soon(self._tell_codec, sender.codec, outlet.codec)
            return None
        if sender.entry is None:
            self._open_sender(outlet.kind, sender)
        return Branch(outlet, [], sender.entry)

    def _open_sender(self, kind: str, sender: Sender) -> None:
        """The payloader stays when sources change: sequence numbers and times go on, as one SSRC's must."""
        queue = make("queue", leaky=2, max_size_time=QUEUE_NS, max_size_bytes=0, max_size_buffers=0)
        payloader = make(PAYLOADERS[sender.codec], pt=sender.payload, ssrc=sender.ssrc, mtu=self.mtu)
        if sender.codec == "VP8":
            payloader.set_property("picture-id-mode", 2)
        if kind == "video":
            payloader.get_static_pad("src").add_probe(Gst.PadProbeType.EVENT_UPSTREAM, self._on_upstream)
        self.graph.add(queue, payloader)
        payloader.get_static_pad("src").link(sender.pad)
        sender.entry, sender.elements = queue.get_static_pad("sink"), [queue, payloader]

    def _tell_codec(self, ours: str, theirs: str) -> None:
        if not self.released:
            text = f"The peer agreed on {ours}, the source gives {theirs}: connect the source before the offer"
            self.fail("STREAM_ERROR_CODEC_NOT_FOUND", text)

    def _on_upstream(self, _pad: Any, info: Any) -> Any:
        """A viewer's picture loss. The event names our own SSRC, which the source's RTP session would not know."""
        structure = info.get_event().get_structure()
        if structure is None or structure.get_name() != "GstForceKeyUnit":
            return Gst.PadProbeReturn.OK
        if time.monotonic() - self._keyframe_asked >= KEYFRAME_SECONDS:
            self._keyframe_asked = time.monotonic()
            self.node.soon(self._ask_source)
        return Gst.PadProbeReturn.DROP

    def _ask_source(self) -> None:
        source = self.sources.get("VIDEO")
        if source is not None and (outlet := source.source.outlets.get("video")):
            self.node.threads.submit(outlet.ask_keyframe)

    def close_graph(self) -> None:
        """The peer goes first: nothing feeds our outlets then."""
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.close()
        super().close_graph()

    def _make_peer(self) -> Peer:
        for kind in ("audio", "video"):
            self.outlet(kind)
        return Peer(self.graph, self, self._ice_settings())

    def _wanted(self) -> dict[str, str]:
        """Kind -> codec of what is connected already."""
        found = {KINDS[name]: connection.source for name, connection in self.sources.items() if name in KINDS}
        return {kind: source.outlets[kind].codec for kind, source in found.items() if kind in source.outlets}

    def _answer(self, offer: str) -> str:
        self.peer = self._make_peer()
        try:
            answer = self.peer.process_offer(offer, self._wanted(), self.max_video_recv_bandwidth)
        except ValueError:
            peer, self.peer = self.peer, None
            peer.close()
            raise
        self._negotiated(self.peer)
        return answer

    def _offer(self) -> str:
        self.peer = self._make_peer()
        return self.peer.generate_offer(self._direction, self._wanted(), self.max_video_recv_bandwidth)

    def _take_answer(self, answer: str) -> str:
        if self.peer is None:
            raise ValueError("the endpoint is released")
        local = self.peer.process_answer(answer)
        self._negotiated(self.peer)
        return local

    def _negotiated(self, peer: Peer) -> None:
        self.negotiated = True
        for line in peer.mlines:
            if line.direction != "inactive":
                self._agree(line.kind, line.codec)
        early, self._early = self._early, []
        for mline, candidate in early:
            peer.add_candidate(mline, candidate)
        self.wire(self.sources.values())

    def _agree(self, kind: str, codec: str) -> None:
        """What the peer sends is known now; who was connected before may have counted on something else."""
        outlet = self.outlets[kind]
        if outlet.codec == codec:
            return
        outlet.codec = codec
        sinks = [item for item in self.sinks if KINDS.get(item.media_type) == kind and item.branch is not None]
        for connection in sinks:
            self.unwire(connection)
        self.wire(sinks)

    # ---- from GStreamer's threads

    def on_receiving(self, kind: str, pad: Any) -> None:
        """Listener: in the pad's streaming thread, which must be fed before it goes on."""
        self.outlets[kind].feed_from_rtp(pad)

    # ---- event loop

    def flow_changed(self, inwards: bool, kind: str, flowing: bool) -> None:
        """Media of the browser makes the media state."""
        if not inwards:
            self.enter("MediaState", "CONNECTED" if self.flowing_out else "DISCONNECTED")

    # ---- operations

    @operation(Param("offer"))
    async def processOffer(self, offer: str) -> str:
        """Answer a browser."""
        self.check_offer(offer)
        try:
            self.local = await self.node.run(self._answer, offer)
        except ValueError as error:
            raise SdpError(
                f"Error processing the offer: {error}", 40205, "SDP_END_POINT_PROCESS_OFFER_ERROR"
            ) from error
        self.remote = offer
        self._started()
        return self.local

    @operation(Param("options", dict, optional=True))
    async def generateOffer(self, options: dict[str, Any] | None) -> str:
        """Offer one audio and one video."""
        if self.offered or self.negotiated:
            raise AlreadyNegotiated()
        self.offered = True
        try:
            self.local = await self.node.run(self._offer)
        except ValueError as error:
            raise SdpError(f"Error generating offer: {error}", 40204, "SDP_END_POINT_GENERATE_OFFER_ERROR") from error
        return self.local

    @operation(Param("answer"))
    async def processAnswer(self, answer: str) -> str:
        """Take the browser's answer."""
        if not answer:
            raise SdpError("Empty answer not valid")
        if not self.offered:
            raise OfferNotGenerated()
        if self.negotiated:
            raise AnswerAlreadyProcessed()
        try:
            local = await self.node.run(self._take_answer, answer)
        except ValueError as error:
            raise SdpError(
                f"Error processing the answer: {error}", 40206, "SDP_END_POINT_PROCESS_ANSWER_ERROR"
            ) from error
        self.remote = answer
        self._started()
        return local

    def _started(self) -> None:
        self.tell("MediaSessionStarted")
        for connection in self.sources.values():
            connection.source._flow_to(connection)

    @operation(Param("label", optional=True))
    def createDataChannel(self, label: str | None) -> None:
        """Never."""
        raise OperationNotSupported("Data channels are not supported")

    @operation(ANY_MEDIA_TYPE, Param("complete", bool, optional=True))
    async def getStats(self, media_type: str | None, complete: bool | None) -> dict[str, Any] | None:
        """Kurento's statistics (see docs/contracts.md); None before there is anything to tell."""
        if self.peer is None or not self.negotiated:
            return None
        report = await self.node.run(self.peer.report)
        wanted = KINDS.get(media_type) if media_type else None
        return statistics(self.id, report, wanted, bool(complete)) or None
