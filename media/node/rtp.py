"""RtpEndpoint: plain RTP to an address (the tap of a worker) or from one."""

import itertools
import logging
import random
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from media.kurento.errors import AlreadyNegotiated, AnswerAlreadyProcessed, OfferNotGenerated, SdpError
from media.node import sdp
from media.node.endpoint import SdpEndpoint
from media.node.graph import PAYLOADERS, Branch, Outlet
from media.node.gst import Gio, caps, make
from media.node.values import Param, operation
from media.ports import Range, tried

log = logging.getLogger(__name__)

QUEUE_NS = 2_000_000_000
"""A tap that lags more than this loses frames."""
RECEIVE_BUFFER = 2 * 1024 * 1024
"""Bytes; a key frame of a screen comes as some 200 packets at once."""
PAIRS_TRIED = 50
"""Times that an even port with a free odd one above it is looked for."""
OFFER_PAYLOADS = {"audio": 96, "video": 108}


@dataclass
class Stream:
    """One m-section: our pair of ports, where the peer listens, and what was agreed on."""

    kind: str
    direction: str
    payloads: dict[str, int]
    """Codec -> payload type: of all that are agreed on if we only send, else of the one."""
    rtp: socket.socket
    rtcp: socket.socket
    host: str = ""
    port: int = 0
    ssrc: int = field(default_factory=lambda: random.randrange(1, 1 << 32))  # noqa: S311 - not a secret
    elements: list[Any] = field(default_factory=list)

    @property
    def local_port(self) -> int:
        """Our RTP port; RTCP is the next."""
        return int(self.rtp.getsockname()[1])

    @property
    def sends(self) -> bool:
        """Whether we send."""
        return self.direction in ("sendonly", "sendrecv") and self.port > 0

    def close(self) -> None:
        """Free the ports."""
        self.rtp.close()
        self.rtcp.close()


