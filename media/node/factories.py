"""What ``create`` can make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from media.kurento.errors import FactoryNotFound, InternalError, MarshallError, ObjectNotFound
from media.node.dispatchers import Dispatcher, DispatcherOneToMany
from media.node.filters import GStreamerFilter
from media.node.hubs import AlphaBlending, Hub, HubPort, Mixer, composite
from media.node.objects import MediaObject
from media.node.pipeline import MediaPipeline, PassThrough
from media.node.player import PlayerEndpoint
from media.node.recorder import RecorderEndpoint
from media.node.rtp import RtpEndpoint
from media.node.values import Param
from media.node.webrtc import WebRtcEndpoint

if TYPE_CHECKING:
    from media.node.node import Node

PIPELINE, HUB = Param("mediaPipeline"), Param("hub")


@dataclass(frozen=True)
class Factory:
    """``make(node, *values of params)``; the first value is the pipeline or hub that it will live in."""

    make: Callable[..., MediaObject]
    params: tuple[Param, ...] = ()


def _webrtc(
    node: "Node",
    pipeline: MediaPipeline,
    recvonly: bool | None,
    sendonly: bool | None,
    data: bool | None,
    *_rest: Any,
) -> MediaObject:
    return WebRtcEndpoint(node, pipeline, bool(recvonly), bool(sendonly), bool(data))


def _recorder(node: "Node", pipeline: MediaPipeline, uri: str, profile: str | None, *_rest: Any) -> MediaObject:
    return RecorderEndpoint(node, pipeline, uri, profile or "WEBM")


def _player(node: "Node", pipeline: MediaPipeline, uri: str, encoded: bool | None, *_rest: Any) -> MediaObject:
    return PlayerEndpoint(node, pipeline, uri, bool(encoded))


FACTORIES: dict[str, Factory] = {
    "AlphaBlending": Factory(AlphaBlending, (PIPELINE,)),
    "Composite": Factory(
        composite,
        (
            PIPELINE,
            Param("width", int, optional=True),
            Param("height", int, optional=True),
            Param("framerate", int, optional=True),
        ),
    ),
    "Dispatcher": Factory(Dispatcher, (PIPELINE,)),
    "DispatcherOneToMany": Factory(DispatcherOneToMany, (PIPELINE,)),
    "GStreamerFilter": Factory(
        GStreamerFilter, (PIPELINE, Param("command"), Param("filterType", "FilterType", optional=True))
    ),
    "HubPort": Factory(HubPort, (HUB,)),
    "MediaPipeline": Factory(MediaPipeline),
    "Mixer": Factory(Mixer, (PIPELINE,)),
    "PassThrough": Factory(PassThrough, (PIPELINE,)),
    "PlayerEndpoint": Factory(
        _player,
        (
            PIPELINE,
            Param("uri"),
            Param("useEncodedMedia", bool, optional=True),
            Param("networkCache", int, optional=True),
        ),
    ),
    "RecorderEndpoint": Factory(
        _recorder,
        (
            PIPELINE,
            Param("uri"),
            Param("mediaProfile", "MediaProfileSpecType", optional=True),
            Param("stopOnEndOfStream", bool, optional=True),
        ),
    ),
    "RtpEndpoint": Factory(
        lambda node, pipeline, *_rest: RtpEndpoint(node, pipeline),
        (PIPELINE, Param("crypto", dict, optional=True), Param("useIpv6", bool, optional=True)),
    ),
    "WebRtcEndpoint": Factory(
        _webrtc,
        (
            PIPELINE,
            Param("recvonly", bool, optional=True),
            Param("sendonly", bool, optional=True),
            Param("useDataChannels", bool, optional=True),
            Param("certificateKeyType", str, optional=True),
            Param("qosDscp", str, optional=True),
        ),
    ),
}


def prepare(node: "Node", kind: str, params: Any) -> tuple[Factory, list[Any]]:
    """The factory and its arguments, checked; the errors are Kurento's."""
    factory = FACTORIES.get(kind.removeprefix("kurento."))
    if params is not None and not isinstance(params, dict):
        raise MarshallError("'constructorParams' should be an object")
    if factory is None:
        raise FactoryNotFound(f"Factory '{kind}' not found")
    if params is None and factory.params:
        raise MarshallError("'constructorParams' is required")
    values = [param.read(params or {}) for param in factory.params]
    if factory.params:
        values[0] = _home(node.find(values[0]), factory.params[0])
    return factory, values


def _home(found: MediaObject, param: Param) -> MediaPipeline | Hub:
    if param is PIPELINE and isinstance(found, MediaPipeline):
        return found
    if param is HUB:
        if isinstance(found, Hub):
            return found
        raise InternalError("Unexpected error while processing method: bad_weak_ptr")  # Kurento's words
    raise ObjectNotFound(f"Object '{found.id}' not found")
