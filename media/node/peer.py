"""One webrtcbin: a browser's peer connection, as blocking calls and callbacks from GStreamer's threads."""

import contextlib
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from media.node import nice, sdp
from media.node.graph import Graph
from media.node.gst import Gst, GstWebRTC, call, caps, described, enum_nick, held_ice_agent, make
from media.node.gst import session_description as parsed
from media.node.ingest import ingest
from media.node.statistics import PeerReport

log = logging.getLogger(__name__)

LATENCY_MS = 1000
"""How long a lost packet is waited for. At 3 % loss 99 % of the frames are recorded with 1000, 95 % with 200."""
SYNC_STEP_NS = 1_000_000
"""What a sender's report says of sound beside pictures is followed so far with each packet. At once, up to half a
second of packets would lie on one another in the recording after a browser's sound stood still."""
RTCP_INTERVAL_NS = 1_000_000_000
"""Between two regular RTCP packets."""
FEEDBACK_INTERVAL_NS = 200_000_000
"""Between two reports for congestion control, not one for each picture. Browsers choose 50 to 250 ms."""
RTP_BANDWIDTH = 2_000_000.0
"""Bit/s, of which RTCP may use 5 %. Left at 0 it is guessed, and a request for a key frame, an early packet, is held
back up to half a second (RFC 4585, 3.5.2); so it goes out within some ms."""
OFFER_PAYLOADS = {"opus": 96, "VP8": 104, "H264": 102}
"""Payload types in our own offers: Kurento's."""
H264_FORMAT = ",profile-level-id=(string)42e01f,level-asymmetry-allowed=(string)1"
"""Constrained baseline, in our own offers: every browser has it."""


class Listener(Protocol):
    """Who is told what happens; from any thread."""

    def on_candidate(self, mline: int, candidate: str) -> None:
        """A local candidate."""

    def on_gathering_done(self) -> None:
        """All local candidates are told."""

    def on_ice_state(self, state: str) -> None:
        """new, checking, connected, completed, failed, disconnected, closed."""

    def on_connection_state(self, state: str) -> None:
        """new, connecting, connected, disconnected, failed, closed (RTCPeerConnectionState)."""

    def on_receiving(self, kind: str, pad: Any) -> None:
        """A pad gives RTP of audio or video."""


@dataclass
class IceSettings:
    """Servers, addresses, ports of one endpoint; empty for none. ``turn``: user:password@host:port?transport=udp."""

    stun: str = ""
    turn: str = ""
    local_addresses: tuple[str, ...] = ()
    ports: tuple[int, int] | None = None
    tcp: bool = False


@dataclass
class Sender:
    """Where RTP to the peer goes in; ``entry`` takes frames once there is a payloader (``elements``) before it."""

    pad: Any
    codec: str
    payload: int
    ssrc: int
    entry: Any = None
    elements: list[Any] = field(default_factory=list)


@dataclass
class Mline:
    """What was agreed on for one m-line. ``direction`` is ours."""

    index: int
    kind: str
    mid: str
    direction: str
    codec: str = ""

    @property
    def receives(self) -> bool:
        """Whether the peer sends."""
        return self.direction in ("recvonly", "sendrecv")


