"""What WebRtcEndpoint and RtpEndpoint share."""

import re
from typing import TYPE_CHECKING, Any, ClassVar

from media.kurento.errors import AlreadyNegotiated, NoLocalDescription, NoRemoteDescription, SdpError
from media.node.element import MediaElement
from media.node.values import Operation, Param, operation, properties

if TYPE_CHECKING:
    from media.node.node import Node
    from media.node.pipeline import MediaPipeline


class SdpEndpoint(MediaElement):
    """The bandwidths and the order of negotiating."""

    hierarchy = ("BaseRtpEndpoint", "SdpEndpoint", "SessionEndpoint", "Endpoint", "MediaElement", "MediaObject")
    events = MediaElement.events | {
        "MediaStateChanged",
        "ConnectionStateChanged",
        "MediaSessionStarted",
        "MediaSessionTerminated",
    }

    def __init__(self, node: "Node", parent: "MediaPipeline") -> None:
        """Not negotiated yet."""
        super().__init__(node, parent)
        self.max_audio_recv_bandwidth, self.max_video_recv_bandwidth = 0, 0
        self.min_video_recv_bandwidth, self.min_video_send_bandwidth, self.max_video_send_bandwidth = 100, 100, 500
        self.mtu = 1200
        self.media_state = self.connection_state = "DISCONNECTED"
        self.local, self.remote = "", ""
        self.offered = self.negotiated = False
        self.remb_params: dict[str, Any] = {"__module__": "kurento", "__type__": "RembParams"}

    operations: ClassVar[dict[str, Operation]] = {
        **properties(
            max_audio_recv_bandwidth=int,
            max_video_recv_bandwidth=int,
            min_video_recv_bandwidth=int,
            min_video_send_bandwidth=int,
            max_video_send_bandwidth=int,
            mtu=int,
        ),
        "getRembParams": Operation(lambda self: self.remb_params),
        "setRembParams": Operation(lambda self, params: self.set_remb(params), (Param("rembParams", dict),)),
        "getMediaState": Operation(lambda self: self.media_state),
        "getConnectionState": Operation(lambda self: self.connection_state),
    }

    def set_remb(self, params: dict[str, Any]) -> None:
        """Kept for clients that read them back; congestion control here is transport-wide, by the browsers."""
        defaults = {
            "packetsRecvIntervalTop": 100,
            "exponentialFactor": 0.04,
            "linealFactorMin": 50,
            "linealFactorGrade": 30.0,
            "decrementFactor": 0.5,
            "thresholdFactor": 0.8,
            "upLosses": 12,
            "rembOnConnect": 300_000,
        }
        defaults |= {key: value for key, value in params.items() if key in defaults}
        self.remb_params |= defaults

    def enter(self, event: str, state: str) -> None:
        """Note a MediaState or ConnectionState and tell if it is new."""
        field = camel_to_field(event)
        old = getattr(self, field)
        if old != state:
            setattr(self, field, state)
            self.tell(f"{event}Changed", oldState=old, newState=state)

    def check_offer(self, offer: str) -> None:
        """Raise what Kurento raises for an offer that cannot be processed."""
        if not offer:
            raise SdpError("Empty offer not valid")
        if self.offered or self.negotiated:
            raise AlreadyNegotiated()

    @operation()
    def getLocalSessionDescriptor(self) -> str:
        """Our description."""
        if not self.local:
            raise NoLocalDescription()
        return self.local

    @operation()
    def getRemoteSessionDescriptor(self) -> str:
        """The peer's description."""
        if not self.remote:
            raise NoRemoteDescription()
        return self.remote


def camel_to_field(event: str) -> str:
    """``MediaState`` -> ``media_state``."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", event).lower()
