"""Media objects of a node as Python objects. Names and meanings are Kurento's, in Python's spelling."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self, TypeVar

from media.kurento.client import Callback, KurentoClient, Subscription
from media.kurento.events import Event

E = TypeVar("E", bound=Event)


class MediaType(StrEnum):
    """What is connected."""

    AUDIO = "AUDIO"
    VIDEO = "VIDEO"
    DATA = "DATA"


class MediaProfile(StrEnum):
    """Container and tracks of a recording."""

    WEBM = "WEBM"
    WEBM_VIDEO_ONLY = "WEBM_VIDEO_ONLY"
    WEBM_AUDIO_ONLY = "WEBM_AUDIO_ONLY"


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


class MediaObject:
    """Anything that lives in a media node. ``Cls(client, id)`` adopts one that exists."""

    kind: ClassVar[str] = "MediaObject"

    def __init__(self, client: KurentoClient, object_id: str) -> None:
        """Stand for an existing object; nothing is asked of the node (use :meth:`exists`)."""
        self.client, self.id = client, object_id

    async def invoke(self, operation: str, **params: Any) -> Any:
        """Call an operation by Kurento's name."""
        return await self.client.invoke(self.id, operation, **params)

    async def exists(self) -> bool:
        """Whether the node still has it."""
        from media.kurento.errors import ObjectNotFound  # noqa: PLC0415

        try:
            await self.client.describe(self.id)
        except ObjectNotFound:
            return False
        return True

    async def subscribe(
        self, event: type[E], callback: Callback[E] | None = None, adopt: bool = False
    ) -> Subscription[E]:
        """Have events told to ``callback``, or iterate over the result. See :meth:`KurentoClient.subscribe`."""
        return await self.client.subscribe(self.id, event, callback, adopt)

    async def release(self) -> None:
        """Destroy it with all its children; no error when it is gone already."""
        await self.client.release(self.id)
        self.client.forget_object(self.id)

    async def set_name(self, name: str) -> None:
        """Name it for people who look at the node."""
        await self.invoke("setName", name=name)

    async def get_name(self) -> str:
        """Its name; its id when none was given."""
        return str(await self.invoke("getName"))

    async def add_tag(self, key: str, value: str) -> None:
        """Attach a value."""
        await self.invoke("addTag", key=key, value=value)

    async def get_tag(self, key: str) -> str:
        """An attached value; TagNotFound when there is none."""
        return str(await self.invoke("getTag", key=key))

    async def get_children(self) -> list[str]:
        """Ids of the objects below it."""
        return [str(item) for item in await self.invoke("getChildren") or []]


class MediaPipeline(MediaObject):
    """What holds elements that can be connected with each other."""

    kind = "MediaPipeline"

    @classmethod
    async def create(cls, client: KurentoClient) -> Self:
        """Make one."""
        return cls(client, await client.create(cls.kind))

    async def get_gstreamer_dot(self) -> str:
        """The graph of GStreamer elements inside, in the language of Graphviz."""
        return str(await self.invoke("getGstreamerDot"))


class MediaElement(MediaObject):
    """What media goes through."""

    async def connect(self, sink: "MediaElement", media_type: MediaType | None = None) -> None:
        """Feed ``sink`` with this element's media of one type, or of all."""
        await self.invoke("connect", sink=sink.id, **({"mediaType": media_type} if media_type else {}))

    async def disconnect(self, sink: "MediaElement", media_type: MediaType | None = None) -> None:
        """Stop feeding ``sink``."""
        await self.invoke("disconnect", sink=sink.id, **({"mediaType": media_type} if media_type else {}))

    async def is_media_flowing_in(self, media_type: MediaType) -> bool:
        """Whether media of other elements reaches this one just now."""
        return bool(await self.invoke("isMediaFlowingIn", mediaType=media_type))

    async def is_media_flowing_out(self, media_type: MediaType) -> bool:
        """Whether this element gives media just now (of a WebRtcEndpoint: what its browser sends)."""
        return bool(await self.invoke("isMediaFlowingOut", mediaType=media_type))

    async def get_stats(self, media_type: MediaType | None = None) -> dict[str, dict[str, Any]]:
        """RTC statistics by id, as of the W3C's webrtc-stats; empty while there are none."""
        return dict(await self.invoke("getStats", **({"mediaType": media_type} if media_type else {})) or {})

    async def get_gstreamer_dot(self) -> str:
        """The GStreamer elements of this element, in the language of Graphviz."""
        return str(await self.invoke("getGstreamerDot"))


class _SdpEndpoint(MediaElement):
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


class WebRtcEndpoint(_SdpEndpoint):
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

    async def set_stun_server(self, address: str, port: int = 3478) -> None:
        """``address`` is an IP address; before the negotiation."""
        await self.invoke("setStunServerAddress", stunServerAddress=address)
        await self.invoke("setStunServerPort", stunServerPort=port)

    async def set_turn_url(self, url: str) -> None:
        """``user:password@address:port?transport=udp|tcp|tls``; before the negotiation."""
        await self.invoke("setTurnUrl", turnUrl=url)


class RtpEndpoint(_SdpEndpoint):
    """Plain RTP to or from an address, as the tap of a worker: ``process_offer`` with a recvonly offer naming it."""

    kind = "RtpEndpoint"

    @classmethod
    async def create(cls, pipeline: MediaPipeline) -> Self:
        """Make one."""
        return cls(pipeline.client, await pipeline.client.create(cls.kind, mediaPipeline=pipeline.id))


class RecorderEndpoint(MediaElement):
    """Writes what is connected to it into a file of the node's host."""

    kind = "RecorderEndpoint"

    @classmethod
    async def create(cls, pipeline: MediaPipeline, uri: str, profile: MediaProfile = MediaProfile.WEBM) -> Self:
        """``uri`` is ``file:///absolute/path.webm`` as the node sees it."""
        client = pipeline.client
        return cls(client, await client.create(cls.kind, mediaPipeline=pipeline.id, uri=uri, mediaProfile=profile))

    async def record(self) -> None:
        """Start; the file begins at this moment, the first picture comes with the next key frame (asked for)."""
        await self.invoke("record")

    async def pause(self) -> None:
        """Write nothing until the next ``record``."""
        await self.invoke("pause")

    async def stop(self) -> None:
        """Stop; the event Stopped tells when the file is complete."""
        await self.invoke("stop")

    async def stop_and_wait(self) -> None:
        """Stop, and return when the file is complete. Call it before ``release``."""
        await self.invoke("stopAndWait")
