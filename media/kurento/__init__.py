"""Client of a Kurento Media Server (or of the embedded node, which speaks the same protocol)."""

from media.kurento.client import Binding, KurentoClient, Subscription
from media.kurento.elements import (
    IceCandidate,
    MediaElement,
    MediaObject,
    MediaPipeline,
    MediaProfile,
    MediaType,
    RecorderEndpoint,
    RtpEndpoint,
    WebRtcEndpoint,
)
from media.kurento.errors import ConnectionLost, KurentoError, RequestTimeout, ServerError, SessionLost

__all__ = [
    "Binding",
    "ConnectionLost",
    "IceCandidate",
    "KurentoClient",
    "KurentoError",
    "MediaElement",
    "MediaObject",
    "MediaPipeline",
    "MediaProfile",
    "MediaType",
    "RecorderEndpoint",
    "RequestTimeout",
    "RtpEndpoint",
    "ServerError",
    "SessionLost",
    "Subscription",
    "WebRtcEndpoint",
]