class RtpEndpoint(SdpEndpoint):
    """At most one audio and one video stream of RTP."""

    kind = "RtpEndpoint"

    def __init__(self, *arguments: Any) -> None:
        """Not negotiated yet."""
        super().__init__(*arguments)
        self._streams: dict[str, Stream] = {}
        self._order: list[tuple[str, Stream | None]] = []

    # ---- in threads

    def open_branch(self, outlet: Outlet) -> Branch | None:
        """A payloader and a UDP sink, once negotiated."""
        stream = self._streams.get(outlet.kind)
        if stream is None or not self.negotiated or not stream.sends:
            return None
        queue = make("queue", leaky=2, max_size_time=QUEUE_NS, max_size_bytes=0, max_size_buffers=0)
        payload = stream.payloads.get(outlet.codec)
        if payload is None:
            text = f"The peer takes {', '.join(stream.payloads)}, the source gives {outlet.codec}"
            self.node.soon(self.fail, "STREAM_ERROR_CODEC_NOT_FOUND", text)
            return None
        payloader = make(PAYLOADERS[outlet.codec], pt=payload, ssrc=stream.ssrc, mtu=self.mtu)
        sink = make("udpsink", host=stream.host, port=stream.port, sync=False, async_=False, close_socket=False)
        sink.set_property("socket", _gio_socket(stream.rtp))
        return Branch(outlet, [queue, payloader, sink])

    def close_graph(self) -> None:
        """Stop receiving and free the ports."""
        for stream in self._streams.values():
            if stream.elements:
                self.graph.remove(*reversed(stream.elements))
        super().close_graph()
        for stream in self._streams.values():
            self.node.soon(self._forget_rtcp, stream)
        self._streams = {}

    def _open(self, description: sdp.Description) -> None:
        for section in description.sections:
            stream = None
            direction = sdp.MIRROR[section.direction]
            payloads = _payloads(section, direction == "sendonly")
            if payloads and section.kind not in self._streams and not section.refused:
                stream = Stream(section.kind, direction, payloads, *_port_pair(self.node.options.ice_ports))
                stream.host, stream.port = section.address or description.address, section.port
                self._streams[section.kind] = stream
                if stream.direction in ("recvonly", "sendrecv"):
                    self._receive(stream)
            self._order.append((section.kind, stream))
        self.negotiated = True
        self.wire(self.sources.values())

    def _receive(self, stream: Stream) -> None:
        codec, payload = next(iter(stream.payloads.items()))
        self.outlet(stream.kind).codec = codec
        source = make("udpsrc", caps=caps(sdp.rtp_caps(codec, payload)), close_socket=False)
        source.set_property("socket", _gio_socket(stream.rtp))
        source.set_property("buffer-size", RECEIVE_BUFFER)
        jitter = make("rtpjitterbuffer", latency=200)
        stream.elements = [source, jitter]
        outlet = self.outlet(stream.kind)
        jitter_pad = jitter.get_static_pad("src")
        for element in stream.elements:
            self.graph.pipeline.add(element)
        source.link(jitter)
        outlet.feed_from_rtp(jitter_pad)
        for element in reversed(stream.elements):
            element.sync_state_with_parent()

    # ---- event loop

    def flow_changed(self, inwards: bool, kind: str, flowing: bool) -> None:
        """Media of the peer makes the media state."""
        if not inwards:
            self.enter("MediaState", "CONNECTED" if self.flowing_out else "DISCONNECTED")

    def _watch_rtcp(self) -> None:
        """Picture loss told by a peer goes up to the source (RFC 4585, 6.3.1)."""
        for stream in self._streams.values():
            if stream.sends and stream.kind == "video":
                self.node.loop.add_reader(stream.rtcp.fileno(), self._on_rtcp, stream)

    def _on_rtcp(self, stream: Stream) -> None:
        try:
            data = stream.rtcp.recv(2048)
        except OSError:
            return
        source = self.sources.get("VIDEO")
        if source is not None and has_picture_loss(data) and (outlet := source.source.outlets.get("video")):
            self.node.threads.submit(outlet.ask_keyframe)

    def _forget_rtcp(self, stream: Stream) -> None:
        if stream.rtcp.fileno() >= 0:
            self.node.loop.remove_reader(stream.rtcp.fileno())
        stream.close()

    def _description(self, offer: bool = False) -> str:
        lines = ["v=0", f"o=- {time.time_ns()} 1 IN IP4 0.0.0.0", "s=Kustos", "c=IN IP4 0.0.0.0", "t=0 0"]
        for kind, stream in self._order:
            if stream is None:
                lines.append(f"m={kind} 0 RTP/AVP 0")
                continue
            profile = "RTP/AVPF" if offer or self._feedback else "RTP/AVP"
            payloads = " ".join(str(payload) for payload in stream.payloads.values())
            lines += [f"m={kind} {stream.local_port} {profile} {payloads}", f"a={stream.direction}"]
            lines.append(f"a=rtcp:{stream.local_port + 1}")
            for codec, payload in stream.payloads.items():
                lines += _codec_lines(codec, payload, feedback=profile == "RTP/AVPF")
            if offer:
                lines.append(f"a=mid:{kind}0")
            lines.append(f"a=ssrc:{stream.ssrc} cname:kustos@{self.id[-20:]}")
        return "\r\n".join(lines) + "\r\n"

    _feedback = False

    # ---- operations

    @operation(Param("offer"))
    async def processOffer(self, offer: str) -> str:
        """Answer: send to the address that the offer names, or give the port to send to."""
        self.check_offer(offer)
        try:
            description = sdp.parse(offer)
        except ValueError as error:
            raise SdpError(
                f"Error processing the offer: {error}", 40205, "SDP_END_POINT_PROCESS_OFFER_ERROR"
            ) from error
        self._feedback = any(section.protocol.endswith("AVPF") for section in description.sections)
        await self.node.run(self._open, description)
        self._watch_rtcp()
        self.remote, self.local = offer, self._description()
        self.tell("MediaSessionStarted")
        for connection in self.sources.values():
            connection.source._flow_to(connection)
        return self.local

    @operation(Param("options", dict, optional=True))
    async def generateOffer(self, options: dict[str, Any] | None) -> str:
        """Offer one audio and one video, both ways."""
        if self.offered or self.negotiated:
            raise AlreadyNegotiated()
        self.offered = True
        for kind, payload in OFFER_PAYLOADS.items():
            stream = Stream(
                kind, "sendrecv", {sdp.CODECS[kind][0]: payload}, *_port_pair(self.node.options.ice_ports)
            )
            self._streams[kind] = stream
            self._order.append((kind, stream))
        self.local = self._description(offer=True)
        return self.local

    @operation(Param("answer"))
    async def processAnswer(self, answer: str) -> str:
        """Take the answer."""
        if not self.offered:
            raise OfferNotGenerated()
        if self.negotiated:
            raise AnswerAlreadyProcessed()
        try:
            description = sdp.parse(answer)
        except ValueError as error:
            raise SdpError(
                f"Error processing the answer: {error}", 40206, "SDP_END_POINT_PROCESS_ANSWER_ERROR"
            ) from error
        await self.node.run(self._take_answer, description)
        self._watch_rtcp()
        self.remote = answer
        self.tell("MediaSessionStarted")
        return self.local

    def _take_answer(self, description: sdp.Description) -> None:
        for section in description.sections:
            stream = self._streams.get(section.kind)
            if stream is None:
                continue
            stream.direction = "inactive" if section.refused else sdp.MIRROR[section.direction]
            stream.host, stream.port = section.address or description.address, section.port
            if stream.direction in ("recvonly", "sendrecv"):
                self._receive(stream)
        self.negotiated = True
        self.wire(self.sources.values())


