"""Endpoints that negotiate: a browser's peer connection, and plain RTP."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from media.kurento.objects import MediaElement, MediaPipeline


class PeerState(StrEnum):
    """Of the media or of the transport."""

    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"


@dataclass(frozen=True, slots=True)
class IceCandidate:
    """As ``RTCIceCandidate.toJSON()`` of a browser gives it."""

    candidate: str
    sdp_mid: str
    sdp_mline_index: int

    def as_params(self) -> dict[str, Any]:
        """In Kurento's words."""
        return {
            "__module__": "kurento",
            "__type__": "IceCandidate",
            "candidate": self.candidate,
            "sdpMid": self.sdp_mid,
            "sdpMLineIndex": self.sdp_mline_index,
        }


class SdpEndpoint(MediaElement):
    """What negotiates by session descriptions."""

    async def process_offer(self, offer: str) -> str:
        """Take a peer's offer; the answer. Once in the life of an endpoint (AlreadyNegotiated after that)."""
        return str(await self.invoke("processOffer", offer=offer))

    async def generate_offer(self) -> str:
        """Make an offer for a peer, to be followed by :meth:`process_answer`."""
        return str(await self.invoke("generateOffer"))

    async def process_answer(self, answer: str) -> str:
        """Take the peer's answer; the updated local description."""
        return str(await self.invoke("processAnswer", answer=answer))

    async def get_local_session_descriptor(self) -> str:
        """The local description with the candidates found so far."""
        return str(await self.invoke("getLocalSessionDescriptor"))

    async def get_remote_session_descriptor(self) -> str:
        """The peer's description."""
        return str(await self.invoke("getRemoteSessionDescriptor"))

    async def get_media_state(self) -> PeerState:
        """Whether media of the peer comes."""
        return PeerState(await self.invoke("getMediaState"))

    async def get_connection_state(self) -> PeerState:
        """Whether the transport to the peer is up."""
        return PeerState(await self.invoke("getConnectionState"))

    async def set_max_audio_recv_bandwidth(self, kbps: int) -> None:
        """Limit, kbit/s, asked of the sending peer; before the negotiation. 0: none."""
        await self.invoke("setMaxAudioRecvBandwidth", maxAudioRecvBandwidth=kbps)

    async def get_max_video_recv_bandwidth(self) -> int:
        """kbit/s; 0: no limit."""
        return int(await self.invoke("getMaxVideoRecvBandwidth"))

    async def get_max_video_send_bandwidth(self) -> int:
        """kbit/s."""
        return int(await self.invoke("getMaxVideoSendBandwidth"))

    async def set_mtu(self, size: int) -> None:
        """Bytes of the largest RTP packet sent; before the negotiation."""
        await self.invoke("setMtu", mtu=size)

    async def set_max_video_recv_bandwidth(self, kbps: int) -> None:
        """Limit, kbit/s, asked of the sending peer; before the negotiation. 0: none."""
        await self.invoke("setMaxVideoRecvBandwidth", maxVideoRecvBandwidth=kbps)

    async def set_min_video_recv_bandwidth(self, kbps: int) -> None:
        """kbit/s."""
        await self.invoke("setMinVideoRecvBandwidth", minVideoRecvBandwidth=kbps)

    async def set_max_video_send_bandwidth(self, kbps: int) -> None:
        """kbit/s."""
        await self.invoke("setMaxVideoSendBandwidth", maxVideoSendBandwidth=kbps)

    async def set_min_video_send_bandwidth(self, kbps: int) -> None:
        """kbit/s."""
        await self.invoke("setMinVideoSendBandwidth", minVideoSendBandwidth=kbps)


class WebRtcEndpoint(SdpEndpoint):
    """One browser's peer connection: at most one audio and one video track each way."""

    kind = "WebRtcEndpoint"

    @classmethod
    async def create(cls, pipeline: MediaPipeline, *, recvonly: bool = False, sendonly: bool = False) -> Self:
        """Make one; the flags only matter for :meth:`generate_offer`."""
        flags = {name: True for name, wanted in (("recvonly", recvonly), ("sendonly", sendonly)) if wanted}
        return cls(pipeline.client, await pipeline.client.create(cls.kind, mediaPipeline=pipeline.id, **flags))

    async def gather_candidates(self) -> None:
        """Start telling IceCandidateFound, then IceGatheringDone: subscribe to them first."""
        await self.invoke("gatherCandidates")

    async def add_ice_candidate(self, candidate: IceCandidate) -> None:
        """Tell a candidate of the browser."""
        await self.invoke("addIceCandidate", candidate=candidate.as_params())

    async def get_ice_candidate_pairs(self) -> list[tuple[str, str]]:
        """The pairs in use as ``candidate:`` lines, ours and the peer's; empty before there is one."""
        found = await self.invoke("getICECandidatePairs") or []
        return [(str(item["localCandidate"]), str(item["remoteCandidate"])) for item in found]

    async def get_ice_connection_state(self) -> list[str]:
        """A state per component as in IceComponentStateChanged; empty before ICE began."""
        return [str(item["state"]) for item in await self.invoke("getIceConnectionState") or []]

    async def get_dtls_connection_state(self) -> list[str]:
        """A state per component (CONNECTED, CONNECTING, FAILED, ...); empty before DTLS began."""
        return [str(item["state"]) for item in await self.invoke("getDtlsConnectionState") or []]

    async def set_ice_tcp(self, wanted: bool) -> None:
        """Offer TCP candidates, too; before the negotiation."""
        await self.invoke("setIceTcp", iceTcp=wanted)

    async def set_external_ipv4(self, address: str) -> None:
        """The address that the outside sees, where a router translates; before gathering."""
        await self.invoke("setExternalIPv4", externalIPv4=address)

    async def set_stun_server(self, address: str, port: int = 3478) -> None:
        """``address`` is an IP address; before the negotiation."""
        await self.invoke("setStunServerAddress", stunServerAddress=address)
        await self.invoke("setStunServerPort", stunServerPort=port)

    async def set_turn_url(self, url: str) -> None:
        """``user:password@address:port?transport=udp|tcp|tls``; before the negotiation."""
        await self.invoke("setTurnUrl", turnUrl=url)


class RtpEndpoint(SdpEndpoint):
    """Plain RTP to or from an address, as the tap of a worker: ``process_offer`` with a recvonly offer naming it."""

    kind = "RtpEndpoint"

    @classmethod
    async def create(cls, pipeline: MediaPipeline) -> Self:
        """Make one."""
        return cls(pipeline.client, await pipeline.client.create(cls.kind, mediaPipeline=pipeline.id))