@dataclass
class Peer:
    """A peer connection. All methods block, none may be called in an event loop or for two things at once."""

    graph: Graph
    listener: Listener
    ice: IceSettings = field(default_factory=IceSettings)
    mlines: list[Mline] = field(default_factory=list)
    senders: dict[str, Sender] = field(default_factory=dict)
    local: str = ""
    remote: str = ""
    webrtcbin: Any = None
    _lines: list[int] = field(default_factory=list)
    _receiving: dict[str, Any] = field(default_factory=dict)
    _jitterbuffers: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the webrtcbin and let it run."""
        self.webrtcbin = make("webrtcbin", latency=LATENCY_MS)
        self.webrtcbin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self._agent = held_ice_agent(self.webrtcbin)
        self._agent.set_property("ice-tcp", self.ice.tcp)
        if self.ice.ports:
            self._agent.set_property("min-rtp-port", self.ice.ports[0])
            self._agent.set_property("max-rtp-port", self.ice.ports[1])
        self._nice = self._agent.get_property("agent")
        self._nice.set_property("upnp", False)  # would open an HTTP listener per agent
        self._nice.set_property("keepalive-conncheck", True)  # ICE notices a vanished peer, in its own time
        self._set_servers()
        self._rtpbin = self.webrtcbin.get_by_name("rtpbin")
        self._rtpbin.set_property("max-ts-offset-adjustment", SYNC_STEP_NS)
        self._rtpbin_handler = self._rtpbin.connect("new-jitterbuffer", self._on_jitterbuffer)
        self._handlers = [
            self.webrtcbin.connect("on-ice-candidate", self._on_candidate),
            self.webrtcbin.connect("notify::ice-gathering-state", self._on_gathering),
            self.webrtcbin.connect("notify::ice-connection-state", self._on_ice_state),
            self.webrtcbin.connect("notify::connection-state", self._on_connection_state),
            self.webrtcbin.connect("pad-added", self._on_pad),
        ]
        self.graph.add(self.webrtcbin)

    def process_offer(self, offer: str, wanted: Mapping[str, str], max_video_kbps: int = 0) -> str:
        """Take an offer; the answer. ``wanted``: kind -> codec of our sources. ValueError when unusable."""
        description = sdp.parse(offer)
        for index, section in enumerate(description.sections):
            self._prepare(index, section, wanted.get(section.kind))
        self.remote = sdp.for_webrtcbin(offer)
        call(self.webrtcbin, "set-remote-description", parsed("offer", self.remote))
        answer = described(self.webrtcbin, "answer")
        call(self.webrtcbin, "set-local-description", parsed("answer", answer))
        self._lines += ingest().take_over(self.webrtcbin)
        self.local = sdp.for_peer(answer, max_video_kbps)
        return self.local

    def generate_offer(self, direction: str, wanted: Mapping[str, str], max_video_kbps: int = 0) -> str:
        """An offer of one audio and one video in a direction. ``wanted``: as for an answer."""
        for index, kind in enumerate(("audio", "video")):
            section = sdp.Section(kind, 9, "", direction=sdp.MIRROR[direction])
            codec = wanted.get(kind, sdp.CODECS[kind][0])
            section.codecs = {OFFER_PAYLOADS[codec]: codec}
            section.formats = {OFFER_PAYLOADS["H264"]: "packetization-mode=1"}
            section.extensions = {sdp.TRANSPORT_CC: 3}
            self._prepare(index, section, codec, H264_FORMAT if codec == "H264" else "")
            if kind == "audio":  # Chromium refuses sound with a second SSRC for what is sent again
                self.webrtcbin.emit("get-transceiver", index).set_property("do-nack", False)
        offer = described(self.webrtcbin, "offer").replace("video1", "video0")  # Kurento's names of sections
        call(self.webrtcbin, "set-local-description", parsed("offer", offer))
        for mline, section in zip(self.mlines, sdp.parse(offer).sections, strict=False):
            mline.mid = section.mid
        self._lines += ingest().take_over(self.webrtcbin)
        self.local = sdp.for_peer(offer, max_video_kbps)
        return self.local

    def process_answer(self, answer: str) -> str:
        """Take the answer to our offer; the local description."""
        description = sdp.parse(answer)
        self.remote = sdp.for_webrtcbin(answer)
        call(self.webrtcbin, "set-remote-description", parsed("answer", self.remote))
        for mline, section in zip(self.mlines, description.sections, strict=False):
            mline.direction = "inactive" if section.refused else sdp.MIRROR[section.direction]
        return self.local

    def add_candidate(self, mline: int, candidate: str) -> None:
        """Tell a candidate of the peer; after the remote description."""
        self.webrtcbin.emit("add-ice-candidate", mline, candidate)

    def selected_pair(self) -> tuple[str, str] | None:
        """Lines of the pair of candidates in use, ours first."""
        return nice.selected_pair(self._nice)

    def rtcp_way(self) -> tuple[int, int, Any] | None:
        """Where RTCP of our own goes out: our SSRC, that of the video that comes, a pad; None without any."""
        rtpbin = self._rtpbin
        ssrc = next(
            (ssrc for ssrc, kind in self._kinds_by_ssrc().items() if kind == "video" and self._comes(ssrc)), 0
        )
        pad = rtpbin.get_static_pad("send_rtcp_src_0") if rtpbin is not None and ssrc else None
        if pad is None or (way := pad.get_peer()) is None:
            return None
        return int(rtpbin.emit("get-internal-session", 0).get_property("internal-ssrc")), ssrc, way

    def _comes(self, ssrc: int) -> bool:
        return all(sender.ssrc != ssrc for sender in self.senders.values())

    def report(self) -> PeerReport:
        """Everything that a diagnosis needs."""
        local, remote = nice.local_candidates(self._nice), nice.remote_candidates(self._nice)
        return PeerReport(
            rtp=self._rtp_stats(),
            ice_state=enum_nick(self.webrtcbin.get_property("ice-connection-state")),
            gathering_state=enum_nick(self.webrtcbin.get_property("ice-gathering-state")),
            dtls_state=self._dtls_state(),
            fingerprints=(sdp.fingerprint(self.local), sdp.fingerprint(self.remote)),
            local_candidates=local,
            remote_candidates=remote,
            pair=self.selected_pair(),
        )

    def _dtls_state(self) -> str:
        transceiver = self.webrtcbin.emit("get-transceiver", 0)
        for name in ("receiver", "sender"):
            end = transceiver.get_property(name) if transceiver is not None else None
            transport = end.get_property("transport") if end is not None else None
            if transport is not None:
                return enum_nick(transport.get_property("state"))
        return "new"

    def _rtp_stats(self) -> list[dict[str, Any]]:
        """webrtcbin's statistics of RTP as plain dictionaries; their ``type`` is a nick as ``inbound-rtp``."""
        _promise, reply = call(self.webrtcbin, "get-stats", None)
        found: list[dict[str, Any]] = []
        for index in range(reply.n_fields()):
            value = reply.get_value(reply.nth_field_name(index))
            if isinstance(value, Gst.Structure):
                found.append(_plain(value))
        kinds = self._kinds_by_ssrc()
        codecs = {line.kind: line.codec for line in self.mlines}
        for item in found:
            if "ssrc" in item:
                kind = kinds.get(item["ssrc"])  # webrtcbin names the wrong one in a bundle, and the wrong buffer
                jitterbuffer = self._jitterbuffers.get(item["ssrc"])
                buffered = _plain(jitterbuffer.get_property("stats")) if jitterbuffer is not None else {}
                item |= {"kind": kind, "codec": codecs.get(kind or "", ""), "gst-rtpjitterbuffer-stats": buffered}
        return found

    def _kinds_by_ssrc(self) -> dict[int, str]:
        kinds = {sender.ssrc: kind for kind, sender in self.senders.items()}
        for kind, pad in self._receiving.items():
            current = pad.get_current_caps()
            known, ssrc = current.get_structure(0).get_uint("ssrc") if current else (False, 0)
            if known:
                kinds[ssrc] = kind
        return kinds

    def receives(self, kind: str) -> bool:
        """Whether the peer was granted to send this kind."""
        return any(mline.kind == kind and mline.receives for mline in self.mlines)

    def close(self) -> None:
        """Stop it and give everything back. Branches into the senders' pads must be closed before."""
        for handler in self._handlers:
            self.webrtcbin.disconnect(handler)
        ingest().drop(self._lines)
        self._rtpbin.disconnect(self._rtpbin_handler)
        # First the webrtcbin: before it is connected it holds a sender's packets back, and with them the thread of
        # the queue, for whose end the queue would wait for ever. Its own end lets that thread go.
        self.graph.remove(self.webrtcbin)
        for sender in self.senders.values():
            self.graph.remove(*sender.elements)
        self.senders.clear()
        self._receiving.clear()
        self._jitterbuffers.clear()
        self.webrtcbin = self._agent = self._nice = self._rtpbin = None

    # ---- inside

    def _set_servers(self) -> None:
        if self.ice.stun:
            self.webrtcbin.set_property("stun-server", f"stun://{self.ice.stun}")
        if self.ice.turn:
            credentials, _, host = self.ice.turn.rpartition("@")
            user, _, password = credentials.partition(":")
            url = f"turn://{quote(user, safe='')}:{quote(password, safe='')}@{host}"
            self.webrtcbin.emit("add-turn-server", url)
        for address in self.ice.local_addresses or _loopback_if_alone():
            self._agent.emit("add-local-ip-address", address)

    def _prepare(self, index: int, section: sdp.Section, wanted: str | None, form: str = "") -> None:
        """Make the transceiver of an offered section; in the order of the m-lines, before the remote description."""
        direction = sdp.MIRROR[section.direction]
        if section.kind not in sdp.CODECS:
            self.mlines.append(Mline(index, section.kind, section.mid, "inactive"))
            return
        chosen = section.choose(wanted)
        if chosen is None or section.refused or self._has(section.kind):
            direction = "inactive"
        payload, codec = chosen or (next(iter(section.codecs), 0), sdp.CODECS[section.kind][0])
        self.mlines.append(Mline(index, section.kind, section.mid, direction, codec))
        if direction in ("recvonly", "inactive"):
            text = sdp.rtp_caps(codec, payload, section.extensions) + form
            self.webrtcbin.emit("add-transceiver", _direction(direction), caps(text))
        else:
            self._make_sender(index, section, Sender(None, codec, payload, _ssrc()), direction, form)
        transceiver = self.webrtcbin.emit("get-transceiver", index)
        if transceiver is not None:
            transceiver.set_property("do-nack", True)

    def _has(self, kind: str) -> bool:
        return any(mline.kind == kind and mline.direction != "inactive" for mline in self.mlines)

    def _make_sender(self, index: int, section: sdp.Section, sender: Sender, direction: str, form: str) -> None:
        """A sink pad: with the SSRC in its caps, or the answer has ``ssrc-group:FID 0`` and browsers show nothing."""
        wanted = caps(sdp.rtp_caps(sender.codec, sender.payload, section.extensions, sender.ssrc) + form)
        template = self.webrtcbin.get_pad_template("sink_%u")
        sender.pad = self.webrtcbin.request_pad(template, f"sink_{index}", wanted)
        transceiver = sender.pad.get_property("transceiver")
        transceiver.set_property("direction", _direction(direction))
        transceiver.set_property("codec-preferences", wanted)
        self.senders[section.kind] = sender

    def _on_candidate(self, _webrtcbin: Any, mline: int, candidate: str) -> None:
        self.listener.on_candidate(int(mline), str(candidate))

    def _on_gathering(self, webrtcbin: Any, _spec: Any) -> None:
        if enum_nick(webrtcbin.get_property("ice-gathering-state")) == "complete":
            self.listener.on_gathering_done()

    def _on_ice_state(self, webrtcbin: Any, _spec: Any) -> None:
        self.listener.on_ice_state(enum_nick(webrtcbin.get_property("ice-connection-state")))

    def _on_connection_state(self, webrtcbin: Any, _spec: Any) -> None:
        self.listener.on_connection_state(enum_nick(webrtcbin.get_property("connection-state")))

    def _on_jitterbuffer(self, rtpbin: Any, jitterbuffer: Any, session: int, ssrc: int) -> None:
        """Do not keep the very first packet for the whole latency; let key frames be asked for at any moment."""
        self._jitterbuffers[ssrc] = jitterbuffer
        jitterbuffer.set_property("faststart-min-packets", 1)
        # A gap is seen when the next packet comes; a timer for each packet that should come costs a wake-up for each.
        jitterbuffer.set_property("rtx-next-seqnum", False)
        rtp_session = rtpbin.emit("get-internal-session", session)
        rtp_session.set_property("bandwidth", RTP_BANDWIDTH)
        rtp_session.set_property("rtcp-min-interval", RTCP_INTERVAL_NS)
        rtp_session.set_property("twcc-feedback-interval", FEEDBACK_INTERVAL_NS)

    def _on_pad(self, _webrtcbin: Any, pad: Any) -> None:
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        current = pad.get_current_caps() or pad.query_caps(None)
        kind = current.get_structure(0).get_string("media") if current.get_size() else None
        if kind in sdp.CODECS:
            self._receiving[str(kind)] = pad
            self.listener.on_receiving(str(kind), pad)


def _ssrc() -> int:
    return random.randrange(1, 1 << 32)  # noqa: S311 - not a secret (RFC 3550, 8.1)


def _direction(name: str) -> Any:
    return getattr(GstWebRTC.WebRTCRTPTransceiverDirection, name.upper())


def _plain(structure: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for index in range(structure.n_fields()):
        name = structure.nth_field_name(index)
        with contextlib.suppress(TypeError):  # types without a Python counterpart are of no interest
            value = structure.get_value(name)
            if isinstance(value, Gst.Structure):
                value = _plain(value)
            found[name] = value.value_nick if hasattr(value, "value_nick") else value
    return found


def _loopback_if_alone() -> tuple[str, ...]:
    """The loopback address on a host that has no other: libnice leaves it out by itself."""
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    global_ipv6 = [line.split() for line in nice.IPV6.read_text().splitlines()] if nice.IPV6.exists() else []
    alone = not routes and not any(fields[3] == "00" for fields in global_ipv6)  # scope 00 is global
    return ("127.0.0.1",) if alone else ()
