"""What all objects of a media node have in common, and what connects elements. Names and meanings are Kurento's."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self, TypeVar

from media.kurento.client import Callback, KurentoClient, Subscription
from media.kurento.errors import ObjectNotFound
from media.kurento.events import Event
from media.kurento.stats import Statistics

E = TypeVar("E", bound=Event)


class MediaType(StrEnum):
    """What is connected."""

    AUDIO = "AUDIO"
    VIDEO = "VIDEO"
    DATA = "DATA"


class DotDetails(StrEnum):
    """How much a drawing of a pipeline tells."""

    MEDIA_TYPE = "SHOW_MEDIA_TYPE"
    CAPS_DETAILS = "SHOW_CAPS_DETAILS"
    NON_DEFAULT_PARAMS = "SHOW_NON_DEFAULT_PARAMS"
    STATES = "SHOW_STATES"
    FULL_PARAMS = "SHOW_FULL_PARAMS"
    ALL = "SHOW_ALL"
    VERBOSE = "SHOW_VERBOSE"


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

    async def remove_tag(self, key: str) -> None:
        """Take a value away."""
        await self.invoke("removeTag", key=key)

    async def get_tags(self) -> dict[str, str]:
        """All attached values."""
        return {str(item["key"]): str(item["value"]) for item in await self.invoke("getTags") or []}

    async def set_send_tags_in_events(self, wanted: bool) -> None:
        """Have all tags sent with each of its events."""
        await self.invoke("setSendTagsInEvents", sendTagsInEvents=wanted)

    async def get_parent(self) -> str | None:
        """Id of the object that it lives in: of a HubPort its hub, of an element its pipeline."""
        found = await self.invoke("getParent")
        return str(found) if found else None

    async def get_creation_time(self) -> int:
        """Seconds since 1970, by the node's clock."""
        return int(await self.invoke("getCreationTime"))

    async def get_children(self) -> list[str]:
        """Ids of the objects below it."""
        return [str(item) for item in await self.invoke("getChildren") or []]

    async def _dot(self, details: "DotDetails | None") -> str:
        return str(await self.invoke("getGstreamerDot", **({"details": details} if details else {})))


class MediaPipeline(MediaObject):
    """What holds elements that can be connected with each other."""

    kind = "MediaPipeline"

    @classmethod
    async def create(cls, client: KurentoClient) -> Self:
        """Make one."""
        return cls(client, await client.create(cls.kind))

    async def get_gstreamer_dot(self, details: DotDetails | None = None) -> str:
        """The graph of GStreamer elements inside, in the language of Graphviz; a big one has some MB."""
        return await self._dot(details)

    async def set_latency_stats(self, wanted: bool) -> None:
        """Have Kurento measure how long media takes through its elements; the embedded node measures none."""
        await self.invoke("setLatencyStats", latencyStats=wanted)


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

    async def get_stats(
        self, media_type: MediaType | None = None, complete: bool = False
    ) -> dict[str, dict[str, Any]]:
        """RTC statistics by id, as of the W3C's webrtc-stats; empty while there are none.

        ``complete``: with all that the embedded node tells of a connection; a Kurento server has no more to tell.
        """
        wanted = {"mediaType": media_type} if media_type else {}
        return dict(await self.invoke("getStats", **wanted, **({"complete": True} if complete else {})) or {})

    async def get_statistics(self, media_type: MediaType | None = None) -> Statistics:
        """The same, typed: what comes in, what goes out, and what else the node tells."""
        return Statistics.of(await self.get_stats(media_type))

    async def is_media_transcoding(self, media_type: MediaType) -> bool:
        """Whether this element decodes and encodes: costly, and not wanted on a sitting's way to the disk."""
        return bool(await self.invoke("isMediaTranscoding", mediaType=media_type))

    async def get_source_connections(self, media_type: MediaType | None = None) -> list["ElementConnection"]:
        """What feeds it."""
        return await self._connections("getSourceConnections", media_type)

    async def get_sink_connections(self, media_type: MediaType | None = None) -> list["ElementConnection"]:
        """What it feeds."""
        return await self._connections("getSinkConnections", media_type)

    async def get_gstreamer_dot(self, details: DotDetails | None = None) -> str:
        """The GStreamer elements of this element, in the language of Graphviz."""
        return await self._dot(details)

    async def _connections(self, operation: str, media_type: MediaType | None) -> list["ElementConnection"]:
        found = await self.invoke(operation, **({"mediaType": media_type} if media_type else {}))
        return [ElementConnection(item["source"], item["sink"], MediaType(item["type"])) for item in found or []]


@dataclass(frozen=True, slots=True)
class ElementConnection:
    """``source`` feeds ``sink`` (ids)."""

    source: str
    sink: str
    media_type: MediaType


class PassThrough(MediaElement):
    """Gives what it takes: a fixed point whose sources may change."""

    kind = "PassThrough"

    @classmethod
    async def create(cls, pipeline: MediaPipeline) -> Self:
        """Make one."""
        return cls(pipeline.client, await pipeline.client.create(cls.kind, mediaPipeline=pipeline.id))


class GStreamerFilter(MediaElement):
    """One GStreamer element between decoding and encoding, as ``videoflip method=horizontal-flip``."""

    kind = "GStreamerFilter"

    @classmethod
    async def create(cls, pipeline: MediaPipeline, command: str, media_type: MediaType = MediaType.VIDEO) -> Self:
        """Make one; MarshallError unless ``command`` is exactly one known element."""
        client = pipeline.client
        created = await client.create(cls.kind, mediaPipeline=pipeline.id, command=command, filterType=media_type)
        return cls(client, created)

    async def set_element_property(self, name: str, value: str) -> None:
        """Change a property of the element while it works."""
        await self.invoke("setElementProperty", propertyName=name, propertyValue=value)
