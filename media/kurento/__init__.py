"""Client of a Kurento Media Server (or of the embedded node, which speaks the same protocol)."""

from media.kurento.client import Binding, KurentoClient, Subscription
from media.kurento.endpoints import IceCandidate, PeerState, RtpEndpoint, SdpEndpoint, WebRtcEndpoint
from media.kurento.errors import ConnectionLost, KurentoError, RequestTimeout, ServerError, SessionLost
from media.kurento.files import MediaProfile, PlayerEndpoint, RecorderEndpoint, UriState, VideoInfo
from media.kurento.hubs import AlphaBlending, Composite, Dispatcher, DispatcherOneToMany, Hub, HubPort, Mixer
from media.kurento.objects import (
    DotDetails,
    ElementConnection,
    GStreamerFilter,
    MediaElement,
    MediaObject,
    MediaPipeline,
    MediaType,
    PassThrough,
)
from media.kurento.server_manager import ServerInfo, ServerManager
from media.kurento.stats import InboundRtp, OutboundRtp, Statistics

__all__ = [
    "AlphaBlending",
    "Binding",
    "Composite",
    "ConnectionLost",
    "Dispatcher",
    "DispatcherOneToMany",
    "DotDetails",
    "ElementConnection",
    "GStreamerFilter",
    "Hub",
    "HubPort",
    "IceCandidate",
    "InboundRtp",
    "KurentoClient",
    "KurentoError",
    "MediaElement",
    "MediaObject",
    "MediaPipeline",
    "MediaProfile",
    "MediaType",
    "Mixer",
    "OutboundRtp",
    "PassThrough",
    "PeerState",
    "PlayerEndpoint",
    "RecorderEndpoint",
    "RequestTimeout",
    "RtpEndpoint",
    "SdpEndpoint",
    "ServerError",
    "ServerInfo",
    "ServerManager",
    "SessionLost",
    "Statistics",
    "Subscription",
    "UriState",
    "VideoInfo",
    "WebRtcEndpoint",
]
