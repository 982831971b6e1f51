"""The events of a media node as typed values; field names as in Kurento, in Python's spelling."""

from typing import Any, ClassVar

import msgspec

from media.kurento.rpc import Notification


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every event has: who tells it and when (UTC milliseconds of the media node's clock)."""

    name: ClassVar[str] = ""
    source: str = ""
    timestamp_millis: int = 0


class IceCandidatePair(msgspec.Struct, frozen=True, rename="camel"):
    """The pair of candidates that a component uses; each one a ``candidate:`` line of SDP."""

    local_candidate: str
    remote_candidate: str
    component_id: int = 1
    stream_id: str = ""


class Candidate(msgspec.Struct, frozen=True, rename={"sdp_mid": "sdpMid", "sdp_mline_index": "sdpMLineIndex"}):
    """An ICE candidate in the words of W3C's RTCIceCandidate."""

    candidate: str
    sdp_mid: str
    sdp_mline_index: int


class IceCandidateFound(Event, frozen=True, kw_only=True, rename="camel"):
    """The node found one of its own candidates: to be told to the browser."""

    candidate: Candidate


class IceGatheringDone(Event, frozen=True, kw_only=True, rename="camel"):
    """The node found all its candidates."""


class IceComponentStateChanged(Event, frozen=True, kw_only=True, rename="camel"):
    """``state``: DISCONNECTED, GATHERING, CONNECTING, CONNECTED, READY or FAILED."""

    component_id: int = 1
    stream_id: int = 1
    state: str = ""


class NewCandidatePairSelected(Event, frozen=True, kw_only=True, rename="camel"):
    """ICE chose a way."""

    candidate_pair: IceCandidatePair


class StateChanged(Event, frozen=True, kw_only=True, rename="camel"):
    """``old_state`` and ``new_state``: CONNECTED or DISCONNECTED."""

    old_state: str = ""
    new_state: str = ""


class MediaStateChanged(StateChanged, frozen=True, kw_only=True, rename="camel"):
    """Media of the peer came, or stopped coming."""


class ConnectionStateChanged(StateChanged, frozen=True, kw_only=True, rename="camel"):
    """The transport to the peer is up, or down."""


class FlowChanged(Event, frozen=True, kw_only=True, rename="camel"):
    """``media_type``: AUDIO, VIDEO or DATA; ``state``: FLOWING or NOT_FLOWING."""

    media_type: str = ""
    state: str = ""
    pad_name: str = "default"


class MediaFlowInStateChanged(FlowChanged, frozen=True, kw_only=True, rename="camel"):
    """Media from another element reaches this one (or ceased to)."""


class MediaFlowOutStateChanged(FlowChanged, frozen=True, kw_only=True, rename="camel"):
    """Media leaves this element for others. On a WebRtcEndpoint: what the browser sends arrives (or ceased to)."""


class MediaTranscodingStateChanged(Event, frozen=True, kw_only=True, rename="camel"):
    """``state``: TRANSCODING or NOT_TRANSCODING."""

    media_type: str = ""
    state: str = ""
    bin_name: str = ""


class MediaSessionStarted(Event, frozen=True, kw_only=True, rename="camel"):
    """The endpoint negotiated."""


class MediaSessionTerminated(Event, frozen=True, kw_only=True, rename="camel"):
    """The endpoint's session ended."""


class Recording(Event, frozen=True, kw_only=True, rename="camel"):
    """The recorder writes: the first media of the part has come."""


class Paused(Event, frozen=True, kw_only=True, rename="camel"):
    """The recorder pauses."""


class Stopped(Event, frozen=True, kw_only=True, rename="camel"):
    """The recorder's file is complete."""


class UriEndpointStateChanged(Event, frozen=True, kw_only=True, rename="camel"):
    """``state``: START, PAUSE or STOP."""

    state: str = ""


class EndOfStream(Event, frozen=True, kw_only=True, rename="camel"):
    """A player came to the end."""


class Error(Event, frozen=True, kw_only=True, rename="camel"):
    """Something broke in the node: ``kind`` (Kurento: type) is RESOURCE_ERROR_WRITE, STREAM_ERROR_DECODE, ..."""

    description: str = ""
    error_code: int = 0
    kind: str = msgspec.field(default="", name="type")


class ElementConnected(Event, frozen=True, kw_only=True, rename="camel"):
    """``source`` now feeds ``sink``."""

    sink: str = ""
    media_type: str = ""
    source_media_description: str = "default"
    sink_media_description: str = "default"


class ElementDisconnected(ElementConnected, frozen=True, kw_only=True, rename="camel"):
    """``source`` no longer feeds ``sink``."""


class DataChannelOpened(Event, frozen=True, kw_only=True, rename="camel"):
    """Told by Kurento only: the embedded node has no data channels."""

    channel_id: int = 0


class DataChannelClosed(DataChannelOpened, frozen=True, kw_only=True, rename="camel"):
    """As above."""


class ObjectCreated(Event, frozen=True, kw_only=True, rename="camel"):
    """Told by the server manager."""

    object: str = ""


class ObjectDestroyed(Event, frozen=True, kw_only=True, rename="camel"):
    """Told by the server manager."""

    object_id: str = ""


class Unknown(Event, frozen=True, kw_only=True, rename="camel"):
    """An event this client has no type for; ``kind`` is its name and ``data`` all it said."""

    kind: str = ""
    data: dict[str, Any] = {}


EVENTS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        IceCandidateFound,
        IceGatheringDone,
        IceComponentStateChanged,
        NewCandidatePairSelected,
        MediaStateChanged,
        ConnectionStateChanged,
        MediaFlowInStateChanged,
        MediaFlowOutStateChanged,
        MediaTranscodingStateChanged,
        MediaSessionStarted,
        MediaSessionTerminated,
        Recording,
        Paused,
        Stopped,
        UriEndpointStateChanged,
        EndOfStream,
        Error,
        ElementConnected,
        ElementDisconnected,
        DataChannelOpened,
        DataChannelClosed,
        ObjectCreated,
        ObjectDestroyed,
    )
}


def from_notification(notification: Notification) -> Event:
    """The typed event; what does not fit its type becomes Unknown rather than an error."""
    cls = EVENTS.get(notification.type)
    if cls is not None:
        try:
            return msgspec.convert(notification.data, cls, strict=False)  # Kurento writes times as text
        except msgspec.ValidationError:
            pass
    source = notification.data.get("source")
    return Unknown(
        kind=notification.type,
        data=notification.data,
        source=source if isinstance(source, str) else notification.object,
    )
