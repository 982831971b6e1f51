"""What ``create`` can make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from media.kurento.errors import FactoryNotFound, MarshallError, ObjectNotFound
from media.node.objects import MediaObject
from media.node.pipeline import MediaPipeline, PassThrough
from media.node.recorder import RecorderEndpoint
from media.node.rtp import RtpEndpoint
from media.node.values import Param
from media.node.webrtc import WebRtcEndpoint

if TYPE_CHECKING:
    from media.node.node import Node

PIPELINE = Param("mediaPipeline")


@dataclass(frozen=True)
class Factory:
    """``make(node, *values of params)``; elements get their pipeline as the first value."""

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


FACTORIES: dict[str, Factory] = {
    "MediaPipeline": Factory(MediaPipeline),
    "PassThrough": Factory(PassThrough, (PIPELINE,)),
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
        pipeline = node.find(values[0])
        if not isinstance(pipeline, MediaPipeline):
            raise ObjectNotFound(f"Object '{values[0]}' not found")
        values[0] = pipeline
    return factory, values