def _payloads(section: sdp.Section, all_of_them: bool) -> dict[str, int]:
    """What of an offer is agreed on, in the order of our liking."""
    codecs = sdp.CODECS.get(section.kind, ())
    found = {codec: payload for codec in codecs if (payload := section.payload(codec)) is not None}
    return found if all_of_them else dict(list(found.items())[:1])


def _codec_lines(codec: str, payload: int, feedback: bool) -> list[str]:
    lines = [f"a=rtpmap:{payload} {codec}/{sdp.CLOCK[codec]}" + ("/2" if codec == "opus" else "")]
    if codec == "H264":
        lines.append(f"a=fmtp:{payload} packetization-mode=1")
    if feedback and codec != "opus":
        lines.append(f"a=rtcp-fb:{payload} nack pli")
    return lines


def _port_pair(ports: Range | None) -> tuple[socket.socket, socket.socket]:
    """Two bound sockets: an even port for RTP, the next for RTCP (RFC 3550, 11)."""
    wanted = itertools.repeat(0, PAIRS_TRIED) if ports is None else tried((ports[0] + ports[0] % 2, ports[1] - 1), 2)
    for wish in wanted:
        rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            rtp.bind(("0.0.0.0", wish))  # noqa: S104 - the peer may be another host
            port = rtp.getsockname()[1]
            if port % 2 == 0:
                rtcp.bind(("0.0.0.0", port + 1))  # noqa: S104
                rtp.setblocking(False)
                rtcp.setblocking(False)
                return rtp, rtcp
        except OSError:
            pass
        rtp.close()
        rtcp.close()
    raise SdpError("No free pair of UDP ports", 40009, "NOT_ENOUGH_RESOURCES")


def _gio_socket(plain: socket.socket) -> Any:
    """A GSocket of its own descriptor for the same port, as GStreamer wants it."""
    return Gio.Socket.new_from_fd(plain.dup().detach())


def has_picture_loss(data: bytes) -> bool:
    """Whether a compound RTCP packet asks for a key frame: PLI or FIR (RFC 4585, RFC 5104)."""
    while len(data) >= 8:
        length = 4 * (int.from_bytes(data[2:4], "big") + 1)
        if data[1] == 206 and data[0] & 0x1F in (1, 4):
            return True
        data = data[length:]
    return False
